//! What is written as a manifest is read as it was, and nothing that is read makes it panic.

use proptest::{collection::vec, option, prelude::*};
use seaworthy_core::deployment::{Check, Hook, Probe, ProbeKind, Share, Strategy as Rollout};
use serde_json::{Value, json};

use super::{problem, read, seconds};
use crate::manifest::Manifest;

/// The container's ports: the first serves, one has a name, one is not declared.
const PORTS: [(u16, Option<&str>); 3] = [(8080, None), (9090, Some("metrics")), (7070, None)];

fn port() -> impl Strategy<Value = (Value, Option<String>)> {
    prop_oneof![
        Just((json!(8080), None)),
        Just((json!("main"), None)),
        Just((json!(9090), Some("metrics".into()))),
        Just((json!("metrics"), Some("metrics".into()))),
        Just((json!(7070), Some("7070".into()))),
    ]
}

fn check() -> impl Strategy<Value = (Value, Check)> {
    let headers = vec(("[A-Za-z-]{1,8}", "[ -~äß]{0,8}"), 0..3);
    let http = (port(), "/[a-z0-9?=&%#:{}'\"-]{0,10}", headers, any::<bool>()).prop_map(
        |((written, port), path, headers, tls)| {
            let listed: Vec<Value> =
                headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            let scheme = if tls { "HTTPS" } else { "HTTP" };
            let get = json!({"path": path, "port": written, "scheme": scheme, "httpHeaders": listed});
            (json!({"httpGet": get}), Check::Http { port, path, headers, tls })
        },
    );
    let tcp = port().prop_map(|(written, port)| (json!({"tcpSocket": {"port": written}}), Check::Tcp { port }));
    let exec = vec("[ -~\n\t€]{1,8}", 1..4)
        .prop_map(|command| (json!({"exec": {"command": command}}), Check::Exec { command }));
    prop_oneof![http, tcp, exec]
}

fn probe(kind: ProbeKind) -> impl Strategy<Value = (Value, Probe)> {
    let times = (option::of(0..100_u64), option::of(1..100_u64), option::of(1..100_u64), option::of(1..100_u64));
    let thresholds = (option::of(1..100_u32), option::of(1..100_u32));
    (check(), times, thresholds).prop_map(move |((written, check), times, (successes, failures))| {
        let (delay, period, timeout, grace) = times;
        let of_readiness = kind == ProbeKind::Readiness;
        let (successes, grace) = (successes.filter(|_| of_readiness), grace.filter(|_| !of_readiness));
        let mut fields = written;
        for (name, value) in [
            ("initialDelaySeconds", delay),
            ("periodSeconds", period),
            ("timeoutSeconds", timeout),
            ("terminationGracePeriodSeconds", grace),
            ("successThreshold", successes.map(u64::from)),
            ("failureThreshold", failures.map(u64::from)),
        ] {
            // A null is as good as nothing.
            fields[name] = json!(value);
        }
        let default = Probe::new(check);
        let probe = Probe {
            initial_delay: delay.map_or(default.initial_delay, seconds),
            period: period.map_or(default.period, seconds),
            timeout: timeout.map_or(default.timeout, seconds),
            success_threshold: successes.unwrap_or(default.success_threshold),
            failure_threshold: failures.unwrap_or(default.failure_threshold),
            grace: grace.map(seconds),
            check: default.check,
        };
        (fields, probe)
    })
}

fn hook() -> impl Strategy<Value = (Value, Hook)> {
    let ask = check().prop_filter("no hook opens a connection", |(_, check)| !matches!(check, Check::Tcp { .. }));
    prop_oneof![
        (0..=30_u64).prop_map(|time| (json!({"sleep": {"seconds": time}}), Hook::Sleep(seconds(time)))),
        ask.prop_map(|(written, check)| (written, Hook::Ask(check))),
    ]
}

fn share() -> impl Strategy<Value = (Value, Share)> {
    prop_oneof![
        (1..=20_u32).prop_map(|count| (json!(count), Share::Count(count))),
        (1..=100_u32).prop_map(|percent| (json!(format!("{percent}%")), Share::Percent(percent))),
    ]
}

proptest! {
    #[test]
    fn probes_hooks_and_rollouts_are_read_as_they_were_written(
        startup in option::of(probe(ProbeKind::Startup)),
        readiness in option::of(probe(ProbeKind::Readiness)),
        liveness in option::of(probe(ProbeKind::Liveness)),
        pre_stop in option::of(hook()),
        surge in share(),
        unavailable in share(),
        replicas in 1..=20_u32,
    ) {
        let written = |part: &Option<(Value, Probe)>| part.as_ref().map(|(written, _)| written.clone());
        let ports: Vec<Value> = PORTS.iter().take(2).map(|(number, name)| {
            json!({"containerPort": number, "name": name.unwrap_or("main")})
        }).collect();
        let manifest = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas,
                "strategy": {"rollingUpdate": {"maxSurge": surge.0, "maxUnavailable": unavailable.0}},
                "template": {"spec": {"containers": [{
                    "name": "web", "ports": ports,
                    "startupProbe": written(&startup),
                    "readinessProbe": written(&readiness),
                    "livenessProbe": written(&liveness),
                    "lifecycle": {"preStop": pre_stop.as_ref().map(|(written, _)| written.clone())},
                }]}},
            },
        });
        for text in [manifest.to_string(), serde_json::to_string_pretty(&manifest).expect("it is JSON")] {
            let read = read(&text);
            let template = &read.deployment.template;
            prop_assert_eq!(&template.startup, &startup.clone().map(|(_, probe)| probe));
            prop_assert_eq!(&template.readiness, &readiness.clone().map(|(_, probe)| probe));
            prop_assert_eq!(&template.liveness, &liveness.clone().map(|(_, probe)| probe));
            prop_assert_eq!(&template.pre_stop, &pre_stop.clone().map(|(_, hook)| hook));
            let rollout = Rollout::RollingUpdate { max_surge: surge.1, max_unavailable: unavailable.1 };
            prop_assert_eq!(read.deployment.strategy, rollout);
            prop_assert_eq!(read.deployment.replicas, replicas);
            let asked = format!("{template:?}").contains("\"7070\"");
            let others: &[&str] = if asked { &["metrics", "7070"] } else { &["metrics"] };
            prop_assert_eq!(read.ports, others);
        }
    }

    #[test]
    fn whatever_the_text_an_error_is_one_line(text in "[ -~\n\t€\u{1b}]{0,200}") {
        if let Err(invalid) = Manifest::read(&text, None) {
            prop_assert!(!invalid.to_string().chars().any(char::is_control), "{invalid}");
        }
    }

    #[test]
    fn a_secret_is_not_told_wherever_it_stands(place in 0..6_usize, quoted in any::<bool>()) {
        let secret = if quoted { "'4711471147114711'" } else { "4711471147114711" };
        let mut lines: Vec<String> = "
apiVersion: v1
kind: Secret
metadata: {name: db}
data:
  a: aa
stringData:
  b: bb
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - env:
        - {name: A, valueFrom: {secretKeyRef: {name: db, key: a}}}".lines().map(str::to_owned).collect();
        let places = [5, 7];
        let line = places[place % 2];
        let key = lines[line].split(':').next().expect("there is a key").to_owned();
        lines[line] = match place / 2 {
            0 => format!("{key}: {secret}"),
            1 => format!("{key}: [{secret}]"),
            _ => format!("{key}: {secret}: x"),
        };
        match Manifest::read(&lines.join("\n"), None) {
            Ok(manifest) => prop_assert!(!manifest.not_followed.join("\n").contains("4711")),
            Err(invalid) => prop_assert!(!invalid.to_string().contains("4711"), "{invalid}"),
        }
    }
}

#[test]
fn each_name_of_a_port_is_one_port() {
    let text = super::with_container(
        "ports: [{containerPort: 1}, {name: admin, containerPort: 2}]\n\
         startupProbe: {tcpSocket: {port: admin}}\nlivenessProbe: {tcpSocket: {port: 2}}\n\
         readinessProbe: {tcpSocket: {port: 3}}",
    );
    assert_eq!(read(&text).ports, ["admin", "3"]);
    assert!(problem(&text.replace("port: 3", "port: three")).contains("containers[0].readinessProbe.tcpSocket.port"));
}

//! Each rule, both ways, on a system that is right but for one thing.

mod certain;
mod hostile;
mod mends;
mod right;
mod storage;

use crate::{Report, Source, lint, rules::RULES};
use right::RIGHT;

/// Reads one text.
fn of(text: &str) -> Report {
    lint(&[Source { name: "app.yaml", text }])
}

/// What is predicted, as `cause line`.
fn found(text: &str) -> Vec<String> {
    let report = of(text);
    assert!(report.unreadable.is_empty(), "{:?}", report.unreadable);
    report.findings.iter().map(|finding| format!("{} {}", finding.cause, finding.place.line)).collect()
}

/// The right system, with something else in place of a part of it.
fn with(part: &str, instead: &str) -> String {
    assert!(RIGHT.contains(part), "there is no {part:?}");
    RIGHT.replacen(part, instead, 1)
}

/// The line on which a text has a part for the first time.
fn line(text: &str, part: &str) -> usize {
    text.lines().position(|line| line.contains(part)).unwrap_or_else(|| panic!("{part:?} in {text}")) + 1
}

#[test]
fn what_is_right_is_right() {
    assert_eq!(found(RIGHT), Vec::<String>::new());
}

/// What is changed, what is predicted of it, and on which line: one that has the text.
type Wrong = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const WRONG: &[Wrong] = &[
    // How replicas end.
    ("          lifecycle: {preStop: {sleep: {seconds: 5}}}\n", "", "endpoint-removal-race", "name: web # container"),
    ("seconds: 5}}}", "seconds: 1}}}", "endpoint-removal-race", "preStop"),
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [sh, -c, sleep 2]}}", "endpoint-removal-race", "preStop"),
    ("image: web:1 # web\n          lifecycle: {preStop: {sleep: {seconds: 5}}}",
     "image: gcr.io/distroless/static\n          lifecycle: {preStop: {exec: {command: [/bin/sleep, '5']}}}", "prestop-failed", "preStop"),
    ("command: [/web]", "command: [sh, -c, 'python app.py']", "sigterm-ignored", "command: [sh"),
    ("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 5", "grace-period-too-short", "terminationGrace"),
    ("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 8", "grace-period-too-short", "terminationGrace"),
    ("command: [/web]", "command: [gunicorn, --graceful-timeout=30, 'app:app']", "grace-period-too-short", "terminationGrace"),
    ("command: [/web]", "command: [/web]\n          env: [{name: SEAWORTHY_DRAIN, value: 30s}]", "grace-period-too-short", "terminationGrace"),
    ("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 0", "force-delete", "terminationGrace"),
    // How they begin.
    ("          readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 5}\n", "", "traffic-before-ready", "name: web # container"),
    ("readinessProbe: {httpGet: {path: /readyz, port: http}", "readinessProbe: {tcpSocket: {port: http}", "traffic-before-ready", "tcpSocket"),
    ("  ports: [{name: http, port: 80", "  publishNotReadyAddresses: true\n  ports: [{name: http, port: 80", "traffic-before-ready", "publishNotReady"),
    ("  ports: [{name: http, port: 80", "  type: LoadBalancer\n  ports: [{name: http, port: 80", "new-endpoint-not-propagated", "spec: # deployment"),
    ("      containers:\n", "      containers:\n        - {name: proxy, image: 'cloud-sql-proxy:2', resources: {requests: {memory: 1Mi}}}\n", "sidecar-start-order", "cloud-sql"),
    // Probes that do harm.
    ("livenessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}",
     "livenessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 5}", "liveness-kill-under-load", "livenessProbe"),
    ("periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6", "periodSeconds: 5, failureThreshold: 2", "liveness-kill-under-load", "livenessProbe"),
    ("path: /readyz", "path: /health/db", "dependency-readiness-collapse", "readinessProbe"),
    // How many there are.
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [sh, -c, 'sleep 2; nginx -s quit']}}", "endpoint-removal-race", "preStop"),
    ("command: [/web]", "command: [/usr/bin/env, sh, -c, 'python app.py']", "sigterm-ignored", "command: [/usr"),
    ("command: [/web]", "command: [bash, -c, 'python app.py; echo done']", "sigterm-ignored", "command: [bash"),
    ("command: [/web]", "command: [bash, -c, 'python app.py > /dev/null']", "sigterm-ignored", "command: [bash"),
    ("command: [/web]", "command: [bash, -c, 'watch & python app.py']", "sigterm-ignored", "command: [bash"),
    ("command: [/web]", "command: [sh, -c, 'cd / && gunicorn a:b']", "sigterm-ignored", "command: [sh"),
    ("replicas: 3 # web", "replicas: 1 # web", "single-replica-gap", "replicas: 1 # web"),
    ("  replicas: 3 # web\n", "", "single-replica-gap", "spec: # deployment"),
    ("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 1, maxSurge: 1", "rollout-capacity-dip", "strategy"),
    ("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 100%", "rollout-capacity-dip", "strategy"),
    ("type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}", "type: Recreate", "recreate-gap", "Recreate"),
    ("topologySpreadConstraints", "topologySpreadOptions", "colocated-replicas-drained", "spec: # pod"),
    ("kind: PodDisruptionBudget", "kind: PodBudget", "colocated-replicas-drained", "replicas: 3 # web"),
    ("maxUnavailable: 1 # budget", "minAvailable: 3 # budget", "replacement-unschedulable", "# budget"),
    ("maxUnavailable: 1 # budget", "maxUnavailable: 0 # budget", "replacement-unschedulable", "# budget"),
    // Names that do not meet.
    ("selector: {app: web} # service", "selector: {app: www} # service", "selector-or-port-mismatch", "selector: {app: www} # service"),
    ("labels: {app: web} # pod", "labels: {app: www} # pod", "selector-or-port-mismatch", "selector: {matchLabels: {app: web}} # deployment"),
    ("targetPort: http}", "targetPort: web}", "selector-or-port-mismatch", "targetPort: web"),
    ("targetPort: http}", "targetPort: 9999}", "selector-or-port-mismatch", "targetPort: 9999"),
    ("path: /livez, port: http", "path: /livez, port: htpp", "selector-or-port-mismatch", "livenessProbe"),
    ("name: web, port: {name: http}", "name: web, port: {number: 81}", "selector-or-port-mismatch", "number: 81"),
    ("name: web, port: {name: http}", "name: www, port: {name: http}", "selector-or-port-mismatch", "name: www"),
    ("selector: {matchLabels: {app: web}} # budget", "selector: {matchLabels: {app: www}} # budget", "selector-or-port-mismatch", "selector: {matchLabels: {app: www}} # budget"),
    ("secretKeyRef: {name: db-password", "secretKeyRef: {name: db-passwort", "rollout-stuck", "passwort"),
    ("configMap: {name: settings}", "configMap: {name: setting}", "rollout-stuck", "{name: setting}"),
    ("serviceAccountName: web", "serviceAccountName: wbe", "rollout-stuck", "wbe"),
    ("httpGet: {path: /livez, port: http}, ", "", "rollout-stuck", "livenessProbe"),
    ("httpGet: {path: /livez, port: http}", "httpGet: {path: /livez, port: http}, tcpSocket: {port: http}", "rollout-stuck", "livenessProbe"),
    ("preStop: {sleep: {seconds: 5}}", "preStop: {}", "rollout-stuck", "preStop"),
    ("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 0%", "rollout-stuck", "strategy"),
    ("secretKeyRef: {name: db-password", "secretKeyRef: {name: kube-root-ca.crt", "rollout-stuck", "kube-root-ca.crt"),
    // Who gets which requests.
    ("  ports: [{name: http, port: 80", "  sessionAffinity: ClientIP\n  ports: [{name: http, port: 80", "session-affinity-pin", "ClientIP"),
    ("ports: [{name: http, port: 80", "ports: [{name: grpc, port: 80", "connection-pinning", "name: grpc"),
    ("ports: [{name: http, port: 80", "ports: [{name: http, appProtocol: kubernetes.io/h2c, port: 80", "connection-pinning", "h2c"),
    ("  ports: [{name: http, port: 80", "  externalTrafficPolicy: Local\n  ports: [{name: http, port: 80", "etp-local-blackhole", "Local"),
    ("  ports: [{name: http, port: 80", "  trafficDistribution: PreferClose\n  ports: [{name: http, port: 80", "topology-skew", "PreferClose"),
    // What they may use, and what they read once.
    ("          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}} # web\n", "", "oom-killed", "name: web # container"),
    ("limits: {memory: 128Mi}} # web", "limits: {cpu: 200m, memory: 128Mi}} # web", "cpu-throttled", "200m"),
    ("command: [/web]", "command: [/web]\n          envFrom: [{configMapRef: {name: settings}}]", "config-or-secret-stale", "envFrom"),
    ("mountPath: /etc/web}", "mountPath: /etc/web.conf, subPath: web.conf}", "config-or-secret-stale", "configMap: {name: settings}"),
    // What becomes of writes.
    ("persistentVolumeClaim: {claimName: data}", "emptyDir: {}", "ephemeral-db-storage", "emptyDir"),
    ("persistentVolumeClaim: {claimName: data}", "hostPath: {path: /data}", "ephemeral-db-storage", "hostPath"),
    ("mountPath: /var/lib/mysql", "mountPath: /data", "ephemeral-db-storage", "name: db # container"),
    ("args: [--sync-binlog=1]", "args: [--innodb-flush-log-at-trx-commit=2]", "non-durable-commit", "flush-log"),
    ("args: [--sync-binlog=1]", "args: [--innodb_flush_log_at_trx_commit, '0']", "non-durable-commit", "flush_log"),
    ("args: [--sync-binlog=1]", "args: [--skip-innodb-doublewrite]", "non-durable-commit", "doublewrite"),
    ("image: mysql:8.4\n          args: [--sync-binlog=1]", "image: postgres:17\n          args: [-csynchronous_commit=off]", "non-durable-commit", "synchronous"),
    ("image: mysql:8.4\n          args: [--sync-binlog=1]", "image: postgres:17\n          args: [-c, fsync=off]", "non-durable-commit", "fsync"),
    ("    sync_binlog = 1", "    sync_binlog = 0", "non-durable-commit", "my.cnf"),
    ("kind: StatefulSet", "kind: Deployment", "rwo-multi-attach", "claimName: data"),
];

#[test]
fn each_mistake_is_found_where_it_is() {
    let mut wrong = Vec::new();
    for (part, instead, cause, place) in WRONG {
        let text = with(part, instead);
        let expected = format!("{cause} {}", line(&text, place));
        let found = found(&text);
        if !found.contains(&expected) {
            wrong.push(format!("{instead:?}: {expected} is not among {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Changes that are no mistake, though they look like one.
#[rustfmt::skip]
const FINE: &[(&str, &str)] = &[
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [/bin/sh, -c, sleep 5]}}"),
    ("command: [/web]", "command: [sh, -c, 'exec python app.py']"),
    ("command: [/web]", "command: [bash, -c, 'python app.py']"),
    ("command: [/web]", "command: [bash, -c, 'source env && gunicorn a:b']"),
    ("command: [/web]", "command: [/usr/bin/env, bash, -ec, 'cd /app; gunicorn a:b']"),
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [sh, -c, 'sleep 5; nginx -s quit']}}"),
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [sh, -c, 'if busy; then sleep 60; fi']}}"),
    ("preStop: {sleep: {seconds: 5}}", "preStop: {exec: {command: [sh, -c, 'while busy; do sleep 1; done']}}"),
    ("image: web:1 # web\n          lifecycle: {preStop: {sleep: {seconds: 5}}}",
     "image: gcr.io/distroless/base:debug\n          lifecycle: {preStop: {exec: {command: [sleep, '5']}}}"),
    ("configMap: {name: settings}", "configMap: {name: kube-root-ca.crt}"),
    ("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 0, maxSurge: 25%"),
    ("args: [--sync-binlog=1]", "args: [--innodb_flush_log_at_trx_commit, '1', --innodb-doublewrite=ON]"),
    ("command: [/web]", "command: [gunicorn, --graceful-timeout, '20', 'app:app']"),
    ("maxUnavailable: 0, maxSurge: 1", "maxUnavailable: 25%, maxSurge: 25%"),
    ("replicas: 3 # web", "replicas: 9 # web"),
    ("targetPort: http}", "targetPort: 8080}"),
    ("topologySpreadConstraints", "affinity: {podAntiAffinity: {}}\n      topologySpreadOptions"),
    ("secretKeyRef: {name: db-password", "secretKeyRef: {optional: true, name: elsewhere"),
    ("limits: {memory: 128Mi}} # web", "limits: {cpu: '2', memory: 128Mi}} # web"),
    ("readinessProbe: {tcpSocket: {port: mysql}", "readinessProbe: {exec: {command: [mysqladmin, ping]}"),
    ("ports: [{name: http, port: 80", "ports: [{name: http-web, port: 80"),
];

#[test]
fn what_is_no_mistake_is_not_found() {
    for (part, instead) in FINE {
        let text = with(part, instead).replace("port: {name: http}", "port: {number: 80}");
        assert_eq!(found(&text), Vec::<String>::new(), "{instead:?}");
    }
}

#[test]
fn every_rule_is_shown_and_every_cause_is_known() {
    for rule in RULES {
        assert!(seaworthy_core::report::trial::causes::named(rule.cause).is_some(), "{}", rule.cause);
        let shown = WRONG.iter().any(|(_, _, cause, _)| *cause == rule.cause);
        // Shown below, by a system of its own.
        assert!(shown || rule.cause == "hpa-flap", "{} has no case", rule.cause);
    }
}

const SCALER: &str = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 3\n  maxReplicas: 9\n";

#[test]
fn an_autoscaler_decides_how_many_there_are() {
    let scaled = with("  replicas: 3 # web\n", "") + SCALER;
    assert_eq!(found(&scaled), Vec::<String>::new());
    let both = RIGHT.to_owned() + SCALER;
    assert_eq!(found(&both), [format!("rollout-capacity-dip {}", line(&both, "replicas: 3 # web"))]);
    let one = scaled.replace("minReplicas: 3", "minReplicas: 1");
    assert!(found(&one).contains(&format!("single-replica-gap {}", line(&one, "minReplicas"))), "{:?}", found(&one));
    let hasty = scaled.clone() + "  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}\n";
    assert_eq!(found(&hasty), [format!("hpa-flap {}", line(&hasty, "stabilization"))]);
    let two = scaled + &SCALER.replace("metadata: {name: web}", "metadata: {name: other}");
    assert!(found(&two).iter().any(|found| found.starts_with("hpa-flap ")), "{:?}", found(&two));
    let lost = RIGHT.to_owned() + &SCALER.replace("kind: Deployment, name: web", "kind: Deployment, name: www");
    assert!(found(&lost).iter().any(|found| found.starts_with("selector-or-port-mismatch ")), "{:?}", found(&lost));
}

#[test]
fn a_volume_in_a_directory_of_a_node() {
    let volume = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec:\n  capacity: {storage: 1Gi}\n  hostPath: {path: /mnt/data}\n";
    let text = RIGHT.to_owned() + volume;
    assert_eq!(found(&text), [format!("ephemeral-db-storage {}", line(&text, "hostPath"))]);
    assert_eq!(found(&text.replace("hostPath", "csi")), Vec::<String>::new());
    assert_eq!(found(&text.replace("  capacity", "  storageClassName: other\n  capacity")), Vec::<String>::new());
}

#[test]
fn a_service_of_metrics_alone_loses_nobodys_requests() {
    let text = with("replicas: 3 # web", "replicas: 1 # web")
        .replace("ports: [{name: http, port: 80", "ports: [{name: http-metrics, port: 80");
    let text = text.replace("port: {name: http}", "port: {number: 80}");
    assert_eq!(found(&text), Vec::<String>::new());
}

#[test]
fn objects_of_two_namespaces_do_not_meet() {
    let text = with("metadata: {name: web} # service", "metadata: {name: web, namespace: other} # service")
        .replace("metadata: {name: web} # deployment", "metadata: {name: web, namespace: shop} # deployment");
    assert!(
        found(&text).contains(&format!("selector-or-port-mismatch {}", line(&text, "selector: {app: web} # service")))
    );
}

#[test]
fn a_list_is_its_items() {
    let list = "apiVersion: v1\nkind: List\nitems:\n".to_owned()
        + "  - apiVersion: v1\n    kind: Service\n    metadata: {name: web}\n    spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80}]}\n";
    let report = of(&list);
    assert_eq!((report.objects, report.findings.len()), (1, 1), "{report:?}");
    assert_eq!(report.findings[0].place.object, "Service/web");
}

#[test]
fn what_is_accepted_says_why() {
    for (part, instead) in [
        ("  replicas: 3 # web", "  replicas: 1 # seaworthy: allow single-replica-gap because nobody calls it at night"),
        (
            "  replicas: 3 # web",
            "  # seaworthy: allow single-replica-gap because nobody calls it at night\n  # (there is more to say)\n  replicas: 1",
        ),
        (
            "apiVersion: apps/v1 # deployment",
            "# seaworthy: allow single-replica-gap because nobody calls it at night\napiVersion: apps/v1",
        ),
        (
            "metadata: {name: web} # deployment",
            "metadata: {name: web, annotations: {seaworthy/allow.single-replica-gap: nobody calls it at night}}",
        ),
    ] {
        let text = with(part, instead).replace("replicas: 3 # web", "replicas: 1");
        let report = of(&text);
        assert_eq!(report.findings, [], "{instead}");
        let of_web = report.allowed.iter().filter(|one| one.finding.place.object == "Deployment/web");
        let allowed: Vec<_> = of_web.map(|one| (one.finding.cause, one.because.as_str())).collect();
        assert_eq!(allowed, [("single-replica-gap", "nobody calls it at night")], "{instead}");
        assert_eq!(report.notes, Vec::<String>::new(), "{instead}");
    }
}

#[test]
fn what_accepts_nothing_or_says_no_reason_is_told() {
    for (comment, words) in [
        ("# seaworthy: allow recreate-gap because we like it", "recreate-gap is allowed here, and is not predicted"),
        ("# seaworthy: allow single-replica-gap", "without a reason"),
        ("# seaworthy: hello", "allows nothing"),
        ("# seaworthy: allow because because ", "without a reason"),
        ("# seaworthy: allow , because of that", "names no cause"),
    ] {
        let text = with("  replicas: 3 # web", &format!("  {comment}\n  replicas: 1 # web"));
        let report = of(&text);
        assert_eq!(report.findings.len(), 1, "{comment}");
        assert!(report.notes.len() == 1 && report.notes[0].contains(words), "{comment}: {:?}", report.notes);
    }
}

#[test]
fn reports_say_the_same() {
    let text = with("replicas: 3 # web", "replicas: 1 # web") + "---\na: [\n";
    let right = with("replicas: 3 # web", "replicas: 1 # seaworthy: allow single-replica-gap because of that");
    let report = lint(&[
        Source { name: "bad.yaml", text: &text },
        Source { name: "one.yaml", text: &with("replicas: 3 # web", "replicas: 1 # web") },
        Source { name: "good.yaml", text: &right },
    ]);
    let shown = crate::report::text(&report);
    for words in [
        "bad.yaml:",
        "is neither YAML nor JSON",
        "one.yaml:",
        "error: single-replica-gap in Deployment/web",
        "mend: `replicas: 2` or more",
        "allowed: single-replica-gap, because of that",
        "1 file could not be read",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 104), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&crate::report::json(&report)).unwrap();
    assert_eq!(
        (json["predictions"].as_array().map(Vec::len), json["allowed"][0]["because"].as_str()),
        (Some(1), Some("of that"))
    );
    let sarif: serde_json::Value = serde_json::from_str(&crate::report::sarif(&report, "0.1.0")).unwrap();
    let run = &sarif["runs"][0];
    // What is allowed of the database, in each of the two files, too.
    assert_eq!(run["results"].as_array().map(Vec::len), Some(4));
    assert_eq!(run["results"][0]["ruleId"], "single-replica-gap");
    assert_eq!(run["results"][1]["suppressions"][0]["justification"], "of that");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
}

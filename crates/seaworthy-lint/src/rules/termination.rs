//! How replicas end.

use super::Found;
use crate::{
    quantity::{rounded_up, seconds},
    world::{Workload, World, container},
    yaml::Node,
};

/// A proxy in the cluster has usually heard by then that a replica goes (1 to 10 s).
const PROPAGATION: i64 = 5;

/// Options that say how long a server drains, in seconds.
const DRAINS: [&str; 5] = [
    "--graceful-timeout",
    "--timeout-graceful-shutdown",
    "--graceful-shutdown-timeout",
    "--shutdown-timeout",
    "--drain-timeout",
];

/// Images without a shell.
const BARE: [&str; 4] = ["distroless", "chainguard/static", "/static", "scratch"];

/// A replica that ends at once still gets connections from who has not heard.
pub(super) fn no_pre_stop(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let Some(service) = world.caller(workload) else { continue };
        // Where there is one, nobody answers meanwhile in any case: that is told as such.
        if world.replicas(workload).is_some_and(|replicas| replicas.least == 1 && !workload.is_deployment()) {
            continue;
        }
        // Who drains by itself after SIGTERM says so in an allowance: no manifest shows it.
        let Some(node) = called(workload, &service.spec().get("ports").items().collect::<Vec<_>>()) else { continue };
        let hook = node.at("lifecycle.preStop");
        let fix = format!(
            "lifecycle: {{preStop: {{sleep: {{seconds: {PROPAGATION}}}}}}}, and terminationGracePeriodSeconds above that and the longest request"
        );
        if !hook.is_there() {
            let what = format!(
                "{} has no preStop, and {} goes on sending it new connections for a while after SIGTERM",
                container(node),
                service.title()
            );
            found.error(workload.object, node.line, what, fix);
        } else if let Some(sleep) = sleep(hook).filter(|sleep| *sleep < PROPAGATION) {
            let what = format!(
                "its preStop sleeps {sleep} s, and it takes clients up to some {PROPAGATION} s to hear that a replica goes"
            );
            found.warning(workload.object, hook.line, what, fix);
        }
    }
}

/// The container that has one of a Service's target ports; else the first.
fn called<'a>(workload: Workload<'a>, ports: &[&Node]) -> Option<&'a Node> {
    let wanted = |container: &&'a Node| {
        container.get("ports").items().any(|port| {
            ports.iter().any(|of| {
                let target = of.get("targetPort").text().or_else(|| of.get("port").text());
                target.is_some() && (target == port.get("name").text() || target == port.get("containerPort").text())
            })
        })
    };
    workload.containers().find(wanted).or_else(|| workload.containers().next())
}

/// Seconds that a hook sleeps: by itself, or by a command that does nothing else.
fn sleep(hook: &Node) -> Option<i64> {
    hook.at("sleep.seconds").number().or_else(|| {
        let words: Vec<&str> = hook.at("exec.command").texts().flat_map(str::split_whitespace).collect();
        let at = words.iter().position(|word| *word == "sleep" || word.ends_with("/sleep"))?;
        seconds(words.get(at + 1)?).map(rounded_up)
    })
}

/// A hook of a program that is not there fails, and SIGTERM comes at once.
pub(super) fn hook_without_a_shell(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let (image, hook) =
                (node.get("image").text().unwrap_or_default(), node.at("lifecycle.preStop.exec.command"));
            let Some(program) = hook.texts().next() else { continue };
            let name = program.rsplit('/').next().unwrap_or(program);
            if ["sh", "bash", "sleep"].contains(&name) && BARE.iter().any(|bare| image.contains(bare)) {
                let what = format!(
                    "its preStop runs {name}, which its image does not have by its name ({})",
                    crate::object::shown(image)
                );
                found.error(
                    workload.object,
                    hook.line,
                    what,
                    "lifecycle: {preStop: {sleep: {seconds: 5}}}, which needs no program",
                );
            }
        }
    }
}

/// A shell that is PID 1 neither ends at SIGTERM nor hands it on.
pub(super) fn shell_in_between(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let words: Vec<&str> = node.get("command").texts().chain(node.get("args").texts()).collect();
            let [shell, flag, script, ..] = words.as_slice() else { continue };
            let is_shell = matches!(shell.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"));
            // A shell that runs one simple command, as some do, becomes it; nobody should have to know which.
            let hands_on = script
                .split(['\n', ';', '&', '|'])
                .map(str::trim)
                .any(|part| part.starts_with("exec ") || part.starts_with("trap "));
            if is_shell && flag.starts_with('-') && flag.ends_with('c') && !hands_on {
                let what = format!(
                    "{} runs under a shell, which as PID 1 takes SIGTERM for itself: the service hears nothing until SIGKILL, {} s later",
                    container(node),
                    workload.grace()
                );
                let line = if node.entry("command").is_some() { node.line_of("command") } else { node.line_of("args") };
                found.warning(
                    workload.object,
                    line,
                    what,
                    "the program itself as command, in exec form; or `exec` before it in the script",
                );
            }
        }
    }
}

/// What has to happen within the grace period takes longer than it.
pub(super) fn grace(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.grace() > 0) {
        let grace = workload.grace();
        for node in workload.containers() {
            let before = sleep(node.at("lifecycle.preStop")).unwrap_or(0);
            let drain = drain(world, workload, node);
            let needed = before.saturating_add(drain.unwrap_or(0));
            let left = grace.saturating_sub(before);
            let line = workload.pod.line_of("terminationGracePeriodSeconds");
            let default =
                if workload.pod.entry("terminationGracePeriodSeconds").is_some() { "" } else { ", the default" };
            let fix = format!("terminationGracePeriodSeconds: {}", needed.max(grace).saturating_add(10));
            if needed >= grace {
                let drains = drain.map_or_else(String::new, |drain| format!(" and {drain} s of draining"));
                let what = format!(
                    "{before} s of preStop{drains} do not fit in a grace period of {grace} s{default}: SIGKILL cuts off what is being answered"
                );
                found.error(workload.object, line, what, fix);
            } else if before > 0 && drain.is_none() && left < 5 {
                let what = format!(
                    "after {before} s of preStop only {left} s of its grace period are left to finish what is being answered"
                );
                found.warning(workload.object, line, what, fix);
            }
        }
    }
}

/// How long a server says that it drains: by its options, or by the settings of ours.
fn drain(world: &World<'_>, workload: Workload<'_>, node: &Node) -> Option<i64> {
    let words: Vec<&str> =
        node.get("command").texts().chain(node.get("args").texts()).flat_map(str::split_whitespace).collect();
    let option = words.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = word
            .split_once('=')
            .map_or_else(|| (*word, words.get(at + 1).copied()), |(name, value)| (name, Some(value)));
        DRAINS.contains(&name).then(|| seconds(value?)).flatten()
    });
    let variable = |name: &str| seconds(&variable(world, workload, node, name)?);
    let ours = [variable("SEAWORTHY_DRAIN"), variable("SEAWORTHY_DRAIN_TIMEOUT")];
    let ours = ours.iter().any(Option::is_some).then(|| ours.into_iter().flatten().sum::<f64>());
    option.or(ours).map(rounded_up)
}

/// A variable of a container's environment: its own, or one of a `ConfigMap` that is read.
fn variable(world: &World<'_>, workload: Workload<'_>, node: &Node, name: &str) -> Option<String> {
    let own = node.get("env").items().find(|variable| variable.get("name").text() == Some(name));
    if let Some(own) = own {
        return own.get("value").text().map(str::to_owned);
    }
    node.get("envFrom").items().find_map(|from| {
        let map = world.find("ConfigMap", from.at("configMapRef.name").text()?, workload.object)?;
        map.node.get("data").get(name).text().map(str::to_owned)
    })
}

/// No time at all to end.
pub(super) fn no_grace(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.grace() <= 0) {
        let line = workload.pod.line_of("terminationGracePeriodSeconds");
        let what = "a grace period of 0 s is SIGKILL at once: whatever is being answered is cut off, at each deploy";
        found.error(
            workload.object,
            line,
            what,
            "terminationGracePeriodSeconds: 30, or longer than its longest request",
        );
    }
}

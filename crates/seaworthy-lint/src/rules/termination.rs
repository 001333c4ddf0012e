//! How replicas end.

use super::{
    Found,
    calls::called,
    commands::{becomes, name, shell, words},
    databases::parts,
};
use crate::{
    Severity,
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

/// A replica that ends at once still gets connections from who has not heard.
pub(super) fn no_pre_stop(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let Some(service) = world.caller(workload) else { continue };
        // Where there is one, nobody answers meanwhile in any case: that is told as such.
        if world.replicas(workload).is_some_and(|replicas| replicas.least == 1 && !workload.is_deployment()) {
            continue;
        }
        // Who drains by itself after SIGTERM says so in an allowance: no manifest shows it.
        let Some(node) = called(workload, service) else { continue };
        let hook = node.at("lifecycle.preStop");
        let lasting = "and terminationGracePeriodSeconds above that and the longest request";
        let fix = if hook.get("exec").is_there() {
            format!("`sleep {PROPAGATION}` or longer before what else it does, {lasting}")
        } else {
            format!("`lifecycle: {{preStop: {{sleep: {{seconds: {PROPAGATION}}}}}}}`, {lasting}")
        };
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

/// Seconds that a hook sleeps: by itself, or by its command, beside what else that does.
fn sleep(hook: &Node) -> Option<i64> {
    hook.at("sleep.seconds").number().or_else(|| {
        let words = hook.at("exec.command").texts().flat_map(|text| text.split([' ', '\t', '\n', ';', '&', '|']));
        let words: Vec<&str> =
            words.map(|word| word.trim_matches(['\'', '"', '(', ')'])).filter(|word| !word.is_empty()).collect();
        // How long a loop takes, or whether a condition holds, its words do not tell.
        if words.iter().any(|word| ["while", "until", "for", "if", "case"].contains(word)) {
            return None;
        }
        let mut sleeps = words.iter().zip(words.iter().skip(1)).filter(|(word, _)| name(word) == "sleep").peekable();
        sleeps.peek()?;
        sleeps.map(|(_, time)| seconds(time)).sum::<Option<f64>>().map(rounded_up)
    })
}

/// Whether an image has no shell, by its name: for certain, or as it seems. Those for debugging have one.
fn is_bare(image: &str) -> Option<Severity> {
    let parts = parts(image);
    let tag =
        image.rsplit('/').next().and_then(|last| last.split('@').next()?.split_once(':')).map_or("", |(_, tag)| tag);
    if tag.contains("debug") || tag.ends_with("-dev") {
        return None;
    }
    match parts.as_slice() {
        ["gcr.io", "distroless", ..] | [.., "chainguard" | "cgr.dev", "static"] => Some(Severity::Error),
        _ if parts.iter().any(|part| part.contains("distroless")) || tag.contains("distroless") => {
            Some(Severity::Warning)
        }
        _ => None,
    }
}

/// A hook of a program that is not there fails, and SIGTERM comes at once.
pub(super) fn hook_without_a_shell(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let (image, hook) =
                (node.get("image").text().unwrap_or_default(), node.at("lifecycle.preStop.exec.command"));
            let Some(program) = hook.texts().next() else { continue };
            let name = name(program);
            if let Some(severity) = is_bare(image).filter(|_| ["sh", "bash", "sleep"].contains(&name)) {
                let what = format!(
                    "its preStop runs {name}, which its image does not have by its name ({})",
                    crate::object::shown(image)
                );
                found.add(
                    severity,
                    workload.object,
                    hook.line,
                    what,
                    "`lifecycle: {preStop: {sleep: {seconds: 5}}}`, which needs no program",
                );
            }
        }
    }
}

/// A shell that is PID 1 neither ends at SIGTERM nor hands it on.
pub(super) fn shell_in_between(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers() {
            let Some((shell, script)) = shell(node) else { continue };
            let hands_on = script
                .split(['\n', ';', '&', '|'])
                .map(str::trim)
                .any(|part| part.starts_with("exec ") || part.starts_with("trap "));
            let becomes = becomes(script);
            let is_gone = hands_on || (becomes && shell == "bash");
            if !is_gone {
                // Some shells do as bash does; which one `sh` is, only the image knows.
                let unless = if becomes { ", unless it is one that becomes its last command" } else { "" };
                let what = format!(
                    "{} runs under a shell, which as PID 1 takes SIGTERM for itself{unless}: the service hears nothing until SIGKILL, {} s later",
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
            let fix = format!("`terminationGracePeriodSeconds: {}`", needed.max(grace).saturating_add(10));
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
    let words: Vec<&str> = words(node).flat_map(str::split_whitespace).collect();
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
pub(super) fn variable(world: &World<'_>, workload: Workload<'_>, node: &Node, name: &str) -> Option<String> {
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
            "`terminationGracePeriodSeconds: 30`, or longer than its longest request",
        );
    }
}

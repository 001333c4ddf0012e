//! What the API server refuses, so that a deploy ends before it begins.

use super::Found;
use crate::{
    world::{Workload, World, container},
    yaml::Node,
};

/// What a probe may ask, and what a hook may do.
const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// Whether a workload is whole, and not a part that something else completes: whole containers have an image.
fn is_whole(workload: Workload<'_>) -> bool {
    let mut containers = workload.pod.get("containers").items().peekable();
    containers.peek().is_some() && containers.all(|node| node.get("image").is_there())
}

/// Probes and hooks that say nothing to do, or more than one thing.
pub(super) fn handlers(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| is_whole(*workload)) {
        for node in workload.all_containers() {
            let hooks = ["preStop", "postStart"].map(|name| (name, node.get("lifecycle").get(name)));
            let probes = ["startupProbe", "readinessProbe", "livenessProbe"].map(|name| (name, node.get(name)));
            for (name, asked) in probes.into_iter().chain(hooks).filter(|(_, asked)| asked.is_there()) {
                one_handler(workload, node, (name, asked), found);
            }
        }
    }
}

fn one_handler(workload: Workload<'_>, node: &Node, (name, asked): (&str, &Node), found: &mut Found<'_>) {
    let have: Vec<&str> = HANDLERS.into_iter().filter(|handler| asked.get(handler).is_there()).collect();
    let problem = match have.as_slice() {
        [_] => return,
        [] => "says nothing to do".to_owned(),
        several => format!("says {} things to do ({})", several.len(), several.join(", ")),
    };
    let what = format!("the {name} of {} {problem}: the API server refuses all of the object", container(node));
    let fix = if name.ends_with("Probe") {
        "one of `httpGet: {path: /readyz, port: 8080}`, `tcpSocket: {port: 8080}`, `grpc: {port: 8080}` and `exec: {command: [/bin/check]}` in it"
    } else {
        "one of `sleep: {seconds: 5}`, `exec: {command: [/bin/sleep, '5']}` and `httpGet: {path: /drain, port: 8080}` in it"
    };
    found.error(workload.object, asked.line, what, fix);
}

/// A rollout that may neither take a replica away nor add one.
pub(super) fn no_room(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| is_whole(*workload) && workload.rolls()) {
        let spec = workload.object.spec();
        let (path, without) = match &*workload.object.kind {
            "Deployment" => ("strategy.rollingUpdate", false),
            // A DaemonSet's maxSurge is 0 unless it is written.
            "DaemonSet" => ("updateStrategy.rollingUpdate", true),
            _ => continue,
        };
        let rolling = spec.at(path);
        let none = |name: &str| rolling.get(name).text().map(|text| matches!(text, "0" | "0%"));
        if none("maxUnavailable") == Some(true) && none("maxSurge").unwrap_or(without) {
            let what = "a rollout that may neither take a replica away nor add one (maxUnavailable and maxSurge of 0) can do nothing: the API server refuses it";
            found.error(
                workload.object,
                rolling.line_of("maxUnavailable"),
                what,
                "`rollingUpdate: {maxUnavailable: 0, maxSurge: 1}`",
            );
        }
    }
}

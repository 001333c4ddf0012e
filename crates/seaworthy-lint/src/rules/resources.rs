//! What replicas may use, and what they read once.

use super::{Found, makers::generator};
use crate::{
    object::shown,
    quantity::millicores,
    world::{Workload, World, container},
    yaml::Node,
};

/// No limit on memory: a leak takes the node's, and the kernel chooses whom to kill.
pub(super) fn memory(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| world.caller(*workload).is_some()) {
        for node in workload.containers() {
            let resources = node.get("resources");
            if !resources.at("limits.memory").is_there() && !resources.at("requests.memory").is_there() {
                let what = format!(
                    "{} asks for no memory and has no limit: it is the first to be killed where a node runs out of it",
                    container(node)
                );
                let line = if resources.is_there() { resources.line } else { node.line };
                found.warning(
                    workload.object,
                    line,
                    what,
                    "`resources: {requests: {memory: 128Mi}, limits: {memory: 256Mi}}`, with what it uses, and twice that",
                );
            }
        }
    }
}

/// Less than one CPU: it is stopped for parts of each 100 ms.
pub(super) fn cpu(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| world.caller(*workload).is_some()) {
        for node in workload.containers() {
            let limits = node.at("resources.limits");
            let milli = limits.get("cpu").text().and_then(millicores);
            if let Some(milli) = milli.filter(|milli| *milli < 1000) {
                let what = format!(
                    "a limit of {milli}m CPU stops it for up to {} ms of each 100 ms when it has work, its answers to probes included",
                    100 - milli / 10
                );
                found.warning(
                    workload.object,
                    limits.line_of("cpu"),
                    what,
                    "no CPU limit, with a request of what it uses; or a limit of 1 and more",
                );
            }
        }
    }
}

/// Settings that are read at the start, of an object that may change under the same name.
pub(super) fn stale(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let annotations = workload.metadata.get("annotations").entries();
        let rolls = annotations.iter().any(|entry| {
            let key = entry.key.to_ascii_lowercase();
            ["checksum", "hash", "reloader"].iter().any(|word| key.contains(word))
        });
        let reloads = workload
            .object
            .node
            .at("metadata.annotations")
            .entries()
            .iter()
            .any(|entry| entry.key.contains("reloader"));
        if rolls || reloads {
            continue;
        }
        for (name, how) in once(workload) {
            let Some(text) = name.text().filter(|text| !is_hashed(text) && !is_generated(world, text)) else {
                continue;
            };
            // Only a ConfigMap that was read is known to be deployed with it, and so to change with it.
            if world.find("ConfigMap", text, workload.object).is_some_and(|map| !map.node.get("immutable").is_true()) {
                let what = format!(
                    "it reads ConfigMap/{} {how}, once: a change of it reaches replicas one by one, whenever each happens to start",
                    shown(text)
                );
                found.warning(workload.object, name.line, what, "a name that changes with the content (kustomize's configMapGenerator), or a checksum of it in the template's annotations");
            }
        }
    }
}

/// `ConfigMap`s that are read at the start only.
fn once(workload: Workload<'_>) -> Vec<(&Node, &'static str)> {
    let mut all = Vec::new();
    for node in workload.all_containers() {
        all.extend(node.get("envFrom").items().map(|from| (from.at("configMapRef.name"), "into its environment")));
        all.extend(
            node.get("env")
                .items()
                .map(|variable| (variable.at("valueFrom.configMapKeyRef.name"), "into its environment")),
        );
        let parts: Vec<&str> = node
            .get("volumeMounts")
            .items()
            .filter(|mount| mount.get("subPath").is_there())
            .filter_map(|mount| mount.get("name").text())
            .collect();
        let volumes = workload.pod.get("volumes").items();
        let of_parts = volumes.filter(|volume| volume.get("name").text().is_some_and(|name| parts.contains(&name)));
        all.extend(of_parts.map(|volume| (volume.at("configMap.name"), "by a subPath")));
    }
    let mut seen = Vec::new();
    all.retain(|(name, _)| {
        name.text().is_some_and(|text| {
            !seen.contains(&text) && {
                seen.push(text);
                true
            }
        })
    });
    all
}

/// Whether a name ends as kustomize's generators end it: a dash and ten characters of its hash.
fn is_hashed(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() == 10 && hash.chars().all(|c| "bcdfghkmt2456789".contains(c)))
}

/// Whether a kustomization makes it, under a name that changes with it.
fn is_generated(world: &World<'_>, name: &str) -> bool {
    let generator = generator(world, "ConfigMap", name);
    generator.is_some_and(|generator| !generator.at("options.disableNameSuffixHash").is_true())
}

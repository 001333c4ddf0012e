//! What becomes of acknowledged writes.

use super::Found;
use crate::{
    object::{Object, shown},
    world::{Workload, World, container},
    yaml::Node,
};

/// Databases by their image, with where they keep their data.
const DATABASES: [(&str, &str); 9] = [
    ("mysql", "/var/lib/mysql"),
    ("mariadb", "/var/lib/mysql"),
    ("percona", "/var/lib/mysql"),
    ("postgres", "/var/lib/postgresql"),
    ("postgis", "/var/lib/postgresql"),
    ("timescaledb", "/var/lib/postgresql"),
    ("mongo", "/data/db"),
    ("cassandra", "/var/lib/cassandra"),
    ("cockroach", "/cockroach/cockroach-data"),
];

/// Settings under which a commit that was acknowledged may not be there after a crash.
const WEAK: [(&str, &[&str], &str); 6] = [
    ("innodb_flush_log_at_trx_commit", &["0", "2"], "1"),
    ("sync_binlog", &["0"], "1"),
    ("innodb_doublewrite", &["0", "off"], "ON"),
    ("synchronous_commit", &["off"], "on"),
    ("fsync", &["off"], "on"),
    ("full_page_writes", &["off"], "on"),
];

/// The database that an image is, by the last part of its name: not a tool for one (`mysqld-exporter`).
fn database(node: &Node) -> Option<(&'static str, &'static str)> {
    let image = node.get("image").text()?;
    let name = image.split('@').next()?.rsplit('/').next()?.split(':').next()?;
    let is_tool = [
        "exporter",
        "proxy",
        "operator",
        "backup",
        "client",
        "router",
        "admin",
        "express",
        "adminer",
        "pgbouncer",
        "tools",
    ]
    .iter()
    .any(|tool| name.contains(tool));
    DATABASES.iter().copied().find(|(database, _)| !is_tool && name.starts_with(database))
}

/// Data that goes with the pod or stays on its node.
pub(super) fn volume(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.pod.get("containers").items() {
            let Some((name, path)) = database(node) else { continue };
            let mounts = node.get("volumeMounts").items();
            let mount = mounts.filter(|mount| {
                mount.get("mountPath").text().is_some_and(|at| at.starts_with(path) || path.starts_with(at))
            });
            let mount = mount.max_by_key(|mount| mount.get("mountPath").text().map_or(0, str::len));
            let fix = "a StatefulSet with volumeClaimTemplates, mounted where the data is";
            let Some(mount) = mount else {
                let what = format!(
                    "{} runs {name} without a volume at {path}: all data is gone when its pod is",
                    container(node)
                );
                found.error(workload.object, node.line, what, fix);
                continue;
            };
            let volumes = workload.pod.get("volumes").items();
            let named = volumes.filter(|volume| volume.get("name").text() == mount.get("name").text());
            for volume in named {
                if volume.entry("emptyDir").is_some() {
                    let what = format!("{} keeps its data in an emptyDir, which goes with the pod", container(node));
                    found.error(workload.object, volume.line, what, fix);
                } else if volume.entry("hostPath").is_some() {
                    let what = format!(
                        "{} keeps its data in a directory of one node: on another one it starts empty",
                        container(node)
                    );
                    found.error(workload.object, volume.line, what, fix);
                }
                let claim = volume.at("persistentVolumeClaim.claimName").text();
                let claim = claim.and_then(|name| world.find("PersistentVolumeClaim", name, workload.object));
                if let Some(of_node) = claim.and_then(|claim| on_a_node(world, claim)) {
                    let (title, whose) = (of_node.title(), workload.object.title());
                    let what = format!(
                        "{title} may be what {whose} gets for its data: a directory of one node; on another one it starts empty"
                    );
                    let fix = "a storage class of the cluster's, or a `local` volume with its nodeAffinity";
                    found.error(of_node, of_node.spec().line_of("hostPath"), what, fix);
                }
            }
            two_on_one_volume(world, workload, node, found);
        }
    }
}

/// A volume in a directory of a node that a claim may be given.
fn on_a_node<'a>(world: &World<'a>, claim: &Object) -> Option<&'a Object> {
    let class = |object: &Object| object.spec().get("storageClassName").text().map(str::to_owned);
    let mut volumes = world.of_kind("PersistentVolume");
    volumes.find(|volume| volume.spec().entry("hostPath").is_some() && class(volume) == class(claim))
}

/// Two databases on one volume destroy it.
fn two_on_one_volume(world: &World<'_>, workload: Workload<'_>, node: &Node, found: &mut Found<'_>) {
    let many = world.replicas(workload).is_some_and(|replicas| replicas.least > 1);
    if workload.is_deployment() && many {
        let what = format!(
            "{} is one of several replicas of a Deployment, which all have the same volume or none of their own",
            container(node)
        );
        found.error(
            workload.object,
            workload.object.spec().line_of("replicas"),
            what,
            "a StatefulSet, with a volume for each, and replication",
        );
    }
}

/// Commits that are acknowledged before they are on the disk.
pub(super) fn durability(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.containers().filter(|node| database(node).is_some()) {
            for (line, words) in words(node) {
                for (setting, weak, right) in WEAK {
                    if let Some(value) = value(&words, setting).filter(|value| weak.contains(&&**value)) {
                        let what = format!(
                            "{setting}={} acknowledges commits that a crash of the database, or of its machine, loses",
                            shown(&value)
                        );
                        found.warning(workload.object, line, what, format!("{setting}={right}"));
                    }
                }
            }
        }
    }
    for map in world.of_kind("ConfigMap") {
        for entry in map.node.get("data").entries() {
            let is_config = [".cnf", ".conf", ".ini"].iter().any(|end| entry.key.ends_with(end));
            let Some(text) = entry.node.text().filter(|_| is_config) else { continue };
            for (setting, weak, right) in WEAK {
                let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
                let value = lines.filter_map(|line| value(line, setting)).next_back();
                if let Some(value) = value.filter(|value| weak.contains(&&**value)) {
                    let what = format!(
                        "{setting} = {} acknowledges commits that a crash of the database, or of its machine, loses",
                        shown(&value)
                    );
                    found.warning(map, entry.line, what, format!("{setting} = {right}"));
                }
            }
        }
    }
}

/// A container's words, with their lines.
fn words(node: &Node) -> Vec<(usize, String)> {
    let words = ["command", "args"].into_iter().flat_map(|key| node.get(key).items());
    words.filter_map(|word| Some((word.line, word.text()?.to_owned()))).collect()
}

/// What a text sets a setting to: `--sync-binlog=0`, `sync_binlog = 0`, `-c fsync=off`.
fn value(text: &str, setting: &str) -> Option<String> {
    let text = text.to_ascii_lowercase().replace('-', "_");
    let (name, value) = text.split_once('=').or_else(|| text.split_once(char::is_whitespace))?;
    let name = name.trim().trim_start_matches('_').trim_start_matches("c ").trim();
    (name == setting).then(|| value.split('#').next().unwrap_or_default().trim().trim_matches(['\'', '"']).to_owned())
}

/// A volume that one node may have, and a rollout that wants it on two.
pub(super) fn one_writer(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.is_deployment() && workload.rolls()) {
        for volume in workload.pod.get("volumes").items() {
            let Some(name) = volume.at("persistentVolumeClaim.claimName").text() else { continue };
            let Some(claim) = world.find("PersistentVolumeClaim", name, workload.object) else { continue };
            let modes: Vec<&str> = claim.spec().get("accessModes").texts().collect();
            if modes.iter().all(|mode| mode.starts_with("ReadWriteOnce")) && !modes.is_empty() {
                let what = format!(
                    "its new replica needs {} while the old one still has it ({}): on another node the rollout stands still",
                    claim.title(),
                    shown(&modes.join(", "))
                );
                found.error(
                    workload.object,
                    volume.line,
                    what,
                    "a StatefulSet; or strategy: {type: Recreate}, which costs a gap",
                );
            }
        }
    }
}

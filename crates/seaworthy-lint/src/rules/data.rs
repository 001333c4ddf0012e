//! What becomes of acknowledged writes.

use super::{
    Found,
    databases::{Kind, has, image},
    termination::variable,
};
use crate::{
    object::{Object, shown},
    world::{Workload, World, container},
    yaml::Node,
};

/// Settings under which a commit that was acknowledged may not be there after a crash.
const WEAK: [(&str, &[&str], &str); 6] = [
    ("innodb_flush_log_at_trx_commit", &["0", "2"], "1"),
    ("sync_binlog", &["0"], "1"),
    ("innodb_doublewrite", &["0", "off", "false"], "ON"),
    ("synchronous_commit", &["off", "false", "no", "0"], "on"),
    ("fsync", &["off", "false", "no", "0"], "on"),
    ("full_page_writes", &["off", "false", "no", "0"], "on"),
];

/// Kinds of volumes that hold no data of a database: what they have comes from elsewhere, and cannot be written.
const FOR_READING: [&str; 5] = ["configMap", "secret", "downwardAPI", "projected", "image"];

/// Kinds of volumes that go with the pod.
const PASSING: [&str; 2] = ["emptyDir", "ephemeral"];

const OWN_VOLUME: &str = "a StatefulSet with volumeClaimTemplates, mounted where the data is";

/// What a mount is of.
#[derive(Clone, Copy)]
enum Mounted<'a> {
    /// What outlives the pod: a claim, or a kind that nobody here knows.
    Lasting(Option<&'a Node>),
    /// What goes with the pod.
    Passing(&'a Node),
    /// A directory of a node.
    OfNode(&'a Node),
    /// Nothing to keep data in.
    Nothing,
}

fn mounted<'a>(workload: Workload<'a>, mount: &Node) -> Mounted<'a> {
    let volumes = &mut workload.pod.get("volumes").items();
    let Some(volume) = volumes.find(|volume| volume.get("name").text() == mount.get("name").text()) else {
        return Mounted::Lasting(None);
    };
    let is_of = |kinds: &[&str]| kinds.iter().any(|kind| volume.entry(kind).is_some());
    if is_of(&FOR_READING) {
        Mounted::Nothing
    } else if is_of(&PASSING) {
        Mounted::Passing(volume)
    } else if is_of(&["hostPath"]) {
        Mounted::OfNode(volume)
    } else {
        Mounted::Lasting(Some(volume))
    }
}

/// Data that goes with the pod or stays on its node.
pub(super) fn volume(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        for node in workload.pod.get("containers").items() {
            let Some(kind) = Kind::of(node) else { continue };
            kept(world, workload, (node, kind), found);
            two_on_one_volume(world, workload, node, found);
        }
    }
}

/// Whether a database keeps its data, as far as it can be told.
fn kept(world: &World<'_>, workload: Workload<'_>, (node, kind): (&Node, Kind), found: &mut Found<'_>) {
    let told = kind.told(node, |name| variable(world, workload, node, name));
    let data = told.as_deref().unwrap_or_else(|| kind.home(node));
    let paths = node.get("volumeMounts").items().filter_map(|mount| Some((mount.get("mountPath").text()?, mount)));
    // Below where an image has its data there is a part of its own that it uses, which differs by version.
    let (here, elsewhere): (Vec<_>, Vec<_>) = paths
        .map(|(at, mount)| (at, mounted(workload, mount)))
        .partition(|(at, _)| has(at, data) || (told.is_none() && has(data, at)));
    let is_lasting = |(_, mounted): &&(&str, Mounted<'_>)| matches!(mounted, Mounted::Lasting(_));
    if let Some((_, Mounted::Lasting(volume))) = here.iter().find(is_lasting) {
        of_a_node(world, workload, *volume, found);
        return;
    }
    let whose = container(node);
    let other = elsewhere.iter().find(|(_, mounted)| matches!(mounted, Mounted::Lasting(_) | Mounted::OfNode(_)));
    let passing =
        here.iter().find_map(|(_, mounted)| if let Mounted::Passing(volume) = mounted { Some(*volume) } else { None });
    let of_node =
        here.iter().find_map(|(_, mounted)| if let Mounted::OfNode(volume) = mounted { Some(*volume) } else { None });
    if let Some((at, _)) = other {
        let what = format!(
            "{whose} runs {}, which keeps its data at {} unless a file of settings says otherwise, and has a volume at {}: whether its data is on it could not be told",
            shown(image(node)),
            shown(data),
            shown(at)
        );
        let fix = format!("the volume where the data is, or `{}` that says where it is", kind.teller());
        found.warning(workload.object, node.line, what, fix);
    } else if let Some(volume) = passing {
        let what = format!("{whose} keeps its data in an {}, which goes with the pod", passing_kind(volume));
        found.error(workload.object, volume.line, what, OWN_VOLUME);
    } else if let Some(volume) = of_node {
        let what = format!("{whose} keeps its data in a directory of one node: on another one it starts empty");
        found.error(workload.object, volume.line, what, OWN_VOLUME);
    } else {
        let what = format!(
            "{whose} runs {} without a volume at {}: all data is gone when its pod is",
            shown(image(node)),
            shown(data)
        );
        found.error(workload.object, node.line, what, OWN_VOLUME);
    }
}

fn passing_kind(volume: &Node) -> &'static str {
    if volume.entry("emptyDir").is_some() { "emptyDir" } else { "ephemeral volume" }
}

/// A claim that may be given a directory of a node.
fn of_a_node(world: &World<'_>, workload: Workload<'_>, volume: Option<&Node>, found: &mut Found<'_>) {
    let name = volume.and_then(|volume| volume.at("persistentVolumeClaim.claimName").text());
    let claim = name.and_then(|name| world.find("PersistentVolumeClaim", name, workload.object));
    if let Some(of_node) = claim.and_then(|claim| on_a_node(world, claim)) {
        let (title, whose) = (of_node.title(), workload.object.title());
        let what = format!(
            "{title} may be what {whose} gets for its data: a directory of one node; on another one it starts empty"
        );
        let fix = "a storage class of the cluster's, or a `local` volume with its nodeAffinity";
        found.error(of_node, of_node.spec().line_of("hostPath"), what, fix);
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
        for node in workload.containers().filter(|node| Kind::of(node).is_some()) {
            for (line, text) in settings(node) {
                for (setting, weak, right) in WEAK {
                    if let Some(value) = value(&text, setting).filter(|value| weak.contains(&&**value)) {
                        let what = format!(
                            "{setting}={} acknowledges commits that a crash of the database, or of its machine, loses",
                            shown(&value)
                        );
                        found.warning(workload.object, line, what, format!("`{setting}={right}`"));
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
                    found.warning(map, entry.line, what, format!("`{setting} = {right}`"));
                }
            }
        }
    }
}

/// What a container's words may set, with their lines: each word, and each option with the word behind it.
fn settings(node: &Node) -> Vec<(usize, String)> {
    let all = ["command", "args"].into_iter().flat_map(|key| node.get(key).items());
    let words: Vec<(usize, &str)> =
        all.flat_map(|word| word.text().unwrap_or_default().split_whitespace().map(|part| (word.line, part))).collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let pairs = pairs.filter(|((_, option), _)| option.starts_with("--"));
    let pairs = pairs.map(|((line, option), (_, value))| (*line, format!("{option} {value}"))).collect::<Vec<_>>();
    words.iter().map(|(line, word)| (*line, (*word).to_owned())).chain(pairs).collect()
}

/// What a text sets a setting to: `--sync-binlog=0`, `sync_binlog = 0`, `-cfsync=off`, `--skip-innodb-doublewrite`.
fn value(text: &str, setting: &str) -> Option<String> {
    let text = text.strip_prefix("-c").unwrap_or(text).to_ascii_lowercase().replace('-', "_");
    let text = text.trim().trim_start_matches('_').trim_matches(['\'', '"']);
    if ["skip_", "disable_"].iter().any(|word| text.strip_prefix(word) == Some(setting)) {
        return Some("off".to_owned());
    }
    let (name, value) = text.split_once('=').or_else(|| text.split_once(char::is_whitespace))?;
    let value = value.split('#').next().unwrap_or_default();
    (name.trim() == setting).then(|| value.trim().trim_matches(['\'', '"']).to_owned())
}

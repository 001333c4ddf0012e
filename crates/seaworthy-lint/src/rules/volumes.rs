//! Volumes that one node may have, and what comes of them.

use super::{Found, databases::Kind, rollout::surge};
use crate::{
    object::{Object, shown},
    world::{Workload, World},
};

/// A claim of a workload's pods, all of which have the same, that one node may have at a time.
pub(super) struct OneNode<'a> {
    pub(super) claim: &'a Object,
    /// The volume's line.
    line: usize,
    modes: String,
    /// Whether even one pod alone may have it.
    is_of_one_pod: bool,
}

/// The first such claim of a workload.
pub(super) fn one_node<'a>(world: &World<'a>, workload: Workload<'a>) -> Option<OneNode<'a>> {
    workload.pod.get("volumes").items().find_map(|volume| {
        let name = volume.at("persistentVolumeClaim.claimName").text()?;
        let claim = world.find("PersistentVolumeClaim", name, workload.object)?;
        let modes: Vec<&str> = claim.spec().get("accessModes").texts().collect();
        let is_one = !modes.is_empty() && modes.iter().all(|mode| mode.starts_with("ReadWriteOnce"));
        is_one.then(|| OneNode {
            claim,
            line: volume.line,
            modes: shown(&modes.join(", ")),
            is_of_one_pod: modes.iter().all(|mode| *mode == "ReadWriteOncePod"),
        })
    })
}

/// A volume that one node may have, and replicas, or a rollout, that want it on two.
pub(super) fn one_writer(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| !matches!(&*workload.object.kind, "Pod" | "DaemonSet")) {
        let Some(one) = one_node(world, workload) else { continue };
        let Some(replicas) = world.replicas(workload) else { continue };
        let (title, modes) = (one.claim.title(), &one.modes);
        // On the node of the first a second replica has the volume, too; whether it gets there, the manifests do not say. Two
        // servers of a database do not do on one volume wherever they are.
        let is_database = workload.containers().any(|node| Kind::of(node).is_some());
        let severity = if one.is_of_one_pod || is_database { crate::Severity::Error } else { crate::Severity::Warning };
        let apart = "a StatefulSet with volumeClaimTemplates, which gives each replica a volume of its own; or a claim of `accessModes: [ReadWriteMany]`, where all can share it";
        if replicas.least > 1 {
            let others = if one.is_of_one_pod {
                "all but one of them never start"
            } else {
                "one that comes to another node never starts"
            };
            let what = format!(
                "its {} replicas all have {title}, which one node may have ({modes}): {others}",
                replicas.least
            );
            found.add(severity, workload.object, one.line, what, apart);
        } else if workload.is_deployment() && workload.rolls() && surge(workload, replicas.least) > 0 {
            let stuck = if one.is_of_one_pod || is_database { "the" } else { "on another node the" };
            let what = format!(
                "its new replica needs {title} while the old one still has it ({modes}): {stuck} rollout stands still"
            );
            let fix = format!("{apart}; or `strategy: {{type: Recreate}}`, and its gap at each deploy accepted");
            found.add(severity, workload.object, one.line, what, fix);
        }
    }
}

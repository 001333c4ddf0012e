//! How many replicas there are, and stay, while some of them go.

use super::{
    Found,
    calls::{callers, others_answer},
    databases::Kind,
    mend,
    volumes::one_node,
};
use crate::{
    object::Object,
    quantity::share,
    world::{Workload, World},
};

/// One replica is none, whenever it is replaced in place, drained or dies.
pub(super) fn one_replica(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let Some(replicas) = world.replicas(workload).filter(|replicas| replicas.least == 1) else { continue };
        // A canary of one is not alone where the others answer for the same Service.
        let service = callers(world, workload).find(|service| !others_answer(world, service, workload));
        let Some(service) = service else { continue };
        let scaler = world.scaler(workload);
        let (object, line) = match (scaler, replicas.line) {
            (Some(scaler), _) => (scaler, scaler.spec().line_of("minReplicas")),
            (None, line) => (workload.object, line.unwrap_or_else(|| workload.object.spec().line)),
        };
        let how = if replicas.line.is_none() && scaler.is_none() { " (the default)" } else { "" };
        let what = format!(
            "one replica{how} answers for {}: while it is drained, restarted or dead, nobody does",
            service.title()
        );
        found.error(object, line, what, a_second_one(world, workload, scaler));
    }
}

/// How there can be two, if there can.
fn a_second_one<'a>(world: &World<'a>, workload: Workload<'a>, scaler: Option<&Object>) -> String {
    let else_wait = "else clients that wait, and `# seaworthy: allow single-replica-gap because its clients wait`";
    if let Some(one) = one_node(world, workload) {
        return format!(
            "a StatefulSet with volumeClaimTemplates and replication, or a claim of `accessModes: [ReadWriteMany]`, as more of them cannot all have {}; {else_wait}",
            one.claim.title()
        );
    }
    if workload.containers().any(|node| Kind::of(node).is_some()) {
        return format!(
            "replication, by an operator or by its own settings, as two alone know nothing of each other; {else_wait}"
        );
    }
    match scaler {
        Some(scaler) if scaler.kind == "ScaledObject" => "`minReplicaCount: 2` or more".to_owned(),
        Some(_) => "`minReplicas: 2` or more".to_owned(),
        None => "`replicas: 2` or more".to_owned(),
    }
}

/// How many replicas a rollout may have beside those that are wanted.
pub(super) fn surge(workload: Workload<'_>, replicas: i64) -> i64 {
    let written = workload.object.spec().at("strategy.rollingUpdate.maxSurge").text();
    share(written.unwrap_or("25%"), replicas, true).unwrap_or(1)
}

/// A rolling update that takes replicas away before it has others.
pub(super) fn fewer_during_a_rollout(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.is_deployment() && workload.rolls()) {
        let Some(replicas) = world.replicas(workload).filter(|_| world.caller(workload).is_some()) else { continue };
        let rolling = workload.object.spec().at("strategy.rollingUpdate");
        let written = rolling.get("maxUnavailable").text();
        let unavailable = share(written.unwrap_or("25%"), replicas.least, false).unwrap_or(0);
        let surge = surge(workload, replicas.least);
        // Where both come to 0, as shares of few, Kubernetes takes one away. Where 0 is written, it refuses that.
        let is_share = written.is_none_or(|written| written.trim_end_matches('%') != "0");
        let unavailable = if unavailable == 0 && surge == 0 && is_share { 1 } else { unavailable };
        let line = if written.is_some() {
            rolling.line_of("maxUnavailable")
        } else {
            workload.object.spec().line_of("strategy")
        };
        let fix = if one_node(world, workload).is_some() {
            "a StatefulSet with volumeClaimTemplates; a replica more cannot have the volume"
        } else {
            "`rollingUpdate: {maxUnavailable: 0, maxSurge: 1}`"
        };
        if replicas.least > 1 && unavailable >= replicas.least {
            let what =
                format!("a rollout may take all {} replicas away before one of the new ones is ready", replicas.least);
            found.error(workload.object, line, what, fix);
        } else if unavailable >= 1 && replicas.least > 1 && replicas.least <= 4 {
            let what = format!(
                "a rollout takes {unavailable} of {} replicas away before a new one is ready: the others have to bear {:.0} % more",
                replicas.least,
                100.0 * unavailable as f64 / replicas.least.saturating_sub(unavailable) as f64
            );
            found.warning(workload.object, line, what, fix);
        }
        if let Some(line) = replicas.line.filter(|_| replicas.scaled && replicas.least > 0) {
            let what = "replicas stands beside an autoscaler: each deploy sets the number back to this one, whatever the load is";
            found.warning(
                workload.object,
                line,
                what,
                "leave replicas out; the autoscaler's minReplicas says how many there are at least",
            );
        }
    }
}

/// All replicas go before the first new one comes.
pub(super) fn recreate(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.is_deployment() && !workload.rolls()) {
        let strategy = workload.object.spec().get("strategy");
        let service = callers(world, workload).find(|service| !others_answer(world, service, workload));
        if let Some(service) = service {
            let what = format!(
                "Recreate ends all replicas before the first new one starts: nobody answers for {} meanwhile, at each deploy",
                service.title()
            );
            let Some(one) = one_node(world, workload) else {
                let fix = "`strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}`";
                found.error(workload.object, strategy.line_of("type"), what, fix);
                continue;
            };
            let what = format!("{what}. It is the price of {}, which one node may have", one.claim.title());
            let fix = "a claim of `accessModes: [ReadWriteMany]`, and then a rolling update; where the data has one place, accept it by `# seaworthy: allow recreate-gap because its volume is on one node`";
            found.error(workload.object, strategy.line_of("type"), what, fix);
        }
    }
}

/// Nothing keeps a drain from taking all replicas at once.
pub(super) fn drained_together(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world
        .workloads()
        .filter(|workload| matches!(&*workload.object.kind, "Deployment" | "StatefulSet" | "ReplicaSet"))
    {
        let many = world.replicas(workload).is_some_and(|replicas| replicas.least > 1);
        // Replicas that have to be where their volume is cannot be spread; that is told as such.
        if !many || world.caller(workload).is_none() || one_node(world, workload).is_some() {
            continue;
        }
        let spread = workload.pod.get("topologySpreadConstraints").items().next().is_some()
            || workload.pod.at("affinity.podAntiAffinity").is_there();
        let budget = world.budgets(workload).next().is_some();
        let line = workload.pod.line;
        match (budget, spread) {
            (true, true) => {}
            (false, spread) => {
                let together = if spread { "" } else { ", and nothing spreads its replicas over nodes" };
                let what =
                    format!("it has no PodDisruptionBudget{together}: a drain may end all of its replicas at once");
                found.warning(
                    workload.object,
                    workload.object.spec().line_of("replicas"),
                    what,
                    format!(
                        "a PodDisruptionBudget of `spec: {{maxUnavailable: 1, selector: {{matchLabels: {}}}}}`",
                        own(workload)
                    ),
                );
            }
            (true, false) => {
                let what = "nothing spreads its replicas over nodes: one node that dies may take all of them";
                let fix = format!(
                    "`topologySpreadConstraints: [{{topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: {{matchLabels: {}}}}}]`",
                    own(workload)
                );
                found.warning(workload.object, line, what, fix);
            }
        }
    }
}

/// The labels by which a workload knows its pods.
fn own(workload: Workload<'_>) -> String {
    let selector = workload.object.spec().at("selector.matchLabels");
    mend::labels(if selector.entries().is_empty() { workload.metadata.get("labels") } else { selector })
}

/// Two budgets of the same pods: an eviction that two have a say in is refused, whatever they allow.
fn two_budgets(workload: Workload<'_>, budgets: &[&Object], found: &mut Found<'_>) {
    let Some((first, rest)) = budgets.split_first() else { return };
    // The same name twice is one budget, read twice.
    if let Some(second) = rest.iter().find(|budget| budget.name != first.name && budget.is_beside(first)) {
        let what = format!(
            "it is the second budget of {}, beside {}: the eviction API refuses every eviction of a pod that has two (500), and drains stand still",
            workload.object.title(),
            first.title()
        );
        found.error(second, second.spec().line_of("selector"), what, "one budget for each pod");
    }
}

/// A budget that never lets a replica go blocks each drain, until somebody forces it; so do two of one pod.
pub(super) fn budget_that_blocks(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        let Some(replicas) = world.replicas(workload).filter(|replicas| replicas.least > 0) else { continue };
        let budgets: Vec<&Object> = world.budgets(workload).collect();
        two_budgets(workload, &budgets, found);
        for budget in budgets {
            let spec = budget.spec();
            let of = |name: &str| spec.get(name).text().and_then(|text| share(text, replicas.least, true));
            let left = of("maxUnavailable").or_else(|| Some(replicas.least.saturating_sub(of("minAvailable")?)));
            if left.is_some_and(|left| left <= 0) {
                let name = if spec.entry("maxUnavailable").is_some() { "maxUnavailable" } else { "minAvailable" };
                let what = format!(
                    "of {} replicas of {} it lets none go: drains stand still until somebody forces them, without any grace",
                    replicas.least,
                    workload.object.title()
                );
                let fix = if one_node(world, workload).is_some() {
                    "`maxUnavailable: 1`, and its gap accepted; more replicas cannot have its volume"
                } else {
                    "`maxUnavailable: 1`, and 2 replicas or more"
                };
                found.error(budget, spec.line_of(name), what, fix);
            }
        }
    }
}

/// Two autoscalers of one workload, or one that may not wait before it goes down.
pub(super) fn two_who_scale(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        let own: Vec<_> = scalers(world, workload).collect();
        if let [_, second, ..] = own.as_slice() {
            let what = format!("{} has {} autoscalers, which undo each other", workload.object.title(), own.len());
            found.error(second, second.spec().line_of("scaleTargetRef"), what, "one autoscaler with several metrics");
        }
        for scaler in own {
            let down = scaler.spec().at("behavior.scaleDown");
            if down.get("stabilizationWindowSeconds").number().is_some_and(|window| window < 60) {
                let what = "it goes down as soon as the load does: after a short dip there are too few when it returns, and each that goes has to be drained";
                found.warning(
                    scaler,
                    down.line_of("stabilizationWindowSeconds"),
                    what,
                    "`stabilizationWindowSeconds: 300`, the default",
                );
            }
        }
    }
}

fn scalers<'a>(world: &World<'a>, workload: Workload<'a>) -> impl Iterator<Item = &'a Object> {
    world.of_kind("HorizontalPodAutoscaler").filter(move |scaler| {
        let target = scaler.spec().get("scaleTargetRef");
        scaler.is_beside(workload.object)
            && target.get("kind").text() == Some(&workload.object.kind)
            && target.get("name").text() == Some(&workload.object.name)
    })
}

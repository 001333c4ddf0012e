//! How many replicas there are, and stay, while some of them go.

use super::Found;
use crate::{
    quantity::share,
    world::{Workload, World},
};

/// One replica is none, whenever it is replaced in place, drained or dies.
pub(super) fn one_replica(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let (Some(service), Some(replicas)) = (world.caller(workload), world.replicas(workload)) else { continue };
        if replicas.least != 1 {
            continue;
        }
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
        let fix = if scaler.is_some() { "minReplicas: 2 or more" } else { "replicas: 2 or more" };
        found.error(object, line, what, format!("{fix}; a database that cannot have two needs clients that wait"));
    }
}

/// A rolling update that takes replicas away before it has others.
pub(super) fn fewer_during_a_rollout(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.is_deployment() && workload.rolls()) {
        let Some(replicas) = world.replicas(workload).filter(|_| world.caller(workload).is_some()) else { continue };
        let rolling = workload.object.spec().at("strategy.rollingUpdate");
        let written = rolling.get("maxUnavailable").text();
        let unavailable = share(written.unwrap_or("25%"), replicas.least, false).unwrap_or(0);
        let surge = share(rolling.get("maxSurge").text().unwrap_or("25%"), replicas.least, true).unwrap_or(1);
        // Both may not be 0; Kubernetes then takes one away.
        let unavailable = if unavailable == 0 && surge == 0 { 1 } else { unavailable };
        let line = if written.is_some() {
            rolling.line_of("maxUnavailable")
        } else {
            workload.object.spec().line_of("strategy")
        };
        let fix = "rollingUpdate: {maxUnavailable: 0, maxSurge: 1}";
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
        let whose = world.caller(workload).map(|service| format!(" for {}", service.title()));
        if let Some(whose) = whose {
            let what = format!(
                "Recreate ends all replicas before the first new one starts: nobody answers{whose} meanwhile, at each deploy"
            );
            found.error(workload.object, strategy.line_of("type"), what, "type: RollingUpdate, with maxUnavailable: 0");
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
        if !many || world.caller(workload).is_none() {
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
                    "a PodDisruptionBudget with maxUnavailable: 1 and its selector",
                );
            }
            (true, false) => {
                let what = "nothing spreads its replicas over nodes: one node that dies may take all of them";
                found.warning(workload.object, line, what, "topologySpreadConstraints: [{topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: ...}]");
            }
        }
    }
}

/// A budget that never lets a replica go blocks each drain, until somebody forces it.
pub(super) fn budget_that_blocks(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        let Some(replicas) = world.replicas(workload).filter(|replicas| replicas.least > 0) else { continue };
        for budget in world.budgets(workload) {
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
                found.error(budget, spec.line_of(name), what, "maxUnavailable: 1, and 2 replicas or more");
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
                    "stabilizationWindowSeconds: 300, the default",
                );
            }
        }
    }
}

fn scalers<'a>(world: &World<'a>, workload: Workload<'a>) -> impl Iterator<Item = &'a crate::object::Object> {
    world.of_kind("HorizontalPodAutoscaler").filter(move |scaler| {
        let target = scaler.spec().get("scaleTargetRef");
        scaler.is_beside(workload.object)
            && target.get("kind").text() == Some(&workload.object.kind)
            && target.get("name").text() == Some(&workload.object.name)
    })
}

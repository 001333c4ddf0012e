//! Who is called, by which Services, and who answers beside.

use crate::{
    object::Object,
    world::{Workload, World},
    yaml::Node,
};

/// All Services that send a workload requests: what `World::caller` gives the first of.
pub(super) fn callers<'a>(world: &World<'a>, workload: Workload<'a>) -> impl Iterator<Item = &'a Object> {
    world.before(workload).filter(|service| {
        let mut ports = service.spec().get("ports").items();
        !service.spec().get("publishNotReadyAddresses").is_true() && ports.any(|port| !is_of_operators(port))
    })
}

fn is_of_operators(port: &Node) -> bool {
    let name = port.get("name").text().unwrap_or_default();
    name.split('-').any(|part| ["metrics", "prometheus", "monitoring", "ops", "admin", "telemetry"].contains(&part))
}

/// Whether another workload than this one answers for a Service, or may. One of the same name is the same, read twice.
pub(super) fn others_answer<'a>(world: &World<'a>, service: &'a Object, workload: Workload<'a>) -> bool {
    let is_same = |other: &Object| {
        (&other.kind, &other.name) == (&workload.object.kind, &workload.object.name) && other.is_beside(workload.object)
    };
    let mut others = world.behind(service).filter(|other| !is_same(other.object));
    others.any(|other| world.replicas(other).is_none_or(|replicas| replicas.least > 0 || replicas.scaled))
}

/// The container that has one of a Service's target ports; else the first.
pub(super) fn called<'a>(workload: Workload<'a>, service: &Object) -> Option<&'a Node> {
    workload.containers().find(|node| target(node, service).is_some()).or_else(|| workload.containers().next())
}

/// The port of a container that a Service sends to.
pub(super) fn target<'a>(container: &'a Node, service: &Object) -> Option<&'a Node> {
    container.get("ports").items().find(|port| {
        service.spec().get("ports").items().any(|of| {
            let target = of.get("targetPort").text().or_else(|| of.get("port").text());
            target.is_some() && (target == port.get("name").text() || target == port.get("containerPort").text())
        })
    })
}

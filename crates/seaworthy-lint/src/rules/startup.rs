//! How replicas begin.

use super::{Found, calls::called, mend};
use crate::{
    object::shown,
    world::{World, container},
};

/// Proxies that are put beside an application, by their image.
const SIDECARS: [&str; 6] =
    ["proxyv2", "linkerd/proxy", "cloud-sql-proxy", "cloudsql-proxy", "envoyproxy/envoy", "dapr/daprd"];

/// Requests come as soon as the process runs, or as its port is open.
pub(super) fn not_probed(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        let publishes = |service: &&&crate::object::Object| service.spec().get("publishNotReadyAddresses").is_true();
        let services: Vec<_> = world.before(workload).collect();
        if let Some(service) = services.iter().find(publishes).filter(|service| takes_requests(service)) {
            let what = format!(
                "{} publishes addresses that are not ready, so that requests come before they can be answered",
                service.title()
            );
            let line = service.spec().line_of("publishNotReadyAddresses");
            found.warning(
                service,
                line,
                what,
                "`publishNotReadyAddresses: false`; it is for peers that have to find each other, on a headless Service",
            );
        }
        let Some(service) = world.caller(workload) else { continue };
        let probes: Vec<_> = workload.containers().filter(|node| node.get("readinessProbe").is_there()).collect();
        if probes.is_empty() {
            let Some(node) = called(workload, service) else { continue };
            let what = format!(
                "{} has no readinessProbe: {} sends it requests as soon as its process runs",
                container(node),
                service.title()
            );
            found.error(workload.object, node.line, what, mend::readiness(node, service));
        }
        // A database's protocol is its own; what its port says is as much as it has.
        let speaks_http = service.spec().get("ports").items().any(|port| {
            let names = [port.get("name").text(), port.get("appProtocol").text()];
            names
                .into_iter()
                .flatten()
                .any(|name| name.starts_with("http") || name.starts_with("grpc") || name.starts_with("h2"))
                || matches!(port.get("port").number(), Some(80 | 443 | 8080 | 8000 | 3000 | 5000))
        });
        for node in probes {
            let probe = node.get("readinessProbe");
            if probe.get("tcpSocket").is_there() && speaks_http {
                let what = "its readinessProbe only opens a connection, which the kernel accepts before the application answers, and also when it hangs";
                found.warning(workload.object, probe.line, what, mend::readiness(node, service));
            }
        }
    }
}

/// A Service that is not headless is there to be called.
fn takes_requests(service: &crate::object::Object) -> bool {
    service.spec().get("clusterIP").text() != Some("None")
}

/// Old replicas go the moment that new ones are ready, while those in front have not heard of these.
pub(super) fn no_time_to_be_known(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.is_deployment() && workload.rolls()) {
        let slow = world.before(workload).find(|service| service.spec().get("type").text() == Some("LoadBalancer"));
        let spec = workload.object.spec();
        // With a readiness gate the load balancer's controller says itself when it knows a replica.
        if workload.pod.get("readinessGates").items().next().is_some() {
            continue;
        }
        if let Some(service) = slow.filter(|_| spec.get("minReadySeconds").number().unwrap_or(0) == 0) {
            let what = format!(
                "minReadySeconds is 0, so old replicas go as soon as new ones are ready, before the load balancer of {} knows these",
                service.title()
            );
            found.warning(
                workload.object,
                spec.line_of("minReadySeconds"),
                what,
                "`minReadySeconds: 10`, or what its health check takes to find a target healthy",
            );
        }
    }
}

/// A proxy that is a container like any other starts and stops in no order.
pub(super) fn plain_sidecar(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads() {
        let containers: Vec<_> = workload.pod.get("containers").items().collect();
        let proxy = containers.iter().find(|node| {
            let image = node.get("image").text().unwrap_or_default();
            SIDECARS.iter().any(|sidecar| image.contains(sidecar))
        });
        if let Some(node) = proxy.filter(|_| containers.len() > 1) {
            let name = shown(node.get("name").text().unwrap_or_default());
            let what = format!(
                "the proxy {name} is a plain container: it may start after the application, and end before it has finished"
            );
            found.warning(
                workload.object,
                node.line,
                what,
                "move it to initContainers with `restartPolicy: Always` (a native sidecar, Kubernetes 1.29)",
            );
        }
    }
}

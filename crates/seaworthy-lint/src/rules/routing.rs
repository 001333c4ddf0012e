//! Who gets which requests.

use super::Found;
use crate::{
    object::Object,
    world::{Workload, World},
    yaml::Node,
};

/// Annotations and labels by which a mesh puts a proxy into pods, and what they say then. Its proxies choose a replica for
/// each request.
const INJECTED: [(&str, &[&str]); 3] = [
    ("linkerd.io/inject", &["enabled", "ingress"]),
    ("sidecar.istio.io/inject", &["true"]),
    ("istio-injection", &["enabled"]),
];

/// Whether a mesh puts its proxy into a workload's pods: by their own word, else by their namespace's.
fn is_meshed(world: &World<'_>, workload: Workload<'_>) -> bool {
    let says = |metadata: &Node| {
        let said = |(key, yes): &(&str, &[&str])| {
            let word = metadata.get("annotations").get(key).text().or_else(|| metadata.get("labels").get(key).text());
            word.map(|word| yes.contains(&word))
        };
        INJECTED.iter().find_map(said)
    };
    let namespace = || {
        let name = workload.object.namespace.as_deref()?;
        let mut namespaces = world.of_kind("Namespace").filter(|namespace| namespace.name == name);
        says(namespaces.next()?.node.get("metadata"))
    };
    says(workload.metadata).or_else(namespace).unwrap_or(false)
}

/// Whether more than one replica may be behind a Service.
fn has_many<'a>(world: &World<'a>, service: &'a Object) -> bool {
    let many = |workload| world.replicas(workload).is_none_or(|replicas| replicas.least > 1 || replicas.scaled);
    world.behind(service).any(many)
}

/// All of one client's requests go to one replica.
pub(super) fn affinity(world: &World<'_>, found: &mut Found<'_>) {
    for service in world.services().filter(|service| service.spec().get("sessionAffinity").text() == Some("ClientIP")) {
        let what = "sessionAffinity: ClientIP sends all that comes from one address (a proxy's, say) to one replica for 3 hours, and on to it while it ends";
        found.warning(
            service,
            service.spec().line_of("sessionAffinity"),
            what,
            "`sessionAffinity: None`, with the session kept elsewhere; or a cookie of the Ingress",
        );
    }
}

/// One connection carries everything, so that replicas that come later get nothing.
pub(super) fn long_lived(world: &World<'_>, found: &mut Found<'_>) {
    for service in world.services().filter(|service| service.spec().get("clusterIP").text() != Some("None")) {
        for port in service.spec().get("ports").items() {
            let names = [port.get("name").text(), port.get("appProtocol").text()];
            let one = names.into_iter().flatten().find(|name| {
                let first = name.split(['-', '/']).next_back().unwrap_or(name);
                name.starts_with("grpc") || name.starts_with("http2") || first == "h2c" || first == "grpc"
            });
            let is_balanced = || world.behind(service).all(|workload| is_meshed(world, workload));
            if let Some(name) = one.filter(|_| has_many(world, service) && !is_balanced()) {
                let what = format!(
                    "{} is carried by one connection for each client, and a Service chooses a replica for each connection: it stays there, and replicas that come later get nothing",
                    crate::object::shown(name)
                );
                found.warning(service, port.line, what, "a headless Service with clients that balance (gRPC by `dns:///` and `round_robin`), or a proxy that does; and a maximum age of connections in the server");
            }
        }
    }
}

/// A node without a replica of its own drops what it gets.
pub(super) fn local_only(world: &World<'_>, found: &mut Found<'_>) {
    for service in
        world.services().filter(|service| service.spec().get("externalTrafficPolicy").text() == Some("Local"))
    {
        let what = "externalTrafficPolicy: Local drops what a node gets whose last replica has gone, until the load balancer's health check has noticed";
        found.warning(service, service.spec().line_of("externalTrafficPolicy"), what, "`externalTrafficPolicy: Cluster`; or a preStop sleep longer than that check takes, and replicas on each node");
    }
}

/// Requests stay in their zone, whoever is there to answer them.
pub(super) fn zones(world: &World<'_>, found: &mut Found<'_>) {
    for service in world.services() {
        let annotations = service.node.at("metadata.annotations");
        let keys = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"];
        let old =
            keys.iter().find(|key| annotations.get(key).text().is_some_and(|mode| mode.eq_ignore_ascii_case("auto")));
        let (line, name) = match (service.spec().get("trafficDistribution").text(), old) {
            (Some(_), _) => (service.spec().line_of("trafficDistribution"), "trafficDistribution"),
            (None, Some(key)) => (annotations.line_of(key), *key),
            (None, None) => continue,
        };
        if !has_many(world, service) {
            continue;
        }
        let few =
            world.behind(service).filter_map(|workload| world.replicas(workload)).any(|replicas| replicas.least < 9);
        if few {
            let what = format!(
                "{name} keeps requests in their zone: with fewer than 3 replicas a zone, one of them gets too many, and a zone whose replicas end has none"
            );
            found.warning(
                service,
                line,
                what,
                "3 replicas a zone or more, spread by topologySpreadConstraints; else leave it out",
            );
        }
    }
}

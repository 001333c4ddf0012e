//! Names that do not meet.

use super::{
    Found,
    makers::{labels_of_jobs, makers, makes},
};
use crate::{
    labels::{matches, selects},
    object::{Object, shown},
    world::{Workload, World, container},
    yaml::Node,
};

/// Selectors that select nothing.
pub(super) fn selectors(world: &World<'_>, found: &mut Found<'_>) {
    for workload in world.workloads().filter(|workload| workload.object.kind != "Pod") {
        let spec = workload.object.spec();
        let (selector, labels) = (spec.get("selector"), workload.metadata.get("labels"));
        let fits = if selector.entry("matchLabels").is_some() || selector.entry("matchExpressions").is_some() {
            matches(selector, labels)
        } else {
            !selector.is_there() || selects(selector, labels)
        };
        if !fits {
            let what = "its selector does not select the labels of its own template: Kubernetes refuses it, or it never counts its pods";
            found.error(
                workload.object,
                spec.line_of("selector"),
                what,
                "the same labels in selector.matchLabels and in template.metadata.labels",
            );
        }
    }
    // Where no pods were read at all, they are somewhere else.
    if world.workloads().next().is_some() {
        of_services(world, found);
        of_budgets_and_scalers(world, found);
    }
}

fn of_services(world: &World<'_>, found: &mut Found<'_>) {
    for service in world.services() {
        let selector = service.spec().get("selector");
        let is_elsewhere = service.spec().get("type").text() == Some("ExternalName");
        if is_elsewhere || selector.entries().is_empty() || world.behind(service).next().is_some() {
            continue;
        }
        // Whose pods nobody can read here, their labels nobody knows.
        if makers(world, service).next().is_some()
            || labels_of_jobs(world, service).any(|labels| selects(selector, labels))
        {
            continue;
        }
        let (line, fix) = (service.spec().line_of("selector"), "labels that the pod template has");
        let named = world
            .workloads()
            .any(|workload| workload.object.name == service.name && service.is_beside(workload.object));
        let what =
            format!("its selector ({}) selects no pods of what was read{}", pairs(selector), nearest(world, service));
        if named {
            let what = format!("{what}: it has no endpoints, and every request is refused");
            found.error(service, line, what, fix);
        } else {
            let what = format!("{what}: unless something else makes them, every request is refused");
            found.warning(service, line, what, fix);
        }
    }
}

fn of_budgets_and_scalers(world: &World<'_>, found: &mut Found<'_>) {
    for budget in world.of_kind("PodDisruptionBudget") {
        let selector = budget.spec().get("selector");
        let any = world
            .workloads()
            .any(|workload| budget.is_beside(workload.object) && matches(selector, workload.metadata.get("labels")));
        let any = any
            || makers(world, budget).next().is_some()
            || labels_of_jobs(world, budget).any(|labels| matches(selector, labels));
        if selector.is_there() && !any {
            let what = "its selector selects no pods of what was read, so that it protects nothing";
            found.warning(budget, budget.spec().line_of("selector"), what, "labels that the pod template has");
        }
    }
    for scaler in world.of_kind("HorizontalPodAutoscaler") {
        let target = scaler.spec().get("scaleTargetRef");
        let (kind, name) =
            (target.get("kind").text().unwrap_or("Deployment"), target.get("name").text().unwrap_or_default());
        let known = world.workloads().any(|workload| {
            workload.object.kind == kind && workload.object.name == name && scaler.is_beside(workload.object)
        });
        if !known && matches!(kind, "Deployment" | "StatefulSet") {
            let what = format!("it scales {kind}/{}, which is not among what was read", shown(name));
            found.warning(
                scaler,
                scaler.spec().line_of("scaleTargetRef"),
                what,
                "the name of a Deployment or StatefulSet",
            );
        }
    }
}

/// `app=web, tier=front`.
fn pairs(selector: &Node) -> String {
    let pair =
        |entry: &crate::yaml::Entry| format!("{}={}", shown(&entry.key), shown(entry.node.text().unwrap_or_default()));
    selector.entries().iter().map(pair).collect::<Vec<_>>().join(", ")
}

/// The workload that a selector is most likely to mean: of the same name, or with a label of the same key.
fn nearest(world: &World<'_>, service: &Object) -> String {
    let selector = service.spec().get("selector").entries();
    let near = world.workloads().filter(|workload| service.is_beside(workload.object)).find(|workload| {
        let labels = workload.metadata.get("labels");
        workload.object.name == service.name || selector.iter().any(|entry| labels.get(&entry.key).is_there())
    });
    let labels = |workload: Workload<'_>| pairs(workload.metadata.get("labels"));
    near.map_or_else(String::new, |near| format!(" (those of {} have {})", near.object.title(), labels(near)))
}

/// Ports that a Service or probe names, and nobody has.
pub(super) fn ports(world: &World<'_>, found: &mut Found<'_>) {
    for service in world.services() {
        let behind: Vec<_> = world.behind(service).collect();
        for port in service.spec().get("ports").items() {
            let Some(target) = port.get("targetPort").text().or_else(|| port.get("port").text()) else { continue };
            let is_number = target.parse::<u16>().is_ok();
            for workload in &behind {
                let declared: Vec<&Node> = workload.ports().collect();
                let name = |of: &&Node| of.get(if is_number { "containerPort" } else { "name" }).text() == Some(target);
                if declared.iter().any(name) || (is_number && declared.is_empty()) {
                    continue;
                }
                let have: Vec<String> = declared
                    .iter()
                    .filter_map(|of| {
                        let number = of.get("containerPort").text()?;
                        Some(
                            of.get("name")
                                .text()
                                .map_or_else(|| shown(number), |name| format!("{} ({})", shown(number), shown(name))),
                        )
                    })
                    .collect();
                let have = if have.is_empty() { "none".to_owned() } else { have.join(", ") };
                let what = format!(
                    "it sends to port {} of {}, whose containers have {have}",
                    shown(target),
                    workload.object.title()
                );
                let fix = "a targetPort that a container listens on; by name, it moves with it";
                if is_number {
                    // A port that is not declared can be open all the same.
                    found.warning(service, port.line, what, fix);
                } else {
                    found.error(service, port.line, what, fix);
                }
            }
        }
    }
    for workload in world.workloads() {
        for node in workload.all_containers() {
            probes(workload, node, found);
        }
    }
}

fn probes(workload: Workload<'_>, node: &Node, found: &mut Found<'_>) {
    for name in ["startupProbe", "readinessProbe", "livenessProbe"] {
        for how in ["httpGet", "tcpSocket", "grpc"] {
            let asked = node.get(name).get(how);
            let Some(port) = asked.get("port").text().filter(|port| port.parse::<u16>().is_err()) else { continue };
            if !node.get("ports").items().any(|of| of.get("name").text() == Some(port)) {
                let what = format!(
                    "its {name} asks port {}, a name that {} does not have: it always fails",
                    shown(port),
                    container(node)
                );
                found.error(workload.object, asked.line_of("port"), what, "the name of one of its ports, or a number");
            }
        }
    }
}

/// Routes that lead nowhere.
pub(super) fn routes(world: &World<'_>, found: &mut Found<'_>) {
    for ingress in world.of_kind("Ingress") {
        let rules = ingress.spec().get("rules").items().flat_map(|rule| rule.at("http.paths").items());
        let backends = rules.map(|path| path.get("backend")).chain([ingress.spec().get("defaultBackend")]);
        for backend in backends {
            let service = backend.get("service");
            let Some(name) = service.get("name").text() else { continue };
            let port = service.at("port.name").text().or_else(|| service.at("port.number").text());
            if port == Some("use-annotation") && has_action(ingress, name) {
                continue;
            }
            leads(world, ingress, (name, None), port, service.line, found);
        }
    }
    for route in world.of_kind("HTTPRoute").chain(world.of_kind("GRPCRoute")) {
        for to in route.spec().get("rules").items().flat_map(|rule| rule.get("backendRefs").items()) {
            let is_service = to.get("kind").text().is_none_or(|kind| kind == "Service");
            let Some(name) = to.get("name").text().filter(|_| is_service) else { continue };
            leads(world, route, (name, to.get("namespace").text()), to.get("port").text(), to.line, found);
        }
    }
}

/// Whether an Ingress says by an annotation what a name in the place of a Service's does: AWS's controller takes
/// `alb.ingress.kubernetes.io/actions.NAME`, or the same with a prefix of its own.
fn has_action(ingress: &Object, name: &str) -> bool {
    let annotations = ingress.node.at("metadata.annotations").entries();
    annotations.iter().any(|entry| entry.key.split_once("/actions.").is_some_and(|(_, action)| action == name))
}

fn leads(
    world: &World<'_>,
    route: &Object,
    to: (&str, Option<&str>),
    port: Option<&str>,
    line: usize,
    found: &mut Found<'_>,
) {
    // What leads into another namespace, or was read alone, is not to be known from here.
    let (name, namespace) = to;
    if world.services().next().is_none()
        || namespace.is_some_and(|namespace| route.namespace.as_deref() != Some(namespace))
    {
        return;
    }
    let Some(service) = world.find("Service", name, route) else {
        // Operators make Services, too.
        if makers(world, route).next().is_some() {
            return;
        }
        let what = format!(
            "it leads to Service/{}, which is not among what was read: its requests are answered 503",
            shown(name)
        );
        found.error(route, line, what, "the name of a Service of its namespace");
        return;
    };
    // Knative's have no ports, and a name of elsewhere needs none.
    if !service.group().is_empty() || service.spec().get("type").text() == Some("ExternalName") {
        return;
    }
    let fits =
        |of: &Node| port.is_none_or(|port| of.get("port").text() == Some(port) || of.get("name").text() == Some(port));
    if !service.spec().get("ports").items().any(fits) {
        let what = format!(
            "it leads to port {} of {}, which has no such port",
            shown(port.unwrap_or_default()),
            service.title()
        );
        found.error(route, line, what, "a port of that Service, by its name or number");
    }
}

/// Objects of settings, Secrets, claims and accounts that nobody makes: new replicas stay in `ContainerCreating`.
pub(super) fn missing(world: &World<'_>, found: &mut Found<'_>) {
    if world.is_alone() {
        return;
    }
    for workload in world.workloads() {
        for (kind, name) in references(workload) {
            let Some(text) = name.text() else { continue };
            if world.find(kind, text, workload.object).is_none()
                && !makes(world, kind, text, workload.object)
                && !is_template(workload, kind, text)
            {
                let what = format!(
                    "it needs {kind}/{}, which is not among what was read: without it new replicas never start, and a rollout stands still",
                    shown(text)
                );
                let fix = format!(
                    "the {kind} beside it, or its name as it is made; where something else makes it, allow this with the reason"
                );
                found.warning(workload.object, name.line, what, fix);
            }
        }
        let account = workload.pod.get("serviceAccountName");
        if let Some(name) = account.text().filter(|name| *name != "default")
            && world.find("ServiceAccount", name, workload.object).is_none()
        {
            let what = format!(
                "it runs as ServiceAccount/{}, which is not among what was read: without it no pod is made",
                shown(name)
            );
            found.warning(workload.object, account.line, what, "the ServiceAccount beside it");
        }
    }
}

/// What a pod cannot start without.
fn references(workload: Workload<'_>) -> Vec<(&'static str, &Node)> {
    let mut all = Vec::new();
    let needed = |from: &&Node| !from.get("optional").is_true();
    for node in workload.all_containers() {
        let (sources, env) =
            (node.get("envFrom").items(), node.get("env").items().map(|variable| variable.get("valueFrom")));
        for from in sources.filter_map(|from| from.entry("configMapRef").map(|entry| &*entry.node)).filter(needed) {
            all.push(("ConfigMap", from.get("name")));
        }
        for from in node
            .get("envFrom")
            .items()
            .filter_map(|from| from.entry("secretRef").map(|entry| &*entry.node))
            .filter(needed)
        {
            all.push(("Secret", from.get("name")));
        }
        for from in env {
            for (key, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                if needed(&from.get(key)) {
                    all.push((kind, from.get(key).get("name")));
                }
            }
        }
    }
    for volume in workload.pod.get("volumes").items() {
        let projected = volume.at("projected.sources").items();
        for of in std::iter::once(volume).chain(projected) {
            if needed(&of.get("configMap")) {
                all.push(("ConfigMap", of.at("configMap.name")));
            }
            let secret = of.get("secret");
            if needed(&secret) {
                all.push((
                    "Secret",
                    if secret.entry("secretName").is_some() { secret.get("secretName") } else { secret.get("name") },
                ));
            }
        }
        all.push(("PersistentVolumeClaim", volume.at("persistentVolumeClaim.claimName")));
    }
    all
}

/// Whether the workload itself makes the claim.
fn is_template(workload: Workload<'_>, kind: &str, name: &str) -> bool {
    kind == "PersistentVolumeClaim"
        && workload
            .object
            .spec()
            .get("volumeClaimTemplates")
            .items()
            .any(|claim| claim.at("metadata.name").text() == Some(name))
}

//! All objects that were read, and who belongs to whom.

mod relations;

use std::collections::BTreeMap;

use self::relations::{Nearby, Relations};
use crate::{object::Object, yaml::Node};

/// Kinds that run pods for as long as they exist.
const RUNNERS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Pod"];

/// Something that runs pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) object: &'a Object,
    /// Labels and annotations of its pods.
    pub(crate) metadata: &'a Node,
    /// What its pods are.
    pub(crate) pod: &'a Node,
}

/// How many pods a workload has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replicas {
    /// The fewest that are wanted.
    pub(crate) least: i64,
    /// The line that says so; nothing where none does.
    pub(crate) line: Option<usize>,
    /// Whether an autoscaler decides.
    pub(crate) scaled: bool,
}

impl<'a> Workload<'a> {
    /// Containers that run all the time, those of `initContainers` that do not end included.
    pub(crate) fn containers(self) -> impl Iterator<Item = &'a Node> {
        let beside = self.pod.get("initContainers").items();
        let beside = beside.filter(|container| container.get("restartPolicy").text() == Some("Always"));
        self.pod.get("containers").items().chain(beside)
    }

    /// All containers.
    pub(crate) fn all_containers(self) -> impl Iterator<Item = &'a Node> {
        self.pod.get("containers").items().chain(self.pod.get("initContainers").items())
    }

    /// Whether one replica replaces another while the rest goes on.
    pub(crate) fn rolls(self) -> bool {
        match &*self.object.kind {
            "Deployment" => self.object.spec().at("strategy.type").text() != Some("Recreate"),
            "StatefulSet" | "DaemonSet" => self.object.spec().at("updateStrategy.type").text() != Some("OnDelete"),
            _ => false,
        }
    }

    pub(crate) fn is_deployment(self) -> bool {
        self.object.kind == "Deployment"
    }

    /// Its ports that have a name or number.
    pub(crate) fn ports(self) -> impl Iterator<Item = &'a Node> {
        self.containers().flat_map(|container| container.get("ports").items())
    }

    /// Seconds that it has to end.
    pub(crate) fn grace(self) -> i64 {
        self.pod.get("terminationGracePeriodSeconds").number().unwrap_or(30)
    }
}

/// What a container is called, in words.
pub(crate) fn container(node: &Node) -> String {
    node.get("name")
        .text()
        .map_or_else(|| "a container".to_owned(), |name| format!("container {}", crate::object::shown(name)))
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct World<'a> {
    objects: &'a [Object],
    kinds: BTreeMap<&'a str, Vec<&'a Object>>,
    names: Nearby<'a, (&'a str, &'a str), &'a Object>,
    /// Autoscalers, by the name of what they scale.
    scalers: Nearby<'a, &'a str, &'a Object>,
    workloads: Vec<Workload<'a>>,
    relations: Relations<'a>,
}

impl<'a> World<'a> {
    pub(crate) fn of(objects: &'a [Object]) -> Self {
        let mut world = Self { objects, ..Self::default() };
        for object in objects {
            world.kinds.entry(&object.kind).or_default().push(object);
            world.names.add((&object.kind, &object.name), object, object);
            world.workloads.extend(workload(object));
        }
        for scaler in world.of_kind("HorizontalPodAutoscaler").chain(world.of_kind("ScaledObject")).collect::<Vec<_>>()
        {
            if let Some(target) = scaler.spec().at("scaleTargetRef.name").text() {
                world.scalers.add(target, scaler, scaler);
            }
        }
        let services: Vec<_> = world.services().collect();
        let budgets: Vec<_> = world.of_kind("PodDisruptionBudget").collect();
        world.relations = Relations::of(&world.workloads, &services, &budgets);
        world
    }

    /// Whether one thing was read and no more: what it refers to may well be elsewhere.
    pub(crate) fn is_alone(&self) -> bool {
        self.objects.len() <= 1
    }

    pub(crate) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a Object> {
        self.kinds.get(kind).into_iter().flatten().copied()
    }

    /// Services of the core's API, and not those of others that have the same name.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'a Object> {
        self.of_kind("Service").filter(|service| is_service(service))
    }

    pub(crate) fn workloads(&self) -> impl Iterator<Item = Workload<'a>> {
        self.workloads.iter().copied()
    }

    /// The workloads that a Service leads to; where they are very many, the first of them.
    pub(crate) fn behind(&self, service: &'a Object) -> impl Iterator<Item = Workload<'a>> {
        self.relations.behind(service).iter().copied()
    }

    /// The Services that lead to a workload; where they are very many, the first of them.
    pub(crate) fn before(&self, workload: Workload<'a>) -> impl Iterator<Item = &'a Object> {
        self.relations.before(workload).iter().copied()
    }

    /// The first Service that sends a workload requests. One that says where the not ready are, too, is for discovery, and one
    /// that has metrics alone loses nobody's requests.
    pub(crate) fn caller(&self, workload: Workload<'a>) -> Option<&'a Object> {
        self.before(workload).find(|service| {
            let mut ports = service.spec().get("ports").items();
            !service.spec().get("publishNotReadyAddresses").is_true() && ports.any(|port| !is_of_operators(port))
        })
    }

    /// The disruption budgets of a workload; where they are very many, the first of them.
    pub(crate) fn budgets(&self, workload: Workload<'a>) -> impl Iterator<Item = &'a Object> {
        self.relations.budgets(workload).iter().copied()
    }

    /// The autoscaler of a workload.
    pub(crate) fn scaler(&self, workload: Workload<'a>) -> Option<&'a Object> {
        let object = workload.object;
        let kind =
            |scaler: &&Object| scaler.spec().at("scaleTargetRef.kind").text().is_none_or(|kind| kind == object.kind);
        self.scalers.of(&*object.name, object).find(kind)
    }

    /// How many pods there are of a workload; nothing where that is the number of nodes.
    pub(crate) fn replicas(&self, workload: Workload<'a>) -> Option<Replicas> {
        let spec = workload.object.spec();
        if workload.object.kind == "DaemonSet" {
            return None;
        }
        let own = spec.entry("replicas").and_then(|entry| Some((entry.node.number()?, entry.line)));
        if let Some(scaler) = self.scaler(workload) {
            let least =
                scaler.spec().get("minReplicas").number().or_else(|| scaler.spec().get("minReplicaCount").number());
            let default = i64::from(scaler.kind != "ScaledObject");
            return Some(Replicas { least: least.unwrap_or(default), line: own.map(|(_, line)| line), scaled: true });
        }
        Some(Replicas { least: own.map_or(1, |(count, _)| count), line: own.map(|(_, line)| line), scaled: false })
    }

    /// An object by its kind and name, as another one sees it.
    pub(crate) fn find(&self, kind: &'static str, name: &str, from: &Object) -> Option<&'a Object> {
        self.names.of((kind, name), from).next()
    }
}

/// Whether a port is there for whoever watches a workload, by its name.
fn is_of_operators(port: &Node) -> bool {
    let name = port.get("name").text().unwrap_or_default();
    name.split('-').any(|part| ["metrics", "prometheus", "monitoring", "ops", "admin", "telemetry"].contains(&part))
}

fn is_service(object: &Object) -> bool {
    object.kind == "Service" && object.group().is_empty()
}

fn workload(object: &Object) -> Option<Workload<'_>> {
    let is_runner = RUNNERS.contains(&&*object.kind) && matches!(object.group(), "" | "apps");
    if !is_runner {
        return None;
    }
    let (metadata, pod) = if object.kind == "Pod" {
        (object.node.get("metadata"), object.spec())
    } else {
        (object.spec().at("template.metadata"), object.spec().at("template.spec"))
    };
    Some(Workload { object, metadata, pod })
}

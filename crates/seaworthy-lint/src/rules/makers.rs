//! What is made of other objects in a cluster, and is not among what was read.

use crate::{object::Object, world::World, yaml::Node};

/// Kinds that make pods, or the Services before them, by names and labels that their own controller knows.
const OF_PODS: [&str; 38] = [
    "Alertmanager",
    "Application",
    "CloneSet",
    "Cluster",
    "CrdbCluster",
    "DeploymentConfig",
    "Elasticsearch",
    "FlinkDeployment",
    "Grafana",
    "HelmChart",
    "HelmRelease",
    "InferenceService",
    "InnoDBCluster",
    "Kafka",
    "KafkaNodePool",
    "Keycloak",
    "MariaDB",
    "MongoDB",
    "MongoDBCommunity",
    "MysqlCluster",
    "OpenSearchCluster",
    "OpenTelemetryCollector",
    "PerconaPGCluster",
    "PerconaServerMongoDB",
    "PerconaServerMySQL",
    "PerconaXtraDBCluster",
    "Pooler",
    "PostgresCluster",
    "Prometheus",
    "RabbitmqCluster",
    "RayCluster",
    "RayService",
    "Redis",
    "RedisCluster",
    "RedisFailover",
    "Rollout",
    "ThanosRuler",
    "postgresql",
];

/// Kinds that make a Secret, or what is used as one, with where they name it; their own name where they do not.
const OF_SECRETS: [(&str, &str); 9] = [
    ("SealedSecret", "metadata.name"),
    ("ExternalSecret", "spec.target.name"),
    ("Certificate", "spec.secretName"),
    ("VaultStaticSecret", "spec.destination.name"),
    ("VaultDynamicSecret", "spec.destination.name"),
    ("VaultPKISecret", "spec.destination.name"),
    ("OnePasswordItem", "metadata.name"),
    ("KafkaUser", "metadata.name"),
    ("ObjectBucketClaim", "metadata.name"),
];

/// `ConfigMap`s that clusters put into each namespace.
const EVERYWHERE: [&str; 2] = ["kube-root-ca.crt", "openshift-service-ca.crt"];

/// Things beside an object whose pods and Services nobody can read here.
pub(super) fn makers<'a>(world: &World<'a>, beside: &Object) -> impl Iterator<Item = &'a Object> {
    let of_pods = OF_PODS.into_iter().flat_map(|kind| world.of_kind(kind));
    // Knative's have the name of the core's.
    let knative = world.of_kind("Service").filter(|service| service.group() == "serving.knative.dev");
    of_pods.chain(knative).filter(move |maker| maker.is_beside(beside))
}

/// Labels of the pods that end by themselves.
pub(super) fn labels_of_jobs<'a>(world: &World<'a>, beside: &Object) -> impl Iterator<Item = &'a Node> {
    let jobs = world.of_kind("Job").map(|job| (job, "template.metadata.labels"));
    let cron = world.of_kind("CronJob").map(|job| (job, "jobTemplate.spec.template.metadata.labels"));
    jobs.chain(cron).filter(move |(job, _)| job.is_beside(beside)).map(|(job, path)| job.spec().at(path))
}

/// Whether a cluster, or something that was read, makes an object of settings or a Secret.
pub(super) fn makes(world: &World<'_>, kind: &str, name: &str, from: &Object) -> bool {
    match kind {
        "ConfigMap" if EVERYWHERE.contains(&name) => return true,
        "ConfigMap" | "Secret" => {}
        _ => return false,
    }
    // An operator calls what it makes after what it makes it of: `shop-db-app`, of the Cluster shop-db.
    let of_operators = makers(world, from).any(|maker| {
        name.strip_prefix(&*maker.name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
    });
    of_operators
        || generator(world, kind, name).is_some()
        || OF_SECRETS.into_iter().any(|(of, path)| {
            world.of_kind(of).filter(|maker| maker.is_beside(from)).any(|maker| {
                let target = maker.node.at(path).text();
                target.unwrap_or(&maker.name) == name
            })
        })
}

/// What in a kustomization that was read generates an object.
pub(super) fn generator<'a>(world: &World<'a>, kind: &str, name: &str) -> Option<&'a Node> {
    let key = match kind {
        "ConfigMap" => "configMapGenerator",
        "Secret" => "secretGenerator",
        _ => return None,
    };
    let all = world.of_kind("Kustomization").chain(world.of_kind("Component"));
    let mut generators = all.flat_map(|kustomization| kustomization.node.get(key).items());
    generators.find(|generator| generator.get("name").text() == Some(name))
}

//! A manifest's objects as they are written, as far as they are read. Whether what they say is possible is decided
//! elsewhere, so that it can be said where and why.

mod value;

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

pub(super) use value::{NumberOrText, Quantity, read};

/// `metadata`, of an object or of a pod template.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// `apps/v1` Deployment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Deployment {
    pub(super) spec: DeploymentSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct DeploymentSpec {
    pub(super) replicas: Option<i64>,
    pub(super) strategy: Strategy,
    pub(super) min_ready_seconds: Option<i64>,
    pub(super) progress_deadline_seconds: Option<i64>,
    pub(super) revision_history_limit: Option<i64>,
    pub(super) template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Strategy {
    pub(super) r#type: Option<String>,
    pub(super) rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RollingUpdate {
    pub(super) max_surge: Option<NumberOrText>,
    pub(super) max_unavailable: Option<NumberOrText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    pub(super) metadata: Metadata,
    pub(super) spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<OtherContainer>,
    pub(super) termination_grace_period_seconds: Option<i64>,
}

/// One that is not run here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OtherContainer {
    pub(super) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: Option<String>,
    pub(super) command: Vec<String>,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<Variable>,
    pub(super) env_from: Vec<VariablesFrom>,
    pub(super) ports: Vec<Port>,
    pub(super) resources: Resources,
    pub(super) lifecycle: Lifecycle,
    pub(super) startup_probe: Option<Probe>,
    pub(super) readiness_probe: Option<Probe>,
    pub(super) liveness_probe: Option<Probe>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
    pub(super) value_from: Option<ValueFrom>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "Kubernetes' names")]
pub(super) struct ValueFrom {
    pub(super) secret_key_ref: Option<KeyRef>,
    pub(super) config_map_key_ref: Option<KeyRef>,
    pub(super) field_ref: Option<FieldRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyRef {
    pub(super) name: Option<String>,
    pub(super) key: Option<String>,
    pub(super) optional: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FieldRef {
    pub(super) field_path: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VariablesFrom {
    pub(super) prefix: String,
    pub(super) secret_ref: Option<KeyRef>,
    pub(super) config_map_ref: Option<KeyRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "Kubernetes' name")]
pub(super) struct Port {
    pub(super) name: Option<String>,
    pub(super) container_port: Option<i64>,
    pub(super) protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) limits: BTreeMap<String, Quantity>,
    pub(super) requests: BTreeMap<String, Quantity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Lifecycle {
    pub(super) pre_stop: Option<Handler>,
    pub(super) post_start: Option<IgnoredAny>,
    pub(super) stop_signal: Option<String>,
}

/// What a hook does.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Handler {
    pub(super) sleep: Option<Sleep>,
    pub(super) exec: Option<Exec>,
    pub(super) http_get: Option<HttpGet>,
    pub(super) tcp_socket: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sleep {
    pub(super) seconds: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Exec {
    pub(super) command: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct HttpGet {
    pub(super) path: Option<String>,
    pub(super) port: Option<NumberOrText>,
    pub(super) host: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) http_headers: Vec<Header>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TcpSocket {
    pub(super) port: Option<NumberOrText>,
    pub(super) host: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Probe {
    pub(super) http_get: Option<HttpGet>,
    pub(super) tcp_socket: Option<TcpSocket>,
    pub(super) exec: Option<Exec>,
    pub(super) grpc: Option<IgnoredAny>,
    pub(super) initial_delay_seconds: Option<i64>,
    pub(super) period_seconds: Option<i64>,
    pub(super) timeout_seconds: Option<i64>,
    pub(super) success_threshold: Option<i64>,
    pub(super) failure_threshold: Option<i64>,
    pub(super) termination_grace_period_seconds: Option<i64>,
}

/// `v1` Service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    pub(super) spec: ServiceSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceSpec {
    pub(super) selector: BTreeMap<String, String>,
    pub(super) ports: Vec<ServicePort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServicePort {
    pub(super) name: Option<String>,
    pub(super) port: Option<i64>,
    pub(super) target_port: Option<NumberOrText>,
    pub(super) protocol: Option<String>,
}

/// `v1` Secret, or `ConfigMap`: the one has its `data` in base64. Not `Debug`, since it would tell them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Entries {
    pub(super) data: BTreeMap<String, String>,
    pub(super) string_data: BTreeMap<String, String>,
    pub(super) binary_data: BTreeMap<String, Value>,
}

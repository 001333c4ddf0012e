//! What is told of each cause, whatever the trial: by where it comes about.

pub(super) mod connections;
pub(super) mod data;
pub(super) mod health;
pub(super) mod own;
pub(super) mod startup;
pub(super) mod termination;

const POD: &str =
    "Pod lifecycle, termination: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination";
const ENDPOINTS: &str =
    "EndpointSlices: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions";
const DEPLOYMENT: &str = "Deployments: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/";
const DISRUPTIONS: &str = "Disruptions: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/";
const PROBES: &str = "Probes: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/";
const SERVICE: &str = "Virtual IPs and proxies: https://kubernetes.io/docs/reference/networking/virtual-ips/";
const RESEND: &str = "Idempotent methods: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2";
const KEEP_ALIVE: &str = "Persistence: https://www.rfc-editor.org/rfc/rfc9112#section-9.3";

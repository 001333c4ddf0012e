//! Where an autoscaler keeps the number of replicas, a Deployment had better name none: each `kubectl apply` would set it
//! back. It is then the least that the autoscaler may go down to.
//! <https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#migrating-deployments-and-statefulsets-to-horizontal-autoscaling>

use seaworthy_core::text;
use serde_json::Value;

use super::{
    document::Document,
    field::{Field, Invalid, Notes},
    rules,
};

/// How many replicas a Deployment has: its own number, or that of the autoscaler beside it.
pub(super) fn replicas(
    wanted: Option<i64>,
    document: &Document,
    documents: &[Document],
    place: &Field,
    notes: &mut Notes,
) -> Result<u32, Invalid> {
    if wanted.is_some() {
        return rules::replicas(wanted, place);
    }
    let Some(scaler) = documents.iter().find(|other| other.is_beside(document) && scales(other, document)) else {
        return rules::replicas(None, place);
    };
    let least = scaler.value.pointer("/spec/minReplicas").and_then(Value::as_i64);
    let replicas = rules::replicas(least, &scaler.place.of("spec.minReplicas"))?;
    let counted = text::counted(replicas.into(), "replica");
    notes.add(format!(
        "replicas: {counted}, the least of the HorizontalPodAutoscaler's, which is not followed beyond that"
    ));
    Ok(replicas)
}

/// Whether it is an autoscaler of this Deployment.
fn scales(scaler: &Document, document: &Document) -> bool {
    let of = |field: &str| scaler.value.pointer(&format!("/spec/scaleTargetRef/{field}")).and_then(Value::as_str);
    scaler.kind == "HorizontalPodAutoscaler"
        && of("kind") == Some("Deployment")
        && of("name") == document.name.as_deref()
}

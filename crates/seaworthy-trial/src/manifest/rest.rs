//! What a manifest has beside what is followed here, in a line each or, mostly, in one line together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    field::{Notes, list},
    wire::{Quantity, Resources},
};

/// Fields of a Deployment that are followed, or that say nothing to one machine.
const SPEC: &[&str] = &[
    "replicas",
    "strategy",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "revisionHistoryLimit",
    "selector",
    "template",
];

/// The same, of a pod.
const POD: &[&str] = &[
    "containers",
    "initContainers",
    "terminationGracePeriodSeconds",
    "restartPolicy",
    "dnsPolicy",
    "schedulerName",
    "imagePullSecrets",
];

/// The same, of a container.
const CONTAINER: &[&str] = &[
    "name",
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "env",
    "envFrom",
    "ports",
    "resources",
    "lifecycle",
    "startupProbe",
    "readinessProbe",
    "livenessProbe",
    "terminationMessagePath",
    "terminationMessagePolicy",
];

/// The same, of a probe: a misspelt one would otherwise be its default without a word.
const PROBE: &[&str] = &[
    "httpGet",
    "tcpSocket",
    "exec",
    "grpc",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "successThreshold",
    "failureThreshold",
    "terminationGracePeriodSeconds",
];

/// Tells what is not followed of a Deployment and of its container with this index.
pub(super) fn tell(deployment: &Value, container: usize, resources: &Resources, notes: &mut Notes) {
    self::resources(resources, notes);
    let container = format!("/spec/template/spec/containers/{container}");
    let mut fields = BTreeSet::new();
    let mut look = |pointer: &str, known: &[&str], prefix: &str| {
        let there = deployment.pointer(pointer).and_then(Value::as_object);
        for (field, value) in there.into_iter().flatten() {
            if !known.contains(&field.as_str()) && says_something(value) {
                fields.insert(format!("{prefix}{field}"));
            }
        }
    };
    look("/spec", SPEC, "");
    look("/spec/template/spec", POD, "");
    look(&container, CONTAINER, "");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        look(&format!("{container}/{probe}"), PROBE, &format!("{probe}."));
    }
    if !fields.is_empty() {
        let fields: Vec<String> = fields.into_iter().collect();
        notes.add(format!("not followed on this machine: {}", list(&fields)));
    }
}

/// A cluster writes many a field without anything in it.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn resources(resources: &Resources, notes: &mut Notes) {
    let amounts = |name: &str, amounts: &BTreeMap<String, Quantity>| {
        let texts: Vec<String> = amounts.iter().map(|(of, amount)| format!("{of} {amount}")).collect();
        (!texts.is_empty()).then(|| format!("{name} {}", list(&texts)))
    };
    let parts = [amounts("limits", &resources.limits), amounts("requests", &resources.requests)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if !parts.is_empty() {
        notes.add(format!("resources: {} are not enforced on this machine", parts.join(" and ")));
    }
}

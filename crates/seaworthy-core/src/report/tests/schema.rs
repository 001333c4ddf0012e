use std::collections::BTreeSet;

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../../docs/load.schema.json");

/// Whether a document is as the schema says, as far as the schema's own vocabulary goes.
pub(super) fn assert_valid(document: &str) {
    assert_valid_by(SCHEMA, document);
}

/// The same of any schema.
pub(in crate::report) fn assert_valid_by(schema: &str, document: &str) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    check(&serde_json::from_str(document).unwrap(), &schema, &schema, "document");
}

/// Whether a document has something of everything that the schema speaks of.
pub(super) fn assert_complete(document: &str) {
    assert_complete_by(SCHEMA, document);
}

/// The same of any schema.
pub(in crate::report) fn assert_complete_by(schema: &str, document: &str) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    for (name, part) in schema["properties"].as_object().unwrap() {
        if part["items"]["properties"].is_object() {
            assert!(!document[name].as_array().unwrap().is_empty(), "{name} is empty, so it is not checked");
        }
        if part["properties"].is_object() {
            assert!(document[name].is_object(), "{name} is null, so it is not checked");
        }
    }
}

fn check(value: &Value, schema: &Value, root: &Value, path: &str) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
        return check(value, &root["$defs"][name], root, path);
    }
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{path}");
    }
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{path}: {value}");
    }
    check_type(value, &schema["type"], path);
    if let Some(minimum) = schema["minimum"].as_f64() {
        assert!(value.as_f64().is_none_or(|value| value >= minimum), "{path}: {value}");
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        check(item, &schema["items"], root, &format!("{path}[{n}]"));
    }
    let Some(object) = value.as_object() else { return };
    let Some(properties) = schema["properties"].as_object() else {
        let of_any = &schema["additionalProperties"];
        assert!(of_any.is_object(), "{path} is not described");
        object.iter().for_each(|(name, value)| check(value, of_any, root, &format!("{path}.{name}")));
        return;
    };
    let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let required: BTreeSet<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let present: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(present, described, "{path}");
    assert_eq!(present, required, "{path}");
    for (name, value) in object {
        check(value, &properties[name], root, &format!("{path}.{name}"));
    }
}

fn check_type(value: &Value, types: &Value, path: &str) {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let allowed = match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    assert!(allowed, "{path}: {value} is not of type {types}");
}

#[test]
fn every_kind_and_phase_is_in_it() {
    use crate::outcome::{ConnectionKind, FailureKind};
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let listed = |name: &str| -> Vec<String> {
        let values = schema["$defs"][name]["enum"].as_array().unwrap();
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("kind"), FailureKind::ALL.map(FailureKind::label));
    assert_eq!(listed("connection"), ConnectionKind::ALL.map(ConnectionKind::label));
}

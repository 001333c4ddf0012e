//! From text to documents: YAML or JSON, within bounds.

use serde_json::Value;
use serde_saphyr::{Error, Options, Spanned, options::NonFiniteFloatPolicy};

use super::field::{Field, Invalid, shown};

/// Bytes of a manifest. etcd takes 1.5 MiB for an object, and a file that somebody keeps has far less.
const LONGEST: usize = 1 << 20;

const TOO_MUCH: &str = "nests deeper or repeats more by its aliases than a manifest does; write it out";

/// One object of a manifest.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Where it is.
    pub(super) place: Field,
    /// `apps/v1`, where it says so.
    pub(super) version: String,
    /// `Deployment`, where it says so.
    pub(super) kind: String,
    /// `metadata.name`.
    pub(super) name: Option<String>,
    /// `metadata.namespace`.
    pub(super) namespace: Option<String>,
    /// All of it. A field that is null counts as one that is not there, as in Kubernetes.
    pub(super) value: Value,
}

impl Document {
    /// Whether they may be in one namespace: an object that names none is put where the others are.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        match (&self.namespace, &other.namespace) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        }
    }
}

/// All objects of a text, those in Lists, too.
pub(super) fn read(text: &str) -> Result<Vec<Document>, Invalid> {
    let whole = Field::document(String::new());
    if text.len() > LONGEST {
        let long = text.len().div_ceil(1024);
        return Err(whole.invalid(format!(
            "has {long} KiB, and 1024 are read; give the file that has the Deployment and little else"
        )));
    }
    let parsed: Vec<Spanned<Value>> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| not_read(&error, text))?;
    let several = parsed.len() > 1;
    let mut documents = Vec::new();
    for (index, Spanned { mut value, referenced, .. }) in parsed.into_iter().enumerate() {
        without_nulls(&mut value);
        let words = format!("document {} (line {})", index + 1, referenced.line());
        take(Field::document(if several { words } else { String::new() }), value, &mut documents);
    }
    Ok(documents)
}

/// Aliases may not multiply, and nothing may nest deeper than a manifest does.
fn options() -> Options {
    serde_saphyr::options! {
        // A part of the text in an error may be a part of a Secret.
        with_snippet: false,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        budget: serde_saphyr::budget! { max_depth: 64, max_nodes: 200_000, max_total_scalar_bytes: 4 * LONGEST },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000, max_replay_stack_depth: 16 },
    }
}

/// One document as objects: itself, or a List's items.
fn take(place: Field, mut value: Value, documents: &mut Vec<Document>) {
    let (kind, version) = (text(&value, "/kind").unwrap_or_default(), text(&value, "/apiVersion").unwrap_or_default());
    if kind == "List"
        && version == "v1"
        && let Some(items) = value.get_mut("items").and_then(Value::as_array_mut)
    {
        for (index, item) in std::mem::take(items).into_iter().enumerate() {
            take(place.nth("items", index), item, documents);
        }
        return;
    }
    let (name, namespace) = (text(&value, "/metadata/name"), text(&value, "/metadata/namespace"));
    documents.push(Document { place, version, kind, name, namespace, value });
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn without_nulls(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(without_nulls);
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(without_nulls);
    }
}

/// What is wrong with a text that cannot be read, without any of its values.
fn not_read(error: &Error, text: &str) -> Invalid {
    let place = error.location().map_or_else(
        || "manifest".into(),
        |location| format!("line {}, column {}", location.line(), location.column()),
    );
    let mut problem = problem(error);
    if text.contains("{{") {
        problem.push_str("; it looks like a template: render it first, as with `helm template`");
    }
    Invalid::new(&place, &problem)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's own kinds, and it may add more")]
fn problem(error: &Error) -> String {
    match error {
        Error::AliasError { error, .. } => problem(error),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map(shown).unwrap_or_default();
            format!("the key {key} is there twice, and only one of them can count; remove the other")
        }
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => TOO_MUCH.into(),
        Error::UnknownAnchor { .. } => "an alias has no anchor before it; put text that begins with * in quotes".into(),
        Error::NullIntoString { .. } | Error::Unexpected { .. } => "a key has to be text".into(),
        Error::ExternalMessage { msg, .. } => not_parsed(msg),
        _ => "is neither YAML nor JSON".into(),
    }
}

/// The parser's own words, where they are no part of the text.
fn not_parsed(words: &str) -> String {
    match words {
        _ if words.contains("recursion limit") => TOO_MUCH.into(),
        _ if words.starts_with("tabs ") => "is indented by a tab; YAML takes only spaces".into(),
        // It quotes a character, which may be one of a Secret.
        _ if words.contains('`') => "is neither YAML nor JSON".into(),
        _ => format!("is neither YAML nor JSON: {}", shown(words)),
    }
}

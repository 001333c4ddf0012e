//! Each `Secret` and `ConfigMap` of the same file.

use std::{collections::BTreeMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    document::Document,
    field::{Field, Invalid},
    wire,
};

/// Where values of variables come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Secret,
    ConfigMap,
}

impl Source {
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// What is held under a key; not `Debug`, since it may be secret.
pub(super) enum Held {
    Text(String),
    /// No text, and so nothing for a variable.
    Binary,
}

/// What is in one `Secret` or `ConfigMap`, by key.
pub(super) type Entries = BTreeMap<String, Held>;

/// Those beside a Deployment, each read once.
pub(super) struct Sources<'a> {
    deployment: &'a Document,
    documents: &'a [Document],
    read: BTreeMap<(Source, String), Option<Rc<Entries>>>,
}

impl<'a> Sources<'a> {
    /// Those of a file, for a Deployment in it.
    pub(super) const fn new(deployment: &'a Document, documents: &'a [Document]) -> Self {
        Self { deployment, documents, read: BTreeMap::new() }
    }

    /// What is in one, where the file has it. Of two with one name the later counts, as where both are applied.
    pub(super) fn get(&mut self, source: Source, name: &str) -> Result<Option<Rc<Entries>>, Invalid> {
        let key = (source, name.to_owned());
        if let Some(known) = self.read.get(&key) {
            return Ok(known.clone());
        }
        let is_it = |document: &&Document| {
            document.kind == source.kind()
                && document.version == "v1"
                && document.name.as_deref() == Some(name)
                && document.is_beside(self.deployment)
        };
        let found = self.documents.iter().rev().find(is_it);
        let entries = found.map(|document| entries(source, document).map(Rc::new)).transpose()?;
        self.read.insert(key, entries.clone());
        Ok(entries)
    }
}

fn entries(source: Source, document: &Document) -> Result<Entries, Invalid> {
    let wire::Entries { data, string_data, binary_data } = wire::read(&document.value, &document.place)?;
    let mut entries: Entries = binary_data.into_keys().map(|key| (key, Held::Binary)).collect();
    match source {
        Source::ConfigMap => entries.extend(data.into_iter().map(|(key, value)| (key, Held::Text(value)))),
        Source::Secret => {
            for (key, value) in data {
                let held = decoded(&value, &document.place.of("data").of(&key))?;
                entries.insert(key, held);
            }
            entries.extend(string_data.into_iter().map(|(key, value)| (key, Held::Text(value))));
        }
    }
    Ok(entries)
}

fn decoded(value: &str, place: &Field) -> Result<Held, Invalid> {
    // A long one is often wrapped.
    let value: String = value.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = STANDARD
        .decode(value)
        .map_err(|_its_bytes| place.invalid("is not base64; encode it, or move it to stringData as it is"))?;
    Ok(String::from_utf8(bytes).map_or(Held::Binary, Held::Text))
}

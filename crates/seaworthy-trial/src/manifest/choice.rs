//! Which of a manifest's objects is the Deployment that is meant.

use super::{
    document::Document,
    field::{Field, Invalid, list, shown},
};

/// The one Deployment, or the one that is wanted.
pub(super) fn deployment<'a>(documents: &'a [Document], wanted: Option<&str>) -> Result<&'a Document, Invalid> {
    let whole = Field::document(String::new());
    let all: Vec<&Document> = documents.iter().filter(|document| document.kind == "Deployment").collect();
    if all.is_empty() {
        return Err(whole.invalid(none(documents)));
    }
    let meant: Vec<&Document> =
        all.iter().copied().filter(|document| wanted.is_none_or(|wanted| is_named(document, wanted))).collect();
    match (meant.as_slice(), wanted) {
        ([one], _) => usable(one),
        ([], Some(wanted)) => {
            Err(whole.invalid(format!("has no Deployment {}; it has {}", shown(wanted), list(&names(&all)))))
        }
        (several, _) => {
            let names = list(&names(several));
            Err(whole.invalid(format!("has {} Deployments: {names}; name the one that is meant", several.len())))
        }
    }
}

fn is_named(document: &Document, wanted: &str) -> bool {
    match wanted.split_once('/') {
        Some((namespace, name)) => {
            document.name.as_deref() == Some(name) && document.namespace.as_deref().unwrap_or("default") == namespace
        }
        None => document.name.as_deref() == Some(wanted),
    }
}

/// Names that tell them apart: with the namespace where they have one.
fn names(deployments: &[&Document]) -> Vec<String> {
    let name = |document: &&Document| {
        let name = document.name.as_deref().unwrap_or("(without a name)");
        document.namespace.as_ref().map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
    };
    deployments.iter().map(name).collect()
}

fn usable(document: &Document) -> Result<&Document, Invalid> {
    if document.version != "apps/v1" {
        let version = shown(&document.version);
        return Err(document.place.of("apiVersion").invalid(format!("is \"{version}\"; a Deployment is of apps/v1")));
    }
    Ok(document)
}

/// What is there where no Deployment is.
fn none(documents: &[Document]) -> String {
    if documents.is_empty() {
        return "is empty; give a file that has a Deployment of apps/v1".into();
    }
    let mut kinds: Vec<&str> = Vec::new();
    for document in documents {
        let kind = if document.kind.is_empty() { "something without a kind" } else { document.kind.as_str() };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let way_out = if kinds.contains(&"Kustomization") {
        "render it first, as with `kubectl kustomize`"
    } else {
        "give a file that has a Deployment of apps/v1"
    };
    format!("has no Deployment, only {}; {way_out}", list(&kinds))
}

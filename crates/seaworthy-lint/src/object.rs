//! Kubernetes objects, as they are written.

use std::sync::Arc;

use crate::{
    Place,
    yaml::{Document, Node},
};

/// An object, and where it is.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) source: String,
    /// `apps/v1`.
    pub(crate) version: String,
    /// `Deployment`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) node: Arc<Node>,
    /// The last line of its document, or the largest there is.
    pub(crate) lines: (usize, usize),
}

impl Object {
    /// Whether they can meet: an object that names no namespace is put where the others are.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        match (&self.namespace, &other.namespace) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        }
    }

    /// What it is called.
    pub(crate) fn title(&self) -> String {
        let namespace = self.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{}/{namespace}{}", self.kind, self.name)
    }

    /// A line of it.
    pub(crate) fn place(&self, line: usize) -> Place {
        Place { source: self.source.clone(), line: if line == 0 { self.lines.0 } else { line }, object: self.title() }
    }

    /// What it is to be, and how.
    pub(crate) fn spec(&self) -> &Node {
        self.node.get("spec")
    }

    /// The group of its API, without the version: nothing for the core's.
    pub(crate) fn group(&self) -> &str {
        self.version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// The objects of a document: itself, or a List's items. What is no object is left out.
pub(crate) fn take(source: &str, document: &Document, objects: &mut Vec<Object>) {
    let first = document.comments.iter().map(|comment| comment.line).chain([document.node.line]).min();
    take_node(source, &document.node, first.unwrap_or(1), objects);
}

fn take_node(source: &str, node: &Arc<Node>, first: usize, objects: &mut Vec<Object>) {
    let (Some(version), Some(kind)) = (node.get("apiVersion").text(), node.get("kind").text()) else { return };
    if kind.ends_with("List") && node.entry("items").is_some() {
        if let Some(items) = node.shared("items") {
            for item in items {
                take_node(source, item, item.line, objects);
            }
        }
        return;
    }
    let text = |path: &str| node.at(path).text().map(shown);
    objects.push(Object {
        source: source.to_owned(),
        version: shown(version),
        kind: shown(kind),
        name: text("metadata.name").or_else(|| text("metadata.generateName")).unwrap_or_default(),
        namespace: text("metadata.namespace"),
        node: Arc::clone(node),
        lines: (first, node.last_line()),
    });
}

/// A name, short and without what a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(253).collect()
}

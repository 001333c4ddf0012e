//! Kubernetes objects, as they are written.

use std::sync::Arc;

use crate::{Place, yaml::Node};

/// An object, and where it is.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its number among all that were read.
    pub(crate) index: usize,
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

/// A name, short and without what a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(253).collect()
}

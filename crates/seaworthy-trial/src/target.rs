//! What is run, and what it is told.

use std::path::PathBuf;

use seaworthy_core::deployment::Deployment;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its rules.
    pub deployment: Deployment,
    /// The program and its arguments, with placeholders: see [`Place::fill`](crate::target).
    pub command: Vec<String>,
    /// The same, of a release that is broken on purpose.
    pub bad_command: Vec<String>,
    /// Variables that are added to its environment, with placeholders in their values.
    pub environment: Vec<(String, String)>,
    /// Where it runs; the tool's own directory where there is none.
    pub directory: Option<PathBuf>,
    /// The names of its other ports, beside the one that serves requests: each gets a free one.
    pub ports: Vec<String>,
}

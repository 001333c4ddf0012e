//! A target's rules, from a Kubernetes manifest.
//!
//! What a cluster would reject is an error here, too, in one line that says where and what would do. What one machine
//! cannot follow is not an error: it is told in [`Manifest::not_followed`].

mod autoscaler;
mod choice;
mod document;
mod environment;
mod expand;
mod field;
mod ports;
mod probe;
mod read;
mod rest;
mod rules;
mod sources;
mod wire;

#[cfg(test)]
mod tests;

use seaworthy_core::deployment::Deployment;

pub use field::Invalid;

/// What a manifest says of a Deployment, as far as one machine can follow it.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub deployment: Deployment,
    /// The container's command and arguments, where the manifest has any. Values of Secrets may be in them.
    pub command: Vec<String>,
    /// Variables that it sets, with their values. Values of Secrets may be among them.
    pub environment: Vec<(String, String)>,
    /// The names of its ports other than the one that serves requests: names where they have any, else numbers.
    pub ports: Vec<String>,
    /// What is read but not followed here, a line each.
    pub not_followed: Vec<String>,
}

impl std::fmt::Debug for Manifest {
    /// Without what may be secret: an assertion or a log must not tell it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.environment.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Manifest")
            .field("name", &self.name)
            .field("deployment", &self.deployment)
            .field("command", &format_args!("{} words", self.command.len()))
            .field("environment", &names)
            .field("ports", &self.ports)
            .field("not_followed", &self.not_followed)
            .finish()
    }
}

impl Manifest {
    /// Reads a manifest, of one document or of several, in YAML or JSON. `wanted` names the Deployment, where there
    /// is more than one: as `checkout`, or as `shop/checkout` with its namespace.
    pub fn read(text: &str, wanted: Option<&str>) -> Result<Self, Invalid> {
        let documents = document::read(text)?;
        let chosen = choice::deployment(&documents, wanted)?;
        read::manifest(chosen, &documents)
    }
}

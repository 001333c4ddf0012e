//! Manifests as users have them, and as they get them wrong.

mod errors;
mod examples;
mod generated;
mod variables;

use std::time::Duration;

use seaworthy_core::deployment::{Check, Probe};

use super::{Invalid, Manifest};

fn read(text: &str) -> Manifest {
    Manifest::read(text, None).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"))
}

fn problem(text: &str) -> String {
    Manifest::read(text, None).map_err(|invalid: Invalid| invalid.to_string()).expect_err(text)
}

/// A Deployment called web with these lines in its container, which is the last thing in it.
fn with_container(lines: &str) -> String {
    let lines = lines.lines().map(|line| format!("          {line}\n")).collect::<Vec<_>>().concat();
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
        - name: web
{lines}"
    )
}

/// The same with these lines in its `spec`.
fn with_spec(lines: &str) -> String {
    let lines = lines.lines().map(|line| format!("  {line}\n")).collect::<Vec<_>>().concat();
    format!("{}{lines}", with_container("image: web:1"))
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn http(port: Option<&str>, path: &str) -> Probe {
    Probe::new(Check::Http { port: port.map(Into::into), path: path.into(), headers: Vec::new(), tls: false })
}

//! What the owner of a console gives it: values with their units, once a second.
//!
//! They say what was seen, and nothing of how it came about: a console shows a system of processes on this machine and
//! one in a cluster alike. What is not known is `None`, and is shown as not known, never as nought.

mod drills;
mod graph;
mod lanes;

use serde::Serialize;

pub use drills::{Cost, DrillRecord, DrillState, Finding};
pub use graph::{Database, Edge, Figures, Instance, Mesh, Node, NodeKind, Peers, Security};
pub use lanes::{Mark, MarkKind, Phase, PhaseChange};

use crate::wire::{as_optional_rounded, as_rounded};

/// The system in one second of its run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// Which second of the run it is, from 1: what was seen in the second that ended then. It only grows; a second may
    /// be missing.
    pub second: u64,
    /// The same on the wall clock, in milliseconds since 1970: only for what people read.
    pub wall_ms: u64,
    /// How many replicas are wanted.
    pub wanted: u32,
    /// Since when, and of how much, the sums are.
    pub sums: Sums,
    /// Who is there.
    pub nodes: Vec<Node>,
    /// Who calls whom.
    pub edges: Vec<Edge>,
    /// The golden signals of the whole, as clients see it.
    pub overall: Signals,
    /// The same of each replica.
    pub replicas: Vec<ReplicaSignals>,
    /// What changed in the lives of replicas since the last snapshot.
    pub phases: Vec<PhaseChange>,
    /// What happened since the last snapshot.
    pub marks: Vec<Mark>,
    /// Drills that are new, or have changed, since the last snapshot.
    pub drills: Vec<DrillRecord>,
    /// Why nothing can be asked for now, where that is so, in words for people.
    pub busy: Option<String>,
}

/// Sums over the run, or over the part of it that somebody looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Whole seconds that they are over.
    pub seconds: u64,
    /// Requests that were due.
    pub requests: u64,
    /// Requests that were lost.
    pub failed: u64,
}

/// The four golden signals: traffic, errors, latency, saturation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Signals {
    /// Requests that were due in this second.
    #[serde(serialize_with = "as_rounded")]
    pub arrivals_per_s: f64,
    /// Of those that ended in this second: lost.
    #[serde(serialize_with = "as_rounded")]
    pub failures_per_s: f64,
    /// Response time in milliseconds, median; `None` where nothing was answered.
    #[serde(serialize_with = "as_optional_rounded")]
    pub p50_ms: Option<f64>,
    /// Response time in milliseconds, 99 of 100 are faster.
    #[serde(serialize_with = "as_optional_rounded")]
    pub p99_ms: Option<f64>,
    /// The slowest response in milliseconds.
    #[serde(serialize_with = "as_optional_rounded")]
    pub max_ms: Option<f64>,
    /// Share of the scarcest resource that is in use, from 0 to 1.
    #[serde(serialize_with = "as_optional_rounded")]
    pub saturation: Option<f64>,
}

/// The golden signals of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplicaSignals {
    /// Whose.
    pub replica: seaworthy_core::event::Replica,
    /// What was seen of it.
    #[serde(flatten)]
    pub signals: Signals,
}

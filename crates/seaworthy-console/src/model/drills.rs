//! What was asked for, and what it cost.

use seaworthy_core::{drill::Drill, time::Moment};
use serde::Serialize;

use crate::wire::{as_millis, as_optional_millis, as_optional_rounded, as_rounded};

/// One drill, from the moment that somebody asked for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrillRecord {
    /// Its number, from 1. A record with the same number replaces what was told before.
    pub id: u64,
    /// Which.
    pub drill: Drill,
    /// What is done, in words: `kill replica 2`.
    pub what: String,
    /// When it was asked for.
    #[serde(rename = "asked_ms", serialize_with = "as_millis")]
    pub asked: Moment,
    /// Who asked: `the page`, `the schedule`.
    pub by: String,
    /// How far it is.
    #[serde(flatten)]
    pub state: DrillState,
    /// When it began.
    #[serde(rename = "began_ms", serialize_with = "as_optional_millis")]
    pub began: Option<Moment>,
    /// When it ended, and all was as it should be again.
    #[serde(rename = "ended_ms", serialize_with = "as_optional_millis")]
    pub ended: Option<Moment>,
    /// What it cost, as far as it is known.
    pub cost: Option<Cost>,
    /// What the diagnosis says.
    pub findings: Vec<Finding>,
}

/// How far a drill is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DrillState {
    /// It waits for its turn.
    Waiting,
    /// It disturbs, or what it disturbed is not yet as it should be.
    Running,
    /// It is over.
    Done,
    /// It was not made.
    Refused {
        /// Why.
        reason: String,
    },
}

/// What a drill cost the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Requests without a good answer.
    pub lost: u64,
    /// Requests that were sent again, as HTTP allows it.
    pub retried: u64,
    /// The slowest answer in milliseconds.
    #[serde(serialize_with = "as_optional_rounded")]
    pub worst_ms: Option<f64>,
    /// For how many seconds requests were lost.
    #[serde(serialize_with = "as_rounded")]
    pub outage_s: f64,
}

/// A cause in the words of the diagnosis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name in the registry: `endpoint-removal-race`.
    pub cause: String,
    /// What happened, in a sentence.
    pub what: String,
    /// What was seen, a line each.
    pub evidence: Vec<String>,
    /// What to change.
    pub fix: String,
}

impl From<&seaworthy_core::diagnosis::Finding> for Finding {
    fn from(found: &seaworthy_core::diagnosis::Finding) -> Self {
        Self {
            cause: found.cause.clone(),
            what: found.title.clone(),
            evidence: found.evidence.clone(),
            fix: found.mends.clone(),
        }
    }
}

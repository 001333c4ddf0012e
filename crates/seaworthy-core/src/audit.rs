//! What became of a trial's writes: they are read back at its end, when nothing is written any more.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// What became of all writes. Each that was acknowledged is one of kept, lost, stale and unverified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Answered with success.
    pub acknowledged: u64,
    /// Sent, and without an answer of success: nobody can know at once whether they were executed.
    pub unknown: u64,
    /// Of those, the ones that were found at the end: executed.
    pub recovered: u64,
    /// Of the unknown, the ones that were looked for at the end and are not there: not executed.
    #[serde(default)]
    pub not_executed: u64,
    /// Certainly not executed, or refused by the service.
    pub refused: u64,
    /// Acknowledged, and there when first read.
    pub kept: u64,
    /// Acknowledged, and not there whenever it was read.
    pub lost: u64,
    /// Acknowledged, not there when first read, and there later.
    pub stale: u64,
    /// Acknowledged, but nothing could be read.
    pub unverified: u64,
    /// Sent once, and there more often.
    pub duplicated: u64,
    /// When the first was acknowledged.
    #[serde(default)]
    pub first: Option<Moment>,
    /// Whether a record that was never written was read as if it was there, so that reading proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub echoes: bool,
    /// Whether a list was asked for and never came, so that nobody looked for what is there twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// Whether a list came, so that what is there twice would have been seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listed: bool,
    /// When all that is known to be there, or to be gone, was acknowledged: only what is there tells whether the last is
    /// gone, or everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Acknowledged>,
    /// Those that came to harm, in the order in which they were acknowledged; as many as are kept.
    pub harmed: Vec<Harmed>,
    /// What is known of how durable the target's writes are, a line each.
    pub settings: Vec<String>,
}

/// What one replica acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Which, as far as that is known.
    pub endpoint: Option<SocketAddr>,
    /// The number of an interval of the trial, how many of its writes are there, and how many are gone.
    pub slots: Vec<(u64, u64, u64)>,
}

/// A write that came to harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harmed {
    /// What it was written as.
    pub key: String,
    /// The target's own name for it, where it gave one.
    pub id: Option<String>,
    /// What became of it.
    pub harm: Harm,
    /// When it was acknowledged; for one that never was, when it ended.
    pub acknowledged: Moment,
    /// Who acknowledged it.
    pub endpoint: Option<SocketAddr>,
    /// What was read, in words: `404`, `3 times in the list`.
    pub read: String,
}

/// What can become of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// It was acknowledged, and is not there.
    Lost,
    /// It was sent once, and is there more often.
    Duplicated,
    /// It was acknowledged, was not there when first read, and was there later.
    Stale,
}

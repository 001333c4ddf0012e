//! The writes of the document.

use serde::Serialize;

use super::at_ms;
use crate::{
    assessment,
    audit::{Audit, Harm},
};

#[derive(Debug, Serialize)]
pub(super) struct Writes<'a> {
    verdict: &'static str,
    reasons: Vec<&'a str>,
    acknowledged: u64,
    unknown: u64,
    recovered: u64,
    not_executed: u64,
    refused: u64,
    kept: u64,
    lost: u64,
    stale: u64,
    unverified: u64,
    duplicated: u64,
    terminations: u64,
    first_ms: Option<f64>,
    harmed: Vec<Harmed<'a>>,
    settings: &'a [String],
}

#[derive(Debug, Serialize)]
struct Harmed<'a> {
    key: &'a str,
    id: Option<&'a str>,
    harm: Harm,
    acknowledged_ms: f64,
    endpoint: Option<String>,
    read: &'a str,
}

/// Those of an assessment.
pub(super) fn of(writes: &assessment::Writes) -> Writes<'_> {
    let assessment::Writes { audit, terminations, failures, doubts, .. } = writes;
    let Audit { acknowledged, unknown, recovered, not_executed, refused, .. } = *audit;
    let Audit { kept, lost, stale, unverified, duplicated, first, .. } = *audit;
    let harmed = audit.harmed.iter().map(|harmed| Harmed {
        key: &harmed.key,
        id: harmed.id.as_deref(),
        harm: harmed.harm,
        acknowledged_ms: at_ms(harmed.acknowledged),
        endpoint: harmed.endpoint.map(|endpoint| endpoint.to_string()),
        read: &harmed.read,
    });
    Writes {
        verdict: writes.verdict().label(),
        reasons: failures.iter().chain(doubts).map(String::as_str).collect(),
        acknowledged,
        unknown,
        recovered,
        not_executed,
        refused,
        kept,
        lost,
        stale,
        unverified,
        duplicated,
        terminations: *terminations,
        first_ms: first.map(at_ms),
        harmed: harmed.collect(),
        settings: &audit.settings,
    }
}

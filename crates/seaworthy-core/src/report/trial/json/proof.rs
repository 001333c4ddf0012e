//! What was tried to mend a target, and a client's own retries.

use serde::Serialize;

use super::labels;
use crate::{change, fix, replay};

#[derive(Debug, Serialize)]
pub(super) struct Tried<'a> {
    changes: Vec<String>,
    rounds: Vec<Vec<String>>,
    manifest: String,
    drills: Vec<&'static str>,
    verdict: &'static str,
    reasons: &'a [String],
    lost_before: u64,
    lost_after: u64,
    requests_before: u64,
    requests_after: u64,
    causes: Vec<Compared<'a>>,
}

#[derive(Debug, Serialize)]
struct Compared<'a> {
    cause: &'a str,
    before: u64,
    after: u64,
    proof: &'static str,
}

pub(super) fn tried(tried: &fix::Tried) -> Tried<'_> {
    Tried {
        changes: words(&tried.changes),
        rounds: tried.rounds.iter().map(|new| words(new)).collect(),
        manifest: change::fragment(&tried.changes),
        drills: labels(&tried.drills),
        verdict: tried.verdict.label(),
        reasons: &tried.reasons,
        lost_before: tried.lost.0,
        lost_after: tried.lost.1,
        requests_before: tried.requests.0,
        requests_after: tried.requests.1,
        causes: tried.causes.iter().map(compared).collect(),
    }
}

fn words(changes: &[change::Change]) -> Vec<String> {
    changes.iter().map(change::Change::words).collect()
}

fn compared(of: &fix::Compared) -> Compared<'_> {
    Compared { cause: &of.cause, before: of.before, after: of.after, proof: of.proof.label() }
}

#[derive(Debug, Serialize)]
pub(super) struct Replay {
    policy: String,
    lost: u64,
    covered: u64,
    hidden: f64,
    added: f64,
    worst: f64,
    doubled: u64,
}

pub(super) fn replay(of: &replay::Replay) -> Replay {
    let replay::Replay { policy, lost, covered, hidden, added, worst, doubled } = of;
    Replay {
        policy: policy.to_string(),
        lost: *lost,
        covered: *covered,
        hidden: *hidden,
        added: *added,
        worst: *worst,
        doubled: *doubled,
    }
}

//! A request that must not be sent twice, and of which nobody knows what became.

use super::{Asks, Confidence, Fate, Harm, Hit, Rule, entries};
use crate::outcome::FailureKind;

pub(super) const RULE: Rule = Rule {
    id: "unknown-outcome-write",
    title: "requests that must not be sent twice timed out: nobody can know whether they were executed",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::data::UNKNOWN_WRITE,
    mends: |_| {
        "an idempotency key with a unique index, so that a client may send it again; or a way to ask what became of it"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        vec![
            format!("{} on {}, {}", found.what(), found.whose(), found.when()),
            "why they took so long is not known".to_owned(),
        ]
    },
    judge: |case| {
        let unknown = case.failed.fate == Fate::Unknown && case.kind() == FailureKind::TimedOut;
        let replica = case.suspect.map(|life| life.replica);
        unknown.then_some(Hit { confidence: Confidence::Possible, replica })
    },
};

//! A request that must not be sent twice, and of which nobody knows what became.

use super::{Asks, Confidence, Fate, Harm, Hit, Rule, entries};
use crate::{audit::Audit, outcome::FailureKind, text::thousands};

pub(super) const RULE: Rule = Rule {
    id: "unknown-outcome-write",
    title: "requests that must not be sent twice timed out: their clients cannot know whether they were executed",
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
        let mut lines = vec![
            format!("{} on {}, {}", found.what(), found.whose(), found.when()),
            "why they took so long is not known".to_owned(),
        ];
        lines.extend(found.history.audit.as_ref().and_then(read_back));
        lines
    },
    judge: |case| {
        let unknown = case.failed.fate == Fate::Unknown && case.kind() == FailureKind::TimedOut;
        let replica = case.suspect.map(|life| life.replica);
        unknown.then_some(Hit { confidence: Confidence::Possible, replica })
    },
};

/// What reading back at the end told of all writes without an answer.
fn read_back(audit: &Audit) -> Option<String> {
    let Audit { unknown, recovered, not_executed, .. } = *audit;
    (recovered.saturating_add(not_executed) > 0).then(|| {
        format!(
            "read back at the end: of {} unknown writes in all, {} had been executed and {} had not",
            thousands(unknown),
            thousands(recovered),
            thousands(not_executed)
        )
    })
}

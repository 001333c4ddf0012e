//! The strategy `Recreate`.

use super::{Asks, Case, Confidence, Harm, Hit, Rule, entries};

use crate::change::Change;

pub(super) const RULE: Rule = Rule {
    id: "recreate-gap",
    title: "the strategy Recreate ends all old replicas before the first new one starts: meanwhile nobody answers",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::startup::RECREATE,
    changes: |_| vec![Change::RollingUpdate],
    mends: |_| {
        "strategy.type: RollingUpdate (maxUnavailable: 0, maxSurge: 1); keep Recreate only where two versions must not \
         run at once"
            .to_owned()
    },
    evidence: |found| {
        vec![format!("{}, while a rollout was under way and no endpoint was left, {}", found.what(), found.when())]
    },
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    (case.is_unreached() && case.is_recreated()).then_some(NOBODY)
}

/// There was nobody: no replica in particular has a part in it.
pub(super) const NOBODY: Hit = Hit { confidence: Confidence::Proven, replica: None };

//! A replica's address is used after it is gone.

use super::{
    Asks, Case, Confidence, Harm, Hit, Rule, case::at_or_after, context::REMEMBERED, entries, found::longer_sleep,
    removal_race::left,
};
use crate::outcome::{FailureKind, Phase};

pub(super) const RULE: Rule = Rule {
    id: "stale-endpoint-after-teardown",
    title: "clients still connected to a replica that was gone, and nothing answered them",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::STALE_ENDPOINT,
    mends: |found| {
        format!(
            "keep the replica for longer than clients take to hear of it: lifecycle.preStop.sleep.seconds: {}, with \
             terminationGracePeriodSeconds above it",
            found.sleep()
        )
    },
    changes: longer_sleep,
    evidence: |found| {
        let when = found.between(|life| life.terminating.map(|(told, _)| told), "it was told to end");
        vec![format!("{} {when}, on {}", found.what(), found.whose()), format!("preStop: {}", found.pre_stop())]
    },
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let (life, stop) = case.stopping()?;
    let lost = matches!(case.kind(), FailureKind::TimedOut | FailureKind::Unreachable)
        && case.failed.failure.phase == Phase::Connect;
    if !lost || !at_or_after(case.begun(), stop) {
        return None;
    }
    let left = left(case, life);
    if at_or_after(left, case.begun()) {
        return Some(case.hit(Confidence::Likely));
    }
    (case.begun() <= left + REMEMBERED).then(|| case.hit(Confidence::Possible))
}

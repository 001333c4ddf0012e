//! More is asked than the replicas that are there can do.

use std::{collections::BTreeSet, time::Duration};

use super::{Asks, Case, Confidence, Failed, Harm, Hit, Rule, context::Context, entries};
use crate::{lives::Lives, outcome::FailureKind, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "overload-shedding",
    title: "more was asked than the replicas that were there could do: they refused, or did not answer in time",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::health::OVERLOAD,
    mends: |_| {
        "leave room for the load with one replica less (more replicas, maxUnavailable: 0), and refuse early what is too \
         much: a bounded queue, 503 or 429 with Retry-After"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
        let most = found.failed.iter().filter_map(|failed| flooded(found.lives, failed.outcome.begun)).max();
        lines.push(most.map_or_else(
            || {
                "fewer replicas were ready than wanted at each of them, and none was lost so at any other time"
                    .to_owned()
            },
            |most| format!("up to {most} requests per second were asked of it then"),
        ));
        lines
    },
    judge,
};

/// Fewer say nothing.
const LEAST: usize = 5;

/// How long a queue may take to empty.
const EMPTIED: Duration = Duration::from_secs(1);

/// Whether refusals keep to the time in which replicas were missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shortage(bool);

impl Shortage {
    pub(super) fn of(context: &Context<'_>, lives: &Lives, failures: &[Failed<'_>]) -> Self {
        let mut endpoints = BTreeSet::new();
        let mut count = 0;
        for failed in failures.iter().filter(|failed| is_refusal(failed) && !failed.is_forgiven()) {
            let begun = failed.outcome.begun;
            if flooded(lives, begun).is_some() {
                continue;
            }
            if !context.is_short(begun) {
                return Self(false);
            }
            count += 1;
            endpoints.extend(failed.outcome.endpoint);
        }
        Self(count >= LEAST && endpoints.len() > 1)
    }
}

/// It was refused for now, or not answered in time.
fn is_refusal(failed: &Failed<'_>) -> bool {
    let status = matches!(failed.failure.status, Some(429 | 503));
    failed.failure.kind == FailureKind::TimedOut || failed.failure.kind == FailureKind::Status && status
}

/// How much was asked at a moment, or until just before it, beyond the trial's own rate.
pub(super) fn flooded(lives: &Lives, at: Moment) -> Option<u32> {
    lives.flooded(at).or_else(|| lives.flooded(super::context::before(at, EMPTIED)))
}

fn judge(case: &Case<'_>) -> Option<Hit> {
    if !is_refusal(&case.failed) {
        return None;
    }
    if flooded(case.lives, case.begun()).is_some() {
        return Some(case.hit(Confidence::Likely));
    }
    let short = case.context.shortage.0 && case.context.is_short(case.begun());
    short.then(|| case.says(Confidence::Possible))
}

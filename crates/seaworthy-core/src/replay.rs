//! A client's own retries, replayed on what was recorded: what they would have hidden, and what they would have doubled.
//!
//! Nothing is sent. For each request that was lost, the retries that a policy allows are placed on the trial's clock, and
//! each is taken to fail with the share of new connections that failed at that moment. So what comes out is what is to be
//! expected, and it leaves out what retries do to the target: the added load is told, but not that a target under it may
//! lose more.

mod policy;

use std::{collections::BTreeMap, time::Duration};

pub use policy::{On, Policy};

use crate::{
    histogram::Histogram,
    history::History,
    interval::INTERVAL,
    outcome::{ConnectionKind, Executed, Failure, FailureKind, Outcome},
    time::{self, Moment},
};

/// What a policy would have done.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The policy.
    pub policy: Policy,
    /// Requests without a good answer, after what HTTP lets any client send again.
    pub lost: u64,
    /// Of them, those that the policy sends again.
    pub covered: u64,
    /// Of them, those that are to be expected to get a good answer in the end.
    pub hidden: f64,
    /// Requests that are sent beyond the trial's own.
    pub added: f64,
    /// How much more is sent in the worst second: 1.5 is half as much again.
    pub worst: f64,
    /// Requests that are not idempotent, may have been executed, and are sent again: each can be executed twice.
    pub doubled: u64,
}

/// Replays a policy. Failures that were only counted, since there were too many to keep, stay lost.
pub fn replay(history: &History, policy: &Policy) -> Replay {
    let weather = Weather::of(history);
    let mut replay =
        Replay { policy: policy.clone(), lost: 0, covered: 0, hidden: 0.0, added: 0.0, worst: 1.0, doubled: 0 };
    // Where writes are among the requests, it is not recorded which ones they were.
    let idempotent = history.header.idempotent && history.audit.is_none();
    let mut added: BTreeMap<u64, f64> = BTreeMap::new();
    for (outcome, failure) in failures(history) {
        replay.lost += 1;
        let again = !idempotent && failure.executed() == Executed::Unknown;
        if !policy.covers(failure) || again && !policy.not_idempotent {
            continue;
        }
        replay.covered += 1;
        replay.doubled += u64::from(again);
        // How likely it is that it has no good answer yet.
        let mut open = 1.0;
        for delay in policy.delays() {
            let at = outcome.done + delay;
            replay.added += open;
            *added.entry(at.since_start().as_secs()).or_default() += open;
            open *= weather.failing(at);
        }
        replay.hidden += 1.0 - open;
    }
    let most = added.values().copied().fold(0.0, f64::max);
    if history.header.rate > 0.0 {
        replay.worst = 1.0 + most / history.header.rate;
    }
    let unseen = history.intervals.iter().map(|interval| interval.counts.failed).sum::<u64>();
    replay.lost = replay.lost.max(unseen);
    replay
}

/// Requests that were lost. What is the generator's own doing is nobody's to hide.
fn failures(history: &History) -> impl Iterator<Item = (&Outcome, &Failure)> {
    let whole = history.intervals.iter().flat_map(|interval| &interval.whole);
    whole.filter(|attempt| !attempt.retried).filter_map(|attempt| {
        let failure = attempt.outcome.end.as_ref().err()?;
        (!failure.kind.is_local() && failure.kind != FailureKind::Unfinished).then_some((&attempt.outcome, failure))
    })
}

/// How new connections fared, by the slot.
#[derive(Debug, Default)]
struct Weather {
    /// Good answers and failures over connections that were opened for them.
    slots: BTreeMap<u64, (u64, u64)>,
    all: (u64, u64),
}

/// How far from a moment it is looked for connections, where there is none in its own slot.
const AROUND: Duration = Duration::from_secs(1);

impl Weather {
    fn of(history: &History) -> Self {
        let mut weather = Self::default();
        let opened = |kind: ConnectionKind| matches!(kind, ConnectionKind::Fresh | ConnectionKind::First);
        for interval in &history.intervals {
            let lanes = interval.lanes.iter().filter(|(lane, _)| opened(lane.connection));
            let mut answers = Histogram::new();
            lanes.for_each(|(_, times)| times.response.add_to(&mut answers));
            let good = answers.count();
            let failed: u64 =
                interval.failures.iter().filter(|(class, _)| opened(class.connection)).map(|(_, count)| count).sum();
            let slot = weather.slots.entry(interval.index).or_default();
            *slot = (slot.0 + good, slot.1 + failed);
            weather.all = (weather.all.0 + good, weather.all.1 + failed);
        }
        weather
    }

    /// The share of new connections that failed at a moment.
    fn failing(&self, at: Moment) -> f64 {
        let slot = at.nanos() / time::nanos(INTERVAL).max(1);
        let around = time::nanos(AROUND) / time::nanos(INTERVAL).max(1);
        let share = |(good, failed): (u64, u64)| (good + failed > 0).then(|| failed as f64 / (good + failed) as f64);
        let sum = |from: u64, to: u64| {
            self.slots.range(from..=to).fold((0, 0), |(good, failed), (_, slot)| (good + slot.0, failed + slot.1))
        };
        share(sum(slot, slot))
            .or_else(|| share(sum(slot.saturating_sub(around), slot.saturating_add(around))))
            .or_else(|| share(self.all))
            .unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests;

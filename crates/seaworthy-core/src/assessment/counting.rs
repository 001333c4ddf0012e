//! What became of the requests of each drill.

use std::collections::BTreeMap;

use super::{Counted, Percentiles, allowance, flooded, windows::Window};
use crate::{
    diagnosis::{Failed, Fate},
    histogram::Histogram,
    history::{Header, History},
    interval::{FailedAttempt, FailureClass, INTERVAL, Interval},
    lives::{Lives, slot},
    outcome::{ConnectionKind, Executed, Failure, FailureKind, Phase},
    time::Moment,
};

/// What became of the requests of one drill.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Of clients that keep their connections.
    pub(super) keep_alive: Counted,
    /// Of clients that open one for each.
    pub(super) fresh: Counted,
    /// Response times before the disturbance, during it, and after.
    pub(super) times: [Histogram; 3],
    /// How late the generator was.
    pub(super) send_lag: Histogram,
    /// Failures that were only counted: they are lost.
    pub(super) unseen: Vec<(FailureClass, Moment, u64)>,
    /// Requests that failed for want of a port or a file descriptor of the generator.
    pub(super) own: [u64; 2],
    /// Those that are lost, and would be so however late the generator was.
    pub(super) certain: u64,
    /// Those without an answer that the drill allows: they are among the unknown.
    pub(super) unknown_allowed: u64,
}

impl Tally {
    /// Of all clients.
    pub(super) const fn all(&self) -> Counted {
        let mut all = self.keep_alive;
        all.add(&self.fresh);
        all
    }

    /// Those of the clients that use such connections.
    const fn of(&mut self, connection: ConnectionKind) -> &mut Counted {
        match connection {
            ConnectionKind::Fresh => &mut self.fresh,
            ConnectionKind::First | ConnectionKind::Reused => &mut self.keep_alive,
        }
    }
}

/// A failed attempt with its drill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    /// Of which window.
    pub(super) window: usize,
    /// It.
    pub(super) failed: Failed<'a>,
}

/// All that was counted.
#[derive(Debug, Default)]
pub(super) struct Counts<'a> {
    /// By window.
    pub(super) tallies: Vec<Tally>,
    /// Failed attempts of all drills.
    pub(super) attempts: Vec<Attempt<'a>>,
    /// Requests that were lost between drills, so that they belong to none.
    pub(super) between: u64,
}

/// Counts everything.
pub(super) fn count<'a>(history: &'a History, lives: &Lives, windows: &[Window<'_>]) -> Counts<'a> {
    let tallies = vec![Tally::default(); windows.len()];
    let mut counts = Counts { tallies, attempts: Vec::new(), between: 0 };
    for interval in &history.intervals {
        let begin = slot(interval.index);
        let place = windows.iter().position(|window| window.holds(begin));
        if let Some((window, tally)) = place.and_then(|place| windows.get(place).zip(counts.tallies.get_mut(place))) {
            good(interval, begin, window, lives, tally);
        }
        for attempt in &interval.whole {
            failed(&history.header, lives, windows, attempt, &mut counts);
        }
        // Fail-closed: where only the end of a slot is in a drill, what it lost there is the drill's.
        let place = place.or_else(|| windows.iter().position(|window| window.holds(begin + INTERVAL)));
        unseen(interval, begin, place, windows, lives, &mut counts);
    }
    for tally in &mut counts.tallies {
        for counted in [&mut tally.keep_alive, &mut tally.fresh] {
            counted.ended = counted.good + counted.lost + counted.allowed + counted.unknown + counted.shed;
        }
    }
    counts
}

fn good(interval: &Interval, begin: Moment, window: &Window<'_>, lives: &Lives, tally: &mut Tally) {
    // While a machine is flooded everybody on it is late, and nothing that is judged depends on it.
    if !flooded::excuses(window, lives, begin, begin + INTERVAL) {
        interval.send_lag.add_to(&mut tally.send_lag);
    }
    let part = match window.disturbance() {
        Some((from, _)) if begin + INTERVAL <= from => 0,
        Some((_, settled)) if begin < settled => 1,
        Some(_) => 2,
        None => 0,
    };
    for (lane, times) in &interval.lanes {
        tally.of(lane.connection).good += times.response.count();
        if let Some(part) = tally.times.get_mut(part) {
            times.response.add_to(part);
            times.timed_out.add_to(part);
        }
    }
}

fn failed<'a>(
    header: &Header,
    lives: &Lives,
    windows: &[Window<'_>],
    attempt: &'a FailedAttempt,
    counts: &mut Counts<'a>,
) {
    let outcome = &attempt.outcome;
    let Err(failure) = &outcome.end else { return };
    if failure.kind == FailureKind::Unfinished {
        return;
    }
    let found = windows.iter().position(|window| window.holds(outcome.due));
    let Some((place, window)) = found.and_then(|place| Some((place, windows.get(place)?))) else {
        counts.between += u64::from(!attempt.retried && is_between(windows, outcome.due));
        return;
    };
    let Some(tally) = counts.tallies.get_mut(place) else { return };
    let allowed = allowance::allows(window, header, lives, outcome);
    let unknown = !header.idempotent && failure.executed() == Executed::Unknown && failure.status.is_none();
    let counted = tally.of(outcome.connection);
    let fate = if failure.kind.is_local() {
        let which = usize::from(failure.kind == FailureKind::NoDescriptor);
        if let Some(own) = tally.own.get_mut(which) {
            *own += 1;
        }
        Fate::Own
    } else if attempt.retried {
        counted.retried += 1;
        Fate::Retried
    } else if unknown {
        counted.unknown += 1;
        tally.unknown_allowed += u64::from(allowed);
        Fate::Unknown
    } else if allowed && flooded::is_shed(window, failure.status) {
        counted.shed += 1;
        Fate::Allowed
    } else if allowed {
        counted.allowed += 1;
        Fate::Allowed
    } else {
        counted.lost += 1;
        tally.certain += u64::from(failure.kind != FailureKind::TimedOut);
        Fate::Lost
    };
    let failed = Failed { drill: window.drill, outcome, failure, fate, allowed };
    counts.attempts.push(Attempt { window: place, failed });
}

/// After the first drill has begun, and before the last one is over.
fn is_between(windows: &[Window<'_>], at: Moment) -> bool {
    windows.iter().any(|window| window.begun <= at) && windows.iter().any(|window| at < window.until)
}

/// Failures that were counted and not kept: fail-closed, they are lost, in the drill of the slot in which they ended.
///
/// While more is asked than usual there may be more than are kept; what may be lost then is not held against anybody.
fn unseen(
    interval: &Interval,
    begin: Moment,
    place: Option<usize>,
    windows: &[Window<'_>],
    lives: &Lives,
    counts: &mut Counts<'_>,
) {
    let mut seen: BTreeMap<FailureClass, u64> = BTreeMap::new();
    for attempt in &interval.whole {
        if let Some(class) = class(attempt).filter(|_| !attempt.retried) {
            *seen.entry(class).or_default() += 1;
        }
    }
    let kept: u64 = seen.values().sum();
    let mut rest = interval.counts.failed.saturating_sub(kept);
    let kept_again = interval.whole.len() as u64 - kept;
    let again = interval.counts.retried.saturating_sub(kept_again);
    let mut missing: Vec<(FailureClass, u64)> = Vec::new();
    for (class, count) in &interval.failures {
        let more = count.saturating_sub(seen.get(class).copied().unwrap_or(0)).min(rest);
        rest -= more;
        missing.push((*class, more));
    }
    // What has not even a class may have been anything.
    let (kind, phase, connection) = (FailureKind::Io, Phase::Wait, ConnectionKind::Reused);
    missing.push((FailureClass { kind, phase, status: None, connection }, rest));
    missing.retain(|(class, count)| *count > 0 && class.kind != FailureKind::Unfinished);
    let Some(tally) = place.and_then(|place| counts.tallies.get_mut(place)) else {
        if is_between(windows, begin) {
            counts.between += missing.iter().map(|(_, count)| count).sum::<u64>();
        }
        return;
    };
    tally.keep_alive.retried += again;
    let window = place.and_then(|place| windows.get(place));
    for (class, count) in missing {
        if class.kind.is_local() {
            let which = usize::from(class.kind == FailureKind::NoDescriptor);
            if let Some(own) = tally.own.get_mut(which) {
                *own += count;
            }
            continue;
        }
        if let Some(window) = window
            && flooded::excuses(window, lives, begin, begin + INTERVAL)
            && flooded::may_fail(class.kind, class.status)
        {
            let counted = tally.of(class.connection);
            *(if flooded::is_shed(window, class.status) { &mut counted.shed } else { &mut counted.allowed }) += count;
            continue;
        }
        tally.of(class.connection).lost += count;
        tally.certain += if class.kind == FailureKind::TimedOut { 0 } else { count };
        tally.unseen.push((class, begin, count));
    }
}

fn class(attempt: &FailedAttempt) -> Option<FailureClass> {
    let connection = attempt.outcome.connection;
    let Err(Failure { kind, phase, status, .. }) = &attempt.outcome.end else { return None };
    Some(FailureClass { kind: *kind, phase: *phase, status: *status, connection })
}

impl Percentiles {
    /// Those of times.
    pub(super) fn of(times: &Histogram) -> Self {
        Self { count: times.count(), p50: times.quantile(0.5), p99: times.quantile(0.99), max: times.max() }
    }
}

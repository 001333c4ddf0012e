//! What cannot be in a history that a trial wrote, though each of its lines can be read.
//!
//! Whoever changes a history on purpose can change all of it alike. What is found here is damage, and what was changed
//! or taken out without the rest.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Footer, Header, History};
use crate::{
    audit::{Audit, Harm},
    deployment::Hook,
    event::Event,
    histogram::{Histogram, Packed},
    interval::{Counts, Interval, Lane, Times},
    time::Moment,
};

/// A trial has fewer drills and thresholds than this: each is judged by itself.
pub(super) const MOST_DRILLS: usize = 1_000;

/// No trial asks for more in a second.
const MOST_RATE: f64 = 1e6;

/// No trial runs so many replicas.
const MOST_REPLICAS: u32 = 10_000;

/// No time of a rule is longer: `progressDeadlineSeconds` ends at 68 years.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// No trial takes longer, and no request of it is open for longer after its end than this and its time-out.
const LONGEST_TRIAL: Duration = Duration::from_hours(10_000);
const LATE: Duration = Duration::from_mins(1);

/// How many records came before the footer, which says it: one that is missing is missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Lines of events.
    pub events: u64,
    /// Lines of intervals.
    pub intervals: u64,
    /// Lines of what drills added.
    pub floods: u64,
    /// Lines of what became of the writes.
    pub audits: u64,
}

impl Records {
    /// Those of a history.
    pub fn of(history: &History) -> Self {
        let History { events, intervals, floods, audit, .. } = history;
        Self::counted(events.len(), intervals.len(), floods.len(), audit.is_some())
    }

    pub(super) fn counted(events: usize, intervals: usize, floods: usize, audit: bool) -> Self {
        let [events, intervals, floods] = [events, intervals, floods].map(|count| count as u64);
        Self { events, intervals, floods, audits: audit.into() }
    }

    /// What is missing, or too many, of those that should be there.
    pub(super) fn differ(&self, seen: &Self) -> Option<String> {
        let kinds = [
            ("events", self.events, seen.events),
            ("intervals", self.intervals, seen.intervals),
            ("floods", self.floods, seen.floods),
            ("audits", self.audits, seen.audits),
        ];
        let (name, said, there) = kinds.into_iter().find(|(_, said, there)| said != there)?;
        Some(format!("it says that {said} {name} came before it, and {there} did"))
    }
}

/// Whether a trial can have had such a header.
pub(super) fn header(header: &Header) -> Result<(), String> {
    let Header { rate, fresh, deployment, propagation_least, propagation_most, .. } = header;
    if header.drills.len().max(header.expectations.thresholds.len()) > MOST_DRILLS {
        return Err(format!("it has more drills or thresholds than {MOST_DRILLS}"));
    }
    if !(*rate > 0.0 && *rate <= MOST_RATE) {
        return Err(format!("no trial has a rate of {rate:e}"));
    }
    if !(0.0..=1.0).contains(fresh) {
        return Err(format!("no share of requests is {fresh:e}"));
    }
    if !(1..=MOST_REPLICAS).contains(&deployment.replicas) {
        return Err(format!("no trial runs {} replicas", deployment.replicas));
    }
    if propagation_least > propagation_most {
        return Err("its propagation takes longer at least than at most".to_owned());
    }
    let template = &deployment.template;
    let probes = [&template.startup, &template.readiness, &template.liveness].into_iter().flatten();
    let of_probes =
        probes.flat_map(|probe| [probe.initial_delay, probe.period, probe.timeout, probe.grace.unwrap_or_default()]);
    let sleep = if let Some(Hook::Sleep(sleep)) = &template.pre_stop { Some(*sleep) } else { None };
    let rules = [deployment.min_ready, deployment.progress_deadline, template.grace, *propagation_most, header.timeout];
    if of_probes.chain(rules).chain(sleep).chain(header.expectations.max_p99).any(|time| time > LONGEST) {
        return Err("one of its times is longer than a century".to_owned());
    }
    Ok(())
}

/// Whether an interval says the same of what it counts wherever it says it.
pub(super) fn interval(interval: &Interval) -> Result<(), &'static str> {
    let Interval { counts, lanes, statuses, failures, whole, answers, .. } = interval;
    let (good, failed) = lanes.iter().fold((0_u64, 0_u64), |(good, failed), lane| {
        let of = ended(lane);
        (of.0.saturating_add(good), of.1.saturating_add(failed))
    });
    if good != counts.good || statuses.values().sum::<u64>() != counts.good || answers.len() as u64 > counts.good {
        return Err("it counts other good answers than it has");
    }
    if failed != counts.failed || failures.values().sum::<u64>() != counts.failed {
        return Err("it counts other failures than it has");
    }
    let again = whole.iter().filter(|attempt| attempt.retried).count() as u64;
    if again > counts.retried || whole.len() as u64 - again > counts.failed {
        return Err("it has more failures whole than it counts");
    }
    Ok(())
}

/// Good answers and failures of a lane, by their times.
fn ended((_, times): &(Lane, Times<Packed>)) -> (u64, u64) {
    let mut good = Histogram::new();
    times.response.add_to(&mut good);
    let mut failed = Histogram::new();
    times.failed.add_to(&mut failed);
    times.timed_out.add_to(&mut failed);
    (good.count(), failed.count())
}

/// Where the last interval of each thread is.
///
/// A thread that got no CPU for a while hands over two of the same tenth of a second, but not with the same content.
#[derive(Debug, Default)]
pub(super) struct Order(BTreeMap<usize, usize>);

impl Order {
    /// Takes in one that comes after these.
    pub(super) fn next(&mut self, those: &[Interval], interval: &Interval) -> Result<(), &'static str> {
        let before = self.0.insert(interval.thread, those.len());
        let Some(before) = before.and_then(|place| those.get(place)) else { return Ok(()) };
        if interval.index < before.index {
            return Err("it is an earlier interval than the one before it");
        }
        let Counts { arrived, begun, good, failed, .. } = before.counts;
        if before == interval && [arrived, begun, good, failed] != [0; 4] {
            return Err("it is the interval before it once more");
        }
        Ok(())
    }
}

/// Whether an audit agrees with itself.
pub(super) fn audit(audit: &Audit) -> Result<(), &'static str> {
    let Audit { acknowledged, unknown, recovered, not_executed, kept, lost, stale, unverified, duplicated, .. } = audit;
    if kept + lost + stale + unverified != *acknowledged {
        return Err("what was kept, lost, stale and unverified is not what was acknowledged");
    }
    if recovered + not_executed > *unknown {
        return Err("it knows of more writes without an answer than there were");
    }
    let lines = |harm| audit.harmed.iter().filter(|harmed| harmed.harm == harm).count() as u64;
    if lines(Harm::Lost) > *lost || lines(Harm::Stale) > *stale || lines(Harm::Duplicated) > *duplicated {
        return Err("it names more writes that came to harm than it counts");
    }
    Ok(())
}

/// Whether a history can end so.
pub(super) fn end(
    header: &Header,
    footer: &Footer,
    events: &[(Moment, Event)],
    intervals: &[Interval],
    audited: bool,
) -> Result<(), &'static str> {
    if header.writes && !audited {
        return Err("the writes were followed, and what became of them is missing");
    }
    if footer.duration > LONGEST_TRIAL {
        return Err("no trial takes so long");
    }
    let last = events.last().map_or(Moment::START, |(at, _)| *at).max(footer.duration.into());
    let latest = last + header.timeout + LATE;
    if intervals.iter().any(|interval| crate::lives::slot(interval.index) > latest) {
        return Err("an interval before it is long after the end");
    }
    Ok(())
}

//! How much a target does, the more is asked of it: good answers per second, step by step.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    generator::MOST_BUSY,
    histogram::Histogram,
    interval::{INTERVAL, Interval},
    lives::slot,
    text,
    time::Moment,
};

/// How long a target has to come back once no more is asked of it than before.
pub const SETTLING: Duration = Duration::from_secs(5);

/// A step's begin that is not counted: what was asked before is still worked off, and connections are opened.
const BEGIN: Duration = Duration::from_millis(500);

/// The share of what was to be asked that has to be asked.
const MOSTLY: f64 = 0.8;

/// Growth that is none: chance alone moves a goodput by less than this.
const GROWTH: f64 = 1.1;

/// What a target did while so much was asked of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Requests per second that were to become due in all.
    pub asked: u32,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// Good answers per second, of the trial's own requests and of those that were added.
    pub good: f64,
    /// Requests per second that did become due.
    pub due: f64,
    /// Where the generator itself was the limit: how, in words.
    pub limit: Option<String>,
}

impl Step {
    /// Whether about as much was asked as was to be, however late.
    pub fn is_asked(&self) -> bool {
        self.due >= f64::from(self.asked) * MOSTLY
    }
}

/// What overloads a target that is asked for `own` requests per second anyway: twice as many, then twice that, up to
/// the most.
pub fn rates(own: u32, most: u32) -> Vec<u32> {
    let doubled = std::iter::successors(own.checked_mul(2), |rate| rate.checked_mul(2));
    let below = doubled.take_while(|rate| (1..most).contains(rate));
    below.chain((most > own).then_some(most)).collect()
}

/// What a target did at each of these changes of what was asked of it. The last one is when it was over; a change to 0
/// is when no more was asked than before.
pub fn steps(changes: &[(Moment, u32)], own: &[Interval], added: &[Interval]) -> Vec<Step> {
    let between = changes.windows(2).filter_map(|pair| {
        let [(from, asked), (to, _)] = *pair else { return None };
        (asked > 0).then_some((asked, from, to))
    });
    between.filter_map(|(asked, from, to)| step(asked, from, to, own, added)).collect()
}

/// Nothing where it was too short to say anything.
fn step(asked: u32, from: Moment, to: Moment, own: &[Interval], added: &[Interval]) -> Option<Step> {
    let within = |interval: &&Interval| {
        let begin = slot(interval.index);
        begin >= from + BEGIN && begin + INTERVAL <= to
    };
    let interval = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
    let first = (from + BEGIN).nanos().div_ceil(interval);
    let slots = (to.nanos() / interval).saturating_sub(first);
    if slots == 0 {
        return None;
    }
    let seconds = slots as f64 * INTERVAL.as_secs_f64();
    let all = || own.iter().chain(added).filter(within);
    let good: u64 = all().map(|interval| interval.counts.good).sum();
    let arrived: u64 = all().map(|interval| interval.counts.arrived).sum();
    let (good, due) = (good as f64 / seconds, arrived as f64 / seconds);
    let limit = limit(asked, due, seconds, &added.iter().filter(within).collect::<Vec<_>>());
    Some(Step { asked, from, to, good, due, limit })
}

/// Whether it was the generator that could do no more.
fn limit(asked: u32, due: f64, seconds: f64, added: &[&Interval]) -> Option<String> {
    let mut lag = Histogram::new();
    let mut busy: BTreeMap<usize, Duration> = BTreeMap::new();
    for interval in added {
        interval.send_lag.add_to(&mut lag);
        *busy.entry(interval.thread).or_default() += interval.cpu;
    }
    if let Some(lag) = lag.quantile(0.99).filter(|lag| *lag > INTERVAL) {
        return Some(format!("p99 of its send lag was {}", text::time(lag)));
    }
    let busiest = busy.values().max().copied().unwrap_or_default().as_secs_f64() / seconds;
    if busiest > MOST_BUSY {
        return Some(format!("its thread was busy {:.0}% of the time", busiest.min(1.0) * 100.0));
    }
    (due < f64::from(asked) * MOSTLY).then(|| format!("only {}/s became due", text::number(due.round())))
}

/// Whether the last of these steps brought no more good answers than an earlier one, or than the trial's own rate did.
pub fn is_saturated(own: f64, steps: &[Step]) -> bool {
    let Some((last, before)) = steps.split_last() else { return false };
    let best = before.iter().map(|step| step.good).fold(own, f64::max);
    last.good <= best * GROWTH
}

#[cfg(test)]
mod tests;

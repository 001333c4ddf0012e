//! What became of the requests, by time: as many bins as can be told apart, however long it took.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    histogram::Histogram,
    history::History,
    interval::{Counts, FailureClass, INTERVAL},
    outcome::FailureKind,
    recording::Recording,
    time::nanos,
};

/// Bins of a run at most, but for those that come later than all others.
const MOST: u64 = 150;

/// How long a bin may be, in intervals: from half a second on, except in runs of a few seconds.
const WIDTHS: [u64; 16] = [1, 2, 5, 10, 20, 50, 100, 150, 300, 600, 1_200, 3_000, 6_000, 9_000, 18_000, 36_000];

/// A run up to which a bin may be shorter than half a second, in intervals.
const SHORT: u64 = 100;

/// What became of requests in a while.
#[derive(Clone, Debug, Default)]
pub(super) struct Bin {
    /// Requests that became due.
    pub(super) due: u64,
    /// Good answers.
    pub(super) answered: u64,
    /// Requests that ended without one.
    pub(super) failed: u64,
    /// The median of the response times, of good answers and of time-outs as at least their time.
    pub(super) p50: Option<Duration>,
    /// The 99th percentile.
    pub(super) p99: Option<Duration>,
    /// The longest.
    pub(super) max: Option<Duration>,
}

/// All of a run, from its start.
#[derive(Clone, Debug, Default)]
pub(super) struct Bins {
    /// How long each is, in intervals.
    slots: u64,
    /// How many intervals there are in all.
    known: u64,
    /// Each, from the first on.
    pub(super) all: Vec<Bin>,
}

#[derive(Debug, Default)]
struct Sum {
    counts: Counts,
    cut_short: u64,
    times: Histogram,
}

impl Bins {
    /// Those of a trial.
    pub(super) fn of_history(history: &History) -> Self {
        let known = history.intervals.iter().map(|interval| interval.index.saturating_add(1)).max().unwrap_or(0);
        let slots = width(known);
        let mut sums = BTreeMap::<u64, Sum>::new();
        for interval in &history.intervals {
            let sum = sums.entry(interval.index / slots).or_default();
            sum.counts.add(&interval.counts);
            sum.cut_short += cut_short(&interval.failures);
            for (_, times) in &interval.lanes {
                times.response.add_to(&mut sum.times);
                times.timed_out.add_to(&mut sum.times);
            }
        }
        Self::of(slots, known, &sums)
    }

    /// Those of a run under load. Its timeline may have joined some already.
    pub(super) fn of_recording(recording: &Recording) -> Self {
        let joined = (nanos(recording.slot_length()) / nanos(INTERVAL)).max(1);
        let index = |begin: u64| begin / nanos(INTERVAL);
        let last = recording.timeline().next_back().map(|(begin, _)| index(begin.nanos()));
        let known = last.map_or(0, |last| last.saturating_add(joined));
        let slots = width(known).div_ceil(joined) * joined;
        let mut sums = BTreeMap::<u64, Sum>::new();
        for (begin, slot) in recording.timeline() {
            let sum = sums.entry(index(begin.nanos()) / slots).or_default();
            sum.counts.add(&slot.counts);
            sum.cut_short += cut_short(&slot.failures);
            sum.times.merge(&slot.response_times());
        }
        Self::of(slots, known, &sums)
    }

    fn of(slots: u64, known: u64, sums: &BTreeMap<u64, Sum>) -> Self {
        // A forged index may be anywhere; nothing is drawn of what is too far out.
        let count = known.div_ceil(slots).min(4 * MOST);
        let bin = |place| sums.get(&place).map(Sum::bin).unwrap_or_default();
        Self { slots, known, all: (0..count).map(bin).collect() }
    }

    /// How long each is.
    pub(super) fn width(&self) -> Duration {
        length(self.slots.max(1))
    }

    /// Until when anything is known.
    pub(super) fn end(&self) -> Duration {
        length(self.known)
    }

    /// Each with its begin and its end.
    pub(super) fn each(&self) -> impl Iterator<Item = (Duration, Duration, &Bin)> {
        self.all.iter().zip(0_u64..).map(|(bin, place)| {
            let from = place.saturating_mul(self.slots);
            (length(from), length(from.saturating_add(self.slots).min(self.known)), bin)
        })
    }

    /// How many a second there were of them in a bin.
    pub(super) fn rate(from: Duration, to: Duration, count: u64) -> f64 {
        let seconds = to.saturating_sub(from).as_secs_f64();
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }

    /// The most of anything in a second.
    pub(super) fn most(&self, of: impl Fn(&Bin) -> u64) -> f64 {
        self.each().map(|(from, to, bin)| Self::rate(from, to, of(bin))).fold(0.0, f64::max)
    }

    /// The shortest median and the longest time, where there is any.
    pub(super) fn span(&self) -> Option<(Duration, Duration)> {
        let least = self.all.iter().filter_map(|bin| bin.p50).min()?;
        Some((least, self.all.iter().filter_map(|bin| bin.max).max()?))
    }
}

impl Sum {
    fn bin(&self) -> Bin {
        Bin {
            due: self.counts.arrived,
            answered: self.counts.good,
            failed: self.counts.failed.saturating_sub(self.cut_short),
            p50: self.times.quantile(0.5),
            p99: self.times.quantile(0.99),
            max: self.times.max(),
        }
    }
}

/// Requests that the end of the run cut short say nothing of the target.
fn cut_short(failures: &BTreeMap<FailureClass, u64>) -> u64 {
    failures.iter().filter(|(class, _)| class.kind == FailureKind::Unfinished).map(|(_, count)| count).sum()
}

fn width(known: u64) -> u64 {
    let least = if known <= SHORT { 1 } else { 5 };
    let fits = |slots: &u64| *slots >= least && known.div_ceil(*slots) <= MOST;
    WIDTHS.into_iter().find(fits).unwrap_or_else(|| known.div_ceil(MOST))
}

fn length(slots: u64) -> Duration {
    Duration::from_nanos(nanos(INTERVAL).saturating_mul(slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::sample::{Ending, Failing, Sample};

    #[test]
    fn nothing_is_counted_twice_or_left_out() {
        let mut sample = Sample::rollout(Ending::AT_ONCE);
        sample.fail(Failing::refused(15.2, 0)).fail(Failing::refused(15.21, 0));
        let kind = FailureKind::Unfinished;
        sample.fail(Failing { kind, ..Failing::refused(25.9, 0) });
        let history = sample.history();
        let bins = Bins::of_history(&history);
        let of = |of: fn(&Bin) -> u64| bins.all.iter().map(of).sum::<u64>();
        let counted = |of: fn(&Counts) -> u64| history.intervals.iter().map(|of_| of(&of_.counts)).sum::<u64>();
        assert_eq!((of(|bin| bin.due), of(|bin| bin.failed)), (counted(|c| c.arrived), 2));
        assert_eq!(of(|bin| bin.answered), counted(|c| c.good));
        let recorded = Bins::of_recording(&history.recording());
        assert_eq!(recorded.all.iter().map(|bin| bin.answered).sum::<u64>(), of(|bin| bin.answered));
        let failed: Vec<_> = bins.each().filter(|(_, _, bin)| bin.failed > 0).map(|(from, to, _)| (from, to)).collect();
        assert_eq!(failed, [(Duration::from_secs(15), Duration::from_millis(15_500))]);
    }

    #[test]
    fn however_long_it_took_there_are_not_too_many() {
        for (known, slots) in [
            (20, 1),
            (100, 1),
            (101, 5),
            (600, 5),
            (901, 10),
            (6_000, 50),
            (72_000, 600),
            (u64::MAX, u64::MAX / MOST + 1),
        ] {
            assert_eq!(width(known), slots, "{known}");
            assert!(known.div_ceil(width(known)) <= MOST);
        }
    }
}

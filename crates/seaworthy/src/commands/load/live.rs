//! What a run is like at the moment, for whoever watches it: the last seconds, each by itself.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use seaworthy_core::{
    histogram::Histogram,
    interval::{Counts, FailureClass, Gauges, INTERVAL, Interval},
};

/// Seconds whose times are kept apart.
pub(crate) const RECENT: usize = 10;

/// Seconds that are kept at all.
const KEPT: usize = 120;

/// Intervals in a second.
#[expect(clippy::cast_possible_truncation, reason = "a few")]
const PER_SECOND: u64 = (1000 / INTERVAL.as_millis()) as u64;

/// One second of a run.
#[derive(Clone, Debug)]
pub(crate) struct Second {
    /// Seconds after the start.
    pub(crate) index: u64,
    pub(crate) counts: Counts,
    /// CPU time of the generator's threads.
    pub(crate) cpu: Duration,
    times: Times,
}

#[derive(Clone, Debug)]
enum Times {
    /// All of them.
    Apart(Histogram),
    /// The 99th percentile, where there were any.
    Summed(Option<Duration>),
}

impl Second {
    /// A percentile of its response times, while they are still kept apart.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        match &self.times {
            Times::Apart(times) => times.quantile(share),
            Times::Summed(_) => None,
        }
    }

    /// The 99th percentile of its response times.
    pub(crate) fn p99(&self) -> Option<Duration> {
        match &self.times {
            Times::Apart(times) => times.quantile(0.99),
            Times::Summed(p99) => *p99,
        }
    }
}

/// What a run is like at the moment.
#[derive(Debug, Default)]
pub(crate) struct Live {
    seconds: VecDeque<Second>,
    /// Response times of the seconds before those that are kept apart.
    older: Histogram,
    /// What each thread held at the end of its last interval.
    gauges: Vec<Gauges>,
    failures: BTreeMap<FailureClass, Seen>,
}

/// How often a failure was seen, and in which second last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) count: u64,
    pub(crate) last: u64,
}

impl Live {
    /// Takes notice of what a thread saw.
    pub(crate) fn add(&mut self, interval: &Interval) {
        let index = interval.index / PER_SECOND;
        if self.gauges.len() <= interval.thread {
            self.gauges.resize(interval.thread + 1, Gauges::default());
        }
        self.gauges[interval.thread] = interval.gauges;
        for (class, count) in &interval.failures {
            let seen = self.failures.entry(*class).or_default();
            seen.count += count;
            seen.last = seen.last.max(index);
        }
        self.begin(index);
        let second = self.seconds.iter_mut().rev().find(|second| second.index == index);
        let mut late = Histogram::new();
        let times = match second {
            Some(second) => {
                second.counts.add(&interval.counts);
                second.cpu += interval.cpu;
                match &mut second.times {
                    Times::Apart(times) => times,
                    Times::Summed(_) => &mut late,
                }
            }
            // It was handed over so late that its second is gone.
            None => &mut late,
        };
        for (_, lane) in &interval.lanes {
            lane.response.add_to(times);
            lane.timed_out.add_to(times);
        }
        self.older.merge(&late);
    }

    /// Begins the seconds up to this one, and ends those that are too old.
    fn begin(&mut self, index: u64) {
        let next = self.seconds.back().map_or(0, |last| last.index + 1);
        // After a pause longer than what is kept, there is nothing to fill in.
        for index in next.max(index.saturating_sub(KEPT as u64))..=index {
            self.seconds.push_back(Second {
                index,
                counts: Counts::default(),
                cpu: Duration::ZERO,
                times: Times::Apart(Histogram::new()),
            });
        }
        let apart = self.seconds.len().saturating_sub(RECENT + 1);
        for second in self.seconds.iter_mut().take(apart).rev() {
            let p99 = second.p99();
            match std::mem::replace(&mut second.times, Times::Summed(p99)) {
                Times::Apart(times) => self.older.merge(&times),
                Times::Summed(_) => break,
            }
        }
        while self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }

    /// A second that is kept.
    pub(crate) fn second(&self, index: u64) -> Option<&Second> {
        self.seconds.iter().rev().find(|second| second.index == index)
    }

    /// The seconds that are over, the last one last.
    pub(crate) fn whole_seconds(&self) -> impl DoubleEndedIterator<Item = &Second> {
        let last = self.seconds.back().map(|second| second.index);
        self.seconds.iter().filter(move |second| Some(second.index) != last)
    }

    /// Response times of the last ten seconds, and of all.
    pub(crate) fn times(&self) -> (Histogram, Histogram) {
        let mut recent = Histogram::new();
        for second in &self.seconds {
            if let Times::Apart(times) = &second.times {
                recent.merge(times);
            }
        }
        let mut whole = self.older.clone();
        whole.merge(&recent);
        (recent, whole)
    }

    /// What all threads hold together.
    pub(crate) fn gauges(&self) -> Gauges {
        self.gauges.iter().fold(Gauges::default(), |sum, one| Gauges {
            open: sum.open + one.open,
            in_flight: sum.in_flight + one.in_flight,
            waiting: sum.waiting + one.waiting,
        })
    }

    /// Failures by their class, the last seen first.
    pub(crate) fn failures(&self) -> Vec<(FailureClass, Seen)> {
        let mut all: Vec<_> = self.failures.iter().map(|(class, seen)| (*class, *seen)).collect();
        all.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.last, seen.count)));
        all
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_core::{
        interval::Recorder,
        outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
        time::Moment,
    };

    use super::*;

    fn outcome(millis: u64, took: u64, end: Result<u16, Failure>) -> Outcome {
        let due = Moment::from(Duration::from_millis(millis));
        Outcome {
            due,
            queued: Duration::ZERO,
            begun: due,
            done: due + Duration::from_millis(took),
            endpoint: None,
            connection: ConnectionKind::Reused,
            idle: None,
            phases: Phases::default(),
            end,
            bytes: 0,
        }
    }

    /// One good answer each tenth of a second, in as many milliseconds as the second's number and one.
    fn watched(seconds: u64) -> Live {
        let (mut live, mut recorder) = (Live::default(), Recorder::new(0));
        for tenth in 0..seconds * 10 {
            recorder.ended(outcome(tenth * 100, tenth / 10 + 1, Ok(200)));
            let end = Moment::from(Duration::from_millis((tenth + 1) * 100));
            live.add(&recorder.take(end, Gauges { open: 3, in_flight: 2, waiting: 1 }, Duration::from_millis(10)));
        }
        live
    }

    #[test]
    fn each_second_by_itself_and_all_together() {
        let live = watched(30);
        assert_eq!(live.whole_seconds().count(), 29);
        for second in live.whole_seconds() {
            assert_eq!((second.counts.good, second.cpu), (10, Duration::from_millis(100)));
            let p99 = second.p99().unwrap().as_secs_f64() * 1000.0;
            assert!((p99 / (second.index as f64 + 1.0) - 1.0).abs() < 0.002, "{p99} in {}", second.index);
        }
        let (recent, whole) = live.times();
        assert_eq!((recent.count(), whole.count()), (110, 300));
        assert!(live.second(5).unwrap().quantile(0.5).is_none() && live.second(25).unwrap().quantile(0.5).is_some());
        assert_eq!(live.gauges(), Gauges { open: 3, in_flight: 2, waiting: 1 });
    }

    #[test]
    fn a_long_run_keeps_its_last_seconds_and_all_its_times() {
        let live = watched(200);
        assert_eq!(live.seconds.len(), KEPT);
        assert_eq!(live.times().1.count(), 2_000);
        assert!(live.second(0).is_none() && live.second(199).is_some());
    }

    #[test]
    fn late_news_and_a_long_silence_are_taken_as_they_come() {
        let mut live = watched(20);
        let mut recorder = Recorder::new(1);
        recorder.ended(outcome(0, 1, Ok(200)));
        let late = recorder.take(Moment::from(Duration::from_millis(100)), Gauges::default(), Duration::ZERO);
        live.add(&late);
        assert_eq!((live.times().1.count(), live.second(0).unwrap().counts.good), (201, 11));
        let mut far = late.clone();
        far.index = 10_000_000;
        live.add(&far);
        assert_eq!(live.times().1.count(), 202);
        live.add(&late);
        assert_eq!((live.times().1.count(), live.seconds.len()), (203, KEPT));
    }

    #[test]
    fn the_last_failure_comes_first() {
        let (mut live, mut recorder) = (Live::default(), Recorder::new(0));
        for (second, kind) in [(0, FailureKind::Refused), (1, FailureKind::Reset), (2, FailureKind::Refused)] {
            recorder.ended(outcome(second * 1000, 1, Err(Failure::new(Phase::Connect, kind))));
            let end = Moment::from(Duration::from_secs(second + 1));
            live.add(&recorder.take(end, Gauges::default(), Duration::ZERO));
        }
        let failures = live.failures();
        assert_eq!(failures.len(), 2);
        assert_eq!((failures[0].0.kind, failures[0].1), (FailureKind::Refused, Seen { count: 2, last: 2 }));
    }
}

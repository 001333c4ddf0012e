//! Everything that was seen in a run: totals, a timeline, and the failures whole.
//!
//! Its memory is bounded. Where a bound is reached, counts stay exact: the timeline gets coarser, and failures
//! are counted instead of kept.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    histogram::{Histogram, Packed},
    interval::{Counts, FailedAttempt, FailureClass, Gauges, INTERVAL, Interval, Lane, Times},
    outcome::{ConnectionKind, Failure, FailureKind},
    time::Moment,
};

/// Failures that are kept whole, the first ones.
const MOST_WHOLE: usize = 10_000;

/// Bytes of the timeline's histograms; beyond it, its slots are joined in pairs.
const MOST_BYTES: usize = 12 << 20;

/// Slots of the timeline that are never joined: a minute's worth.
const FEWEST_SLOTS: usize = 600;

/// Words of failures that are kept with their counts.
const MOST_WORDS: usize = 200;

/// A slot of the timeline.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// What was counted.
    pub counts: Counts,
    /// What held at its end, all threads together.
    pub gauges: Gauges,
    /// Times by lane, not yet added up.
    lanes: Vec<(Lane, Times<Packed>)>,
    /// Failures by their class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// CPU time of the generator's threads.
    pub cpu: Duration,
}

impl Slot {
    /// Its times by lane.
    pub fn lanes(&self) -> BTreeMap<Lane, Times<Histogram>> {
        let mut lanes = BTreeMap::<Lane, Times<Histogram>>::new();
        for (lane, packed) in &self.lanes {
            lanes.entry(*lane).or_default().add(packed);
        }
        lanes
    }

    /// Its times, all lanes together.
    pub fn times(&self) -> Times<Histogram> {
        let mut sum = Times::default();
        for (_, packed) in &self.lanes {
            sum.add(packed);
        }
        sum
    }

    /// Response times as somebody who wanted an answer had them: see [`Recording::response_times`].
    pub fn response_times(&self) -> Histogram {
        let mut sum = Histogram::new();
        for (_, packed) in &self.lanes {
            packed.response.add_to(&mut sum);
            packed.timed_out.add_to(&mut sum);
        }
        sum
    }

    /// Service times in the same way.
    pub fn service_times(&self) -> Histogram {
        let mut sum = Histogram::new();
        for (_, packed) in &self.lanes {
            packed.service.add_to(&mut sum);
            packed.timed_out_service.add_to(&mut sum);
        }
        sum
    }

    /// How many failures there were of what holds for their class.
    pub fn failures_that(&self, holds: impl Fn(&FailureClass) -> bool) -> u64 {
        self.failures.iter().filter(|(class, _)| holds(class)).map(|(_, count)| count).sum()
    }

    fn size(&self) -> usize {
        self.lanes
            .iter()
            .map(|(_, times)| {
                size_of::<(Lane, Times<Packed>)>()
                    + times.response.size()
                    + times.service.size()
                    + times.first_byte.size()
                    + times.timed_out.size()
                    + times.failed.size()
                    + times.connect.size()
            })
            .sum()
    }

    fn join(&mut self, later: Self) {
        self.counts.add(&later.counts);
        self.gauges = later.gauges;
        self.cpu += later.cpu;
        for (class, count) in later.failures {
            *self.failures.entry(class).or_default() += count;
        }
        let mut lanes = self.lanes();
        for (lane, packed) in &later.lanes {
            lanes.entry(*lane).or_default().add(packed);
        }
        self.lanes = lanes
            .into_iter()
            .map(|(lane, times)| {
                let packed = Times {
                    response: times.response.pack(),
                    service: times.service.pack(),
                    timed_out: times.timed_out.pack(),
                    timed_out_service: times.timed_out_service.pack(),
                    failed: times.failed.pack(),
                    first_byte: times.first_byte.pack(),
                    dns: times.dns.pack(),
                    connect: times.connect.pack(),
                    tls: times.tls.pack(),
                };
                (lane, packed)
            })
            .collect();
    }
}

/// Everything that was seen in a run.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What was counted.
    pub counts: Counts,
    /// Times by lane.
    pub lanes: BTreeMap<Lane, Times<Histogram>>,
    /// How late the generator began what was due.
    pub send_lag: Histogram,
    /// How long arrivals waited for a free connection.
    pub queue_time: Histogram,
    /// Good answers by their status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by their class, exactly.
    pub failures: BTreeMap<FailureClass, u64>,
    /// The words of failures, with how often they were among those kept whole.
    pub words: BTreeMap<(FailureClass, Box<str>), u64>,
    /// The first failures, whole.
    pub whole: Vec<FailedAttempt>,
    /// How many failures and retried attempts are not among them.
    pub not_whole: u64,
    /// Arrivals that were due but never sent, since no connection became free in time.
    pub not_sent: u64,
    /// Requests that were still open when the run was cut short.
    pub unfinished: u64,
    /// CPU time of the generator's threads.
    pub cpu: Duration,
    slot_length: u32,
    timeline: BTreeMap<u64, Slot>,
    bytes: usize,
    most_bytes: usize,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            lanes: BTreeMap::new(),
            send_lag: Histogram::new(),
            queue_time: Histogram::new(),
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            words: BTreeMap::new(),
            whole: Vec::new(),
            not_whole: 0,
            not_sent: 0,
            unfinished: 0,
            cpu: Duration::ZERO,
            slot_length: 1,
            timeline: BTreeMap::new(),
            bytes: 0,
            most_bytes: MOST_BYTES,
        }
    }
}

impl Recording {
    /// Adds what a thread saw in an interval.
    pub fn add(&mut self, interval: Interval) {
        self.counts.add(&interval.counts);
        self.cpu += interval.cpu;
        interval.send_lag.add_to(&mut self.send_lag);
        interval.queue_time.add_to(&mut self.queue_time);
        for (status, count) in &interval.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (class, count) in &interval.failures {
            *self.failures.entry(*class).or_default() += count;
        }
        for (lane, times) in &interval.lanes {
            self.lanes.entry(*lane).or_default().add(times);
        }
        self.keep(&interval.counts, interval.whole);

        let slot = self.timeline.entry(interval.index / u64::from(self.slot_length)).or_default();
        self.bytes -= slot.size();
        slot.counts.add(&interval.counts);
        // Threads hold connections of their own, so what they hold at the end of a slot adds up.
        slot.gauges.open += interval.gauges.open;
        slot.gauges.in_flight += interval.gauges.in_flight;
        slot.gauges.waiting += interval.gauges.waiting;
        slot.cpu += interval.cpu;
        for (class, count) in interval.failures {
            *slot.failures.entry(class).or_default() += count;
        }
        slot.lanes.extend(interval.lanes);
        self.bytes += slot.size();
        if self.bytes > self.most_bytes && self.timeline.len() > FEWEST_SLOTS {
            self.coarsen();
        }
    }

    fn keep(&mut self, counts: &Counts, attempts: Vec<FailedAttempt>) {
        let seen = counts.failed + counts.retried;
        let room = MOST_WHOLE - self.whole.len();
        self.not_whole += seen.saturating_sub(attempts.len().min(room) as u64);
        for attempt in &attempts {
            let Err(Failure { kind, phase, status, detail: Some(detail) }) = &attempt.outcome.end else { continue };
            let connection = attempt.outcome.connection;
            let class = FailureClass { kind: *kind, phase: *phase, status: *status, connection };
            // A server that puts a counter into its errors must not fill the memory with them.
            if let Some(count) = self.words.get_mut(&(class, detail.clone())) {
                *count += 1;
            } else if self.words.len() < MOST_WORDS {
                self.words.insert((class, detail.clone()), 1);
            }
        }
        self.whole.extend(attempts.into_iter().take(room));
    }

    /// Makes the timeline half as fine.
    fn coarsen(&mut self) {
        self.slot_length *= 2;
        for (index, slot) in std::mem::take(&mut self.timeline) {
            match self.timeline.entry(index / 2) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(slot);
                }
                std::collections::btree_map::Entry::Occupied(earlier) => earlier.into_mut().join(slot),
            }
        }
        self.bytes = self.timeline.values().map(Slot::size).sum();
    }

    /// Adds everything that another recording of the same run has: another generator's, or a later phase's.
    pub fn merge(&mut self, other: Self) {
        self.counts.add(&other.counts);
        self.cpu += other.cpu;
        self.not_sent += other.not_sent;
        self.unfinished += other.unfinished;
        self.send_lag.merge(&other.send_lag);
        self.queue_time.merge(&other.queue_time);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (class, count) in other.failures {
            *self.failures.entry(class).or_default() += count;
        }
        for (words, count) in other.words {
            if self.words.len() < MOST_WORDS || self.words.contains_key(&words) {
                *self.words.entry(words).or_default() += count;
            }
        }
        for (lane, times) in &other.lanes {
            self.lanes.entry(*lane).or_default().merge(times);
        }
        let room = MOST_WHOLE - self.whole.len();
        self.not_whole += other.not_whole + other.whole.len().saturating_sub(room) as u64;
        self.whole.extend(other.whole.into_iter().take(room));
        while self.slot_length < other.slot_length {
            self.coarsen();
        }
        let scale = u64::from(self.slot_length / other.slot_length);
        for (index, slot) in other.timeline {
            let own = self.timeline.entry(index / scale).or_default();
            let open = own.gauges;
            own.join(slot);
            own.gauges.open += open.open;
            own.gauges.in_flight += open.in_flight;
            own.gauges.waiting += open.waiting;
        }
        self.bytes = self.timeline.values().map(Slot::size).sum();
        if self.bytes > self.most_bytes && self.timeline.len() > FEWEST_SLOTS {
            self.coarsen();
        }
    }

    /// How long a slot of the timeline is: [`INTERVAL`], or more where the run took long.
    pub fn slot_length(&self) -> Duration {
        INTERVAL * self.slot_length
    }

    /// The timeline: each slot with when it began. Slots in which nothing happened may be missing.
    pub fn timeline(&self) -> impl DoubleEndedIterator<Item = (Moment, &Slot)> {
        let length = self.slot_length();
        self.timeline.iter().map(move |(index, slot)| {
            let begin = Duration::from_nanos(crate::time::nanos(length).saturating_mul(*index));
            (Moment::from(begin), slot)
        })
    }

    /// Times of several lanes together.
    pub fn times(&self, of: impl Fn(&Lane) -> bool) -> Times<Histogram> {
        let mut sum = Times::default();
        for (_, times) in self.lanes.iter().filter(|(lane, _)| of(lane)) {
            sum.merge(times);
        }
        sum
    }

    /// Response times as somebody who wanted an answer had them: good answers, and time-outs as at least the time
    /// that they took. Other failures are fast, and not among them.
    pub fn response_times(&self) -> Histogram {
        let times = self.times(|_| true);
        let mut sum = times.response;
        sum.merge(&times.timed_out);
        sum
    }

    /// Service times in the same way: a time-out must not be missing, or a target that answers only what is fast would
    /// look fast.
    pub fn service_times(&self) -> Histogram {
        let times = self.times(|_| true);
        let mut sum = times.service;
        sum.merge(&times.timed_out_service);
        sum
    }

    /// Requests without a good answer. Those that the end of the run cut short say nothing of the target and are not
    /// among them.
    pub fn failed(&self) -> u64 {
        self.failures_that(|class| class.kind != FailureKind::Unfinished)
    }

    /// Requests of which is known what became: good answers, and what [failed](Self::failed).
    pub fn ended(&self) -> u64 {
        self.counts.good + self.failed()
    }

    /// Requests that were still open when the run ended, or was cut short.
    pub fn cut_short(&self) -> u64 {
        self.unfinished + self.failures_that(|class| class.kind == FailureKind::Unfinished)
    }

    /// Times of one kind of connection.
    pub fn times_over(&self, connection: ConnectionKind) -> Times<Histogram> {
        self.times(|lane| lane.connection == connection)
    }

    /// How many failures there were of what holds for their class.
    pub fn failures_that(&self, holds: impl Fn(&FailureClass) -> bool) -> u64 {
        self.failures.iter().filter(|(class, _)| holds(class)).map(|(_, count)| count).sum()
    }

    /// Bytes that the timeline takes.
    pub const fn timeline_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        interval::Recorder,
        outcome::{Outcome, Phase, Phases},
    };

    fn outcome(due_ms: u64, took_us: u64, end: Result<u16, Failure>) -> Outcome {
        let due = Moment::from_nanos(due_ms * 1_000_000);
        let begun = due + Duration::from_micros(took_us / 10);
        Outcome {
            idle: None,
            due,
            queued: Duration::ZERO,
            begun,
            done: due + Duration::from_micros(took_us),
            endpoint: Some(([127, 0, 0, (due_ms % 3) as u8], 80).into()),
            connection: ConnectionKind::ALL[(due_ms % 3) as usize],
            phases: Phases { first_byte: Some(Duration::from_micros(took_us / 2)), ..Phases::default() },
            end,
            bytes: 5,
        }
    }

    fn end(n: u64) -> Result<u16, Failure> {
        match n % 5 {
            0 => Err(Failure::new(Phase::Wait, FailureKind::TimedOut)),
            1 => Err(Failure::detailed(Phase::Connect, FailureKind::Refused, "refused")),
            2 => Ok(404),
            _ => Ok(200),
        }
    }

    /// One thread's view of outcomes, by interval.
    fn record(thread: usize, outcomes: &[(u64, u64)], into: &mut Recording) {
        let mut recorder = Recorder::new(thread);
        for (due_ms, took_us) in outcomes {
            let outcome = outcome(*due_ms, *took_us, end(*took_us));
            if outcome.done.nanos() / 100_000_000 > recorder.index() {
                into.add(recorder.take(outcome.done, Gauges::default(), Duration::ZERO));
            }
            recorder.counts().arrived += 1;
            recorder.ended(outcome);
        }
        into.add(recorder.take(Moment::START, Gauges::default(), Duration::ZERO));
    }

    proptest! {
        #[test]
        fn several_generators_are_one(outcomes in proptest::collection::vec((0..2_000_u64, 10..5_000_000_u64), 0..60)) {
            let mut outcomes = outcomes;
            outcomes.sort_by_key(|(due_ms, took_us)| due_ms * 1000 + took_us);
            let mut whole = Recording::default();
            record(0, &outcomes, &mut whole);

            let (even, odd): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(due, _)| due % 2 == 0);
            let (mut one, mut other) = (Recording::default(), Recording::default());
            record(0, &even, &mut one);
            record(1, &odd, &mut other);
            one.merge(other);

            prop_assert_eq!(one.counts, whole.counts);
            prop_assert_eq!(&one.statuses, &whole.statuses);
            prop_assert_eq!(&one.failures, &whole.failures);
            prop_assert_eq!(one.response_times(), whole.response_times());
            prop_assert_eq!(&one.send_lag, &whole.send_lag);
            prop_assert_eq!(one.whole.len(), whole.whole.len());
            let sum = |recording: &Recording| {
                let mut times = Times::<Histogram>::default();
                recording.timeline().for_each(|(_, slot)| times.merge(&slot.times()));
                times.response
            };
            prop_assert_eq!(sum(&one), sum(&whole));
            prop_assert_eq!(sum(&whole), whole.times(|_| true).response);
        }
    }

    #[test]
    fn failures_are_apart_from_good_answers() {
        let mut recording = Recording::default();
        record(0, &[(1, 100_000), (2, 100_001), (3, 100_003), (4, 100_004)], &mut recording);
        assert_eq!(recording.counts.good, 2);
        assert_eq!(recording.counts.failed, 2);
        // The refusal is in none of them, the time-out is.
        assert_eq!(recording.response_times().count(), 3);
        assert_eq!(recording.times(|_| true).failed.count(), 1);
    }

    #[test]
    fn memory_is_bounded_and_counts_are_not() {
        let most_bytes = 4_000_000;
        let mut recording = Recording { most_bytes, ..Recording::default() };
        let mut recorder = Recorder::new(0);
        for n in 0..12_000_u64 {
            let failure = Failure::detailed(Phase::Receive, FailureKind::Malformed, format!("error {n}"));
            recorder.ended(outcome(n * 100, 1_000 + n % 700, Err(failure)));
            for spread in 0..20 {
                recorder.ended(outcome(n * 100, 1_000 + (n * 31 + spread * 577) % 100_000, Ok(200)));
            }
            recording.add(recorder.take(Moment::from_nanos((n + 1) * 100_000_000), Gauges::default(), Duration::ZERO));
        }
        assert_eq!(recording.counts.failed, 12_000);
        assert_eq!(recording.whole.len() as u64 + recording.not_whole, 12_000);
        assert_eq!(recording.whole.len(), MOST_WHOLE);
        assert_eq!(recording.words.len(), MOST_WORDS);
        assert!(recording.timeline_bytes() <= most_bytes, "{}", recording.timeline_bytes());
        assert!(recording.slot_length() > INTERVAL);
        let good: u64 = recording.timeline().map(|(_, slot)| slot.times().response.count()).sum();
        assert_eq!(good, 240_000);
    }
}

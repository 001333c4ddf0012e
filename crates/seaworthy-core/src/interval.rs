//! What one generator thread saw in a tenth of a second.

use std::{collections::BTreeMap, mem, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    histogram::{Histogram, Packed},
    outcome::{ConnectionKind, FailureKind, Outcome, Phase, Phases},
    time::Moment,
};

/// How long an interval is.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// The failures that are kept whole, of one interval of one thread; beyond it they are only counted.
const MOST_WHOLE: usize = 1_000;

/// The good answers that are kept whole in the same way, where they are kept.
pub const MOST_ANSWERS: usize = 20_000;

/// What is recorded apart: where requests went, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// Where they went; nothing where they came to no endpoint.
    pub endpoint: Option<SocketAddr>,
    /// Over what kind of connection.
    pub connection: ConnectionKind,
}

/// Times of one lane. `H` is a [`Histogram`] while it is recorded into, and [`Packed`] on its way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times<H> {
    /// Response times of good answers: from due to done.
    pub response: H,
    /// Service times of good answers: from begun to done.
    pub service: H,
    /// Response times of requests that timed out, which would have been longer.
    pub timed_out: H,
    /// Service times of the same.
    pub timed_out_service: H,
    /// Response times of other failures. A refusal is fast, and must not flatter the good answers.
    pub failed: H,
    /// From the first byte sent to the first byte received, of good answers.
    pub first_byte: H,
    /// DNS lookups.
    pub dns: H,
    /// TCP connects.
    pub connect: H,
    /// TLS handshakes.
    pub tls: H,
}

impl Times<Histogram> {
    fn phases(&mut self, phases: &Phases) {
        for (histogram, time) in
            [(&mut self.dns, phases.dns), (&mut self.connect, phases.connect), (&mut self.tls, phases.tls)]
        {
            if let Some(time) = time {
                histogram.record(time);
            }
        }
    }

    fn take(&mut self) -> Times<Packed> {
        let pack = |histogram: &mut Histogram| {
            let packed = histogram.pack();
            if !packed.is_empty() {
                histogram.clear();
            }
            packed
        };
        Times {
            response: pack(&mut self.response),
            service: pack(&mut self.service),
            timed_out: pack(&mut self.timed_out),
            timed_out_service: pack(&mut self.timed_out_service),
            failed: pack(&mut self.failed),
            first_byte: pack(&mut self.first_byte),
            dns: pack(&mut self.dns),
            connect: pack(&mut self.connect),
            tls: pack(&mut self.tls),
        }
    }

    /// Adds what was packed.
    pub(crate) fn add(&mut self, packed: &Times<Packed>) {
        packed.response.add_to(&mut self.response);
        packed.service.add_to(&mut self.service);
        packed.timed_out.add_to(&mut self.timed_out);
        packed.timed_out_service.add_to(&mut self.timed_out_service);
        packed.failed.add_to(&mut self.failed);
        packed.first_byte.add_to(&mut self.first_byte);
        packed.dns.add_to(&mut self.dns);
        packed.connect.add_to(&mut self.connect);
        packed.tls.add_to(&mut self.tls);
    }

    /// Adds what another has recorded.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.timed_out.merge(&other.timed_out);
        self.timed_out_service.merge(&other.timed_out_service);
        self.failed.merge(&other.failed);
        self.first_byte.merge(&other.first_byte);
        self.dns.merge(&other.dns);
        self.connect.merge(&other.connect);
        self.tls.merge(&other.tls);
    }
}

/// Failures of one kind are counted exactly, however many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureClass {
    /// What happened.
    pub kind: FailureKind,
    /// How far the request had come.
    pub phase: Phase,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// Over what.
    pub connection: ConnectionKind,
}

/// What is counted in an interval. Counts of several intervals and threads add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that became due.
    pub arrived: u64,
    /// Requests on which work began.
    pub begun: u64,
    /// Good answers.
    pub good: u64,
    /// Requests that ended without a good answer.
    pub failed: u64,
    /// Requests that were sent again, since their reused connection closed before any byte of an answer.
    pub retried: u64,
    /// Arrivals that found no free connection, and waited for one.
    pub queued: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections that the server closed while they were idle.
    pub closed_idle: u64,
    /// Bytes of bodies received.
    pub bytes: u64,
    /// Good answers without a length: where such a body was cut off, nobody can see it.
    pub unframed: u64,
}

impl Counts {
    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.begun += other.begun;
        self.good += other.good;
        self.failed += other.failed;
        self.retried += other.retried;
        self.queued += other.queued;
        self.opened += other.opened;
        self.closed_idle += other.closed_idle;
        self.bytes += other.bytes;
        self.unframed += other.unframed;
    }
}

/// What holds at the end of an interval. Those of several threads add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// Open connections, those being opened included.
    pub open: u64,
    /// Requests being worked on.
    pub in_flight: u64,
    /// Arrivals waiting for a free connection.
    pub waiting: u64,
}

/// What one generator thread saw in one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Which one: it began at this many [`INTERVAL`]s after the start.
    pub index: u64,
    /// Which thread.
    pub thread: usize,
    /// What was counted.
    pub counts: Counts,
    /// What holds at its end.
    pub gauges: Gauges,
    /// Times of what ended in it.
    pub lanes: Vec<(Lane, Times<Packed>)>,
    /// How late the generator began what was due.
    pub send_lag: Packed,
    /// How long arrivals waited for a free connection.
    pub queue_time: Packed,
    /// Good answers by their status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by their class, exactly.
    pub failures: BTreeMap<FailureClass, u64>,
    /// Failures whole, those of retried attempts included, as many as are kept.
    pub whole: Vec<FailedAttempt>,
    /// Good answers whole, where that was asked for, as many as are kept.
    pub answers: Vec<Outcome>,
    /// CPU time that the thread used.
    pub cpu: Duration,
}

impl Interval {
    /// The same, so many intervals later: of a load that began so long after the clock that it is to be read by.
    #[must_use]
    pub fn later(mut self, by: u64) -> Self {
        let time = Duration::from_nanos(crate::time::nanos(INTERVAL).saturating_mul(by));
        self.index = self.index.saturating_add(by);
        let later = |attempt: FailedAttempt| FailedAttempt { outcome: attempt.outcome.later(time), ..attempt };
        self.whole = self.whole.into_iter().map(later).collect();
        self.answers = self.answers.into_iter().map(|outcome| outcome.later(time)).collect();
        self
    }
}

/// A failure whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it was sent again, so that it is not this attempt that counts.
    pub retried: bool,
}

/// Records outcomes, and hands them out by the interval.
#[derive(Debug, Default)]
pub struct Recorder {
    thread: usize,
    lanes: Vec<(Lane, Times<Histogram>)>,
    send_lag: Histogram,
    queue_time: Histogram,
    /// Almost every answer has the same status, so that one is not looked up.
    status: (u16, u64),
    keep_answers: bool,
    open: Interval,
}

impl Recorder {
    /// One for a generator thread.
    pub fn new(thread: usize) -> Self {
        Self { thread, ..Self::default() }
    }

    /// The same, that keeps good answers whole, too, or not: at most [`MOST_ANSWERS`] of an interval. It does not keep
    /// them unless it is told to.
    #[must_use]
    pub const fn keep_answers(mut self, keep: bool) -> Self {
        self.keep_answers = keep;
        self
    }

    /// What is counted as it happens.
    pub const fn counts(&mut self) -> &mut Counts {
        &mut self.open.counts
    }

    /// Arrivals that waited for a free connection are told here, once they have one.
    pub fn waited(&mut self, time: Duration) {
        self.open.counts.queued += 1;
        self.queue_time.record(time);
    }

    /// What became of a request.
    pub fn ended(&mut self, outcome: Outcome) {
        self.send_lag.record(outcome.send_lag());
        let counts = &mut self.open.counts;
        counts.bytes += outcome.bytes;
        let status = match &outcome.end {
            Ok(status) => *status,
            Err(_failure) => {
                counts.failed += 1;
                return self.failed(outcome);
            }
        };
        counts.good += 1;
        if self.status.0 == status {
            self.status.1 += 1;
        } else {
            self.count_status();
            self.status = (status, 1);
        }
        let times = self.lane(&outcome);
        times.response.record(outcome.response_time());
        times.service.record(outcome.service_time());
        if let Some(first_byte) = outcome.phases.first_byte {
            times.first_byte.record(first_byte);
        }
        if outcome.connection != ConnectionKind::Reused {
            times.phases(&outcome.phases);
        }
        if self.keep_answers && self.open.answers.len() < MOST_ANSWERS {
            self.open.answers.push(outcome);
        }
    }

    /// An attempt that is made again. It is evidence, but the request goes on.
    pub fn retried(&mut self, outcome: Outcome) {
        self.open.counts.retried += 1;
        self.keep(FailedAttempt { outcome, retried: true });
    }

    fn failed(&mut self, outcome: Outcome) {
        let Err(failure) = &outcome.end else { return };
        let class = FailureClass {
            kind: failure.kind,
            phase: failure.phase,
            status: failure.status,
            connection: outcome.connection,
        };
        let timed_out = matches!(failure.kind, FailureKind::TimedOut | FailureKind::Unfinished);
        *self.open.failures.entry(class).or_default() += 1;
        let times = self.lane(&outcome);
        if timed_out {
            times.timed_out.record(outcome.response_time());
            times.timed_out_service.record(outcome.service_time());
        } else {
            times.failed.record(outcome.response_time());
        }
        times.phases(&outcome.phases);
        self.keep(FailedAttempt { outcome, retried: false });
    }

    fn keep(&mut self, attempt: FailedAttempt) {
        if self.open.whole.len() < MOST_WHOLE {
            self.open.whole.push(attempt);
        }
    }

    fn lane(&mut self, outcome: &Outcome) -> &mut Times<Histogram> {
        let lane = Lane { endpoint: outcome.endpoint, connection: outcome.connection };
        // There are few, and the next outcome is likely to be of the same one as the last.
        let found = self.lanes.iter().position(|(known, _)| *known == lane).unwrap_or_else(|| {
            self.lanes.push((lane, Times::default()));
            self.lanes.len() - 1
        });
        &mut self.lanes[found].1
    }

    fn count_status(&mut self) {
        let (status, count) = mem::take(&mut self.status);
        if count > 0 {
            *self.open.statuses.entry(status).or_default() += count;
        }
    }

    /// Which interval is being recorded.
    pub const fn index(&self) -> u64 {
        self.open.index
    }

    /// Ends the interval and begins the one that the moment is in.
    pub fn take(&mut self, now: Moment, gauges: Gauges, cpu: Duration) -> Interval {
        self.count_status();
        let index = now.nanos() / crate::time::nanos(INTERVAL);
        let next = Interval { index, ..Interval::default() };
        let mut taken = mem::replace(&mut self.open, next);
        let pack = |histogram: &mut Histogram| {
            let packed = histogram.pack();
            histogram.clear();
            packed
        };
        taken.thread = self.thread;
        taken.gauges = gauges;
        taken.cpu = cpu;
        taken.send_lag = pack(&mut self.send_lag);
        taken.queue_time = pack(&mut self.queue_time);
        taken.lanes = self.lanes.iter_mut().map(|(lane, times)| (*lane, times.take())).collect();
        taken.lanes.retain(|(_, times)| {
            [&times.response, &times.timed_out, &times.failed].iter().any(|packed| !packed.is_empty())
        });
        taken
    }
}

#[cfg(test)]
mod tests;

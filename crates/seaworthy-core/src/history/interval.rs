//! An interval as a line of the file: what there is nothing of is left out.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    histogram::Packed,
    interval::{Counts, FailedAttempt, FailureClass, Gauges, Interval, Lane, Times},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    time::{Moment, as_nanos, as_optional_nanos},
};

/// More than this is not counted in a tenth of a second: sums of many have to fit, too.
const MOST: u64 = u32::MAX as u64;

/// The same for bytes.
const MOST_BYTES: u64 = 1 << 40;

/// An interval.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    index: u64,
    thread: usize,
    counts: Counts,
    gauges: Gauges,
    #[serde(with = "as_nanos")]
    cpu: Duration,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    send_lag: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    queue_time: Packed,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<Sent>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    statuses: BTreeMap<u16, u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failures>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    whole: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Attempt>,
}

/// Times of a lane.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    endpoint: Option<SocketAddr>,
    connection: ConnectionKind,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    response: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    service: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    timed_out: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    timed_out_service: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    failed: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    first_byte: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    dns: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    connect: Packed,
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    tls: Packed,
}

/// Failures of a class.
#[derive(Debug, Serialize, Deserialize)]
struct Failures {
    kind: FailureKind,
    phase: Phase,
    status: Option<u16>,
    connection: ConnectionKind,
    count: u64,
}

/// A request whole: with `good`, the status of a good answer, or with `failure`, never both.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    due: Moment,
    #[serde(with = "as_nanos")]
    queued: Duration,
    begun: Moment,
    done: Moment,
    endpoint: Option<SocketAddr>,
    connection: ConnectionKind,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_nanos")]
    idle: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_nanos")]
    dns: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_nanos")]
    connect: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_nanos")]
    tls: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_optional_nanos")]
    first_byte: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    good: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retried: bool,
}

impl From<&Interval> for Line {
    fn from(interval: &Interval) -> Self {
        let failures = interval.failures.iter().map(|(class, count)| Failures {
            kind: class.kind,
            phase: class.phase,
            status: class.status,
            connection: class.connection,
            count: *count,
        });
        Self {
            index: interval.index,
            thread: interval.thread,
            counts: interval.counts,
            gauges: interval.gauges,
            cpu: interval.cpu,
            send_lag: interval.send_lag.clone(),
            queue_time: interval.queue_time.clone(),
            lanes: interval.lanes.iter().map(|(lane, times)| Sent::of(*lane, times.clone())).collect(),
            statuses: interval.statuses.clone(),
            failures: failures.collect(),
            whole: interval.whole.iter().map(|attempt| Attempt::of(&attempt.outcome, attempt.retried)).collect(),
            answers: interval.answers.iter().map(|outcome| Attempt::of(outcome, false)).collect(),
        }
    }
}

impl Line {
    /// The interval, where it is one that can have been.
    pub(super) fn interval(self) -> Result<Interval, &'static str> {
        self.is_possible()?;
        let mut failures = BTreeMap::<FailureClass, u64>::new();
        for Failures { kind, phase, status, connection, count } in self.failures {
            if failures.insert(FailureClass { kind, phase, status, connection }, count).is_some() {
                return Err("a class of failures is there twice");
            }
        }
        let whole: Result<Vec<FailedAttempt>, &str> = self
            .whole
            .into_iter()
            .map(|attempt| Ok(FailedAttempt { retried: attempt.retried, outcome: attempt.outcome()? }))
            .collect();
        let answers: Result<Vec<Outcome>, &str> = self.answers.into_iter().map(Attempt::outcome).collect();
        Ok(Interval {
            index: self.index,
            thread: self.thread,
            counts: self.counts,
            gauges: self.gauges,
            lanes: self.lanes.into_iter().map(Sent::times).collect(),
            send_lag: self.send_lag,
            queue_time: self.queue_time,
            statuses: self.statuses,
            failures,
            whole: whole?,
            answers: answers?,
            cpu: self.cpu,
        })
    }

    /// Whether sums of what is counted can be trusted not to overflow.
    fn is_possible(&self) -> Result<(), &'static str> {
        let Counts { arrived, begun, good, failed, retried, queued, opened, closed_idle, bytes, unframed } =
            self.counts;
        let Gauges { open, in_flight, waiting } = self.gauges;
        let counts = [arrived, begun, good, failed, retried, queued, opened, closed_idle, unframed];
        let each = counts.into_iter().chain([open, in_flight, waiting]).chain(self.statuses.values().copied());
        let most = each.chain(self.failures.iter().map(|of| of.count)).max();
        if most > Some(MOST) || bytes > MOST_BYTES {
            return Err("it counts more than there can be in a tenth of a second");
        }
        Ok(())
    }
}

impl Sent {
    fn of(Lane { endpoint, connection }: Lane, times: Times<Packed>) -> Self {
        let Times { response, service, timed_out, timed_out_service, failed, first_byte, dns, connect, tls } = times;
        Self {
            endpoint,
            connection,
            response,
            service,
            timed_out,
            timed_out_service,
            failed,
            first_byte,
            dns,
            connect,
            tls,
        }
    }

    fn times(self) -> (Lane, Times<Packed>) {
        let Self { response, service, timed_out, timed_out_service, failed, first_byte, dns, connect, tls, .. } = self;
        let times = Times { response, service, timed_out, timed_out_service, failed, first_byte, dns, connect, tls };
        (Lane { endpoint: self.endpoint, connection: self.connection }, times)
    }
}

impl Attempt {
    fn of(outcome: &Outcome, retried: bool) -> Self {
        Self {
            due: outcome.due,
            queued: outcome.queued,
            begun: outcome.begun,
            done: outcome.done,
            endpoint: outcome.endpoint,
            connection: outcome.connection,
            idle: outcome.idle,
            dns: outcome.phases.dns,
            connect: outcome.phases.connect,
            tls: outcome.phases.tls,
            first_byte: outcome.phases.first_byte,
            good: outcome.end.as_ref().ok().copied(),
            failure: outcome.end.as_ref().err().cloned(),
            bytes: outcome.bytes,
            retried,
        }
    }

    fn outcome(self) -> Result<Outcome, &'static str> {
        let end = match (self.good, self.failure) {
            (Some(status), None) => Ok(status),
            (None, Some(failure)) => Err(failure),
            (None, None) => return Err("a request with neither a good answer nor a failure"),
            (Some(_), Some(_)) => return Err("a request with both a good answer and a failure"),
        };
        Ok(Outcome {
            due: self.due,
            queued: self.queued,
            begun: self.begun,
            done: self.done,
            endpoint: self.endpoint,
            connection: self.connection,
            idle: self.idle,
            phases: Phases { dns: self.dns, connect: self.connect, tls: self.tls, first_byte: self.first_byte },
            end,
            bytes: self.bytes,
        })
    }
}

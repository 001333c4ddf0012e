//! Thresholds: what a run is held to, in the words that users of k6 know.
//!
//! A threshold is `[metric][:] measure op value`, with spaces anywhere:
//!
//! | what is judged | written as | also as |
//! | --- | --- | --- |
//! | response times, from when a request was due | `p99<50ms`, `max<2s` | `response:p(99)<50ms`, `http_req_duration:p(99)<50` |
//! | service times, from when it was sent | `service:p99<50ms` | |
//! | requests without a good answer | `failed<0.1%`, `failed==0` | `http_req_failed:rate<0.001` |
//! | good answers per second | `rate>900` | |
//! | arrivals never sent, requests sent again | `not_sent==0`, `retried<10` | |
//! | acknowledged writes lost, writes without an answer | `lost_writes==0`, `unknown_writes<5` | |

mod judge;
mod parse;

use std::{fmt, time::Duration};

use crate::{arrivals::Rate, histogram::Histogram, recording::Recording};

/// What a run is held to.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold(Bound);

/// What is compared with what.
#[derive(Clone, Debug, PartialEq)]
enum Bound {
    /// A time with a time.
    Time { since: Since, statistic: Statistic, op: Op, bound: Duration },
    /// The share of requests that failed, in percent.
    FailedShare { op: Op, percent: f64 },
    /// Good answers per second.
    Rate { op: Op, bound: Rate },
    /// A count.
    Count { of: Counted, op: Op, bound: u64 },
}

/// From when a time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// From when the request was due: the response time.
    Due,
    /// From when work on it began: the service time.
    Begun,
}

/// What of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    /// The time that a share of all did not exceed, in millionths, so that 99.9 % is exact.
    Quantile(u32),
    Mean,
    Min,
    Max,
}

impl Statistic {
    fn of(self, times: &Histogram) -> Option<Duration> {
        match self {
            Self::Quantile(millionths) => times.quantile(f64::from(millionths) / 1e6),
            Self::Mean => times.mean(),
            Self::Min => times.min(),
            Self::Max => times.max(),
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantile(millionths) => write!(f, "p{}", f64::from(*millionths) / 1e4),
            Self::Mean => f.write_str("avg"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Failed,
    NotSent,
    Retried,
    LostWrites,
    UnknownWrites,
}

impl Counted {
    const ALL: [Self; 5] = [Self::Failed, Self::NotSent, Self::Retried, Self::LostWrites, Self::UnknownWrites];

    const fn label(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotSent => "not_sent",
            Self::Retried => "retried",
            Self::LostWrites => "lost_writes",
            Self::UnknownWrites => "unknown_writes",
        }
    }
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
}

impl Op {
    const fn label(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }

    fn holds<T: PartialOrd>(self, measured: &T, bound: &T) -> bool {
        match self {
            Self::Less => measured < bound,
            Self::AtMost => measured <= bound,
            Self::More => measured > bound,
            Self::AtLeast => measured >= bound,
            Self::Equal => measured == bound,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Bound::Time { since, statistic, op, bound } => {
                let of = if *since == Since::Begun { "service:" } else { "" };
                // Exact, and in the units that are read.
                let bound = format!("{bound:?}").replace('µ', "u");
                write!(f, "{of}{statistic}{}{bound}", op.label())
            }
            Bound::FailedShare { op, percent } => write!(f, "failed{}{percent}%", op.label()),
            Bound::Rate { op, bound } => write!(f, "rate{}{}", op.label(), bound.as_per_second()),
            Bound::Count { of, op, bound } => write!(f, "{}{}{bound}", of.label(), op.label()),
        }
    }
}

/// What thresholds are judged against.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// What was seen.
    pub recording: &'a Recording,
    /// From the start to the last arrival due, or the stop. Rates are over it.
    pub duration: Duration,
    /// Writes, where a ledger was kept.
    pub writes: Option<WriteCounts>,
}

/// What became of writes, as far as thresholds are about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Acknowledged, and not there afterwards.
    pub lost: u64,
    /// Without an answer.
    pub unknown: u64,
    /// Acknowledged, but could not be read back: any of them may be lost.
    pub unverified: u64,
}

/// What a threshold came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// Nobody can know from this run.
    Inconclusive,
}

impl Holds {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A threshold with what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The threshold.
    pub threshold: Threshold,
    /// What was measured, where anything was.
    pub measured: Option<String>,
    /// Whether it holds.
    pub judgement: Holds,
    /// Why that cannot be known, or what a reader of it should know.
    pub why: Option<String>,
}

impl Judged {
    /// It in a line: `p99<50ms: 61.2ms`.
    pub fn words(&self) -> String {
        let parts = [self.measured.as_deref(), self.why.as_deref()];
        let found: Vec<&str> = parts.into_iter().flatten().collect();
        format!("{}: {}", self.threshold, found.join("; "))
    }
}

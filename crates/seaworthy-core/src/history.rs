//! A trial as it was recorded: what happened to the target, and what became of the requests, on one clock.

mod checks;
mod gaps;
mod interval;
pub mod lines;
mod part;
mod reader;

pub use checks::Records;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    audit::Audit, deployment::Deployment, drill::Drill, event::Event, fix::Again, generator::Generator,
    interval::Interval, recording::Recording, replay::Policy, time::Moment,
};

/// A trial as it was recorded. It is judged from this alone, as often as one likes.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What was to be done.
    pub header: Header,
    /// What happened, in the order of time.
    pub events: Vec<(Moment, Event)>,
    /// What became of the requests. A request's due and done are on the same clock as the events.
    pub intervals: Vec<Interval>,
    /// What became of the requests that a drill added to overload the target. They are no part of any promise but to be
    /// shed.
    pub floods: Vec<Interval>,
    /// What became of the writes, where they were followed.
    pub audit: Option<Audit>,
    /// How it ended; nothing where it was cut off, so that the rest is missing.
    pub footer: Option<Footer>,
}

impl History {
    /// All requests of the trial together, as thresholds are judged against them.
    pub fn recording(&self) -> Recording {
        let mut recording = Recording::default();
        for interval in &self.intervals {
            recording.add(Interval { answers: Vec::new(), ..interval.clone() });
        }
        if let Some(footer) = &self.footer {
            recording.not_sent = footer.not_sent;
            recording.unfinished = footer.unfinished;
        }
        recording
    }
}

/// What was to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Of this tool.
    pub tool_version: String,
    /// Wall clock at the trial's start, RFC 3339, UTC.
    pub began: String,
    /// What was run, as it was given, with secrets taken out.
    pub command: String,
    /// The target, in words: its command, or the built-in service.
    pub target: String,
    /// `local` or `simulated`.
    pub platform: String,
    /// Where it was measured from, and what that cannot show.
    pub machine: String,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The target's rules.
    pub deployment: Deployment,
    /// What was assumed since nobody said it, a line each.
    pub assumptions: Vec<String>,
    /// The drills in their order.
    pub drills: Vec<Drill>,
    /// How long until clients see a change of the endpoints, at least.
    #[serde(with = "crate::time::as_nanos")]
    pub propagation_least: Duration,
    /// At most.
    #[serde(with = "crate::time::as_nanos")]
    pub propagation_most: Duration,
    /// Requests per second, evenly spaced.
    pub rate: f64,
    /// The share of them, 0 to 1, that open a connection of their own.
    pub fresh: f64,
    /// Connections that are kept.
    pub connections: usize,
    /// The request: its method and path.
    pub request: String,
    /// Whether it may be sent again without asking (RFC 9110, 9.2.2).
    pub idempotent: bool,
    /// Which answers were good, in words.
    pub expected: String,
    /// How long a request may take.
    #[serde(with = "crate::time::as_nanos")]
    pub timeout: Duration,
    /// What the trial was held to.
    pub expectations: Expectations,
    /// Whether it was followed what became of its writes, so that an end without an audit is none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub writes: bool,
    /// Of a trial that was made again with changes: which one, and what was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Again>,
}

/// What a trial is held to. It can be judged again with others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    /// Requests that each drill may lose beyond what it is allowed to.
    pub max_lost: u64,
    /// The most that the 99th percentile of the response times during each drill may be, where it is held to any.
    #[serde(with = "crate::time::as_optional_nanos")]
    pub max_p99: Option<Duration>,
    /// Thresholds on the whole trial, as they were written.
    pub thresholds: Vec<String>,
    /// A client's own retries, to be replayed. They never change a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_retries: Option<Policy>,
}

/// How a trial ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// When the last arrival was due.
    #[serde(with = "crate::time::as_nanos")]
    pub duration: Duration,
    /// Arrivals that were never sent, since no connection became free in time.
    pub not_sent: u64,
    /// Requests that were still open when it was cut short.
    pub unfinished: u64,
    /// What the tool saw of itself.
    pub generator: Generator,
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
}

#[cfg(test)]
pub(crate) mod tests;

//! All failures of one cause, and what can be said of them together.

use std::{collections::BTreeSet, time::Duration};

use super::{Failed, Fate};
use crate::{
    change::Change,
    deployment::Hook,
    event::Replica,
    history::History,
    lives::{Life, Lives},
    outcome::FailureKind,
    text::counted,
    time::Moment,
};

/// All failures of one cause.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// All that was recorded.
    pub history: &'a History,
    /// The lives of all replicas.
    pub lives: &'a Lives,
    /// The failures.
    pub failed: Vec<Failed<'a>>,
    /// The replicas whose doing they are.
    pub replicas: BTreeSet<Replica>,
}

impl<'a> Found<'a> {
    /// How many of them are so.
    pub(super) fn count(&self, holds: impl Fn(&Failed<'a>) -> bool) -> u64 {
        self.failed.iter().filter(|failed| holds(failed)).count() as u64
    }

    /// The lives of its replicas.
    pub(super) fn lives(&self) -> impl Iterator<Item = &'a Life> {
        let lives = self.lives;
        self.replicas.iter().filter_map(move |replica| lives.get(*replica))
    }

    /// The life that a failure is the doing of, by its address.
    fn life(&self, failed: &Failed<'_>) -> Option<&'a Life> {
        failed.outcome.endpoint.and_then(|address| self.lives.at(address))
    }

    /// `replica 2`, `replicas 0, 1, 2`; `no replica in particular`.
    pub(super) fn whose(&self) -> String {
        let numbers: Vec<String> = self.replicas.iter().map(|replica| replica.0.to_string()).collect();
        match numbers.as_slice() {
            [] => "no replica in particular".to_owned(),
            [one] => format!("replica {one}"),
            many => format!("replicas {}", many.join(", ")),
        }
    }

    /// What happened: `3 connections refused, 1 connection reset`.
    pub(super) fn what(&self) -> String {
        let kinds: BTreeSet<FailureKind> = self.failed.iter().map(|failed| failed.failure.kind).collect();
        let said = |kind: &FailureKind| {
            let count = self.count(|failed| failed.failure.kind == *kind);
            match kind {
                FailureKind::Refused => format!("{} refused", counted(count, "connection")),
                FailureKind::Reset => format!("{} reset", counted(count, "connection")),
                FailureKind::Closed => format!("{} closed", counted(count, "connection")),
                FailureKind::NoEndpoint => format!("{} without an endpoint", counted(count, "request")),
                FailureKind::Status => {
                    let statuses: BTreeSet<u16> = self
                        .failed
                        .iter()
                        .filter_map(|failed| failed.failure.status.filter(|_| failed.failure.kind == *kind))
                        .collect();
                    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
                    format!("{} answered with {}", counted(count, "request"), statuses.join(", "))
                }
                FailureKind::NoPort
                | FailureKind::NoDescriptor
                | FailureKind::Dns
                | FailureKind::Unreachable
                | FailureKind::Tls
                | FailureKind::NotHttp2
                | FailureKind::TimedOut
                | FailureKind::Malformed
                | FailureKind::HeadTooLarge
                | FailureKind::Excess
                | FailureKind::RefusedStream
                | FailureKind::GoAway
                | FailureKind::StreamReset
                | FailureKind::Http2
                | FailureKind::Io
                | FailureKind::Body
                | FailureKind::Truncated
                | FailureKind::Unfinished => format!("{}: {}", counted(count, "request"), kind.words()),
            }
        };
        kinds.iter().map(said).collect::<Vec<_>>().join(", ")
    }

    /// When they ended, relative to what happened to the replica of each: `between 0.02 s and 0.98 s after SIGTERM`.
    pub(super) fn between(&self, anchor: impl Fn(&Life) -> Option<Moment>, words: &str) -> String {
        let times: Vec<(Moment, Moment)> =
            self.failed.iter().filter_map(|failed| Some((anchor(self.life(failed)?)?, failed.outcome.done))).collect();
        // A request may have ended a little before what ended it was recorded.
        let least = times.iter().map(|(at, done)| done.since(*at)).min();
        let most = times.iter().map(|(at, done)| done.since(*at)).max();
        match least.zip(most) {
            Some((least, most)) if seconds(least) == seconds(most) => format!("{} after {words}", seconds(least)),
            Some((least, most)) => format!("between {} and {} after {words}", seconds(least), seconds(most)),
            None => format!("around {words}"),
        }
    }

    /// From when to when they were, on the trial's clock.
    pub(super) fn when(&self) -> String {
        let first = self.failed.iter().map(|failed| failed.outcome.done).min().unwrap_or_default();
        let last = self.failed.iter().map(|failed| failed.outcome.done).max().unwrap_or_default();
        match (seconds(first.since_start()), seconds(last.since_start())) {
            (first, last) if first == last => format!("at {first} of the trial"),
            (first, last) => format!("from {first} to {last} of the trial"),
        }
    }

    /// The longest that something took on any of the replicas.
    pub(super) fn longest(&self, of: impl Fn(&Life) -> Option<Duration>) -> Option<Duration> {
        self.lives().filter_map(of).max()
    }

    /// The longest that clients went on seeing a replica that was told to end.
    pub(super) fn propagation(&self) -> Duration {
        let seen = |life: &Life| {
            let (told, _) = life.terminating?;
            Some(life.view.next_end(told)?.since(told))
        };
        self.longest(seen).unwrap_or(self.history.header.propagation_most)
    }

    /// Seconds of a preStop sleep that outlasts what was measured, and what it may be at the most.
    pub(super) fn sleep(&self) -> u64 {
        self.propagation().max(self.history.header.propagation_most).as_secs() + 1
    }

    /// The preStop hook of the target, in words.
    pub(super) fn pre_stop(&self) -> String {
        match &self.history.header.deployment.template.pre_stop {
            None => "none".to_owned(),
            Some(Hook::Sleep(sleep)) => format!("sleep {}", seconds(*sleep)),
            Some(Hook::Ask(_)) => "a command or a request".to_owned(),
        }
    }

    /// Of how many of them it is not known whether they were executed.
    pub(super) fn unknown(&self) -> Option<String> {
        let count = self.count(|failed| failed.fate == Fate::Unknown);
        (count > 0).then(|| format!("of {count} of them nobody can know whether they were executed"))
    }
}

/// A preStop sleep that outlasts what was measured, and a grace period that has room for it.
pub(super) fn longer_sleep(found: &Found<'_>) -> Vec<Change> {
    let sleep = Duration::from_secs(found.sleep());
    let grace = found.history.header.deployment.template.grace;
    let mut changes = vec![Change::PreStopSleep(sleep)];
    // What was enough before the sleep has to be enough after it.
    changes.extend((grace <= sleep * 2).then_some(Change::Grace(grace + sleep)));
    changes
}

/// `0.98 s`.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

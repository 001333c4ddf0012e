//! One replica's life.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::{
    event::{Disposition, Exit, Reason, Release, Replica, Revision, Signal},
    time::Moment,
};

/// A while: from its begin until before its end. Without an end it goes on for as long as anything is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its begin.
    pub from: Moment,
    /// Its end.
    pub to: Option<Moment>,
}

impl Span {
    /// Whether a moment is in it.
    pub fn holds(&self, at: Moment) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// Whiles in which something was so, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// It is so from here on. Nothing changes where it was so before.
    pub(super) fn begin(&mut self, at: Moment) {
        if self.0.last().is_none_or(|last| last.to.is_some()) {
            self.0.push(Span { from: at, to: None });
        }
    }

    /// It is so no longer.
    pub(super) fn end(&mut self, at: Moment) {
        if let Some(open) = self.0.last_mut().filter(|last| last.to.is_none()) {
            open.to = Some(at);
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Span] {
        &self.0
    }

    /// Whether it never was so.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that a moment is in.
    pub fn around(&self, at: Moment) -> Option<Span> {
        self.0.iter().copied().find(|span| span.holds(at))
    }

    /// The first begin at or after a moment.
    pub fn next_begin(&self, at: Moment) -> Option<Moment> {
        self.0.iter().map(|span| span.from).find(|from| *from >= at)
    }

    /// The first end at or after a moment.
    pub fn next_end(&self, at: Moment) -> Option<Moment> {
        self.0.iter().filter_map(|span| span.to).find(|to| *to >= at)
    }

    /// Whether it was so at any moment from one to another.
    pub fn any(&self, from: Moment, to: Moment) -> bool {
        self.0.iter().any(|span| span.from <= to && span.to.is_none_or(|end| end > from))
    }
}

/// One process of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How often it was started before.
    pub restart: u32,
    /// When it was started.
    pub started: Moment,
    /// When and how it ended, where it did.
    pub ended: Option<(Moment, Exit)>,
}

/// What is done before SIGTERM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreStop {
    /// Its begin.
    pub begun: Moment,
    /// Its end.
    pub ended: Option<Moment>,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// The life of a replica.
#[derive(Clone, Debug)]
pub struct Life {
    /// Whose.
    pub replica: Replica,
    /// Of which revision.
    pub revision: Option<Revision>,
    /// What it runs.
    pub release: Option<Release>,
    /// Where it serves requests.
    pub address: Option<SocketAddr>,
    /// When it came to be.
    pub created: Option<Moment>,
    /// Its processes, one after the other.
    pub runs: Vec<Run>,
    /// When it may have requests.
    pub ready: Spans,
    /// When it came to count as available.
    pub available: Vec<Moment>,
    /// When clients see it.
    pub view: Spans,
    /// When direct connections to its port succeed, within the 50 ms from one to the next.
    pub listening: Spans,
    /// When it does not run though it lives.
    pub frozen: Spans,
    /// When packets between clients and it are dropped.
    pub broken: Spans,
    /// When it was told to end, and how long it has.
    pub terminating: Option<(Moment, Duration)>,
    /// What is done before SIGTERM.
    pub pre_stop: Option<PreStop>,
    /// Signals that it was sent.
    pub signals: Vec<(Moment, Signal, Reason)>,
    /// What SIGTERM did to it, where anybody looked.
    pub of_sigterm: Option<Disposition>,
    /// When nothing of it was left.
    pub gone: Option<Moment>,
    /// Since when another process holds its port, and which.
    pub foreign: Option<(Moment, String)>,
    /// Its good answers, by the slot in which they ended.
    pub answers: BTreeMap<Moment, u64>,
}

impl Life {
    pub(super) fn new(replica: Replica) -> Self {
        Self {
            replica,
            revision: None,
            release: None,
            address: None,
            created: None,
            runs: Vec::new(),
            ready: Spans::default(),
            available: Vec::new(),
            view: Spans::default(),
            listening: Spans::default(),
            frozen: Spans::default(),
            broken: Spans::default(),
            terminating: None,
            pre_stop: None,
            signals: Vec::new(),
            of_sigterm: None,
            gone: None,
            foreign: None,
            answers: BTreeMap::new(),
        }
    }

    pub(super) fn exited(&mut self, at: Moment, exit: Exit) {
        if let Some(run) = self.runs.last_mut().filter(|run| run.ended.is_none()) {
            run.ended = Some((at, exit));
        }
    }

    pub(super) fn ended(&mut self, at: Moment) {
        self.gone.get_or_insert(at);
        for spans in [&mut self.ready, &mut self.listening, &mut self.frozen] {
            spans.end(at);
        }
    }

    /// When it was first sent a signal for a reason.
    pub fn signalled(&self, signal: Signal, reason: Reason) -> Option<Moment> {
        self.signals.iter().find(|(_, sent, why)| *sent == signal && *why == reason).map(|(at, ..)| *at)
    }

    /// When it was killed since the grace period of its termination was over. That of a restart by a probe is another one.
    pub fn out_of_grace(&self) -> Option<Moment> {
        let (told, _) = self.terminating?;
        let kill = |(at, signal, reason): &&(Moment, Signal, Reason)| {
            *signal == Signal::Kill && *reason == Reason::GraceOver && *at >= told
        };
        self.signals.iter().find(kill).map(|(at, ..)| *at)
    }

    /// When it got the SIGTERM of its termination.
    pub fn stopped(&self) -> Option<Moment> {
        self.signalled(Signal::Term, Reason::Termination)
    }

    /// The process that runs at a moment.
    pub fn run_at(&self, at: Moment) -> Option<&Run> {
        self.runs.iter().rev().find(|run| run.started <= at && run.ended.is_none_or(|(ended, _)| at <= ended))
    }

    /// The first end of a process at or after a moment.
    pub fn exit_after(&self, at: Moment) -> Option<(Moment, Exit)> {
        self.runs.iter().filter_map(|run| run.ended).find(|(ended, _)| *ended >= at)
    }

    /// The first start of a process at or after a moment.
    pub fn start_after(&self, at: Moment) -> Option<Moment> {
        self.runs.iter().map(|run| run.started).find(|started| *started >= at)
    }

    /// Whether a process of it ended by itself: nobody had told it to.
    pub fn ended_by_itself(&self, run: &Run) -> bool {
        let Some((ended, _)) = run.ended else { return false };
        let told = self.terminating.is_some_and(|(at, _)| at <= ended);
        let sent = |signal| matches!(signal, Signal::Term | Signal::Kill);
        let signalled = self.signals.iter().any(|(at, signal, _)| sent(*signal) && (run.started..=ended).contains(at));
        !told && !signalled
    }
}

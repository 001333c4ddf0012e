//! The connections of a thread: which one a request gets, and what waits for one.

use std::{cell::Cell, collections::VecDeque, fmt, rc::Rc, task::Waker, time::Duration};

use seaworthy_core::{interval::Gauges, time::Moment};
use tokio::time::Instant;

use crate::{http2, plan::Protocol};

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) due: Moment,
    /// How long it waited for a connection.
    pub(crate) queued: Duration,
    /// Whether it wants a connection of its own.
    pub(crate) fresh: bool,
}

/// Where a request that is due goes.
#[derive(Debug)]
pub(crate) enum Assigned {
    /// To an idle connection, which has it already.
    Idle,
    /// To a connection that is to be opened for it alone.
    Fresh,
    /// To a connection that is to be opened for it and kept.
    Kept,
    /// To an HTTP/2 connection that is to be opened.
    OpenHttp2,
    /// To an HTTP/2 connection that is there.
    Http2(Rc<http2::Connection>),
    /// It waits.
    Waits,
}

/// What an idle connection is to do.
#[derive(Debug)]
pub(crate) enum Wanted {
    Work(Work),
    /// Close: its place is needed for another one.
    MakeWay,
}

/// An idle connection, where its next job is put.
#[derive(Default)]
pub(crate) struct Parked {
    job: Cell<Option<Work>>,
    /// Its place is needed for another connection.
    retired: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parked")
    }
}

impl Parked {
    /// What it is to do, if that is known; the waker is woken once it is.
    pub(crate) fn wanted(&self, waker: &Waker) -> Option<Wanted> {
        if let Some(work) = self.job.take() {
            return Some(Wanted::Work(work));
        }
        if self.retired.get() {
            return Some(Wanted::MakeWay);
        }
        self.waker.set(Some(waker.clone()));
        None
    }

    /// A job that it was given and has not begun.
    pub(crate) fn take_job(&self) -> Option<Work> {
        self.job.take()
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The connections of a thread, and what waits for one.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) keep: usize,
    pub(crate) most: usize,
    /// Open, or being opened.
    open: usize,
    /// Of them, those that are kept.
    kept: usize,
    /// Used in turn: the one that is idle for longest is next.
    idle: VecDeque<Rc<Parked>>,
    /// With when each began to wait.
    waiting: VecDeque<(Work, Instant)>,
    in_flight: u64,
    /// Nothing more arrives.
    pub(crate) stopping: bool,
    /// Once it is known: until when what is open may take.
    pub(crate) until: Option<Instant>,
    /// HTTP/2 connections.
    pub(crate) http2: http2::Connections,
}

impl Pool {
    pub(crate) fn new(keep: usize, most: usize) -> Self {
        Self { keep, most, ..Self::default() }
    }

    /// Decides where a request goes.
    pub(crate) fn assign(&mut self, work: Work, protocol: Protocol, now: Instant) -> Assigned {
        let room = self.open < self.most;
        let assigned = match protocol {
            _ if work.fresh => self.assign_fresh(room),
            Protocol::Http1 => self.assign_http1(work, room),
            Protocol::Http2 { streams } => self.assign_http2(room, streams),
        };
        match &assigned {
            Assigned::Waits => self.waiting.push_back((work, now)),
            Assigned::Idle | Assigned::Http2(_) => self.in_flight += 1,
            Assigned::Fresh | Assigned::Kept | Assigned::OpenHttp2 => {
                self.in_flight += 1;
                self.open += 1;
            }
        }
        assigned
    }

    fn assign_fresh(&mut self, room: bool) -> Assigned {
        if room {
            return Assigned::Fresh;
        }
        // One that nobody uses makes way.
        let Some(idle) = self.idle.pop_front() else { return Assigned::Waits };
        idle.retired.set(true);
        idle.wake();
        Assigned::Fresh
    }

    fn assign_http1(&mut self, work: Work, room: bool) -> Assigned {
        let few = self.kept < self.keep && room;
        if !few && let Some(idle) = self.idle.pop_front() {
            idle.job.set(Some(work));
            idle.wake();
            Assigned::Idle
        } else if room {
            self.kept += 1;
            Assigned::Kept
        } else {
            Assigned::Waits
        }
    }

    fn assign_http2(&mut self, room: bool, streams: usize) -> Assigned {
        let few = self.http2.len() + self.http2.opening < self.keep.max(1) && room;
        if !few && let Some(connection) = self.http2.take_turn(streams) {
            Assigned::Http2(connection)
        } else if few || (room && self.http2.opening == 0) {
            self.http2.opening += 1;
            Assigned::OpenHttp2
        } else {
            // One that is being opened will have room for many.
            Assigned::Waits
        }
    }

    /// Whether those that wait need another HTTP/2 connection, since those that there were are gone. One that still ends
    /// what it has begun does not count.
    pub(crate) fn needs_http2(&self) -> bool {
        !self.waiting.is_empty() && self.http2.opening == 0 && (self.http2.len() == 0 || self.open < self.most)
    }

    /// The next of those that wait, if there is one and still time for it. It is then in flight.
    pub(crate) fn next_waiting(&mut self, now: Instant) -> Option<Work> {
        if self.until.is_some_and(|until| now >= until) {
            return None;
        }
        let (mut work, since) = self.waiting.pop_front()?;
        self.in_flight += 1;
        work.queued = now.saturating_duration_since(since);
        Some(work)
    }

    /// A request is begun without having waited or been assigned: by a closed loop.
    pub(crate) const fn began(&mut self) {
        self.in_flight += 1;
    }

    /// A request has ended. Whether somebody waits to hear that it was the last.
    pub(crate) const fn ended(&mut self) -> bool {
        self.in_flight -= 1;
        self.in_flight == 0 && self.until.is_some()
    }

    /// Whether nothing is left to do, or no time for it.
    pub(crate) fn is_empty(&self, now: Instant) -> bool {
        self.in_flight == 0 && (self.waiting.is_empty() || self.until.is_some_and(|until| now >= until))
    }

    /// A connection waits for a job.
    pub(crate) fn park(&mut self, parked: &Rc<Parked>) {
        self.idle.push_back(Rc::clone(parked));
    }

    /// A connection that waited for a job has ended.
    pub(crate) fn unpark(&mut self, parked: &Rc<Parked>) {
        self.idle.retain(|idle| !Rc::ptr_eq(idle, parked));
    }

    /// So many places are taken.
    pub(crate) const fn take_places(&mut self, places: usize) {
        self.open += places;
    }

    /// So many places are free again.
    pub(crate) const fn leave_places(&mut self, places: usize) {
        self.open -= places;
    }

    /// A place that was taken is that of a connection that is kept.
    pub(crate) const fn keep_place(&mut self) {
        self.kept += 1;
    }

    /// A connection that was kept has ended.
    pub(crate) const fn leave_kept(&mut self) {
        self.open -= 1;
        self.kept -= 1;
    }

    /// What holds now.
    pub(crate) fn gauges(&self) -> Gauges {
        Gauges { open: self.open as u64, in_flight: self.in_flight, waiting: self.waiting.len() as u64 }
    }
}

//! The counters of one edge. Each is an atomic; what is known only after a handshake is behind a short lock.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::clock::since_epoch;

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The caller was turned away: see [`TurnedAway`](super::TurnedAway).
    TurnedAway,
    /// There is nobody to connect to.
    NoEndpoint,
    /// Nobody listens there, at as many endpoints as were tried.
    Refused,
    /// The connection to the other side could not be made, or its handshake failed.
    Unreachable,
    /// There are as many connections as there may be.
    Full,
    /// The caller broke it off.
    BrokenByCaller,
    /// The other side broke it off.
    BrokenByServer,
    /// It was ended with its sidecar or forwarder.
    CutOff,
}

impl Failure {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::TurnedAway,
        Self::NoEndpoint,
        Self::Refused,
        Self::Unreachable,
        Self::Full,
        Self::BrokenByCaller,
        Self::BrokenByServer,
        Self::CutOff,
    ];

    /// What happened, in a few words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TurnedAway => "turned away",
            Self::NoEndpoint => "no endpoint",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Full => "too many connections",
            Self::BrokenByCaller => "broken off by the caller",
            Self::BrokenByServer => "broken off by the server",
            Self::CutOff => "cut off",
        }
    }
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Such as `TLSv1_3`.
    pub version: Box<str>,
    /// Such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: Box<str>,
    /// The last second in which the caller's certificate is valid.
    pub caller_not_after: SystemTime,
}

/// The counters of one edge.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    opened: AtomicU64,
    open: AtomicU64,
    failed: [AtomicU64; Failure::ALL.len()],
    pub(crate) tried_again: AtomicU64,
    handshakes: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    /// Milliseconds after 1970.
    last: AtomicU64,
    session: Mutex<Option<Session>>,
}

/// What is known of an edge at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections ever opened.
    pub opened: u64,
    /// Connections that are open.
    pub open: u64,
    /// Connections that failed, and how: those of which there are any, in the order of [`Failure::ALL`].
    pub failed: Vec<(Failure, u64)>,
    /// How often another endpoint was tried, since one refused.
    pub tried_again: u64,
    /// Handshakes that were good.
    pub handshakes: u64,
    /// Bytes from the caller.
    pub sent: u64,
    /// Bytes to the caller.
    pub received: u64,
    /// When a connection was last opened or ended.
    pub last: Option<SystemTime>,
    /// What the last handshake agreed on; nothing where there is none to look into.
    pub session: Option<Session>,
}

impl Edge {
    pub(super) fn begin(self: &Arc<Self>, now: SystemTime) -> Open {
        self.opened.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
        self.touch(now);
        Open { edge: Arc::clone(self), failure: Some(Failure::CutOff) }
    }

    pub(super) fn shake(&self, session: Session) {
        self.handshakes.fetch_add(1, Relaxed);
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    pub(super) fn fail(&self, failure: Failure) {
        if let Some(counter) = self.failed.get(failure as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn touch(&self, now: SystemTime) {
        let millis = u64::try_from(since_epoch(now).as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(millis, Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let last = self.last.load(Relaxed);
        Counts {
            opened: self.opened.load(Relaxed),
            open: self.open.load(Relaxed),
            failed: Failure::ALL
                .into_iter()
                .zip(&self.failed)
                .map(|(failure, counter)| (failure, counter.load(Relaxed)))
                .filter(|(_, count)| *count > 0)
                .collect(),
            tried_again: self.tried_again.load(Relaxed),
            handshakes: self.handshakes.load(Relaxed),
            sent: self.sent.load(Relaxed),
            received: self.received.load(Relaxed),
            last: UNIX_EPOCH.checked_add(Duration::from_millis(last)).filter(|_| last > 0),
            session: self.session.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// A connection that is open. Dropped without having been ended, it was cut off.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) edge: Arc<Edge>,
    failure: Option<Failure>,
}

impl Open {
    /// It ended: well, or like this.
    pub(crate) fn end(mut self, failure: Option<Failure>, now: SystemTime) {
        self.failure = failure;
        self.edge.touch(now);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.edge.open.fetch_sub(1, Relaxed);
        if let Some(failure) = self.failure {
            self.edge.fail(failure);
        }
    }
}

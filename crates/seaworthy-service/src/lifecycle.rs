//! The life of one replica, as its probes and its clients see it.
//!
//! Three questions have three answers. *Started*: have migrations been done? *Alive*: does this process
//! answer at all? *Ready*: should this replica get new requests? None of them asks whether the shared
//! database is there: every replica would give the same answer at once, and a blip of the database would
//! become an outage of everything (Kubernetes, "Configure Liveness, Readiness and Startup Probes").

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::watch;

/// How far this replica is in its life. It only ever goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Requests are answered, but the tables are not yet known to be up to date.
    Starting,
    /// The ordinary state.
    Serving,
    /// Asked to stop: still serving, not ready, and telling clients to go elsewhere.
    Draining,
    /// No new connections; what is in flight is finished.
    Stopping,
}

/// How the service is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As an orchestrator asks (SIGTERM): go on serving for the drain period, since clients that have not
    /// yet heard still send.
    Drain,
    /// As a person asks (Ctrl-C): finish what is in flight and go.
    Now,
}

/// The phase and the load of this replica.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    phase: watch::Sender<Phase>,
    /// The phase again, where a request can see it without a lock.
    leaving: AtomicBool,
    in_flight: AtomicUsize,
    most: usize,
}

impl Lifecycle {
    /// A replica that starts, for at most this many requests at a time.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            phase: watch::Sender::new(Phase::Starting),
            leaving: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            most,
        }
    }

    /// The phase now.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Whether clients should be told to go elsewhere.
    pub(crate) fn leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Returns once `phase` or a later one is reached.
    pub(crate) async fn reached(&self, phase: Phase) {
        // The sender is in `self`, so it cannot go away while this waits.
        let mut follow = self.phase.subscribe();
        let _reached = follow.wait_for(|now| *now >= phase).await;
    }

    /// Goes on to `next`, never back.
    pub(crate) fn advance(&self, next: Phase) {
        if next >= Phase::Draining {
            self.leaving.store(true, Ordering::Relaxed);
        }
        self.phase.send_if_modified(|now| {
            let forward = next > *now;
            if forward {
                *now = next;
            }
            forward
        });
    }

    /// Requests being answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether one more request would be refused.
    pub(crate) fn saturated(&self) -> bool {
        self.in_flight() >= self.most
    }

    /// Counts a request in; `None` if there are too many.
    pub(crate) fn admit(&self) -> Option<InFlight<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let admitted = InFlight(self);
        (before < self.most).then_some(admitted)
    }
}

/// A request being answered; counted out when it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a Lifecycle);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_never_goes_back() {
        let life = Lifecycle::new(1);
        life.advance(Phase::Draining);
        life.advance(Phase::Serving);
        assert_eq!(life.phase(), Phase::Draining);
        assert!(life.leaving());
    }

    #[test]
    fn one_too_many_is_refused_and_leaves_no_trace() {
        let life = Lifecycle::new(2);
        let first = life.admit();
        let second = life.admit();
        assert!(first.is_some() && second.is_some() && life.saturated());
        assert!(life.admit().is_none());
        drop(first);
        assert_eq!(life.in_flight(), 1);
        assert!(life.admit().is_some());
    }
}

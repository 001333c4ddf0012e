//! One failure, with what is known around it.

use std::time::Duration;

use super::{
    Confidence,
    context::{Context, before},
};
use crate::{
    deployment::Strategy,
    drill::Drill,
    event::Replica,
    history::History,
    lives::{Life, Lives},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase},
    time::Moment,
};

/// How far apart two things may lie in the recording that are one: the times are precise, but a listener is only looked
/// at every 50 ms.
pub(super) const NEAR: Duration = Duration::from_millis(50);

/// How long clients may take to notice that a kept connection is dead.
pub(super) const NOTICED: Duration = Duration::from_secs(1);

/// What a failed attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The request is lost.
    Lost,
    /// The request is lost, as the drill allows it.
    Allowed,
    /// It was sent again.
    Retried,
    /// Nobody can know whether it was executed.
    Unknown,
    /// It never left this machine.
    Own,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// In which drill it was due.
    pub drill: Drill,
    /// What became of it.
    pub outcome: &'a Outcome,
    /// Why it has no good answer.
    pub failure: &'a Failure,
    /// What it came to.
    pub fate: Fate,
    /// Whether the drill allows its loss: also of one that was not lost in the end, or of which it is not known.
    pub allowed: bool,
}

impl Failed<'_> {
    /// Whether it costs the target nothing: its drill allows it, or it was sent again, as HTTP allows it.
    pub const fn is_forgiven(&self) -> bool {
        self.allowed || matches!(self.fate, Fate::Allowed | Fate::Retried)
    }
}

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// How sure it is.
    pub confidence: Confidence,
    /// The replica whose doing it is.
    pub replica: Option<Replica>,
}

/// One failure, with what is known around it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// All that was recorded.
    pub history: &'a History,
    /// The lives of all replicas.
    pub lives: &'a Lives,
    /// The failure.
    pub failed: Failed<'a>,
    /// The replica that it may be the doing of.
    pub suspect: Option<&'a Life>,
    /// Whether it is known that the request went to this one.
    pub known: bool,
    /// What holds for the whole trial, worked out once.
    pub(super) context: &'a Context<'a>,
}

impl<'a> Case<'a> {
    /// When it began, or the attempt that failed did: a refusal is immediate, and a request that was sent again had begun
    /// long before it.
    pub(super) fn begun(&self) -> Moment {
        if self.kind() == FailureKind::Refused { self.done() } else { self.failed.outcome.begun }
    }

    /// When it ended.
    pub(super) const fn done(&self) -> Moment {
        self.failed.outcome.done
    }

    /// What happened.
    pub(super) const fn kind(&self) -> FailureKind {
        self.failed.failure.kind
    }

    /// No connection came about, so that no server had the request.
    pub(super) const fn is_refused(&self) -> bool {
        let reset = matches!(self.kind(), FailureKind::Reset) && matches!(self.failed.failure.phase, Phase::Connect);
        matches!(self.kind(), FailureKind::Refused) || reset
    }

    /// A connection came about, and ended under the request.
    pub(super) const fn is_cut(&self) -> bool {
        matches!(self.kind(), FailureKind::Reset | FailureKind::Closed | FailureKind::StreamReset)
            && !matches!(self.failed.failure.phase, Phase::Connect)
    }

    /// Not a byte of an answer came.
    pub(super) const fn is_silent(&self) -> bool {
        !matches!(self.failed.failure.phase, Phase::Receive)
    }

    /// It went over a connection that had been used before.
    pub(super) fn is_reused(&self) -> bool {
        self.failed.outcome.connection == ConnectionKind::Reused
    }

    /// A hit on the suspect. Where it is not known that the request went there, nothing is proven.
    pub(super) fn hit(&self, confidence: Confidence) -> Hit {
        let confidence = if self.known { confidence } else { confidence.min(Confidence::Likely) };
        Hit { confidence, replica: self.suspect.map(|life| life.replica) }
    }

    /// A hit that the failure itself tells, whoever it was sent to.
    pub(super) fn says(&self, confidence: Confidence) -> Hit {
        Hit { confidence, replica: self.suspect.map(|life| life.replica) }
    }

    /// The suspect with the moment from which it was asked to end: its SIGTERM, or the begin of its termination where
    /// it ended before that.
    pub(super) fn stopping(&self) -> Option<(&'a Life, Moment)> {
        let life = self.suspect?;
        let (told, _) = life.terminating?;
        Some((life, life.stopped().unwrap_or(told)))
    }

    /// The same, with the end of its process, for a request that was cut between the two.
    pub(super) fn cut_while_stopping(&self) -> Option<(&'a Life, Moment, Moment)> {
        let (life, stop) = self.stopping()?;
        let exit = life.exit_after(stop).map_or_else(|| self.lives.end(), |(at, _)| at);
        (self.is_cut() && at_or_after(self.done(), stop) && at_or_after(exit, self.done()))
            .then_some((life, stop, exit))
    }

    /// Nobody could have answered it: there was no endpoint, or none but those that are to end.
    pub(super) fn is_nobody_there(&self) -> bool {
        self.is_unreached() && (self.kind() == FailureKind::NoEndpoint || self.context.ready(self.begun()) == Some(0))
    }

    /// It came to no server.
    pub(super) const fn is_unreached(&self) -> bool {
        matches!(self.failed.failure.phase, Phase::Queue | Phase::Connect) && !self.kind().is_local()
    }

    /// An answer with a status that says that the server failed.
    pub(super) fn is_server_error(&self) -> bool {
        self.kind() == FailureKind::Status && self.failed.failure.status.is_some_and(|status| status >= 500)
    }

    /// Whether an end of a process explains it, in whose course the replica's requests were cut or refused from a moment
    /// on: it was cut by it, or refused before the next process listened.
    pub(super) fn is_of_end(&self, life: &Life, from: Moment, ended: Moment) -> bool {
        if !at_or_after(self.done(), from) {
            return false;
        }
        if self.is_refused() {
            let back = life.listening.next_begin(ended).or_else(|| life.ready.next_begin(ended));
            return back.is_none_or(|back| at_or_after(back, self.begun()));
        }
        let until = if self.is_reused() { ended + NOTICED } else { ended + NEAR };
        self.is_cut() && self.begun() <= until && !self.is_of_later(ended)
    }

    /// Whether its connection had been used since a moment: what came before that did not break it.
    pub(super) fn is_of_later(&self, at: Moment) -> bool {
        let idle = self.failed.outcome.idle.filter(|_| self.is_reused());
        idle.is_some_and(|idle| before(self.failed.outcome.begun, idle) > at + NEAR)
    }

    /// Clients had nobody to connect to, or none but those that are to end; nothing where that was not recorded.
    pub(super) fn is_deserted(&self) -> bool {
        let (ready, seen) = (self.context.ready(self.begun()), self.context.viewed(self.begun()));
        self.is_nobody_there() && (ready == Some(0) || seen == Some(0))
    }

    /// Whether all replicas are being replaced by the strategy Recreate, or were until clients could hear of it.
    pub(super) fn is_recreated(&self) -> bool {
        matches!(self.history.header.deployment.strategy, Strategy::Recreate) && self.is_in_rollout()
    }

    /// Whether a rollout is under way, or was within the time until clients hear of it: it may have been shorter than that.
    pub(super) fn is_in_rollout(&self) -> bool {
        self.lives.rolled(before(self.begun(), self.history.header.propagation_most), self.begun())
    }
}

/// Whether a moment is not before another, as far as the recording tells.
pub(super) fn at_or_after(at: Moment, other: Moment) -> bool {
    at + NEAR >= other
}

//! The end of one process: its preStop hook, SIGTERM, SIGKILL. For good, or before it is started again.

use std::time::Duration;

use super::{Effect, outbox::Outbox};
use crate::{
    deployment::Hook,
    event::{Event, Reason, Replica, Signal},
    time::Moment,
};

/// However late SIGTERM comes, a process has so long to follow it (the kubelet's minimum).
const LEAST_AFTER_TERM: Duration = Duration::from_secs(2);

/// What an overdue hook is recorded with.
const OVERDUE: &str = "it was still running when the grace period was over";

/// The end of one process.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    replica: Replica,
    reason: Reason,
    /// When its grace period is over.
    deadline: Moment,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A preStop hook that is a sleep.
    Asleep { until: Moment },
    /// Any other preStop hook.
    Hooked,
    /// It got SIGTERM.
    Termed { at: Moment },
    /// It got SIGKILL.
    Killed,
}

impl Stop {
    /// Begins it. A grace period of nothing leaves no time for a hook.
    pub(super) fn begin(
        replica: Replica,
        hook: Option<&Hook>,
        (grace, deadline): (Duration, Moment),
        reason: Reason,
        out: &mut Outbox<'_>,
    ) -> Self {
        let mut stop = Self { replica, reason, deadline, stage: Stage::Killed };
        if grace.is_zero() {
            stop.kill(if reason == Reason::Termination { Reason::GraceOver } else { reason }, out);
            return stop;
        }
        match hook {
            None => stop.term(out),
            Some(Hook::Sleep(duration)) => {
                out.record(Event::PreStopBegun { replica });
                stop.stage = Stage::Asleep { until: out.now + *duration };
            }
            Some(Hook::Ask(_)) => {
                out.record(Event::PreStopBegun { replica });
                out.push(Effect::PreStop { replica });
                stop.stage = Stage::Hooked;
            }
        }
        stop
    }

    /// It was to be started again, and now it ends for good. What was done already is not done twice; the grace period
    /// is another one.
    pub(super) fn for_good(&mut self, (grace, deadline): (Duration, Moment), out: &mut Outbox<'_>) {
        self.reason = Reason::Termination;
        self.deadline = deadline;
        if grace.is_zero() && self.stage != Stage::Killed {
            self.kill(Reason::GraceOver, out);
        }
    }

    /// Whether a hook was asked for and has not answered.
    pub(super) fn awaits_hook(&self) -> bool {
        self.stage == Stage::Hooked
    }

    /// When it goes on by itself.
    pub(super) fn due(&self) -> Option<Moment> {
        match self.stage {
            Stage::Asleep { until } => Some(until.min(self.deadline)),
            Stage::Hooked => Some(self.deadline),
            Stage::Termed { at } => Some(self.deadline.max(at + LEAST_AFTER_TERM)),
            Stage::Killed => None,
        }
    }

    /// Goes on, since it is due.
    pub(super) fn go_on(&mut self, out: &mut Outbox<'_>) {
        match self.stage {
            Stage::Asleep { until } if until <= out.now => self.hook_ended(None, out),
            Stage::Asleep { .. } | Stage::Hooked => self.hook_ended(Some(OVERDUE.to_owned()), out),
            Stage::Termed { .. } => self.kill(Reason::GraceOver, out),
            Stage::Killed => {}
        }
    }

    /// The hook is over, or is waited for no longer. A failure changes nothing: SIGTERM comes either way.
    pub(super) fn hook_ended(&mut self, failed: Option<String>, out: &mut Outbox<'_>) {
        out.record(Event::PreStopEnded { replica: self.replica, failed });
        self.term(out);
    }

    fn term(&mut self, out: &mut Outbox<'_>) {
        out.signal(self.replica, Signal::Term, self.reason);
        self.stage = Stage::Termed { at: out.now };
    }

    fn kill(&mut self, reason: Reason, out: &mut Outbox<'_>) {
        out.signal(self.replica, Signal::Kill, reason);
        self.stage = Stage::Killed;
    }
}

//! What the world itself knows of why a request has no good answer, or a late one. It is kept outside the history: a
//! diagnosis, which has only the history, can be held against it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use seaworthy_core::{
    deployment::Strategy,
    event::{Event, Reason, Replica, Revision, Signal},
    interval::FailedAttempt,
    time::Moment,
    trial::Plan,
};

/// Why requests failed, as the world knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Those that failed, those that were sent again included, in the order in which they ended.
    pub missed: Vec<Missed>,
    /// Good answers that came late, by what made them so.
    pub slowed: BTreeMap<&'static str, u64>,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// It, as it is recorded.
    pub attempt: FailedAttempt,
    /// The name of what really made it fail; [`UNKNOWN`] where the world does not know.
    pub cause: &'static str,
}

/// What the world does not know the cause of.
pub const UNKNOWN: &str = "unknown";

/// The end of a process that ends of SIGTERM as it should, for whoever connects to it all the same.
pub(super) const LEFT: &str = "endpoint-removal-race";

/// All replicas say that they are not ready.
pub(super) const FLAP: &str = "readiness-flap";

/// A process closes an idle connection since it ends.
pub(super) const CLOSED_IDLE: &str = "shutdown-closes-idle-keepalive";

/// Connections that the kernel has taken, and the process never does.
pub(super) const QUEUED: &str = "accept-queue-discard";

/// Who is to blame for what happens on a connection. Some of it is only known by what else happens in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blame {
    cause: &'static str,
    /// A process was sent a signal up to then: why decides.
    signalled: Option<(Replica, Moment)>,
    /// It came to nobody: whether there was anybody else decides.
    unreached: bool,
}

impl Blame {
    /// This cause, whatever else happens.
    pub(crate) const fn on(cause: &'static str) -> Self {
        Self { cause, signalled: None, unreached: false }
    }

    /// This cause, unless there was an unusual reason for the signal that its replica has had.
    pub(crate) const fn signalled(self, replica: Replica, at: Moment) -> Self {
        Self { signalled: Some((replica, at)), ..self }
    }

    /// The same for another cause.
    pub(crate) const fn but(self, cause: &'static str) -> Self {
        Self { cause, ..self }
    }

    /// Whether it is a process that ends in its own way, when it is told to.
    pub(crate) fn is_of_its_own_end(self) -> bool {
        [QUEUED, LEFT].contains(&self.cause)
    }

    /// The same for what came to nobody, unless there was nobody else at all.
    pub(crate) const fn unreached(self) -> Self {
        Self { unreached: true, ..self }
    }
}

/// What of a plan decides about causes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    strategy: Strategy,
    replicas: u32,
    heard: Duration,
}

impl Rules {
    pub(super) const fn of(plan: &Plan) -> Self {
        let (strategy, replicas) = (plan.deployment.strategy, plan.deployment.replicas);
        Self { strategy, replicas, heard: plan.propagation.most }
    }
}

/// A rollout.
#[derive(Clone, Copy, Debug)]
struct Rollout {
    revision: Revision,
    begun: Moment,
    done: Option<Moment>,
    stuck: bool,
}

/// What happened in the world, as far as it decides about causes.
#[derive(Debug)]
pub(super) struct World {
    rules: Rules,
    wanted: Vec<(Moment, u32)>,
    rollouts: Vec<Rollout>,
    /// Replicas that are ready, and not to end.
    ready: BTreeSet<Replica>,
    /// Since when there is one, or none.
    anybody: Vec<(Moment, bool)>,
    /// Why replicas are away that were not told to end.
    odd: BTreeMap<Replica, &'static str>,
    /// When the last one that was ready went, and why others were away.
    emptied: Vec<(Moment, &'static str)>,
    signals: BTreeMap<Replica, Vec<(Moment, Signal, Reason)>>,
    failed_hooks: BTreeSet<Replica>,
    /// When replicas were told to end.
    told: BTreeMap<Replica, Moment>,
}

impl World {
    pub(super) fn of(rules: Rules, events: &[(Moment, Event)]) -> Self {
        let wanted = vec![(Moment::START, rules.replicas)];
        let mut world = Self {
            rules,
            wanted,
            rollouts: Vec::new(),
            ready: BTreeSet::new(),
            anybody: Vec::new(),
            odd: BTreeMap::new(),
            emptied: Vec::new(),
            signals: BTreeMap::new(),
            failed_hooks: BTreeSet::new(),
            told: BTreeMap::new(),
        };
        for (at, event) in events {
            world.learn(*at, event);
        }
        world
    }

    fn learn(&mut self, at: Moment, event: &Event) {
        if let Event::Scaled { to, .. } = event {
            self.wanted.push((at, *to));
        } else if let Event::RolloutBegun { revision, .. } = event {
            self.rollouts.push(Rollout { revision: *revision, begun: at, done: None, stuck: false });
        } else if let Event::RolloutDone { revision } | Event::RolloutStuck { revision } = event {
            let of = self.rollouts.iter_mut().rev().find(|rollout| rollout.revision == *revision);
            if let Some(rollout) = of {
                let stuck = matches!(event, Event::RolloutStuck { .. });
                rollout.stuck |= stuck;
                rollout.done = if stuck { rollout.done } else { Some(at) };
            }
        } else if let Event::Signalled { replica, signal, reason } = event {
            self.signals.entry(*replica).or_default().push((at, *signal, *reason));
            match (signal, reason) {
                (Signal::Kill, Reason::Drill) => drop(self.odd.insert(*replica, "killed")),
                (_, Reason::Liveness | Reason::Startup) => {
                    self.odd.insert(*replica, "liveness-kill-under-load");
                }
                (Signal::Term | Signal::Kill | Signal::Stop | Signal::Cont, _) => {}
            }
        } else if let Event::PreStopEnded { replica, failed: Some(_) } = event {
            self.failed_hooks.insert(*replica);
        } else if let Event::Ready { replica } = event {
            self.ready.insert(*replica);
            self.odd.remove(replica);
            self.anybody.push((at, true));
        } else {
            self.leave(at, event);
        }
    }

    /// A replica is ready no longer, if it was.
    fn leave(&mut self, at: Moment, event: &Event) {
        if let Event::Terminating { replica, .. } = event {
            self.told.entry(*replica).or_insert(at);
        }
        if let Event::Unready { replica } | Event::Terminating { replica, .. } | Event::Exited { replica, .. } = event
            && self.ready.remove(replica)
        {
            self.anybody.push((at, !self.ready.is_empty()));
            if matches!(event, Event::Exited { .. }) && self.reason(*replica, at).is_none() {
                self.odd.insert(*replica, "crash");
            }
            if self.ready.is_empty() {
                // One that a drill kills is missed only where another is away, too: that is why.
                let odd = self.odd.values().copied();
                self.emptied.push((at, odd.max_by_key(|cause| *cause != "killed").unwrap_or(UNKNOWN)));
            }
        }
    }

    /// Whether nobody was ready at a moment, as far as clients could have heard.
    ///
    /// Once somebody is ready again, whoever connects to a replica that was told to end does so for one of two reasons.
    /// For as long as clients may take to hear that one leaves, it is that; later, it is that there was nobody else.
    fn is_nobody_there(&self, blame: Blame, at: Moment) -> bool {
        let now = self.anybody.iter().rev().find(|(since, _)| *since <= at).is_none_or(|(_, anybody)| !anybody);
        let left = blame.signalled.and_then(|(replica, _)| self.told.get(&replica));
        let rolls = matches!(self.rules.strategy, Strategy::RollingUpdate { .. });
        if !now && rolls && left.is_some_and(|told| at <= *told + self.rules.heard) {
            return false;
        }
        let lately = |since: Moment| since <= at && at <= since + self.rules.heard;
        now || self.anybody.iter().any(|(since, anybody)| !anybody && lately(*since))
            || self.anybody.windows(2).any(|pair| matches!(pair, [(_, false), (back, true)] if lately(*back)))
    }

    /// The cause that a blame comes to, of something that ended at a moment.
    pub(super) fn cause(&self, blame: Blame, at: Moment) -> &'static str {
        let reason = blame.signalled.and_then(|(replica, until)| self.reason(replica, until));
        match reason {
            Some(Reason::Drill) => "killed",
            Some(Reason::Liveness | Reason::Startup) => "liveness-kill-under-load",
            Some(Reason::OutOfMemory) => "oom-killed",
            Some(Reason::Termination | Reason::GraceOver | Reason::Cleanup) | None => {
                if let Some(gap) = self.gap(at).filter(|_| blame.unreached && self.is_nobody_there(blame, at)) {
                    return gap;
                }
                if [UNKNOWN, FLAP].contains(&blame.cause) {
                    // Nobody was there, and nothing in the rules is why.
                    let last = self.emptied.iter().rev().find(|(emptied, _)| *emptied <= at);
                    return last.map(|(_, cause)| *cause).filter(|cause| *cause != UNKNOWN).unwrap_or(blame.cause);
                }
                let hook = blame.signalled.is_some_and(|(replica, _)| self.failed_hooks.contains(&replica));
                if hook && blame.cause == LEFT { "prestop-failed" } else { blame.cause }
            }
        }
    }

    /// Why a replica was told to end, or killed without being told.
    fn reason(&self, replica: Replica, until: Moment) -> Option<Reason> {
        let ending =
            |(at, signal, _): &&(Moment, Signal, Reason)| *at <= until && matches!(signal, Signal::Term | Signal::Kill);
        let mut signals = self.signals.get(&replica)?.iter().rev().filter(ending).map(|(_, _, reason)| *reason);
        // When its grace is over, what counts is why it was told to end before that.
        signals.find(|reason| *reason != Reason::GraceOver)
    }

    /// Why there was nobody to answer, where the rules that hold are the cause of it.
    fn gap(&self, at: Moment) -> Option<&'static str> {
        let wanted = self.wanted.iter().rev().find(|(since, _)| *since <= at).map_or(0, |(_, wanted)| *wanted);
        let rolling = self
            .rollouts
            .iter()
            .rev()
            .find(|rollout| rollout.begun <= at && rollout.done.is_none_or(|done| at <= done + self.rules.heard));
        match (self.rules.strategy, rolling) {
            (Strategy::Recreate, Some(_)) => Some("recreate-gap"),
            _ if wanted == 1 => Some("single-replica-gap"),
            (Strategy::RollingUpdate { .. }, Some(rollout))
                if self.rules.strategy.fenceposts(wanted).unavailable >= wanted =>
            {
                Some(if rollout.stuck && rollout.done.is_none() { "rollout-stuck" } else { "rollout-capacity-dip" })
            }
            (Strategy::RollingUpdate { .. } | Strategy::Recreate, _) => None,
        }
    }
}

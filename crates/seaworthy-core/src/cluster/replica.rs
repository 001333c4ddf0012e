//! One replica, as the kubelet sees it: its process, whether it is ready, and its end.

mod timer;

use std::{
    cmp::{Ordering, Reverse},
    time::Duration,
};

use super::{Effect, outbox::Outbox, probe::Probes, stop::Stop};
use crate::{
    deployment::{Deployment, ProbeKind},
    event::{Endpoint, Event, Exit, Reason, Release, Replica, Revision},
    time::Moment,
};

/// The first delay of `CrashLoopBackOff`. Each is twice the one before.
const FIRST_DELAY: Duration = Duration::from_secs(10);
/// The longest one.
const LONGEST_DELAY: Duration = Duration::from_mins(5);
/// A process that ran for longer has worked: the delays begin anew.
const LONG_ENOUGH: Duration = Duration::from_mins(10);

/// One replica.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) replica: Replica,
    /// The ReplicaSet that it belongs to.
    pub(super) set: u32,
    pub(super) release: Release,
    created: Moment,
    process: Process,
    /// How often its process was started.
    starts: u32,
    /// How long its next start has to wait; nothing where it need not.
    delay: Option<Duration>,
    probes: Probes,
    /// Since when it is ready.
    ready: Option<Moment>,
    available: bool,
    /// Its grace period and when that is over, where it ends for good.
    terminating: Option<(Duration, Moment)>,
    /// The end of its process, where that is under way.
    stop: Option<Stop>,
    /// Hooks that nobody waits for any more, and that are still to answer.
    late_hooks: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    /// It was asked for.
    Starting,
    Running {
        since: Moment,
    },
    /// It has ended, and is started again then.
    BackingOff {
        until: Moment,
    },
    /// It has ended for good.
    Gone,
}

impl Instance {
    /// Creates one and asks for its process.
    pub(super) fn create(
        replica: Replica,
        set: u32,
        (revision, release): (Revision, Release),
        out: &mut Outbox<'_>,
    ) -> Self {
        out.record(Event::Created { replica, revision, release });
        out.push(Effect::Place { replica, revision, release });
        out.push(Effect::Start { replica });
        Self {
            replica,
            set,
            release,
            created: out.now,
            process: Process::Starting,
            starts: 0,
            delay: None,
            probes: Probes::default(),
            ready: None,
            available: false,
            terminating: None,
            stop: None,
            late_hooks: 0,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.process, Process::Running { .. })
    }

    pub(super) fn is_gone(&self) -> bool {
        self.process == Process::Gone
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// One that terminates does not count.
    pub(super) fn is_available(&self) -> bool {
        self.available
    }

    pub(super) fn is_terminating(&self) -> bool {
        self.terminating.is_some()
    }

    pub(super) fn restarts(&self) -> u32 {
        self.starts.saturating_sub(1)
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        let (serving, terminating) = (self.is_ready(), self.is_terminating());
        Endpoint { replica: self.replica, ready: serving && !terminating, serving, terminating }
    }

    /// Which of two goes first where one is too many: the one that would be missed less.
    pub(super) fn goes_before(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| {
            let never_ran = one.starts == 0;
            (Reverse(never_ran), one.ready.is_some(), Reverse((one.ready, one.restarts(), one.created, one.replica)))
        };
        rank(self).cmp(&rank(other))
    }

    /// Its process runs.
    pub(super) fn started(&mut self, pid: Option<u32>, rules: &Deployment, out: &mut Outbox<'_>) {
        if self.process != Process::Starting {
            return;
        }
        out.record(Event::Started { replica: self.replica, restart: self.starts, pid });
        self.process = Process::Running { since: out.now };
        self.starts += 1;
        if self.is_terminating() {
            self.end(Reason::Termination, rules, out);
        } else if self.probes.begin(&rules.template, out.now) {
            self.ready_unless_asked(rules, out);
        }
    }

    /// Its process could not be started.
    pub(super) fn not_started(&mut self, why: String, out: &mut Outbox<'_>) {
        if self.process != Process::Starting {
            return;
        }
        out.record(Event::NotStarted { replica: self.replica, why });
        self.ended(out);
    }

    /// Its process has ended. However it did, it is wanted to run.
    pub(super) fn exited(&mut self, exit: Exit, out: &mut Outbox<'_>) {
        let Process::Running { since } = self.process else { return };
        out.record(Event::Exited { replica: self.replica, exit });
        self.unready(out);
        self.probes.end();
        self.late_hooks += u32::from(self.stop.take().is_some_and(|stop| stop.awaits_hook()));
        if out.now.since(since) > LONG_ENOUGH {
            self.delay = None;
        }
        self.ended(out);
    }

    fn ended(&mut self, out: &mut Outbox<'_>) {
        if self.is_terminating() {
            self.gone(out);
            return;
        }
        match self.delay {
            None => self.start_again(out),
            Some(delay) => {
                self.process = Process::BackingOff { until: out.now + delay };
                out.record(Event::BackingOff { replica: self.replica, delay });
            }
        }
        self.delay = Some(self.delay.map_or(FIRST_DELAY, |delay| delay.saturating_mul(2).min(LONGEST_DELAY)));
    }

    fn start_again(&mut self, out: &mut Outbox<'_>) {
        self.process = Process::Starting;
        out.push(Effect::Start { replica: self.replica });
    }

    fn gone(&mut self, out: &mut Outbox<'_>) {
        self.process = Process::Gone;
        out.record(Event::Gone { replica: self.replica });
        out.push(Effect::Remove { replica: self.replica });
    }

    /// A probe was answered.
    pub(super) fn probed(&mut self, answered: Answered, rules: &Deployment, out: &mut Outbox<'_>) {
        let Answered { probe, number, passed, detail, took } = answered;
        let Some(answer) = self.probes.answer(probe, number, passed, &rules.template) else { return };
        if answer.notable {
            out.record(Event::Probed { replica: self.replica, probe, passed, detail, took });
        }
        match (probe, answer.turned) {
            (_, None) | (ProbeKind::Liveness, Some(true)) => {}
            (ProbeKind::Startup, Some(true)) => {
                if let Process::Running { since } = self.process {
                    self.probes.begin_others(&rules.template, since);
                    self.ready_unless_asked(rules, out);
                }
            }
            (ProbeKind::Readiness, Some(true)) => self.turn_ready(rules, out),
            (ProbeKind::Readiness, Some(false)) => self.unready(out),
            (ProbeKind::Startup, Some(false)) => self.end(Reason::Startup, rules, out),
            (ProbeKind::Liveness, Some(false)) => self.end(Reason::Liveness, rules, out),
        }
    }

    fn ready_unless_asked(&mut self, rules: &Deployment, out: &mut Outbox<'_>) {
        if rules.template.readiness.is_none() {
            self.turn_ready(rules, out);
        }
    }

    fn turn_ready(&mut self, rules: &Deployment, out: &mut Outbox<'_>) {
        self.ready = Some(out.now);
        out.record(Event::Ready { replica: self.replica });
        if rules.min_ready.is_zero() && !self.is_terminating() {
            self.turn_available(out);
        }
    }

    fn turn_available(&mut self, out: &mut Outbox<'_>) {
        self.available = true;
        out.record(Event::Available { replica: self.replica });
    }

    fn unready(&mut self, out: &mut Outbox<'_>) {
        self.available = false;
        if self.ready.take().is_some() {
            out.record(Event::Unready { replica: self.replica });
        }
    }

    /// Its hook is over.
    pub(super) fn pre_stopped(&mut self, failed: Option<String>, out: &mut Outbox<'_>) {
        if self.late_hooks > 0 {
            self.late_hooks -= 1;
        } else if let Some(stop) = self.stop.as_mut().filter(|stop| stop.awaits_hook()) {
            stop.hook_ended(failed, out);
        }
    }

    /// It is to end for good.
    pub(super) fn terminate(&mut self, rules: &Deployment, out: &mut Outbox<'_>) {
        let grace = rules.template.grace;
        let times = (grace, out.now + grace);
        self.terminating = Some(times);
        self.available = false;
        out.record(Event::Terminating { replica: self.replica, grace });
        match (self.process, self.stop.as_mut()) {
            (Process::Running { .. }, Some(stop)) => stop.for_good(times, out),
            (Process::Running { .. }, None) => self.end(Reason::Termination, rules, out),
            (Process::BackingOff { .. }, _) => self.gone(out),
            // The start that is under way will be answered.
            (Process::Starting | Process::Gone, _) => {}
        }
    }

    /// The end of its process begins.
    fn end(&mut self, reason: Reason, rules: &Deployment, out: &mut Outbox<'_>) {
        let template = &rules.template;
        let times = if let Some(times) = self.terminating {
            self.probes.keep_readiness();
            times
        } else {
            self.unready(out);
            self.probes.end();
            let failed = if reason == Reason::Startup { ProbeKind::Startup } else { ProbeKind::Liveness };
            let grace = template.probe(failed).and_then(|probe| probe.grace).unwrap_or(template.grace);
            (grace, out.now + grace)
        };
        self.stop = Some(Stop::begin(self.replica, template.pre_stop.as_ref(), times, reason, out));
    }
}

/// The answer to a probe.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) probe: ProbeKind,
    pub(super) number: u64,
    pub(super) passed: bool,
    pub(super) detail: String,
    pub(super) took: Duration,
}

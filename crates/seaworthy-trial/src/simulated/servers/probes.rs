//! Probes and hooks, and what a process says to them.

use std::time::Duration;

use seaworthy_core::{
    cluster,
    deployment::{Check, ProbeKind},
    event::{Release, Replica},
};

use super::{Manner, Servers, tell};
use crate::simulated::{
    agenda::{Agenda, Question, Step, Task},
    behaviour::BadRelease,
};

/// How long a probe takes.
const PROBE: Duration = Duration::from_millis(1);

/// How long a hook takes.
const HOOK: Duration = Duration::from_millis(10);

impl Servers {
    /// Puts a probe to a replica.
    pub(crate) fn probe(&mut self, replica: Replica, probe: ProbeKind, number: u64, agenda: &mut Agenda) {
        let question = Question { replica, probe, number, put: agenda.now() };
        let limit = self.template.probe(probe).map_or(Duration::ZERO, |probe| probe.timeout);
        self.asked.push(question);
        agenda.after(PROBE, Task::Process(replica, self.run(replica), Step::Probe(question)));
        agenda.after(limit.max(PROBE), Task::ProbeOver(question));
    }

    /// Runs a replica's hook.
    pub(crate) fn pre_stop(&self, replica: Replica, agenda: &mut Agenda) {
        agenda.after(HOOK, Task::Process(replica, self.run(replica), Step::PreStop));
    }

    fn run(&self, replica: Replica) -> u64 {
        self.places.get(&replica).map_or(0, |place| place.run)
    }

    /// Whether something happens also while a process is frozen: its kernel takes connections.
    pub(super) fn is_the_kernels(&self, step: &Step) -> bool {
        match step {
            Step::Probe(question) => matches!(self.check(*question), Some(Check::Tcp { .. })),
            Step::Listen
            | Step::Fail
            | Step::Term
            | Step::Sweep
            | Step::Leave
            | Step::Answer { .. }
            | Step::Idle { .. }
            | Step::PreStop => false,
        }
    }

    fn check(&self, question: Question) -> Option<&Check> {
        self.template.probe(question.probe).map(|probe| &probe.check)
    }

    /// A probe reaches its process.
    pub(super) fn probed(&mut self, question: Question, agenda: &mut Agenda) {
        let Some(place) = self.places.get(&question.replica) else { return };
        let Some(process) = &place.process else { return };
        let able = process.able.is_some_and(|able| able <= agenda.now() || self.behaviour.ready_too_early);
        let bad = place.release == Release::Bad && self.behaviour.bad_release == BadRelease::NeverReady;
        let now = agenda.now();
        let good = match question.probe {
            ProbeKind::Startup => able,
            ProbeKind::Readiness => {
                able && !bad && !process.hopeless && process.manner == Manner::Serving && !self.is_unready(now)
            }
            // It answers, but too late for whoever asks.
            ProbeKind::Liveness if self.is_late(question.replica, now) => return,
            ProbeKind::Liveness => true,
        };
        let answered = match self.check(question) {
            // There was none to put.
            None => return,
            Some(Check::Exec { .. }) if good && process.listening => Ok("exit code 0"),
            Some(Check::Exec { .. }) => Err("exit code 1"),
            Some(Check::Tcp { .. } | Check::Http { .. }) if !process.listening => Err("connection refused"),
            Some(Check::Tcp { .. }) => Ok("connected"),
            // It waits in the kernel's queue, until its time is over.
            Some(Check::Http { .. }) if process.manner == Manner::Discarding => return,
            Some(Check::Http { .. }) if good => Ok("answered 200"),
            Some(Check::Http { .. }) => Err("answered 503"),
        };
        self.conclude(question, answered.map(str::to_owned).map_err(str::to_owned), agenda);
    }

    /// A probe's time is over.
    pub(crate) fn probe_over(&mut self, question: Question, agenda: &mut Agenda) {
        let took = agenda.now().since(question.put);
        self.conclude(question, Err(format!("no answer within {took:?}")), agenda);
    }

    /// A probe has its answer. Another one to the same comes too late.
    pub(super) fn conclude(&mut self, question: Question, answered: Result<String, String>, agenda: &mut Agenda) {
        let Some(position) = self.asked.iter().position(|asked| *asked == question) else { return };
        self.asked.swap_remove(position);
        let Question { replica, probe, number, put } = question;
        let passed = answered.is_ok();
        let (Ok(detail) | Err(detail)) = answered;
        let took = agenda.now().since(put);
        tell(cluster::Input::Probed { replica, probe, number, passed, detail, took }, Duration::ZERO, agenda);
    }
}

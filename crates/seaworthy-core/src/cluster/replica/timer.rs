//! What a replica does by itself, and when.

use super::super::Effect;
use super::{super::outbox::Outbox, Instance, Process, Stop};
use crate::{
    deployment::{Deployment, ProbeKind},
    time::Moment,
};

/// What a replica does by itself when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Restart,
    Stop,
    Available,
    Probe(ProbeKind),
}

impl Instance {
    /// When it does something by itself next.
    pub(in super::super) fn due(&self, rules: &Deployment) -> Option<Moment> {
        self.next(rules).map(|(when, _)| when)
    }

    fn next(&self, rules: &Deployment) -> Option<(Moment, Timer)> {
        let restart = match self.process {
            Process::BackingOff { until } => Some((until, Timer::Restart)),
            Process::Starting | Process::Running { .. } | Process::Gone => None,
        };
        let stop = self.stop.as_ref().and_then(Stop::due).map(|when| (when, Timer::Stop));
        let waits = !self.available && !self.is_terminating();
        let available = self.ready.filter(|_| waits).map(|since| (since + rules.min_ready, Timer::Available));
        let probe = self.probes.next().map(|(when, kind)| (when, Timer::Probe(kind)));
        [restart, stop, available, probe].into_iter().flatten().min_by_key(|(when, _)| *when)
    }

    /// Does what is due next.
    pub(in super::super) fn go_on(&mut self, rules: &Deployment, out: &mut Outbox<'_>) {
        match self.next(rules) {
            Some((_, Timer::Restart)) => self.start_again(out),
            Some((_, Timer::Stop)) => self.stop_goes_on(out),
            Some((_, Timer::Available)) => self.turn_available(out),
            Some((_, Timer::Probe(probe))) => {
                if let Some(number) = self.probes.ask(probe, &rules.template, out.now) {
                    out.push(Effect::Probe { replica: self.replica, probe, number });
                }
            }
            None => {}
        }
    }

    fn stop_goes_on(&mut self, out: &mut Outbox<'_>) {
        if let Some(stop) = &mut self.stop {
            self.late_hooks += u32::from(stop.awaits_hook());
            stop.go_on(out);
        }
    }
}

//! Whose turn it is: who an input is for, and who is due next.

use super::{
    Cluster, Input,
    outbox::Outbox,
    replica::{Answered, Instance},
};
use crate::{event::Replica, time::Moment};

/// Whose turn it is when something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Replica(Replica),
    View,
    Stuck,
}

impl Cluster {
    /// What comes for a replica that is gone is ignored.
    pub(super) fn take(&mut self, input: Input, out: &mut Outbox<'_>) {
        let (replicas, rules) = (&mut self.replicas, &self.deployment);
        match input {
            Input::Tick => {}
            Input::Order(order) => self.order(&order, out),
            Input::Started { replica, pid } => {
                if let Some(instance) = replicas.get_mut(&replica) {
                    instance.started(pid, rules, out);
                }
            }
            Input::NotStarted { replica, why } => {
                if let Some(instance) = replicas.get_mut(&replica) {
                    instance.not_started(why, out);
                }
            }
            Input::Exited { replica, exit } => {
                if let Some(instance) = replicas.get_mut(&replica) {
                    instance.exited(exit, out);
                }
            }
            Input::Probed { replica, probe, number, passed, detail, took } => {
                if let Some(instance) = replicas.get_mut(&replica) {
                    instance.probed(Answered { probe, number, passed, detail, took }, rules, out);
                }
            }
            Input::PreStopped { replica, failed } => {
                if let Some(instance) = replicas.get_mut(&replica) {
                    instance.pre_stopped(failed, out);
                }
            }
        }
    }

    pub(super) fn go_on(&mut self, due: Due, out: &mut Outbox<'_>) {
        match due {
            Due::Replica(replica) => {
                if let Some(instance) = self.replicas.get_mut(&replica) {
                    instance.go_on(&self.deployment, out);
                }
            }
            Due::View => self.endpoints.go_on(out),
            Due::Stuck => self.stick(out),
        }
    }

    pub(super) fn next(&self) -> Option<(Moment, Due)> {
        let replica = |instance: &Instance| Some((instance.due(&self.deployment)?, Due::Replica(instance.replica)));
        let stuck = self.rollout.as_ref().and_then(|rollout| rollout.deadline(self)).map(|when| (when, Due::Stuck));
        let view = self.endpoints.due().map(|when| (when, Due::View));
        let all = self.replicas.values().filter_map(replica).chain(view).chain(stuck);
        all.min_by_key(|(when, _)| *when)
    }
}

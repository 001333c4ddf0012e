//! The rules of a Deployment on one machine, as one state machine: what the Deployment controller, the ReplicaSet
//! controller, the kubelet and the endpoints do. Pure: inputs with their time go in, effects come out.
//!
//! Whoever holds a [`Cluster`] carries out its [`Effect`]s, in order, and tells it what came of them. It is the same for
//! real processes and for a simulated world, so both follow the same rules.

mod controller;
mod endpoints;
mod outbox;
mod plan;
mod probe;
mod replica;
mod stop;
mod turn;

use std::{collections::BTreeMap, time::Duration};

use self::{
    controller::{ReplicaSet, Rollout},
    endpoints::Endpoints,
    outbox::Outbox,
    replica::Instance,
};
use crate::{
    deployment::{Deployment, ProbeKind},
    event::{Event, Exit, Reason, Release, Replica, Revision, Signal},
    network::Break,
    time::Moment,
};

/// What is told to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// What a user or a controller above wants.
    Order(Order),
    /// A process was started.
    Started {
        /// Whose.
        replica: Replica,
        /// It, where there is one.
        pid: Option<u32>,
    },
    /// A process could not be started.
    NotStarted {
        /// Whose.
        replica: Replica,
        /// The system's words.
        why: String,
    },
    /// A process ended, and all of its group.
    Exited {
        /// Whose.
        replica: Replica,
        /// How.
        exit: Exit,
    },
    /// A probe was answered, or its time is over.
    Probed {
        /// Who was asked.
        replica: Replica,
        /// What.
        probe: ProbeKind,
        /// Which question: as the effect numbered it. One of an earlier process of the replica is ignored.
        number: u64,
        /// Whether it passed.
        passed: bool,
        /// Why it did not, or what was answered.
        detail: String,
        /// How long it took.
        took: Duration,
    },
    /// A preStop hook that is not a sleep is over.
    PreStopped {
        /// Whose.
        replica: Replica,
        /// Why it failed, if it did.
        failed: Option<String>,
    },
}

/// What a user wants of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A new revision. The template is the same, but it runs this.
    Rollout(Release),
    /// Back to the revision before this one (`kubectl rollout undo`).
    Undo,
    /// So many replicas.
    Scale(u32),
    /// This replica is deleted (`kubectl delete pod`); another one takes its place.
    Delete(Replica),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This is part of the history.
    Record(Event),
    /// A place for a replica: a port, a directory. Comes before its first start.
    Place {
        /// Which.
        replica: Replica,
        /// Of which revision.
        revision: Revision,
        /// What it runs.
        release: Release,
    },
    /// Its process is to be started, in its place. Answered by `Started`, or by `NotStarted`.
    Start {
        /// Which.
        replica: Replica,
    },
    /// A question is to be put to it. Answered by `Probed`, at the latest when the probe's time-out is over.
    Probe {
        /// To whom.
        replica: Replica,
        /// Which.
        probe: ProbeKind,
        /// To be given back with the answer.
        number: u64,
    },
    /// Its preStop hook is to be run. Answered by `PreStopped`. A sleep is not asked for: the cluster waits by itself.
    PreStop {
        /// Whose.
        replica: Replica,
    },
    /// A signal is to be sent to its whole process group. The end of a process is answered by `Exited`.
    Signal {
        /// To whom.
        replica: Replica,
        /// Which.
        signal: Signal,
        /// Why.
        reason: Reason,
    },
    /// Nothing of it is needed any more: its place is free.
    Remove {
        /// Which.
        replica: Replica,
    },
    /// The database is to run, in its directory and on its port. Answered by `DatabaseUp` once it takes connections.
    StartDatabase,
    /// The database gets SIGKILL, with all of its process group. Answered by `DatabaseDown`.
    KillDatabase,
    /// Packets between clients and this replica are to be dropped. Answered by `NetworkBroken`.
    BreakNetwork {
        /// Whose way it is.
        replica: Replica,
        /// Which of them.
        how: Break,
    },
    /// They are to pass again. Answered by `NetworkHealed`.
    HealNetwork {
        /// Whose way it is.
        replica: Replica,
    },
    /// New connections go to these from now on. Empty: to none.
    View {
        /// Whose endpoints they are.
        replicas: Vec<Replica>,
    },
}

/// How long it takes until clients see a change of the endpoints: fixed, or drawn from a range for each change. A later
/// change is never seen before an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// At least.
    pub least: Duration,
    /// At most.
    pub most: Duration,
}

/// What a replica is like at the moment, for whoever shows it or picks one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub replica: Replica,
    /// Of which revision.
    pub revision: Revision,
    /// What it runs.
    pub release: Release,
    /// Its process runs.
    pub running: bool,
    /// It may have requests.
    pub ready: bool,
    /// It has been ready for long enough to count.
    pub available: bool,
    /// It is to end.
    pub terminating: bool,
    /// How often its process was started again.
    pub restarts: u32,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Cluster {
    deployment: Deployment,
    /// In the order in which they were created; none before the first tick.
    sets: Vec<ReplicaSet>,
    /// Those that are not gone.
    replicas: BTreeMap<Replica, Instance>,
    /// Replicas that were created until now: the number of the last one.
    created: u32,
    rollout: Option<Rollout>,
    endpoints: Endpoints,
}

impl Cluster {
    /// Nothing runs yet; the first [`Input::Tick`] begins revision 1. The seed decides the propagation delays.
    pub fn new(deployment: Deployment, propagation: Propagation, seed: u64) -> Self {
        Self {
            deployment,
            sets: Vec::new(),
            replicas: BTreeMap::new(),
            created: 0,
            rollout: None,
            endpoints: Endpoints::new(propagation, seed),
        }
    }

    /// Takes something in at its time, which is never before that of the input before. Effects are appended. What is due
    /// by then is done after it: a process that has ended in time gets no signal.
    pub fn on(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        let mut out = Outbox { now, effects };
        if self.sets.is_empty() {
            self.roll_out(Release::Good, &mut out);
            self.settle(&mut out);
        }
        self.take(input, &mut out);
        self.settle(&mut out);
        while let Some((_, due)) = self.next().filter(|(when, _)| *when <= now) {
            self.go_on(due, &mut out);
            self.settle(&mut out);
        }
    }

    /// When the next [`Input::Tick`] is due at the latest; nothing where only an answer can change anything.
    pub fn wake(&self) -> Option<Moment> {
        if self.sets.is_empty() { Some(Moment::START) } else { self.next().map(|(when, _)| when) }
    }

    /// All replicas that are not gone, in the order of their numbers. After going back, those that are left of the
    /// revision that it went back to are of the new one.
    pub fn standings(&self) -> Vec<Standing> {
        let revision = |id| self.sets.iter().find(|set| set.id == id).map_or(Revision(0), |set| set.revision);
        let standing = |instance: &Instance| Standing {
            replica: instance.replica,
            revision: revision(instance.set),
            release: instance.release,
            running: instance.is_running(),
            ready: instance.is_ready(),
            available: instance.is_available(),
            terminating: instance.is_terminating(),
            restarts: instance.restarts(),
        };
        self.replicas.values().map(standing).collect()
    }

    /// What clients connect to at the moment.
    pub fn view(&self) -> &[Replica] {
        self.endpoints.view()
    }

    /// Whether nothing is under way: the newest revision is completely rolled out, exactly the wanted replicas exist,
    /// all are available, none is terminating, and clients see them as they are.
    pub fn is_settled(&self) -> bool {
        !self.sets.is_empty()
            && self.rollout.is_none()
            && self.replicas.len() == self.deployment.replicas as usize
            && self.replicas.values().all(Instance::is_available)
            && self.endpoints.are_known()
    }

    /// The Deployment as it is wanted now.
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }
}

#[cfg(test)]
mod tests;

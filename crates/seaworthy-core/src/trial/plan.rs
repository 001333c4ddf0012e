//! What a trial is asked to do, what it is told, and how it ends.

use std::time::Duration;

use crate::{
    cluster::{self, Propagation},
    deployment::Deployment,
    drill::Drill,
    event::Replica,
    time::Moment,
};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The target's rules.
    pub deployment: Deployment,
    /// The drills, in their order.
    pub drills: Vec<Drill>,
    /// How long until clients see a change of the endpoints.
    pub propagation: Propagation,
    /// How long things take.
    pub timing: Timing,
    /// Decides what is left to chance.
    pub seed: u64,
}

/// How long the parts of a trial take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The null run.
    pub baseline: Duration,
    /// Before each disturbance.
    pub before: Duration,
    /// After all has settled.
    pub after: Duration,
    /// How long a replica stays frozen.
    pub freeze: Duration,
    /// How long a bad release is left alone before it is rolled back.
    pub observe: Duration,
    /// How long the target may take to become available at first.
    pub patience: Duration,
    /// How long anything after a disturbance may take beyond what the rules of the target themselves take.
    pub slack: Duration,
}

/// What is told to a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Something of the cluster, or only time that has passed.
    Cluster(cluster::Input),
    /// Requests arrive from now on.
    LoadBegun,
    /// The kernel says that a replica does not run any more, or does again.
    Frozen {
        /// Which.
        replica: Replica,
        /// Whether it does not.
        frozen: bool,
    },
    /// No more drills: what was disturbed is put right, and the trial ends.
    Interrupt,
}

/// Where a trial is, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What goes on, in words.
    pub stage: String,
    /// The drill that goes on.
    pub drill: Option<Drill>,
    /// When it began.
    pub since: Moment,
    /// Drills that are over.
    pub done: Vec<Drill>,
    /// Drills that come.
    pub next: Vec<Drill>,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All drills were made, or it was interrupted.
    Done,
    /// The target did not become available in time.
    NeverReady,
}

//! What a trial is asked to do, what it is told, and how it ends.

use std::time::Duration;

use crate::{
    cluster::{self, Propagation},
    deployment::Deployment,
    drill::Drill,
    event::{Exit, Replica},
    network::Break,
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
    /// What the drills take that are only made when they are asked for.
    pub asked: Asked,
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

/// What the drills take that are only made when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What an overload asks for, step by step: requests per second in all.
    pub overload: Vec<u32>,
    /// How long each of these steps is.
    pub step: Duration,
    /// What is asked for to see whether liveness stands it: requests per second in all.
    pub liveness: u32,
    /// How long a replacement hangs as it starts.
    pub slow_start: Duration,
    /// How long twice as many replicas are watched.
    pub balance: Duration,
    /// Whether there is a database beside the replicas.
    pub database: bool,
    /// How long it is away.
    pub database_down: Duration,
    /// How the way to a replica is broken, one after the other.
    pub network: Vec<Break>,
    /// How long each of these lasts.
    pub network_for: Duration,
}

impl Default for Asked {
    /// Nothing more is asked for than the trial's own rate, and there is no database.
    fn default() -> Self {
        Self {
            overload: Vec::new(),
            step: Duration::from_secs(2),
            liveness: 0,
            slow_start: Duration::from_secs(5),
            balance: Duration::from_secs(10),
            database: false,
            database_down: Duration::from_secs(3),
            network: Break::ALL.to_vec(),
            network_for: Duration::from_secs(6),
        }
    }
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
    /// The target does no more however much is asked: this step is the last one.
    Saturated,
    /// The database takes connections.
    DatabaseUp,
    /// The database's process ended, or could not be started.
    DatabaseDown {
        /// How it ended, where it is known.
        exit: Option<Exit>,
    },
    /// Packets between clients and a replica are dropped from now on, or they cannot be.
    NetworkBroken {
        /// Why they cannot.
        failed: Option<String>,
    },
    /// They pass again, or that could not be done.
    NetworkHealed {
        /// How many were dropped, or why it could not be done.
        dropped: Result<u64, String>,
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

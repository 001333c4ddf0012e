//! What happens to a target, as it is recorded.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{deployment::ProbeKind, drill::Drill, network::Break, time};

/// A running copy of the target. Numbers are given once: a restart in place keeps its number, a replacement has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Replica(pub u32);

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {}", self.0)
    }
}

/// A version of the template, counted from 1. Going back makes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u32);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {}", self.0)
    }
}

/// What a revision runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The target's own command.
    Good,
    /// One that is broken on purpose.
    Bad,
}

/// A signal, as far as a trial sends any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// SIGTERM: please end.
    Term,
    /// SIGKILL: the kernel ends it.
    Kill,
    /// SIGSTOP: the kernel freezes it.
    Stop,
    /// SIGCONT: it goes on.
    Cont,
}

/// What a signal does to a process (`signal(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It has a handler for it.
    Handled,
    /// It ignores it.
    Ignored,
    /// The default: it dies of it at once. As the first process of a container, without an init process, it would not
    /// even notice (`pid_namespaces(7)`).
    Default,
}

/// Who sent a signal, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The replica is to end: its termination.
    Termination,
    /// Its grace period is over.
    GraceOver,
    /// Its liveness probe failed: it is restarted.
    Liveness,
    /// Its startup probe failed: it is restarted.
    Startup,
    /// It used more memory than its limit, as the kernel would not let a container do (`OOMKilled`).
    OutOfMemory,
    /// A drill does it.
    Drill,
    /// The trial is over, and cleans up.
    Cleanup,
}

/// How a process ended, as the kernel reports it (`waitid(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// As a container's exit code: 128 and the signal's number where there was one.
    pub const fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }
}

/// A replica's address as clients may see it, in the words of an EndpointSlice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose it is.
    pub replica: Replica,
    /// It is ready, and not terminating.
    pub ready: bool,
    /// It is ready, whether it is terminating or not.
    pub serving: bool,
    /// It is to end.
    pub terminating: bool,
}

/// What happens to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// All replicas are available for the first time: the trial can begin.
    Established,
    /// A drill begins. What is due from here on is its own.
    DrillBegun {
        /// Which.
        drill: Drill,
    },
    /// The drill now disturbs.
    Disturbed {
        /// Which.
        drill: Drill,
        /// The replica that it picked, where it picks one.
        replica: Option<Replica>,
    },
    /// Whatever the drill disturbed is as it is to be again, and clients see it.
    Settled {
        /// Which.
        drill: Drill,
    },
    /// The drill did not come about, or did not come to an end in time.
    DrillBroken {
        /// Which.
        drill: Drill,
        /// What was missing, in words.
        why: String,
    },
    /// The drill ends. What is due from here on is not its own.
    DrillEnded {
        /// Which.
        drill: Drill,
    },

    /// A rollout begins.
    RolloutBegun {
        /// To which revision.
        revision: Revision,
        /// What that runs.
        release: Release,
        /// The revision that it goes back to, where it does.
        back_to: Option<Revision>,
    },
    /// A rollout is complete: all replicas are of its revision and available, and no old one is wanted.
    RolloutDone {
        /// To which revision.
        revision: Revision,
    },
    /// A rollout made no progress until its deadline (`ProgressDeadlineExceeded`). It is not undone by itself.
    RolloutStuck {
        /// To which revision.
        revision: Revision,
    },
    /// Another number of replicas is wanted.
    Scaled {
        /// Before.
        from: u32,
        /// From now on.
        to: u32,
    },

    /// A replica is wanted, and comes to be.
    Created {
        /// Which.
        replica: Replica,
        /// Of which revision.
        revision: Revision,
        /// What it runs.
        release: Release,
    },
    /// Where it serves requests.
    Placed {
        /// Which.
        replica: Replica,
        /// Its address.
        address: SocketAddr,
    },
    /// Its process runs.
    Started {
        /// Which.
        replica: Replica,
        /// How often it was started before.
        restart: u32,
        /// The process, where there is one.
        pid: Option<u32>,
    },
    /// Its process could not be started.
    NotStarted {
        /// Which.
        replica: Replica,
        /// The system's words.
        why: String,
    },
    /// A probe was answered, or not.
    Probed {
        /// Who was asked.
        replica: Replica,
        /// What.
        probe: ProbeKind,
        /// Whether it passed.
        passed: bool,
        /// Why it did not, or what was answered.
        detail: String,
        /// How long it took.
        #[serde(with = "time::as_nanos")]
        took: Duration,
    },
    /// It may have requests (the pod's condition `Ready` is true).
    Ready {
        /// Which.
        replica: Replica,
    },
    /// It may not have requests any more (the condition is false).
    Unready {
        /// Which.
        replica: Replica,
    },
    /// It has been ready for long enough to count.
    Available {
        /// Which.
        replica: Replica,
    },
    /// It is to end (`deletionTimestamp` is set).
    Terminating {
        /// Which.
        replica: Replica,
        /// How long it has.
        #[serde(with = "time::as_nanos")]
        grace: Duration,
    },
    /// Its preStop hook begins.
    PreStopBegun {
        /// Whose.
        replica: Replica,
    },
    /// Its preStop hook is over.
    PreStopEnded {
        /// Whose.
        replica: Replica,
        /// Why it failed, if it did (`FailedPreStopHook`).
        failed: Option<String>,
    },
    /// It was sent a signal, with all of its process group.
    Signalled {
        /// Which.
        replica: Replica,
        /// The signal.
        signal: Signal,
        /// Why.
        reason: Reason,
    },
    /// What SIGTERM, which is about to be sent, does to its first process.
    Disposition {
        /// Whose.
        replica: Replica,
        /// What it does.
        of_sigterm: Disposition,
    },
    /// Its process ended.
    Exited {
        /// Which.
        replica: Replica,
        /// How.
        exit: Exit,
    },
    /// It is not started again before this time is over (`CrashLoopBackOff`).
    BackingOff {
        /// Which.
        replica: Replica,
        /// From now.
        #[serde(with = "time::as_nanos")]
        delay: Duration,
    },
    /// It has ended, and nothing of it is left.
    Gone {
        /// Which.
        replica: Replica,
    },
    /// It does not run: the kernel says so.
    Frozen {
        /// Which.
        replica: Replica,
    },
    /// It runs again: the kernel says so.
    Thawed {
        /// Which.
        replica: Replica,
    },

    /// The endpoints, as they are.
    Endpoints {
        /// All of them.
        endpoints: Vec<Endpoint>,
    },
    /// The endpoints that a client connects to from now on: what it has heard of.
    View {
        /// Whose they are.
        replicas: Vec<Replica>,
    },
    /// A direct connection to its port succeeds from here on.
    ListenerUp {
        /// Whose.
        replica: Replica,
    },
    /// A direct connection to its port does not succeed any more.
    ListenerDown {
        /// Whose.
        replica: Replica,
    },
    /// Its port is held by a process that is not its own: it would be that one's answers that are judged.
    Foreign {
        /// Whose port.
        replica: Replica,
        /// Who holds it.
        holder: String,
    },
    /// The tool had to drop or could not make an observation. The trial cannot pass.
    Blind {
        /// What was missed, in words.
        what: String,
    },
    /// More is asked of the target than the trial's own rate: so many requests per second in all, from here on.
    Flooded {
        /// Which drill does it.
        drill: Drill,
        /// Requests per second, the trial's own included.
        rate: u32,
    },
    /// Only the trial's own rate is asked of the target again.
    FloodEnded {
        /// Which drill did it.
        drill: Drill,
    },
    /// The database runs, and takes connections.
    DatabaseUp,
    /// The database does not run any more, or never did.
    DatabaseDown {
        /// How its process ended, where it is known.
        exit: Option<Exit>,
    },
    /// Packets between clients and this replica are dropped from here on, both ways. Probes pass.
    NetworkBroken {
        /// Whose way it is.
        replica: Replica,
        /// Which of them.
        how: Break,
    },
    /// All packets pass again.
    NetworkHealed {
        /// Whose way it was.
        replica: Replica,
        /// Which of them were dropped.
        how: Break,
        /// How many were, as the kernel counted them.
        dropped: u64,
    },
    /// Somebody ended the trial before its time.
    Interrupted,
}

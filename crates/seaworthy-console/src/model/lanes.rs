//! The lives of replicas.

use seaworthy_core::{
    event::{Replica, Revision},
    time::Moment,
};
use serde::Serialize;

use crate::wire::as_millis;

/// What a replica is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Its process runs, and it was not ready yet.
    Starting,
    /// It is ready: clients may be sent to it.
    Ready,
    /// It was ready, and is not.
    Unready,
    /// It is to end.
    Terminating,
    /// Its process has ended.
    Gone,
}

/// A replica begins to do something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseChange {
    /// When.
    #[serde(rename = "at_ms", serialize_with = "as_millis")]
    pub at: Moment,
    /// Which.
    pub replica: Replica,
    /// Of which version.
    pub revision: Revision,
    /// What from now on.
    pub phase: Phase,
}

/// Something that happened, to be seen on the time axis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// When.
    #[serde(rename = "at_ms", serialize_with = "as_millis")]
    pub at: Moment,
    /// To whom; `None`: to all of it.
    pub replica: Option<Replica>,
    /// What, for its sign.
    pub kind: MarkKind,
    /// What, in words.
    pub text: String,
}

/// The kinds of marks. Each has a sign of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// It was sent SIGTERM.
    Sigterm,
    /// It was killed.
    Killed,
    /// It was stopped, and hangs.
    Frozen,
    /// It goes on.
    Thawed,
    /// A probe failed.
    ProbeFailed,
    /// It was started again in its place.
    Restarted,
    /// A rollout began.
    RolloutBegun,
    /// A rollout is done, or was undone.
    RolloutDone,
    /// Another number of replicas is wanted.
    Scaled,
    /// A drill began.
    DrillBegun,
    /// A drill ended.
    DrillEnded,
}

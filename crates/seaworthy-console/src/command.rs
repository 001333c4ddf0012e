//! What can be asked for on the page, on its way to the owner.

use std::fmt;

use seaworthy_core::{drill::Drill, event::Replica};
use serde::Deserialize;
use tokio::sync::oneshot;

/// Something that the owner is asked to do. In JSON: `{"drill": "freeze", "replica": 2, "seconds": 5}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "drill", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// A rolling update to a new revision of the same command.
    #[serde(rename = "rollout")]
    RollOut {},
    /// One replica gets SIGKILL.
    Kill {
        /// Which.
        replica: Replica,
    },
    /// One replica gets SIGSTOP, and goes on later.
    Freeze {
        /// Which.
        replica: Replica,
        /// How much later.
        seconds: u32,
    },
    /// Another number of replicas is wanted.
    Scale {
        /// How many.
        replicas: u32,
    },
    /// A new version that never works is rolled out, and rolled back.
    BadRelease {},
}

/// The longest that a replica may be frozen from the page.
pub const MAX_FREEZE_S: u32 = 60;

impl Command {
    /// The drill that it is, where so many replicas are wanted before it.
    pub const fn drill(self, wanted: u32) -> Drill {
        match self {
            Self::RollOut {} => Drill::Rollout,
            Self::Kill { .. } => Drill::Kill,
            Self::Freeze { .. } => Drill::Freeze,
            Self::Scale { replicas } if replicas < wanted => Drill::ScaleDown,
            Self::Scale { .. } => Drill::ScaleUp,
            Self::BadRelease {} => Drill::BadRelease,
        }
    }

    /// What is wrong with its numbers, in words.
    pub(crate) fn wrong(self, max_replicas: u32) -> Option<String> {
        match self {
            Self::Freeze { seconds, .. } if !(1..=MAX_FREEZE_S).contains(&seconds) => {
                Some(format!("A replica can be frozen for 1 to {MAX_FREEZE_S} seconds, and not for {seconds}."))
            }
            Self::Scale { replicas } if !(1..=max_replicas).contains(&replicas) => {
                Some(format!("It can be scaled to 1 to {max_replicas} replicas, and not to {replicas}."))
            }
            Self::RollOut {} | Self::Kill { .. } | Self::Freeze { .. } | Self::Scale { .. } | Self::BadRelease {} => {
                None
            }
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RollOut {} => f.write_str("roll out"),
            Self::Kill { replica } => write!(f, "kill {replica}"),
            Self::Freeze { replica, seconds } => write!(f, "freeze {replica} for {seconds} s"),
            Self::Scale { replicas } => write!(f, "scale to {replicas}"),
            Self::BadRelease {} => f.write_str("roll out a bad release"),
        }
    }
}

/// A command, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub command: Command,
    /// Who asks, for the log: the address that it came from.
    pub by: String,
    /// What to tell them. Dropped without a word it is told that it was not taken.
    pub answer: oneshot::Sender<Answer>,
}

/// What the owner says to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is or will be done: the number of its [`DrillRecord`](crate::model::DrillRecord).
    Accepted(u64),
    /// It will not be done, and why, in words for people.
    Refused(String),
}

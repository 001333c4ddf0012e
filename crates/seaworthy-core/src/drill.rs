//! The drills: what is done to a target, what Kubernetes promises of it, and what is expected.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One disturbance with its expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drill {
    /// Nothing is done. What fails here is nobody's fault later.
    Baseline,
    /// A rolling update to a new revision of the same command.
    Rollout,
    /// One replica is deleted with its grace period.
    Terminate,
    /// One replica gets SIGKILL.
    Kill,
    /// One replica gets SIGSTOP: hung, not dead.
    Freeze,
    /// One replica fewer is wanted.
    ScaleDown,
    /// One replica more is wanted.
    ScaleUp,
    /// A new version that crashes or never gets ready is rolled out, and rolled back.
    BadRelease,
    /// More and more is asked, until the target does no more.
    Overload,
    /// More is asked for longer than the liveness probe needs to give up.
    Liveness,
    /// One replica is deleted, and its replacement hangs as it starts.
    SlowStart,
    /// Twice as many replicas are wanted for a while.
    Balance,
    /// The database gets SIGKILL, and is started again.
    DatabaseRestart,
    /// Packets between clients and one replica are dropped.
    Network,
}

impl Drill {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 14] = [
        Self::Baseline,
        Self::Rollout,
        Self::Terminate,
        Self::Kill,
        Self::Freeze,
        Self::ScaleDown,
        Self::ScaleUp,
        Self::BadRelease,
        Self::Overload,
        Self::Liveness,
        Self::SlowStart,
        Self::Balance,
        Self::DatabaseRestart,
        Self::Network,
    ];

    /// Those that are made where nobody asks for others: what any deploy does, and what any node may do.
    pub const DEFAULT: [Self; 8] = [
        Self::Baseline,
        Self::Rollout,
        Self::Terminate,
        Self::Kill,
        Self::Freeze,
        Self::ScaleDown,
        Self::ScaleUp,
        Self::BadRelease,
    ];

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Rollout => "rollout",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::ScaleDown => "scale-down",
            Self::ScaleUp => "scale-up",
            Self::BadRelease => "bad-release",
            Self::Overload => "overload",
            Self::Liveness => "liveness",
            Self::SlowStart => "slow-start",
            Self::Balance => "balance",
            Self::DatabaseRestart => "database-restart",
            Self::Network => "network",
        }
    }

    /// Whether more is asked of the target than the trial's own rate.
    pub const fn floods(self) -> bool {
        matches!(self, Self::Overload | Self::Liveness)
    }

    /// The drill of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|drill| drill.label() == name)
    }

    /// What is done.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Baseline => "nothing is done: the null run",
            Self::Rollout => "a rolling update to a new revision of the same command",
            Self::Terminate => "one replica is deleted, with its grace period",
            Self::Kill => "one replica gets SIGKILL",
            Self::Freeze => "one replica gets SIGSTOP for a while: hung, not dead",
            Self::ScaleDown => "one replica fewer is wanted",
            Self::ScaleUp => "one replica more is wanted",
            Self::BadRelease => "a new version that never works is rolled out, then rolled back",
            Self::Overload => "more and more is asked of it in steps, and then only as much as before",
            Self::Liveness => "more is asked of it for longer than its liveness probe needs to give up",
            Self::SlowStart => "one replica is deleted, and its replacement gets SIGSTOP as it starts",
            Self::Balance => "twice as many replicas are wanted for a while",
            Self::DatabaseRestart => "the database gets SIGKILL, and is started again a while later",
            Self::Network => "packets between clients and one replica are dropped: all of them for a while, then some",
        }
    }

    /// The promise of Kubernetes that it puts to the test.
    pub const fn promise(self) -> &'static str {
        match self {
            Self::Baseline => "requests are answered while nothing happens",
            Self::Rollout => "a rolling update has no downtime",
            Self::Terminate => "a deleted replica finishes its work, and is replaced",
            Self::Kill => "self-healing: a dead replica is restarted",
            Self::Freeze => "a hung replica gets no new connections",
            Self::ScaleDown => "fewer replicas lose no request",
            Self::ScaleUp => "a new replica gets requests only when it can answer",
            Self::BadRelease => "a broken release does not replace a working one",
            Self::Overload => "asked too much, it refuses what is too much, and comes back",
            Self::Liveness => "a busy replica is not killed for being busy",
            Self::SlowStart => "a replica that starts slowly is waited for",
            Self::Balance => "new replicas take their share",
            Self::DatabaseRestart => "a database that restarts costs errors only while it is away",
            Self::Network => "a path that breaks costs only what goes over it, and heals by itself",
        }
    }

    /// What may be lost without breaking the promise, in words.
    pub const fn allowance(self) -> &'static str {
        match self {
            Self::Baseline
            | Self::Rollout
            | Self::Terminate
            | Self::ScaleDown
            | Self::ScaleUp
            | Self::BadRelease
            | Self::SlowStart
            | Self::Balance => "nothing may be lost",
            Self::Overload | Self::Liveness => {
                "only what is refused with 429 or 503 or gets no answer, while more is asked and until 5 s after, may be \
                 lost"
            }
            Self::DatabaseRestart => {
                "only what was sent while the database was away, or until 1 s after it was back, may be lost"
            }
            Self::Network => {
                "only what went over the broken path, until TCP had its time to send again (as long again as it was \
                 broken, and 1 s), may be lost"
            }
            Self::Kill => {
                "only what was in flight on the killed replica, or sent to it before its listener was back or clients \
                 had heard, may be lost"
            }
            Self::Freeze => {
                "only what was sent to the frozen replica before clients had heard, or over connections that it \
                 already had, may be lost"
            }
        }
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_have_one_name() {
        for drill in Drill::ALL {
            assert_eq!(Drill::named(drill.label()), Some(drill));
            assert_eq!(serde_json::to_value(drill).unwrap(), drill.label());
        }
        assert_eq!(Drill::named("roll"), None);
    }
}

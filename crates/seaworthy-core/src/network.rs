//! How the way between clients and a replica is broken on purpose, and how soon what went over it has to be well again.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// How long TCP waits at the least until it sends again what nobody has acknowledged (RFC 6298, 2.1 and 2.4): the first
/// of the waits, which double.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What is done to the packets between clients and a replica, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// All of them are dropped.
    Partition,
    /// One in ten is dropped, by chance.
    Loss,
}

impl Break {
    /// All of them, in the order in which they are made.
    pub const ALL: [Self; 2] = [Self::Partition, Self::Loss];

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Loss => "loss",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.label() == name)
    }

    /// How many of a hundred packets are dropped.
    pub const fn percent(self) -> u32 {
        match self {
            Self::Partition => 100,
            Self::Loss => 10,
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How long connections may take to be well again after their way was broken for so long.
///
/// Who has no answer sends again after a wait that doubles each time (RFC 6298, 5.5). All waits before one are together
/// no shorter than it less the first one: after so long a silence the next packet comes at most as much later again, and
/// the first wait.
pub const fn recovery(broken: Duration) -> Duration {
    broken.saturating_add(FIRST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_have_one_name() {
        for how in Break::ALL {
            assert_eq!(Break::named(how.label()), Some(how));
            assert_eq!(serde_json::to_value(how).unwrap(), how.label());
        }
        assert_eq!(Break::named("delay"), None);
    }

    #[test]
    fn whatever_wait_tcp_begins_with_it_sends_again_before_the_recovery_is_over() {
        for first in [200, 300, 500, 1_000] {
            for broken in (100..30_000).step_by(70) {
                // Sent just as the way broke, and again after each wait.
                let (mut at, mut wait) = (first, first);
                while at < broken {
                    wait *= 2;
                    at += wait;
                }
                let after = Duration::from_millis(at - broken);
                assert!(
                    after <= recovery(Duration::from_millis(broken)),
                    "{first} ms, broken for {broken} ms: {after:?}"
                );
            }
        }
    }
}

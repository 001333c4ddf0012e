//! How a simulated process behaves, and the causes of lost requests that can be planted in it.

use std::time::Duration;

use seaworthy_core::trial::Plan;

use super::World;

/// How a simulated process behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// From its start until it listens: at least, and at most.
    pub start: (Duration, Duration),
    /// From listening until it can answer. Until then it answers 503. Those that are there before any request arrives have
    /// had the time, so that the null run is clean.
    pub warm_up: Duration,
    /// Whether it says that it is ready as soon as it listens, and not only once it can answer.
    pub ready_too_early: bool,
    /// How long a request takes it: at least, and at most.
    pub service: (Duration, Duration),
    /// Requests that take longer: their share, 0 to 1, and how long.
    pub slow: Option<(f64, Duration)>,
    /// What it does on SIGTERM.
    pub on_term: OnTerm,
    /// Whether its preStop hook fails, where it has one that is not a sleep.
    pub pre_stop_fails: bool,
    /// When one process crashes, since the trial began.
    pub crash: Option<Duration>,
    /// What a bad release does.
    pub bad_release: BadRelease,
}

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// It ends at once. What it was working on has no answer.
    ExitAtOnce,
    /// It goes on serving for so long, unready, and asks for each connection to be closed with the next answer. Then it
    /// finishes what it is working on, and exits 0.
    Drain {
        /// How long.
        serve_on: Duration,
    },
    /// It closes its listener and all idle connections at once, finishes what it is working on, and exits 0.
    CloseListenerAndFinish,
    /// As [`OnTerm::Drain`], but it does not read any more from connections that are idle, and closes them in a while.
    DropIdle {
        /// After how long.
        sweep: Duration,
        /// How long it goes on serving.
        serve_on: Duration,
    },
    /// It accepts nothing more, while its kernel still does, for so long. Then all that waits there is reset.
    DiscardQueue {
        /// How long.
        after: Duration,
    },
    /// Nothing.
    Ignore,
}

/// What a bad release does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRelease {
    /// It exits with 1 soon after its start, and never listens.
    Crashes,
    /// It listens, but is never ready, and answers 503.
    NeverReady,
    /// It says that it is ready, and answers 500.
    ServesErrors,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Default for Behaviour {
    /// All as it should be.
    fn default() -> Self {
        Self {
            start: (ms(300), ms(600)),
            warm_up: Duration::ZERO,
            ready_too_early: false,
            service: (ms(1), ms(3)),
            slow: None,
            on_term: OnTerm::Drain { serve_on: ms(3_000) },
            pre_stop_fails: false,
            crash: None,
            bad_release: BadRelease::Crashes,
        }
    }
}

/// What can be planted: the name of a cause, and what a process does then.
pub const PLANTS: &[(&str, &str)] = &[
    ("none", "on SIGTERM it goes on serving for 3 s, unready, finishes its work and exits 0"),
    ("exit-on-sigterm", "on SIGTERM it ends at once, in the middle of its work"),
    ("sigterm-ignored", "it does nothing on SIGTERM, and is killed when its grace period is over"),
    ("grace-period-too-short", "some requests take 3 s, and its grace period is 2 s"),
    ("traffic-before-ready", "it says that it is ready 3 s before it can answer"),
    ("shutdown-closes-idle-keepalive", "on SIGTERM it drops connections that are idle, unless a request was faster"),
    ("accept-queue-discard", "on SIGTERM it accepts nothing more, but closes its listener only 1.5 s later"),
    ("endpoint-removal-race", "on SIGTERM it closes its listener before clients have heard that it leaves"),
    ("bad-release-served", "a bad release says that it is ready, and answers 500"),
];

impl Behaviour {
    /// The behaviour that a cause of [`PLANTS`] is planted with.
    pub fn named(name: &str) -> Option<Self> {
        let good = Self::default();
        // Long enough that something is always being worked on.
        let busy = Self { service: (ms(20), ms(60)), ..good };
        Some(match name {
            "none" => good,
            "exit-on-sigterm" => Self { on_term: OnTerm::ExitAtOnce, ..busy },
            "sigterm-ignored" => Self { on_term: OnTerm::Ignore, ..busy },
            "grace-period-too-short" => Self {
                slow: Some((0.02, ms(3_000))),
                // Shorter than the grace period, so that it is not killed while it still serves.
                on_term: OnTerm::Drain { serve_on: ms(1_500) },
                ..good
            },
            "traffic-before-ready" => Self { warm_up: ms(3_000), ready_too_early: true, ..good },
            "shutdown-closes-idle-keepalive" => {
                Self { on_term: OnTerm::DropIdle { sweep: ms(100), serve_on: ms(3_000) }, ..good }
            }
            "accept-queue-discard" => Self { on_term: OnTerm::DiscardQueue { after: ms(1_500) }, ..good },
            "endpoint-removal-race" => Self { on_term: OnTerm::CloseListenerAndFinish, ..good },
            "bad-release-served" => Self { bad_release: BadRelease::ServesErrors, ..good },
            _ => return None,
        })
    }
}

/// Plants a cause of [`PLANTS`], with what it needs of the target's rules and of the requests to show. Says whether
/// there is one of this name.
pub fn plant(name: &str, plan: &mut Plan, world: &mut World) -> bool {
    let Some(behaviour) = Behaviour::named(name) else { return false };
    world.behaviour = behaviour;
    match name {
        "grace-period-too-short" => {
            plan.deployment.template.grace = ms(2_000);
            // A client that does not wait for an answer does not see that it was cut off.
            world.timeout = world.timeout.max(ms(5_000));
            // Nor does one drill cut what was due in the one before it.
            plan.timing.before = plan.timing.before.max(ms(3_500));
        }
        // Only requests on connections that are kept fail: others would be sent again, and not be lost.
        "sigterm-ignored" | "shutdown-closes-idle-keepalive" => world.idempotent = false,
        _ => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plant_has_a_behaviour_of_its_own() {
        let mut behaviours = Vec::new();
        for (name, what) in PLANTS {
            let behaviour = Behaviour::named(name).expect(name);
            assert!(!behaviours.contains(&behaviour), "{name}");
            assert!(!what.is_empty());
            behaviours.push(behaviour);
        }
        assert_eq!(Behaviour::named("none"), Some(Behaviour::default()));
        assert_eq!(Behaviour::named("gremlins"), None);
    }
}

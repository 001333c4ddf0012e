//! The causes of lost requests that can be planted in a simulated world.

use std::time::Duration;

use seaworthy_core::{
    deployment::{Check, Hook, Probe, Share, Strategy},
    drill::Drill,
    trial::Plan,
};

use super::{BadRelease, Behaviour, Cold, OnTerm, Spell, ms};
use crate::simulated::World;

/// What can be planted: the name of a cause, and what a process does then. Two that do not exclude each other are
/// planted together by both their names: `crash+cold-start`.
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
    ("crash", "a process ends by itself, with exit code 1, after the baseline"),
    ("prestop-failed", "its preStop hook fails, and on SIGTERM it closes its listener at once"),
    ("single-replica-gap", "there is one replica, and another takes 5 s to start"),
    ("recreate-gap", "its strategy is Recreate: a rollout ends all replicas before it starts the first new one"),
    ("rollout-capacity-dip", "maxUnavailable is 100 % and maxSurge 0: a rollout ends all replicas at once"),
    ("rollout-stuck", "the same, and no replica of a rollout ever gets ready"),
    ("keepalive-idle-race", "it closes a connection that was idle for as long as clients leave theirs idle"),
    ("liveness-kill-under-load", "one replica answers its liveness probe too late for a while, and still serves"),
    ("readiness-flap", "for 2 s all replicas say that they are not ready, and still serve"),
    ("cold-start", "a process that has just started takes 150 ms longer for each request, for 4 s"),
    ("slow-replica", "one replica takes 60 ms longer for each request"),
    ("error-with-success-status", "for half a second an error is answered with 200"),
    ("silent-truncation", "for half a second bodies end too early, and do not say how long they are"),
];

/// About when requests begin to arrive, of what is dated from the start of the trial: replicas start and are asked
/// whether they are ready.
const LOADED: Duration = Duration::from_secs(2);

/// What of a world a plant needs for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// What happens on SIGTERM.
    Ending,
    /// How replicas are replaced, or that there is nobody in between: one such gap looks like another.
    Gap,
    /// Either kind of gap in a rollout.
    Replacing,
    /// How replicas start.
    Starting,
    /// What is in the answers.
    Answers,
    /// That there are replicas to compare with, which all start as they should.
    Others,
    /// How long requests take.
    Slowness,
}

fn claims(name: &str) -> &'static [Claim] {
    match name {
        "exit-on-sigterm"
        | "sigterm-ignored"
        | "shutdown-closes-idle-keepalive"
        | "accept-queue-discard"
        | "endpoint-removal-race"
        | "prestop-failed" => &[Claim::Ending],
        "grace-period-too-short" | "liveness-kill-under-load" => &[Claim::Ending, Claim::Slowness],
        "traffic-before-ready" => &[Claim::Starting],
        "single-replica-gap" => &[Claim::Gap, Claim::Starting, Claim::Others],
        "recreate-gap" => &[Claim::Replacing],
        "rollout-capacity-dip" | "rollout-stuck" => &[Claim::Replacing, Claim::Gap],
        "slow-replica" => &[Claim::Others, Claim::Slowness],
        "cold-start" => &[Claim::Slowness],
        "readiness-flap" => &[Claim::Gap],
        "error-with-success-status" | "silent-truncation" => &[Claim::Answers],
        _ => &[],
    }
}

/// The names of causes in one: none where they exclude each other.
fn parts(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = name.split('+').collect();
    let mut claimed = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let own = claims(part);
        let twice = parts.iter().take(place).any(|earlier| earlier == part);
        if twice || own.iter().any(|claim| claimed.contains(claim)) {
            return None;
        }
        claimed.extend(own);
    }
    (parts.len() == 1 || !parts.contains(&"none")).then_some(parts)
}

impl Behaviour {
    /// The behaviour that a cause of [`PLANTS`] is planted with, or two that do not exclude each other: `a+b`.
    pub fn named(name: &str) -> Option<Self> {
        let mut behaviour = Self::default();
        parts(name)?.into_iter().all(|part| behaviour.takes(part)).then_some(behaviour)
    }

    /// Behaves as one cause has it, too. Says whether there is such a cause.
    fn takes(&mut self, name: &str) -> bool {
        // Long enough that something is always being worked on.
        let busy = (ms(20), ms(60));
        match name {
            "exit-on-sigterm" => (self.on_term, self.service) = (OnTerm::ExitAtOnce, busy),
            "sigterm-ignored" => (self.on_term, self.service) = (OnTerm::Ignore, busy),
            "grace-period-too-short" => {
                self.slow = Some((0.02, ms(3_000)));
                // Shorter than the grace period, so that it is not killed while it still serves.
                self.on_term = OnTerm::Drain { serve_on: ms(1_500) };
            }
            "traffic-before-ready" => (self.warm_up, self.ready_too_early) = (ms(3_000), true),
            "shutdown-closes-idle-keepalive" => {
                self.on_term = OnTerm::DropIdle { sweep: ms(100), serve_on: ms(3_000) };
            }
            "accept-queue-discard" => self.on_term = OnTerm::DiscardQueue { after: ms(1_500) },
            "endpoint-removal-race" => self.on_term = OnTerm::CloseListenerAndFinish,
            "prestop-failed" => (self.on_term, self.pre_stop_fails) = (OnTerm::CloseListenerAndFinish, true),
            "bad-release-served" => self.bad_release = BadRelease::ServesErrors,
            "crash" => self.crash = Some(ms(8_000)),
            "single-replica-gap" => self.start = (ms(5_000), ms(5_500)),
            "rollout-stuck" => self.never_ready = true,
            "keepalive-idle-race" => self.idle = Some(ms(5_000)),
            // What is being worked on when it is killed is what is lost.
            "liveness-kill-under-load" => {
                self.slow = Some((0.02, ms(3_000)));
                self.late_liveness = Some(Spell { from: ms(5_000), lasts: ms(2_500) });
            }
            "readiness-flap" => self.unready = Some(Spell { from: ms(300), lasts: ms(2_100) }),
            "cold-start" => self.cold = Some(Cold { lasts: ms(4_000), adds: ms(150) }),
            "slow-replica" => self.slow_replica = Some(ms(60)),
            "error-with-success-status" => self.wrong_body = Some(Spell { from: ms(5_000), lasts: ms(500) }),
            "silent-truncation" => self.cut_body = Some(Spell { from: ms(5_000), lasts: ms(500) }),
            // What these do is in the rules of the target.
            "none" | "recreate-gap" | "rollout-capacity-dip" => {}
            _ => return false,
        }
        true
    }
}

/// Plants a cause of [`PLANTS`], or two, with what each needs of the target's rules and of the requests to show. Says
/// whether there is one of this name; of two, whether they can be together.
pub fn plant(name: &str, plan: &mut Plan, world: &mut World) -> bool {
    let Some((behaviour, parts)) = Behaviour::named(name).zip(parts(name)) else { return false };
    world.behaviour = behaviour;
    for part in parts {
        rules(part, plan, world);
        times(part, plan, world);
    }
    true
}

/// What a cause needs of the target's rules, and of the requests.
fn rules(name: &str, plan: &mut Plan, world: &mut World) {
    let deployment = &mut plan.deployment;
    let template = &mut deployment.template;
    let at_once = Strategy::RollingUpdate { max_surge: Share::Count(0), max_unavailable: Share::Percent(100) };
    let get = Check::Http { port: None, path: "/".to_owned(), headers: Vec::new(), tls: false };
    // It notices at once, as one that is too strict does.
    let strict = Probe { period: ms(1_000), failure_threshold: 1, ..Probe::new(get.clone()) };
    match name {
        "grace-period-too-short" => {
            template.grace = ms(2_000);
            // A client that does not wait for an answer does not see that it was cut off.
            world.timeout = world.timeout.max(ms(5_000));
            // Nor does one drill cut what was due in the one before it.
            plan.timing.before = plan.timing.before.max(ms(3_500));
        }
        // Only requests on connections that are kept fail: others would be sent again, and not be lost.
        "sigterm-ignored" | "shutdown-closes-idle-keepalive" | "keepalive-idle-race" => world.idempotent = false,
        "prestop-failed" => template.pre_stop = Some(Hook::Ask(get)),
        "single-replica-gap" => {
            deployment.replicas = 1;
            // The last one is not taken away.
            plan.drills.retain(|drill| *drill != Drill::ScaleDown);
        }
        "recreate-gap" => deployment.strategy = Strategy::Recreate,
        "rollout-capacity-dip" => deployment.strategy = at_once,
        "rollout-stuck" => {
            deployment.strategy = at_once;
            deployment.progress_deadline = ms(5_000);
            template.grace = template.grace.min(ms(10_000));
            template.readiness.get_or_insert_with(|| strict.clone());
            plan.timing.slack = plan.timing.slack.min(ms(5_000));
            // Nothing comes after it, and no other drill is to be about replicas that never get ready.
            plan.drills.retain(|drill| matches!(drill, Drill::Baseline | Drill::Rollout));
        }
        "liveness-kill-under-load" => {
            // Who has not started yet is not to be killed for that.
            template.startup.get_or_insert_with(|| Probe { failure_threshold: 30, ..strict.clone() });
            template.liveness = Some(Probe { grace: Some(ms(1_000)), ..strict });
            world.timeout = world.timeout.max(ms(5_000));
        }
        "readiness-flap" => template.readiness = Some(strict),
        // Whether one is slow for as long as it lives is seen only of one that lives for long enough.
        "slow-replica" => plan.timing.baseline = plan.timing.baseline.max(ms(18_000)),
        "cold-start" => {
            // So that it is seen to wear off.
            plan.timing.after = plan.timing.after.max(ms(10_000));
        }
        _ => {}
    }
}

/// When a cause shows, by when the drills are made and by what clients do.
fn times(name: &str, plan: &Plan, world: &mut World) {
    let behaviour = &mut world.behaviour;
    let timing = &plan.timing;
    // In the first drill after the baseline, before it disturbs.
    let early = timing.baseline + timing.before / 4;
    match name {
        "crash" => behaviour.crash = Some(LOADED + early),
        // So that it is killed about then: the probe is put within a second, and is given another one.
        "liveness-kill-under-load" => {
            let from = (timing.baseline + timing.before).saturating_sub(ms(3_000));
            behaviour.late_liveness = Some(Spell { from, lasts: ms(2_500) });
        }
        "error-with-success-status" => behaviour.wrong_body = Some(Spell { from: early, lasts: ms(500) }),
        "silent-truncation" => behaviour.cut_body = Some(Spell { from: early, lasts: ms(500) }),
        "keepalive-idle-race" => {
            // Nobody closes connections that were idle for less than this.
            while world.connections as f64 / (world.rate * (1.0 - world.fresh)) < 0.6 {
                world.connections += 1;
            }
            // Each connection that is kept has its turn so often.
            let turn = world.connections as f64 / (world.rate * (1.0 - world.fresh));
            let (least, most) = behaviour.service;
            let idle = Duration::try_from_secs_f64(turn).ok().map(|turn| turn.saturating_sub((least + most) / 2));
            // A little later than that its end arrives, and the next request is on its way.
            behaviour.idle = idle.filter(|idle| !idle.is_zero()).or(behaviour.idle);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plant_has_a_name_of_its_own_and_a_behaviour() {
        let mut names = Vec::new();
        for (name, what) in PLANTS {
            assert!(Behaviour::named(name).is_some() && !names.contains(name) && !what.is_empty(), "{name}");
            names.push(*name);
        }
        assert_eq!(Behaviour::named("none"), Some(Behaviour::default()));
        for odd in ["gremlins", "", "+", "crash+", "crash+gremlins", "crash+crash", "none+crash"] {
            assert_eq!(Behaviour::named(odd), None, "{odd}");
        }
    }

    #[test]
    fn of_all_pairs_those_that_want_the_same_exclude_each_other() {
        // Each of these is planted alone, of all that stand in a row.
        let rows: [&[&str]; 7] = [
            &[
                "exit-on-sigterm",
                "sigterm-ignored",
                "shutdown-closes-idle-keepalive",
                "accept-queue-discard",
                "endpoint-removal-race",
                "prestop-failed",
                "grace-period-too-short",
                "liveness-kill-under-load",
            ],
            &["single-replica-gap", "rollout-capacity-dip", "rollout-stuck", "readiness-flap"],
            &["recreate-gap", "rollout-capacity-dip", "rollout-stuck"],
            &["traffic-before-ready", "single-replica-gap"],
            &["single-replica-gap", "slow-replica"],
            &["grace-period-too-short", "liveness-kill-under-load", "slow-replica", "cold-start"],
            &["error-with-success-status", "silent-truncation"],
        ];
        let names = || PLANTS.iter().map(|(name, _)| *name).filter(|name| *name != "none");
        for first in names() {
            for second in names() {
                let together = first != second && !rows.iter().any(|row| row.contains(&first) && row.contains(&second));
                assert_eq!(Behaviour::named(&format!("{first}+{second}")).is_some(), together, "{first}+{second}");
            }
        }
    }

    #[test]
    fn two_are_planted_together_unless_they_exclude_each_other() {
        for (pair, together) in [
            ("crash+cold-start", true),
            ("exit-on-sigterm+bad-release-served", true),
            ("recreate-gap+single-replica-gap", true),
            ("traffic-before-ready+accept-queue-discard", true),
            ("exit-on-sigterm+sigterm-ignored", false),
            ("recreate-gap+rollout-stuck", false),
            ("single-replica-gap+slow-replica", false),
            ("error-with-success-status+silent-truncation", false),
        ] {
            let (first, second) = pair.split_once('+').unwrap();
            for pair in [pair.to_owned(), format!("{second}+{first}")] {
                assert_eq!(Behaviour::named(&pair).is_some(), together, "{pair}");
            }
        }
        let both = Behaviour::named("exit-on-sigterm+bad-release-served").unwrap();
        assert_eq!((both.on_term, both.bad_release), (OnTerm::ExitAtOnce, BadRelease::ServesErrors));
    }
}

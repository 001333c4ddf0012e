//! What the world knows of why requests failed, and that each plant is why.

use std::{collections::BTreeMap, time::Duration};

use seaworthy_core::{
    drill::Drill,
    event::Event,
    outcome::{ConnectionKind, FailureKind},
};
use seaworthy_trial::simulated::{Behaviour, PLANTS, Simulated, UNKNOWN, World, plant, run};

use crate::world::{attempts, each, plan, planted, world};

/// Requests by their real cause.
fn real(simulated: &Simulated) -> BTreeMap<&'static str, usize> {
    let mut real = BTreeMap::new();
    for missed in &simulated.truth.missed {
        *real.entry(missed.cause).or_default() += 1;
    }
    real
}

/// What else a cause brings with it.
fn comes_with(cause: &str) -> &'static [&'static str] {
    match cause {
        // Its port is closed from then on.
        "exit-on-sigterm" => &["endpoint-removal-race", "shutdown-closes-idle-keepalive"],
        "accept-queue-discard" => &["endpoint-removal-race"],
        "endpoint-removal-race" | "prestop-failed" => &["shutdown-closes-idle-keepalive", "accept-queue-discard"],
        // Where there is nobody else, clients go on connecting to the one that ends until it has.
        "single-replica-gap" | "recreate-gap" | "rollout-capacity-dip" | "rollout-stuck" => &["accept-queue-discard"],
        _ => &[],
    }
}

#[test]
fn the_world_knows_why_each_request_failed() {
    for (cause, simulated) in each() {
        let failed: Vec<_> = attempts(simulated).collect();
        let known: Vec<_> = simulated.truth.missed.iter().map(|missed| &missed.attempt).collect();
        // More than an interval keeps whole are only counted there.
        let kept = failed.iter().zip(&known).take_while(|(failed, known)| **failed == **known).count();
        assert_eq!(kept, failed.len().min(known.len()), "{cause}");
        let real = real(simulated);
        for named in real.keys() {
            let allowed = ["killed", "hung", cause].contains(named) || comes_with(cause).contains(named);
            assert!(allowed && *named != UNKNOWN, "{cause}: {real:?}");
        }
    }
}

#[test]
fn each_plant_is_why_requests_fail_or_are_late() {
    for (cause, simulated) in each().iter().filter(|(cause, _)| *cause != "none") {
        let (real, slowed) = (real(simulated), &simulated.truth.slowed);
        assert!(real.contains_key(cause) || slowed.contains_key(cause), "{cause}: {real:?}, {slowed:?}");
        // What only makes answers late loses none here.
        let slow = matches!(*cause, "cold-start" | "slow-replica");
        assert_eq!(real.contains_key(cause), !slow, "{cause}: {real:?}");
    }
    let (_, good) = &each()[0];
    assert_eq!(real(good).keys().copied().collect::<Vec<_>>(), ["killed"]);
}

#[test]
fn two_plants_both_show() {
    for pair in [
        "exit-on-sigterm+bad-release-served",
        "traffic-before-ready+accept-queue-discard",
        "recreate-gap+crash",
        "readiness-flap+cold-start",
        "sigterm-ignored+error-with-success-status",
        "keepalive-idle-race+endpoint-removal-race",
        "liveness-kill-under-load+silent-truncation",
    ] {
        let simulated = planted(pair, 1);
        let (real, slowed) = (real(&simulated), &simulated.truth.slowed);
        for cause in pair.split('+') {
            assert!(real.contains_key(cause) || slowed.contains_key(cause), "{pair}: {real:?}, {slowed:?}");
        }
        assert!(!real.contains_key(UNKNOWN), "{pair}: {real:?}");
    }
}

#[test]
fn pairs_that_exclude_each_other_are_refused_either_way() {
    let mut together = 0;
    for (first, _) in PLANTS {
        for (second, _) in PLANTS {
            let (there, back) = (format!("{first}+{second}"), format!("{second}+{first}"));
            let (mut plan, mut world) = (plan(&Drill::DEFAULT, 1), world(1));
            let before = format!("{plan:?} {world:?}");
            let fits = plant(&there, &mut plan, &mut world);
            assert_eq!(fits, Behaviour::named(&back).is_some(), "{there}");
            // What is refused changes nothing.
            assert_eq!(fits, before != format!("{plan:?} {world:?}"), "{there}");
            together += usize::from(fits);
        }
    }
    assert!(together > 200, "{together}");
}

#[test]
fn a_connection_that_was_used_before_says_how_long_it_was_idle() {
    let mut plan = plan(&[Drill::Baseline], 1);
    let mut world = World { fresh: 0.0, ..world(1) };
    // Each has its turn so often in it.
    plan.timing.baseline = Duration::from_secs(20);
    assert!(plant("keepalive-idle-race", &mut plan, &mut world));
    // 120 connections at 200/s have their turn each 600 ms, and a request takes 1 to 3 ms.
    assert_eq!(world.connections, 120);
    assert_eq!(world.behaviour.idle, Some(Duration::from_millis(598)));
    let simulated = run(plan, world);
    let mut seen = 0;
    for attempt in attempts(&simulated) {
        let outcome = &attempt.outcome;
        let failure = outcome.end.as_ref().unwrap_err();
        assert_eq!((outcome.connection, failure.kind), (ConnectionKind::Reused, FailureKind::Closed));
        let idle = outcome.idle.expect("it was idle").as_secs_f64();
        assert!((0.5978..=0.5981).contains(&idle), "{idle}");
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
    assert!(simulated.truth.missed.iter().all(|missed| missed.cause == "keepalive-idle-race"));
}

#[test]
fn one_that_was_opened_for_its_request_was_never_idle() {
    for (cause, simulated) in each() {
        for attempt in attempts(simulated) {
            let reused = attempt.outcome.connection == ConnectionKind::Reused;
            assert_eq!(attempt.outcome.idle.is_some(), reused, "{cause}: {attempt:?}");
        }
    }
}

#[test]
fn a_rollout_that_is_stuck_says_so_and_nothing_comes_after_it() {
    let simulated = planted("rollout-stuck", 1);
    let stuck = simulated.events.iter().any(|(_, event)| matches!(event, Event::RolloutStuck { .. }));
    let broken = simulated.events.iter().any(|(_, event)| matches!(event, Event::DrillBroken { .. }));
    assert!(stuck && broken);
}

//! Each cause that is planted shows as it does in the wild, and nowhere else.

use std::{collections::BTreeMap, net::SocketAddr};

use seaworthy_core::{
    deployment::Hook,
    drill::Drill,
    event::{Event, Exit, Reason, Replica, Signal},
    outcome::{ConnectionKind, FailureKind, Phase},
    time::Moment,
};
use seaworthy_trial::simulated::{BadRelease, Behaviour, Simulated, World, run};

use crate::world::{attempts, drill_at, each, get, losses, plan, planted, seconds, world};

use ConnectionKind::{First, Fresh, Reused};
use FailureKind::{Closed, Refused, Reset, Status};
use Phase::{Connect, Receive, Wait};

/// Causes that show in the histories that all tests share; the others have tests of their own in `planted.rs`.
const SIGNED: [&str; 9] = [
    "none",
    "exit-on-sigterm",
    "sigterm-ignored",
    "grace-period-too-short",
    "traffic-before-ready",
    "shutdown-closes-idle-keepalive",
    "accept-queue-discard",
    "endpoint-removal-race",
    "bad-release-served",
];

type Look = (FailureKind, Phase, Option<u16>, ConnectionKind);

const REFUSED: &[Look] = &[(Refused, Connect, None, Fresh), (Refused, Connect, None, First)];

/// The drills in which a replica is asked to end.
const ENDING: &[Drill] = &[Drill::Rollout, Drill::Terminate, Drill::ScaleDown];

/// The drills in which a replica is started.
const STARTING: &[Drill] = &[Drill::Rollout, Drill::Terminate, Drill::ScaleUp];

/// What a cause looks like: in which drills, what proves it, and what else comes with it.
fn signature(cause: &str) -> (&'static [Drill], &'static [Look], &'static [Look]) {
    const CLOSED: &[Look] = &[(Closed, Wait, None, Fresh), (Closed, Wait, None, First), (Closed, Wait, None, Reused)];
    const ENDED: &[Look] = &[(Closed, Wait, None, First), REFUSED[0], REFUSED[1]];
    const RESET: &[Look] = &[(Reset, Wait, None, Fresh), (Reset, Wait, None, First)];
    const BUSY: &[Look] = &[
        (Status, Receive, Some(503), Fresh),
        (Status, Receive, Some(503), First),
        (Status, Receive, Some(503), Reused),
    ];
    const ERRORS: &[Look] = &[
        (Status, Receive, Some(500), Fresh),
        (Status, Receive, Some(500), First),
        (Status, Receive, Some(500), Reused),
    ];
    match cause {
        // Its port is closed from then on, too.
        "exit-on-sigterm" => (ENDING, &[(Closed, Wait, None, Fresh)], ENDED),
        "sigterm-ignored" => (ENDING, &[(Closed, Wait, None, Reused)], &[]),
        "grace-period-too-short" => (ENDING, &[(Closed, Wait, None, Fresh)], CLOSED),
        "traffic-before-ready" => (STARTING, &[(Status, Receive, Some(503), Fresh)], BUSY),
        "shutdown-closes-idle-keepalive" => (ENDING, &[(Reset, Wait, None, Reused)], &[]),
        "accept-queue-discard" => (ENDING, &[(Reset, Wait, None, Fresh)], RESET),
        "endpoint-removal-race" => (ENDING, &[(Refused, Connect, None, Fresh)], REFUSED),
        "bad-release-served" => (&[Drill::BadRelease], &[(Status, Receive, Some(500), Fresh)], ERRORS),
        other => {
            assert_eq!(other, "none", "it has no signature here");
            (&[], &[], &[])
        }
    }
}

#[test]
fn each_plant_shows_its_signature_and_nothing_else() {
    for cause in SIGNED {
        let (drills, proofs, others) = signature(cause);
        for seed in 2..=3 {
            let simulated = planted(cause, seed);
            let losses = losses(&simulated);
            for proof in proofs {
                let (kind, phase, status, connection) = *proof;
                let seen = |drill| losses.contains_key(&(Some(drill), kind, phase, status, connection));
                assert!(drills.iter().any(|drill| seen(*drill)), "{cause}, seed {seed}: no {proof:?} in {losses:#?}");
            }
            for (drill, kind, phase, status, connection) in losses.keys() {
                let drill = drill.expect("requests arrive in a drill");
                let look = (*kind, *phase, *status, *connection);
                // A process that is killed or frozen loses requests, however it behaves.
                let allowed = matches!(drill, Drill::Kill | Drill::Freeze)
                    || (drills.contains(&drill) && (proofs.contains(&look) || others.contains(&look)));
                assert!(allowed, "{cause}, seed {seed}: {look:?} in {drill}");
            }
        }
    }
}

#[test]
fn what_is_lost_as_replicas_end_was_sent_to_one_that_had_been_told_to() {
    for (cause, simulated) in each().iter().filter(|(cause, _)| SIGNED.contains(cause) && signature(cause).0 == ENDING)
    {
        let told: BTreeMap<SocketAddr, Moment> = terminating(simulated);
        let mut seen = 0;
        for attempt in attempts(simulated) {
            let outcome = &attempt.outcome;
            if matches!(drill_at(simulated, outcome.due), Some(Drill::Kill | Drill::Freeze)) {
                continue;
            }
            let told = outcome.endpoint.and_then(|endpoint| told.get(&endpoint));
            assert!(told.is_some_and(|told| *told < outcome.done), "{cause}: {attempt:?}");
            seen += 1;
        }
        assert!(seen > 0, "{cause}");
    }
}

/// When each replica was told to end, by its address.
fn terminating(simulated: &Simulated) -> BTreeMap<SocketAddr, Moment> {
    let told = |replica: &Replica| {
        simulated.events.iter().find_map(|(at, event)| match event {
            Event::Terminating { replica: told, .. } if told == replica => Some(*at),
            _ => None,
        })
    };
    let placed = simulated.events.iter().filter_map(|(_, event)| match event {
        Event::Placed { replica, address } => Some((*address, told(replica)?)),
        _ => None,
    });
    placed.collect()
}

#[test]
fn a_good_target_loses_only_what_was_sent_to_the_replica_that_was_killed() {
    for seed in 4..=8 {
        let simulated = planted("none", seed);
        let killed = disturbed(&simulated, Drill::Kill);
        let mut lost = 0;
        for attempt in attempts(&simulated) {
            assert_eq!(attempt.outcome.endpoint, Some(([10, 0, 0, killed], 8080).into()), "seed {seed}: {attempt:?}");
            lost += 1;
        }
        assert!(lost > 0, "seed {seed}: its port was closed for a while");
    }
}

/// The number of the replica that a drill picked.
fn disturbed(simulated: &Simulated, of: Drill) -> u8 {
    let mut picked = simulated.events.iter().filter_map(|(_, event)| match event {
        Event::Disturbed { drill, replica: Some(replica) } if *drill == of => u8::try_from(replica.0).ok(),
        _ => None,
    });
    picked.next().expect("it picks one")
}

#[test]
fn a_client_that_does_not_wait_for_long_sees_a_frozen_replica() {
    let drills = [Drill::Baseline, Drill::Freeze];
    let simulated = run(plan(&drills, 3), World { timeout: seconds(2), ..world(3) });
    let frozen = disturbed(&simulated, Drill::Freeze);
    let late = (Some(Drill::Freeze), FailureKind::TimedOut, Wait, None);
    let losses = losses(&simulated);
    assert!(
        losses.keys().all(|(drill, kind, phase, status, _)| (*drill, *kind, *phase, *status) == late),
        "{losses:?}"
    );
    let (fresh, all) = (losses[&(late.0, late.1, late.2, late.3, Fresh)], losses.values().sum::<u64>());
    assert!(fresh > 50 && all > fresh, "both kinds of client: {losses:?}");
    for attempt in attempts(&simulated) {
        assert_eq!(attempt.outcome.endpoint, Some(([10, 0, 0, frozen], 8080).into()));
        assert_eq!(attempt.outcome.service_time(), seconds(2));
    }
}

#[test]
fn a_target_that_ignores_sigterm_is_killed_and_one_that_drains_exits_by_itself() {
    let ended = |name| {
        let (_, simulated) = each().iter().find(|(cause, _)| *cause == name).unwrap();
        let over = simulated.events.iter().any(|(_, event)| {
            matches!(event, Event::Signalled { signal: Signal::Kill, reason: Reason::GraceOver, .. })
        });
        let good = simulated.events.iter().any(|(_, event)| matches!(event, Event::Exited { exit: Exit::Code(0), .. }));
        (over, good)
    };
    assert_eq!(ended("sigterm-ignored"), (true, false));
    assert_eq!(ended("none"), (false, true));
    // Not all of them have a slow request at that time.
    assert!(ended("grace-period-too-short").0);
}

#[test]
fn a_release_that_never_gets_ready_serves_nobody() {
    let drills = [Drill::Baseline, Drill::BadRelease];
    let behaviour = Behaviour { bad_release: BadRelease::NeverReady, ..Behaviour::default() };
    let simulated = run(plan(&drills, 1), World { behaviour, ..world(1) });
    assert!(losses(&simulated).is_empty());
    let listens = simulated.events.iter().filter(|(_, event)| matches!(event, Event::ListenerUp { .. })).count();
    assert_eq!(listens, 4, "the bad one listens, too");
}

#[test]
fn a_hook_that_fails_is_told() {
    let mut plan = plan(&[Drill::Baseline, Drill::Terminate], 1);
    plan.deployment.template.pre_stop = Some(Hook::Ask(get()));
    for pre_stop_fails in [false, true] {
        let behaviour = Behaviour { pre_stop_fails, ..Behaviour::default() };
        let simulated = run(plan.clone(), World { behaviour, ..world(1) });
        let told = simulated.events.iter().find_map(|(_, event)| match event {
            Event::PreStopEnded { failed, .. } => Some(failed.is_some()),
            _ => None,
        });
        assert_eq!(told, Some(pre_stop_fails));
    }
}

#[test]
fn a_crash_in_the_baseline_shows_there() {
    let behaviour = Behaviour { crash: Some(seconds(4)), ..Behaviour::default() };
    let simulated = run(plan(&[Drill::Baseline], 1), World { behaviour, ..world(1) });
    let crashed = simulated.events.iter().any(|(at, event)| {
        at.since_start().as_secs() == 4 && matches!(event, Event::Exited { exit: Exit::Code(1), .. })
    });
    assert!(crashed);
    assert!(losses(&simulated).contains_key(&(Some(Drill::Baseline), Refused, Connect, None, Fresh)));
}

use super::super::{Input, Order};
use super::world::*;
use crate::{
    deployment::{Deployment, Hook, Probe, ProbeKind},
    event::{Event, Exit, Replica},
};

const ONE: Replica = Replica(1);

fn single() -> Deployment {
    Deployment { replicas: 1, ..deployment() }
}

fn without_probes() -> Deployment {
    let mut deployment = single();
    deployment.template.readiness = None;
    deployment
}

#[test]
fn a_replica_is_ready_once_its_probe_says_so() {
    let mut world = World::new(single());
    world.run(3500);
    assert_eq!(world.story(1), ["0 created", "100 started 0", "1101 ready", "1101 available"]);
    assert_eq!(world.asked(ProbeKind::Readiness, 1), [100, 1100, 2100, 3100]);
    // Failures are all in the history; of passes only the first.
    world.failing.insert((ProbeKind::Readiness, ONE));
    world.run(2000);
    let passes = |event: &Event| matches!(event, Event::Probed { passed: true, .. });
    let failures = |event: &Event| matches!(event, Event::Probed { passed: false, .. });
    assert_eq!((world.times(failures), world.times(passes)), (vec![101, 4101, 5101], vec![1101]));
}

#[test]
fn one_question_waits_for_the_answer_to_the_one_before() {
    let mut world = World::new(single());
    world.latency = 2500;
    world.run(8000);
    assert_eq!(world.asked(ProbeKind::Readiness, 1), [100, 2600, 5100, 7600]);
}

#[test]
fn without_a_probe_it_is_ready_at_once() {
    let world = World::settled(without_probes());
    assert_eq!(world.story(1), ["0 created", "100 started 0", "100 ready", "100 available"]);
}

#[test]
fn it_is_available_after_being_ready_without_a_break() {
    let mut world = World::new(Deployment { min_ready: ms(5000), ..single() });
    world.run(3500);
    world.failing.insert((ProbeKind::Readiness, ONE));
    world.run(2000);
    world.failing.clear();
    world.settle();
    assert_eq!(
        world.story(1),
        ["0 created", "100 started 0", "1101 ready", "5101 unready", "6101 ready", "11101 available"]
    );
}

#[test]
fn one_bad_answer_is_not_enough() {
    let mut world = World::settled(single());
    for _ in 0..3 {
        world.failing.insert((ProbeKind::Readiness, ONE));
        world.run(1000);
        world.failing.clear();
        world.run(1000);
    }
    assert_eq!(world.times(|event| matches!(event, Event::Unready { .. })), []);
}

#[test]
fn enough_good_answers_in_a_row_are_needed() {
    let mut deployment = single();
    if let Some(readiness) = &mut deployment.template.readiness {
        readiness.success_threshold = 3;
    }
    let world = World::settled(deployment);
    assert_eq!(world.story(1).last().unwrap(), "3101 available");
}

#[test]
fn nobody_asks_before_the_startup_probe_has_passed() {
    let mut deployment = single();
    deployment.template.startup = Some(Probe { failure_threshold: 10, ..probe(300) });
    deployment.template.liveness = Some(Probe { initial_delay: ms(2000), ..probe(1000) });
    let mut world = World::new(deployment);
    world.run(4000);
    assert_eq!(world.asked(ProbeKind::Startup, 1), [100, 400, 700, 1000]);
    assert_eq!(world.asked(ProbeKind::Readiness, 1), [1001, 2001, 3001]);
    assert_eq!(world.asked(ProbeKind::Liveness, 1), [2100, 3100]);
    assert_eq!(world.story(1), ["0 created", "100 started 0", "1002 ready", "1002 available"]);
}

#[test]
fn without_a_readiness_probe_the_startup_probe_decides() {
    let mut deployment = without_probes();
    deployment.template.startup = Some(Probe { failure_threshold: 10, ..probe(300) });
    let world = World::settled(deployment);
    assert_eq!(world.story(1), ["0 created", "100 started 0", "1001 ready", "1001 available"]);
}

#[test]
fn what_does_not_start_in_time_is_restarted() {
    let mut deployment = single();
    deployment.template.startup = Some(probe(300));
    let mut world = World::new(deployment);
    world.run(1200);
    // Two failures are too many: SIGTERM, and again at once; the next time it waits.
    let expected = ["0 created", "100 started 0", "401 TERM startup", "901 exited 0", "1001 started 1"];
    assert_eq!(world.story(1), expected);
    assert_eq!(world.asked(ProbeKind::Readiness, 1), []);
    // One that is deaf has as long as the probe gives it.
    let mut deployment = single();
    deployment.template.startup = Some(Probe { grace: Some(ms(3000)), ..probe(300) });
    let mut world = World::new(deployment);
    world.good.term = None;
    world.run(3500);
    assert_eq!(world.story(1)[2..], ["401 TERM startup", "3401 KILL grace over", "3402 exited 137"]);
}

#[test]
fn one_that_hangs_is_killed_and_restarted_in_place() {
    let mut deployment = single();
    deployment.template.liveness = Some(Probe { grace: Some(ms(3000)), ..probe(1000) });
    deployment.template.pre_stop = Some(Hook::Sleep(ms(1000)));
    let mut world = World::settled(deployment);
    world.good.term = None;
    world.run(3500);
    world.failing.insert((ProbeKind::Liveness, ONE));
    world.run(5000);
    world.failing.clear();
    world.settle();
    let expected = [
        "6101 unready",
        "6101 hook",
        "7101 hook over",
        "7101 TERM liveness",
        "9101 KILL grace over",
        "9102 exited 137",
        "9202 started 1",
        "10203 ready",
        "10203 available",
    ];
    assert_eq!(world.story(1)[4..], expected);
    let standing = world.cluster.standings()[0];
    assert_eq!((standing.replica, standing.restarts), (ONE, 1));
    // While it was being killed nobody asked, and none of its endpoints was terminating.
    assert_eq!(world.asked(ProbeKind::Readiness, 1).iter().filter(|when| (6101..9202).contains(*when)).count(), 0);
    let terminating = |event: &Event| matches!(event, Event::Endpoints { endpoints } if endpoints[0].terminating);
    assert_eq!(world.times(terminating), []);
}

#[test]
fn answers_from_before_a_restart_are_ignored() {
    let mut world = World::settled(single());
    world.crash(ONE);
    world.run(100);
    let old = Input::Probed {
        replica: ONE,
        probe: ProbeKind::Readiness,
        number: 2,
        passed: true,
        detail: String::new(),
        took: ms(1),
    };
    world.give(old);
    assert!(world.standing(|one| one.ready).is_empty());
    world.settle();
}

#[test]
fn restarts_are_put_off_for_longer_and_longer() {
    let mut world = World::new(without_probes());
    world.good.crash = Some(1000);
    world.run(2_000_000);
    let waits: Vec<u64> = world
        .log
        .iter()
        .filter_map(|(_, event)| match event {
            Event::BackingOff { delay, .. } => Some(delay.as_secs()),
            _ => None,
        })
        .collect();
    assert_eq!(waits[..8], [10, 20, 40, 80, 160, 300, 300, 300]);
    // It ended by itself each time 1 s after its start, and the first restart came at once.
    let starts = world.times(|event| matches!(event, Event::Started { .. }));
    assert_eq!(starts[..5], [100, 1200, 12_300, 33_400, 74_500]);
    assert!(world.times(|event| matches!(event, Event::Created { .. })).len() == 1, "it keeps its number");
}

#[test]
fn a_process_that_ran_for_long_is_restarted_at_once() {
    let mut world = World::settled(without_probes());
    world.crash(ONE);
    world.run(1000);
    world.crash(ONE);
    world.run(10_000 + 600_000 + 200);
    let waits = |world: &World| world.times(|event| matches!(event, Event::BackingOff { .. })).len();
    assert_eq!(waits(&world), 1);
    world.crash(ONE);
    assert_eq!(waits(&world), 1);
    world.run(1000);
    world.crash(ONE);
    assert_eq!(world.story(1).last().unwrap().split(' ').next_back(), Some("10s"));
}

#[test]
fn a_clean_exit_is_an_exit_too() {
    let mut world = World::settled(without_probes());
    let before = world.story(1).len();
    world.give(Input::Exited { replica: ONE, exit: Exit::Code(0) });
    world.run(200);
    let words: Vec<String> =
        world.story(1)[before..].iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(words, ["exited 0", "unready", "started 1", "ready", "available"]);
}

#[test]
fn what_cannot_be_started_is_tried_again() {
    let mut world = World::new(without_probes());
    world.good.start = None;
    world.run(32_000);
    assert_eq!(
        world.story(1),
        [
            "0 created",
            "1 not started",
            "2 not started",
            "2 waits 10s",
            "10003 not started",
            "10003 waits 20s",
            "30004 not started",
            "30004 waits 40s"
        ]
    );
    world.good.start = Some(0);
    world.settle();
    assert_eq!(world.cluster.standings()[0].restarts, 0);
    // One that waits has no process, so there is nothing to wait for.
    world.good.start = None;
    world.crash(ONE);
    world.run(1000);
    world.order(Order::Delete(ONE));
    assert_eq!(world.story(1).last().unwrap().split(' ').next_back(), Some("gone"));
}

use super::super::{Effect, Input, Order};
use super::world::*;
use crate::{
    deployment::{Check, Deployment, Hook, Probe, ProbeKind},
    event::{Event, Replica},
};

const ONE: Replica = Replica(1);

/// One replica that has settled, and is deleted at 10 s.
fn deleted(change: impl FnOnce(&mut Deployment), conduct: Conduct) -> Vec<String> {
    let mut deployment = Deployment { replicas: 1, ..deployment() };
    change(&mut deployment);
    let mut world = World::new(deployment);
    world.good = conduct;
    world.settle();
    world.run(10_000 - u64::try_from(world.now.since_start().as_millis()).unwrap());
    let before = world.story(1).len();
    world.order(Order::Delete(ONE));
    world.settle();
    let story = world.story(1)[before..].to_vec();
    assert_eq!(story[0].split(' ').next(), Some("10000"));
    story[1..].to_vec()
}

fn ask() -> Hook {
    Hook::Ask(Check::Tcp { port: None })
}

#[test]
fn a_polite_process_ends_by_itself() {
    let story = deleted(|_| {}, Conduct::default());
    assert_eq!(story, ["10000 TERM", "10500 exited 0", "10500 unready", "10500 gone"]);
}

#[test]
fn a_deaf_process_is_killed_when_its_grace_is_over() {
    let deaf = Conduct { term: None, ..Conduct::default() };
    let story = deleted(|_| {}, deaf.clone());
    assert_eq!(story, ["10000 TERM", "40000 KILL grace over", "40001 exited 137", "40001 unready", "40001 gone"]);
    // However short its grace is, it has two seconds.
    let story = deleted(|deployment| deployment.template.grace = ms(500), deaf.clone());
    assert_eq!(story[..2], ["10000 TERM", "12000 KILL grace over"]);
    // With none at all there is nothing to wait for, and no hook.
    let nothing = |deployment: &mut Deployment| {
        deployment.template.grace = ms(0);
        deployment.template.pre_stop = Some(ask());
    };
    assert_eq!(deleted(nothing, deaf)[..2], ["10000 KILL grace over", "10001 exited 137"]);
}

#[test]
fn a_sleep_comes_before_sigterm_and_is_part_of_the_grace() {
    let deaf = Conduct { term: None, ..Conduct::default() };
    let sleep = |deployment: &mut Deployment| deployment.template.pre_stop = Some(Hook::Sleep(ms(5000)));
    let story = deleted(sleep, deaf.clone());
    assert_eq!(story[..4], ["10000 hook", "15000 hook over", "15000 TERM", "40000 KILL grace over"]);
    let story = deleted(sleep, Conduct::default());
    assert_eq!(story[2..4], ["15000 TERM", "15500 exited 0"]);
    // It leaves less than two seconds.
    let nearly = |deployment: &mut Deployment| {
        deployment.template.pre_stop = Some(Hook::Sleep(ms(29_000)));
    };
    assert_eq!(deleted(nearly, deaf.clone())[2..4], ["39000 TERM", "41000 KILL grace over"]);
    // It is as long as the grace.
    let exactly = |deployment: &mut Deployment| deployment.template.pre_stop = Some(Hook::Sleep(ms(30_000)));
    assert_eq!(deleted(exactly, deaf.clone())[1..4], ["40000 hook over", "40000 TERM", "42000 KILL grace over"]);
    let too_long = |deployment: &mut Deployment| deployment.template.pre_stop = Some(Hook::Sleep(ms(60_000)));
    let story = deleted(too_long, deaf);
    let overdue = "40000 hook failed: it was still running when the grace period was over";
    assert_eq!(story[..4], ["10000 hook", overdue, "40000 TERM", "42000 KILL grace over"]);
}

#[test]
fn a_hook_is_waited_for_and_its_failure_only_told() {
    let hooked = |deployment: &mut Deployment| deployment.template.pre_stop = Some(ask());
    let story = deleted(hooked, Conduct::default());
    assert_eq!(story[..4], ["10000 hook", "11000 hook over", "11000 TERM", "11500 exited 0"]);
    let failing = Conduct { hook: (70, Some("no shell")), ..Conduct::default() };
    let story = deleted(hooked, failing);
    assert_eq!(story[..4], ["10000 hook", "10070 hook failed: no shell", "10070 TERM", "10570 exited 0"]);
    let endless = Conduct { hook: (90_000, None), term: None, ..Conduct::default() };
    let story = deleted(hooked, endless);
    let overdue = "40000 hook failed: it was still running when the grace period was over";
    assert_eq!(story[..4], ["10000 hook", overdue, "40000 TERM", "42000 KILL grace over"]);
}

#[test]
fn a_hook_that_answers_late_does_not_end_the_next_one() {
    let mut deployment = Deployment { replicas: 1, ..deployment() };
    deployment.template.pre_stop = Some(ask());
    deployment.template.liveness = Some(probe(1000));
    let mut world = World::settled(deployment);
    world.good.hook = (5000, None);
    world.failing.insert((ProbeKind::Liveness, ONE));
    world.run(2500);
    assert!(world.story(1).last().unwrap().ends_with("hook"));
    // It crashes before its hook is over, is restarted, and then deleted.
    world.crash(ONE);
    world.failing.clear();
    world.run(1000);
    world.order(Order::Delete(ONE));
    world.run(4500);
    assert!(!world.story(1).iter().any(|line| line.ends_with("hook over")), "{:#?}", world.story(1));
    world.run(1000);
    assert!(world.story(1).last().unwrap().ends_with("gone"), "{:#?}", world.story(1));
}

#[test]
fn a_hook_that_overran_does_not_end_the_next_one() {
    let mut deployment = Deployment { replicas: 1, ..deployment() };
    deployment.template.pre_stop = Some(ask());
    deployment.template.liveness = Some(Probe { grace: Some(ms(3000)), ..probe(1000) });
    let mut world = World::settled(deployment);
    world.good.hook = (20_000, None);
    world.failing.insert((ProbeKind::Liveness, ONE));
    world.run(5000 - 1301);
    world.failing.clear();
    world.run(5000);
    world.order(Order::Delete(ONE));
    world.settle();
    let terms = world.times(|event| matches!(event, Event::Signalled { .. }));
    let hooks = world.times(|event| matches!(event, Event::PreStopBegun { .. }));
    assert_eq!((hooks, terms), (vec![3101, 10_000], vec![6101, 30_000]), "{:#?}", world.story(1));
}

#[test]
fn one_that_is_being_restarted_can_still_be_deleted() {
    let mut deployment = Deployment { replicas: 1, ..deployment() };
    deployment.template.liveness = Some(probe(1000));
    let mut world = World::settled(deployment);
    world.good.term = None;
    world.failing.insert((ProbeKind::Liveness, ONE));
    world.run(10_000);
    assert_eq!(world.story(1).last().unwrap(), "3101 TERM liveness");
    world.order(Order::Delete(ONE));
    world.settle();
    // Its time begins anew, and it is not asked twice to end.
    let deleted = u64::try_from(world.times(|event| matches!(event, Event::Terminating { .. }))[0]).unwrap();
    let story = world.story(1);
    let (kill, gone) = (format!("{} KILL grace over", deleted + 30_000), format!("{} gone", deleted + 30_001));
    assert_eq!(story[story.len() - 3..], [kill, format!("{} exited 137", deleted + 30_001), gone]);
}

#[test]
fn readiness_is_asked_until_the_end_and_nothing_else_is() {
    let mut deployment = Deployment { replicas: 1, ..deployment() };
    deployment.template.liveness = Some(probe(1000));
    let mut world = World::settled(deployment);
    world.good.term = Some(5000);
    world.failing.insert((ProbeKind::Liveness, ONE));
    world.order(Order::Delete(ONE));
    let from = world.now.since_start().as_millis();
    world.run(2500);
    assert_eq!(world.endpoints()[0], "1st");
    world.failing.insert((ProbeKind::Readiness, ONE));
    world.run(2000);
    assert_eq!(world.endpoints()[0], "1t");
    world.settle();
    let during = |kind| world.asked(kind, 1).into_iter().filter(|when| *when >= from).count();
    assert_eq!((during(ProbeKind::Readiness), during(ProbeKind::Liveness)), (5, 0));
}

#[test]
fn one_that_is_only_starting_is_told_when_it_runs() {
    let mut world = World::new(Deployment { replicas: 1, ..deployment() });
    world.run(50);
    world.order(Order::Delete(ONE));
    world.run(1000);
    assert_eq!(
        world.story(1),
        ["0 created", "50 terminating 30s", "100 started 0", "100 TERM", "600 exited 0", "600 gone"]
    );
    assert_eq!(world.asked(ProbeKind::Readiness, 1), []);
    // Or not at all, where it never does.
    let mut world = World::new(Deployment { replicas: 1, ..deployment() });
    world.good.start = None;
    world.run(0);
    world.order(Order::Delete(ONE));
    world.run(1);
    assert_eq!(world.story(1), ["0 created", "0 terminating 30s", "1 not started", "1 gone"]);
}

#[test]
fn to_delete_what_is_not_there_does_nothing() {
    let mut world = World::settled(deployment());
    let before = world.log.len();
    world.order(Order::Delete(Replica(77)));
    assert_eq!(world.log.len(), before);
    world.order(Order::Delete(ONE));
    let once = world.log.len();
    world.order(Order::Delete(ONE));
    assert_eq!(world.log.len(), once);
    let mut effects = Vec::new();
    world.cluster.on(world.now, Input::PreStopped { replica: ONE, failed: None }, &mut effects);
    assert_eq!(effects, Vec::<Effect>::new());
}

#[test]
fn a_replacement_comes_at_once() {
    let mut world = World::settled(deployment());
    world.order(Order::Delete(Replica(2)));
    assert_eq!(world.standing(|one| one.terminating), [2]);
    assert_eq!(world.standing(|one| !one.terminating), [1, 3, 4]);
    assert_eq!(world.standing(|one| one.available), [1, 3], "one that ends does not count, though it still serves");
    world.settle();
    assert_eq!(world.standing(|one| one.available), [1, 3, 4]);
}

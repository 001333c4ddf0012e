use super::super::Order;
use super::world::*;
use crate::{
    deployment::{Deployment, ProbeKind, Share, Strategy},
    event::{Event, Release, Replica, Revision},
};

fn rolling(replicas: u32, surge: u32, unavailable: u32) -> Deployment {
    let strategy =
        Strategy::RollingUpdate { max_surge: Share::Count(surge), max_unavailable: Share::Count(unavailable) };
    Deployment { replicas, strategy, ..deployment() }
}

/// Rollouts as they were recorded, a word each.
fn rollouts(world: &World) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::RolloutBegun { revision, release, back_to } => {
            let back = back_to.map_or_else(String::new, |to| format!(" back to {}", to.0));
            Some(format!("{} begun {release:?}{back}", revision.0))
        }
        Event::RolloutDone { revision } => Some(format!("{} done", revision.0)),
        Event::RolloutStuck { revision } => Some(format!("{} stuck", revision.0)),
        Event::Scaled { from, to } => Some(format!("{from} to {to}")),
        _ => None,
    };
    world.log.iter().filter_map(|(_, event)| word(event)).collect()
}

/// How many there are of each revision that are not terminating.
fn sizes(world: &World, revisions: &[u32]) -> Vec<usize> {
    let of = |revision| world.standing(|one| one.revision == Revision(revision) && !one.terminating).len();
    revisions.iter().map(|revision| of(*revision)).collect()
}

#[test]
fn the_first_tick_begins_revision_one() {
    let mut world = World::new(deployment());
    assert!(world.cluster.wake().is_some());
    assert!(!world.cluster.is_settled());
    world.settle();
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done"]);
    assert_eq!(world.standing(|one| one.available), [1, 2, 3]);
}

#[test]
fn replicas_are_replaced_one_by_one() {
    let mut world = World::settled(deployment());
    world.run(8699);
    world.order(Order::Rollout(Release::Good));
    world.settle();
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done", "2 begun Good", "2 done"]);
    assert_eq!(world.standing(|one| one.revision == Revision(2)), [4, 5, 6]);
    // The next one comes when the one before is available; each takes 1,101 ms for that. All old ones have been ready
    // for equally long, so that the youngest goes first.
    let created = world.times(|event| matches!(event, Event::Created { replica, .. } if replica.0 > 3));
    let terminating = world.times(|event| matches!(event, Event::Terminating { .. }));
    assert_eq!(created, [10_000, 11_101, 12_202]);
    assert_eq!(terminating, [11_101, 12_202, 13_303]);
    assert_eq!(world.times(|event| matches!(event, Event::RolloutDone { revision: Revision(2) })), [13_303]);
    assert_eq!(world.story(3)[4], "11101 terminating 30s");
}

#[test]
fn without_a_surge_an_old_one_goes_first() {
    let mut world = World::settled(rolling(3, 0, 1));
    world.order(Order::Rollout(Release::Good));
    assert_eq!((sizes(&world, &[1, 2]), world.standing(|one| one.terminating)), (vec![2, 1], vec![3]));
    world.settle();
    assert_eq!(sizes(&world, &[1, 2]), [0, 3]);
}

#[test]
fn a_bad_release_leaves_the_old_ones_serving() {
    let mut world = World::settled(Deployment { progress_deadline: ms(60_000), ..rolling(4, 1, 1) });
    world.bad.crash = Some(300);
    world.order(Order::Rollout(Release::Bad));
    let from = world.now.since_start().as_millis();
    world.run(1_000_000);
    assert_eq!(sizes(&world, &[1, 2]), [3, 2]);
    assert_eq!(world.view().len(), 3);
    assert_eq!(rollouts(&world)[2..], ["2 begun Bad", "2 stuck"]);
    assert_eq!(world.times(|event| matches!(event, Event::RolloutStuck { .. })), [from + 60_000]);
    // Back again: the old set is reused, and the bad ones go.
    world.order(Order::Undo);
    world.settle();
    assert_eq!(rollouts(&world)[4..], ["3 begun Good back to 1", "3 done"]);
    assert_eq!(sizes(&world, &[1, 2, 3]), [0, 0, 4]);
    assert_eq!(world.standing(|one| one.release == Release::Good).len(), 4);
    assert!(world.standing(|one| one.replica.0 < 4).len() == 3, "those that were left were never touched");
}

#[test]
fn progress_puts_the_deadline_off() {
    let mut world = World::new(Deployment { progress_deadline: ms(1500), ..deployment() });
    world.run(50_000);
    world.order(Order::Rollout(Release::Good));
    world.settle();
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done", "2 begun Good", "2 done"]);
    // Late is better than never.
    world.good.ready = Some(1_800);
    world.order(Order::Rollout(Release::Good));
    world.settle();
    assert_eq!(rollouts(&world)[4..], ["3 begun Good", "3 stuck", "3 done"]);
}

#[test]
fn whatever_comes_nearer_to_the_end_is_progress() {
    // One replica is ready after 1.1 s and the other after 4.1 s, and each is available 1.5 s later.
    let rules = Deployment { min_ready: ms(1500), progress_deadline: ms(1600), ..rolling(2, 1, 0) };
    let mut world = World::new(rules);
    world.special.insert(Replica(2), Conduct { ready: Some(3900), ..Conduct::default() });
    world.settle();
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done"]);
    // Fewer old ones are, too.
    let mut world = World::settled(Deployment { progress_deadline: ms(1500), ..rolling(4, 1, 0) });
    let from = world.now.since_start().as_millis();
    world.order(Order::Rollout(Release::Bad));
    world.run(1000);
    world.order(Order::Scale(2));
    world.run(60_000);
    assert_eq!(world.times(|event| matches!(event, Event::RolloutStuck { .. })), [from + 2500]);
}

#[test]
fn a_new_rollout_overtakes_the_one_under_way() {
    let mut world = World::settled(rolling(4, 1, 0));
    world.order(Order::Rollout(Release::Good));
    world.run(2500);
    assert_eq!(sizes(&world, &[1, 2]), [2, 3]);
    world.order(Order::Rollout(Release::Good));
    // What was not available yet serves nobody, and makes room.
    assert_eq!(sizes(&world, &[1, 2, 3]), [2, 2, 1]);
    world.settle();
    assert_eq!(sizes(&world, &[1, 2, 3]), [0, 0, 4]);
    assert_eq!(rollouts(&world)[2..], ["2 begun Good", "3 begun Good", "3 done"]);
}

#[test]
fn undo_goes_back_and_forth() {
    let mut world = World::settled(deployment());
    world.order(Order::Undo);
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done"], "there is nothing to go back to");
    world.order(Order::Rollout(Release::Bad));
    world.bad.ready = Some(0);
    world.settle();
    for _ in 0..2 {
        world.order(Order::Undo);
        world.settle();
    }
    let expected = ["2 begun Bad", "2 done", "3 begun Good back to 1", "3 done", "4 begun Bad back to 2", "4 done"];
    assert_eq!(rollouts(&world)[2..], expected);
    assert!(world.cluster.standings().iter().all(|one| one.release == Release::Bad && one.revision == Revision(4)));
}

#[test]
fn undo_amid_a_rollout_keeps_what_is_left() {
    let mut world = World::settled(rolling(4, 1, 0));
    world.order(Order::Rollout(Release::Good));
    world.run(2500);
    assert_eq!(sizes(&world, &[1, 2]), [2, 3]);
    world.order(Order::Undo);
    world.settle();
    assert_eq!(world.standing(|one| one.replica.0 <= 4), [1, 2]);
    assert_eq!(sizes(&world, &[2, 3]), [0, 4]);
}

#[test]
fn only_so_many_revisions_are_kept() {
    let mut world = World::settled(Deployment { revision_history: 2, ..deployment() });
    for _ in 0..4 {
        world.order(Order::Rollout(Release::Good));
        world.settle();
    }
    assert_eq!(world.cluster.sets.iter().map(|set| set.revision.0).collect::<Vec<_>>(), [3, 4, 5]);
    let mut world = World::settled(Deployment { revision_history: 0, ..deployment() });
    world.order(Order::Rollout(Release::Good));
    world.settle();
    let before = world.log.len();
    world.order(Order::Undo);
    assert_eq!(world.log.len(), before);
}

#[test]
fn none_is_forgotten_amid_a_rollout() {
    let rules = Deployment { strategy: Strategy::Recreate, revision_history: 0, ..deployment() };
    let mut world = World::settled(rules);
    world.order(Order::Rollout(Release::Bad));
    world.run(60_000);
    assert_eq!(sizes(&world, &[1, 2]), [0, 3]);
    world.order(Order::Undo);
    world.settle();
    assert_eq!(rollouts(&world)[3..], ["3 begun Good back to 1", "3 done"]);
}

#[test]
fn recreate_has_a_gap() {
    let mut world = World::settled(Deployment { strategy: Strategy::Recreate, ..deployment() });
    world.run(8699);
    world.special.insert(Replica(2), Conduct { term: Some(4000), ..Conduct::default() });
    world.order(Order::Rollout(Release::Good));
    assert_eq!(world.standing(|one| one.terminating), [1, 2, 3]);
    // Amid the gap another number is wanted.
    world.run(1000);
    world.order(Order::Scale(2));
    world.settle();
    let created = world.times(|event| matches!(event, Event::Created { revision: Revision(2), .. }));
    assert_eq!(created, [14_000, 14_000], "the slowest old one decides");
    assert!(world.times(|event| matches!(event, Event::View { replicas } if replicas.is_empty())).len() == 1);
}

#[test]
fn scaling_amid_a_rollout_is_shared() {
    let mut world = World::settled(rolling(10, 3, 2));
    world.good.ready = None;
    world.order(Order::Rollout(Release::Good));
    assert_eq!(sizes(&world, &[1, 2]), [8, 5]);
    // The documentation's example.
    world.order(Order::Scale(15));
    assert_eq!(rollouts(&world).last().unwrap(), "10 to 15");
    assert_eq!(sizes(&world, &[1, 2]), [11, 7]);
    world.good.ready = Some(0);
    world.settle();
    assert_eq!(sizes(&world, &[1, 2]), [0, 15]);
}

#[test]
fn scaling_when_idle() {
    let mut world = World::settled(deployment());
    let before = world.log.len();
    world.order(Order::Scale(3));
    assert_eq!(world.log.len(), before, "as many as there are");
    world.order(Order::Scale(5));
    assert!(!world.cluster.is_settled());
    world.settle();
    assert_eq!(world.standing(|one| one.available), [1, 2, 3, 4, 5]);
    world.order(Order::Scale(0));
    world.settle();
    assert_eq!((world.standing(|_| true), world.view()), (vec![], vec![]));
    world.order(Order::Scale(1));
    world.settle();
    assert_eq!((world.cluster.deployment().replicas, world.view()), (1, vec![6]));
    assert_eq!(rollouts(&world), ["1 begun Good", "1 done", "3 to 5", "5 to 0", "0 to 1"]);
}

#[test]
fn the_one_that_is_missed_least_goes_first() {
    // Five replicas: 2 is not ready, 4 has been ready for less long than the others, 5 has not started yet.
    let mut world = World::new(rolling(5, 1, 0));
    world.special.insert(Replica(5), Conduct { start: Some(100_000), ..Conduct::default() });
    world.run(5000);
    world.crash(Replica(4));
    world.run(5000);
    world.failing.insert((ProbeKind::Readiness, Replica(2)));
    world.run(5000);
    assert_eq!(world.standing(|one| one.ready), [1, 3, 4]);
    for (to, gone) in [(4, 5), (3, 2), (2, 4), (1, 3)] {
        world.order(Order::Scale(to));
        assert_eq!(
            world.times(|event| *event == Event::Terminating { replica: Replica(gone), grace: ms(30_000) }).len(),
            1
        );
    }
}

use super::super::{Order, Propagation};
use super::world::*;
use crate::{
    deployment::{Deployment, ProbeKind},
    event::{Event, Replica},
};

fn views(world: &World) -> Vec<(u128, Vec<u32>)> {
    let view = |(when, event): &(crate::time::Moment, Event)| match event {
        Event::View { replicas } => {
            Some((when.since_start().as_millis(), replicas.iter().map(|replica| replica.0).collect()))
        }
        _ => None,
    };
    world.log.iter().filter_map(view).collect()
}

#[test]
fn clients_hear_of_a_change_later() {
    let mut world = World::settled(deployment());
    assert_eq!(views(&world).last(), Some(&(1301, vec![1, 2, 3])));
    world.run(8699);
    world.order(Order::Delete(Replica(2)));
    assert_eq!(world.endpoints(), ["1rs", "2st", "3rs", "4"]);
    world.run(199);
    assert_eq!(world.view(), [1, 2, 3]);
    world.run(1);
    assert_eq!(world.view(), [1, 3]);
    assert_eq!(views(&world).last(), Some(&(10_200, vec![1, 3])));
}

#[test]
fn a_replica_is_listed_from_its_creation_until_it_is_gone() {
    let mut world = World::new(Deployment { replicas: 1, ..deployment() });
    world.run(0);
    assert_eq!(world.endpoints(), ["1"]);
    world.settle();
    assert_eq!(world.endpoints(), ["1rs"]);
    world.order(Order::Scale(0));
    assert_eq!(world.endpoints(), ["1st"]);
    world.run(500);
    assert_eq!(world.endpoints(), [""; 0]);
}

#[test]
fn one_that_terminates_is_used_only_where_none_is_ready() {
    let mut world = World::settled(Deployment { replicas: 1, ..deployment() });
    world.good.term = Some(5000);
    world.order(Order::Delete(Replica(1)));
    world.run(500);
    assert_eq!((world.endpoints(), world.view()), (vec!["1st".to_owned(), "2".to_owned()], vec![1]));
    world.run(1500);
    assert_eq!((world.endpoints(), world.view()), (vec!["1st".to_owned(), "2rs".to_owned()], vec![2]));
    // And one that is only not ready is not used at all.
    world.settle();
    world.failing.insert((ProbeKind::Readiness, Replica(2)));
    world.run(3000);
    assert_eq!((world.endpoints(), world.view()), (vec!["2".to_owned()], vec![]));
}

#[test]
fn a_flap_is_seen_by_clients_as_one() {
    let mut world = World::settled(deployment());
    let before = views(&world).len();
    world.failing.insert((ProbeKind::Readiness, Replica(2)));
    world.run(2500);
    world.failing.clear();
    world.run(2500);
    let seen: Vec<Vec<u32>> = views(&world)[before..].iter().map(|(_, view)| view.clone()).collect();
    assert_eq!(seen, [vec![1, 3], vec![1, 2, 3]]);
    assert!(world.cluster.is_settled());
}

#[test]
fn a_flap_that_clients_have_not_heard_of_is_not_over() {
    let slowly = Propagation { least: ms(5000), most: ms(5000) };
    let mut world = World::seeded(deployment(), slowly, 1);
    world.settle();
    world.failing.insert((ProbeKind::Readiness, Replica(2)));
    world.run(2000);
    world.failing.clear();
    world.run(1000);
    assert_eq!((world.endpoints()[1].as_str(), world.view()), ("2rs", vec![1, 2, 3]));
    assert!(!world.cluster.is_settled());
    world.run(4000);
    assert_eq!(world.view(), [1, 3]);
    world.settle();
    assert_eq!(world.view(), [1, 2, 3]);
}

#[test]
fn no_change_overtakes_another() {
    let propagation = Propagation { least: ms(0), most: ms(5000) };
    let mut delays = Vec::new();
    for seed in 0..20 {
        let mut world = World::seeded(deployment(), propagation, seed);
        world.settle();
        let from = world.now;
        for replica in [1, 2] {
            world.order(Order::Delete(Replica(replica)));
        }
        let before = views(&world).len();
        world.run(10_000);
        let seen = &views(&world)[before..];
        // Both may be heard of at the same moment, but never the second before the first.
        assert_eq!(seen[0].1, [2, 3], "seed {seed}");
        assert_eq!(seen[1].1, [3], "seed {seed}");
        delays.push(seen[0].0 - from.since_start().as_millis());
    }
    delays.sort_unstable();
    assert!(delays[0] < 1500 && delays[19] > 3500, "the delays are spread: {delays:?}");
}

#[test]
fn nothing_is_settled_before_clients_have_heard_of_it() {
    let mut world = World::new(deployment());
    world.run(1101);
    assert_eq!(world.standing(|one| one.available), [1, 2, 3]);
    assert!(!world.cluster.is_settled());
    world.run(200);
    assert!(world.cluster.is_settled());
}

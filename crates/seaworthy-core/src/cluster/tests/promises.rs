use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy as _, *};

use super::super::{Order, Propagation};
use super::world::*;
use crate::{
    deployment::{Check, Deployment, Hook, ProbeKind, Share, Strategy, Template},
    event::{Endpoint, Event, Reason, Release, Replica, Signal},
    time::Moment,
};

#[derive(Clone, Copy, Debug)]
enum Deed {
    Rollout(Release),
    Undo,
    Scale(u32),
    Crash(u32),
    Delete(u32),
    Hang(u32),
}

fn share() -> impl proptest::strategy::Strategy<Value = Share> {
    prop_oneof![(0..4_u32).prop_map(Share::Count), (0..=100_u32).prop_map(Share::Percent)]
}

fn deployments(recreate: bool) -> impl proptest::strategy::Strategy<Value = Deployment> {
    let rolling = (share(), share())
        .prop_map(|(max_surge, max_unavailable)| Strategy::RollingUpdate { max_surge, max_unavailable });
    let strategy =
        if recreate { prop_oneof![3 => rolling, 1 => Just(Strategy::Recreate)].boxed() } else { rolling.boxed() };
    let hook = prop_oneof![
        Just(None),
        (0..40_000_u64).prop_map(|sleep| Some(Hook::Sleep(ms(sleep)))),
        Just(Some(Hook::Ask(Check::Exec { command: Vec::new() })))
    ];
    let grace = prop_oneof![Just(0), 1..5000_u64, Just(30_000)];
    (1..8_u32, strategy, prop_oneof![Just(0), 0..4000_u64], hook, grace, any::<bool>()).prop_map(
        |(replicas, strategy, min_ready, pre_stop, grace, asked)| Deployment {
            replicas,
            strategy,
            min_ready: ms(min_ready),
            template: Template {
                readiness: asked.then(|| probe(1000)),
                liveness: Some(probe(700)),
                pre_stop,
                grace: ms(grace),
                ..deployment().template
            },
            ..deployment()
        },
    )
}

/// What each replica's process does, by its number.
fn conducts() -> impl proptest::strategy::Strategy<Value = Vec<Conduct>> {
    let conduct = (0..3000_u64, 0..4000_u64, proptest::option::of(0..10_000_u64), 0..40_000_u64).prop_map(
        |(start, ready, term, hook)| Conduct {
            start: Some(start),
            ready: Some(ready),
            term,
            crash: None,
            hook: (hook, (hook % 3 == 0).then_some("failed")),
        },
    );
    proptest::collection::vec(conduct, 1..12)
}

fn rollouts() -> impl proptest::strategy::Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::Rollout(Release::Good)),
        1 => Just(Deed::Rollout(Release::Bad)),
        1 => Just(Deed::Undo),
    ]
}

fn deeds() -> impl proptest::strategy::Strategy<Value = Deed> {
    prop_oneof![
        rollouts(),
        (0..10_u32).prop_map(Deed::Scale),
        any::<u32>().prop_map(Deed::Crash),
        any::<u32>().prop_map(Deed::Delete),
        any::<u32>().prop_map(Deed::Hang),
    ]
}

fn after_a_while<D>(deeds: D) -> impl proptest::strategy::Strategy<Value = Vec<(u64, Deed)>>
where
    D: proptest::strategy::Strategy<Value = Deed>,
{
    proptest::collection::vec((prop_oneof![Just(0), 0..1000_u64, 0..20_000_u64], deeds), 0..8)
}

fn propagations() -> impl proptest::strategy::Strategy<Value = Propagation> {
    (0..3000_u64, 0..3000_u64).prop_map(|(least, more)| Propagation { least: ms(least), most: ms(least + more) })
}

fn world(deployment: &Deployment, propagation: Propagation, conducts: &[Conduct], seed: u64) -> World {
    let mut world = World::seeded(deployment.clone(), propagation, seed);
    for (replica, conduct) in (1..500).zip(conducts.iter().cycle()) {
        world.special.insert(Replica(replica), conduct.clone());
    }
    world
}

fn act(world: &mut World, deed: Deed) {
    world.failing.clear();
    let pick = |any: u32| {
        let all = world.standing(|one| one.running);
        (!all.is_empty()).then(|| Replica(all[any as usize % all.len()]))
    };
    match deed {
        Deed::Rollout(release) => world.order(Order::Rollout(release)),
        Deed::Undo => world.order(Order::Undo),
        Deed::Scale(to) => world.order(Order::Scale(to)),
        Deed::Crash(any) => {
            if let Some(replica) = pick(any) {
                world.crash(replica);
            }
        }
        Deed::Delete(any) => {
            if let Some(replica) = pick(any) {
                world.order(Order::Delete(replica));
            }
        }
        // Until the next deed.
        Deed::Hang(any) => {
            if let Some(replica) = pick(any) {
                world.failing.insert((ProbeKind::Liveness, replica));
            }
        }
    }
}

/// Never more than there may be; with `Recreate` never old and new ones together.
fn not_too_many(world: &World) {
    let deployment = world.cluster.deployment();
    let most = deployment.replicas + deployment.strategy.fenceposts(deployment.replicas).surge;
    let alive = world.standing(|one| !one.terminating).len();
    assert!(alive <= most as usize, "{alive} of {most}: {:#?}", world.cluster.standings());
    if deployment.strategy == Strategy::Recreate {
        let revisions: BTreeSet<_> = world.cluster.standings().iter().map(|one| one.revision).collect();
        assert!(revisions.len() <= 1, "{:#?}", world.cluster.standings());
    }
}

fn not_too_few(world: &World) {
    not_too_many(world);
    let deployment = world.cluster.deployment();
    let fewer = deployment.strategy.fenceposts(deployment.replicas).unavailable;
    let available = world.standing(|one| one.available).len();
    let established = world.log.iter().any(|(_, event)| matches!(event, Event::RolloutDone { .. }));
    assert!(!established || available + fewer as usize >= deployment.replicas as usize, "{available} are available");
}

/// Each replica comes once and goes once, and those that stand are those that came and did not go.
fn each_comes_and_goes_once(world: &World) {
    let mut alive = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (_, event) in &world.log {
        match event {
            Event::Created { replica, .. } => assert!(alive.insert(*replica) && numbers.insert(*replica)),
            Event::Gone { replica } => assert!(alive.remove(replica), "{replica} went twice"),
            _ => {}
        }
    }
    let standing: BTreeSet<Replica> = world.cluster.standings().iter().map(|one| one.replica).collect();
    assert_eq!(alive, standing);
}

/// Nobody is killed before its grace is over, nor sooner than two seconds after it was asked.
fn each_has_its_time(world: &World) {
    let grace = world.cluster.deployment().template.grace;
    let mut deadlines: BTreeMap<Replica, Moment> = BTreeMap::new();
    let mut asked: BTreeMap<Replica, Moment> = BTreeMap::new();
    let mut terminating = BTreeSet::new();
    for (when, event) in &world.log {
        match event {
            Event::Terminating { replica, .. } => {
                assert!(terminating.insert(*replica), "{replica} terminates twice");
                deadlines.insert(*replica, *when + grace);
            }
            Event::PreStopBegun { replica } => {
                deadlines.entry(*replica).or_insert(*when + grace);
            }
            Event::Signalled { replica, signal: Signal::Term, reason } => {
                deadlines.entry(*replica).or_insert(*when + grace);
                assert_eq!(*reason == Reason::Termination, terminating.contains(replica));
                assert!(asked.insert(*replica, *when).is_none(), "{replica} was asked twice");
            }
            Event::Signalled { replica, signal: Signal::Kill, .. } => match asked.get(replica) {
                Some(asked) => assert!(*when >= (*asked + ms(2000)).max(deadlines[replica])),
                None => assert!(grace.is_zero()),
            },
            Event::Exited { replica, .. } => {
                asked.remove(replica);
                deadlines.remove(replica);
            }
            _ => {}
        }
    }
}

/// Clients never see what was not so, and never sooner than they can.
fn views_lag(world: &World, least: Duration) {
    let those = |endpoints: &[Endpoint], wanted: fn(&Endpoint) -> bool| -> Vec<Replica> {
        endpoints.iter().filter(|endpoint| wanted(endpoint)).map(|endpoint| endpoint.replica).collect()
    };
    let mut usable: Vec<(Moment, Vec<Replica>)> = vec![(Moment::START, Vec::new())];
    let mut seen = 0;
    for (when, event) in &world.log {
        match event {
            Event::Endpoints { endpoints } => {
                let ready = those(endpoints, |endpoint| endpoint.ready);
                let draining = those(endpoints, |endpoint| endpoint.serving && endpoint.terminating);
                usable.push((*when, if ready.is_empty() { draining } else { ready }));
            }
            Event::View { replicas } => {
                let next = usable.iter().skip(seen).position(|(_, usable)| usable == replicas);
                seen += next.unwrap_or_else(|| panic!("{replicas:?} were never usable"));
                assert!(*when >= usable[seen].0 + least);
            }
            _ => {}
        }
    }
    assert_eq!(world.cluster.view(), usable.last().unwrap().1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_the_rules_hold(
        deployment in deployments(true),
        propagation in propagations(),
        conducts in conducts(),
        deeds in after_a_while(deeds()),
        seed: u64,
    ) {
        let mut world = world(&deployment, propagation, &conducts, seed);
        world.on_step = not_too_many;
        for (pause, deed) in deeds {
            world.run(pause);
            act(&mut world, deed);
        }
        act(&mut world, Deed::Rollout(Release::Good));
        world.settle();
        each_comes_and_goes_once(&world);
        each_has_its_time(&world);
        views_lag(&world, propagation.least);
        let wanted = world.cluster.deployment().replicas as usize;
        prop_assert_eq!(world.standing(|one| one.available && one.release == Release::Good).len(), wanted);
    }

    #[test]
    fn a_rollout_alone_takes_no_more_than_it_may(
        deployment in deployments(false),
        conducts in conducts(),
        deeds in after_a_while(rollouts()),
        seed: u64,
    ) {
        let mut world = world(&deployment, propagation(), &conducts, seed);
        world.settle();
        world.on_step = not_too_few;
        for (pause, deed) in deeds {
            world.run(pause);
            act(&mut world, deed);
        }
        world.order(Order::Rollout(Release::Good));
        world.settle();
    }

    #[test]
    fn the_same_happens_again(
        deployment in deployments(true),
        propagation in propagations(),
        conducts in conducts(),
        deeds in after_a_while(deeds()),
        seed: u64,
    ) {
        let logs = [(), ()].map(|()| {
            let mut world = world(&deployment, propagation, &conducts, seed);
            for (pause, deed) in &deeds {
                world.run(*pause);
                act(&mut world, *deed);
            }
            world.log
        });
        prop_assert_eq!(&logs[0], &logs[1]);
    }
}

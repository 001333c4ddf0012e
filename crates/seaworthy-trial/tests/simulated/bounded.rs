//! It ends, whatever it is given.

use std::time::Duration;

use proptest::prelude::*;
use seaworthy_core::{
    deployment::{Check, Hook, Probe, Share, Strategy as Replacing},
    drill::Drill,
    event::Event,
    trial::End,
};
use seaworthy_trial::simulated::{Behaviour, OnTerm, PLANTS, World, plant, run};

use crate::world::{each_second, get, plan, seconds, world};

#[test]
fn a_target_that_never_gets_ready_is_given_up() {
    // It is never asked before its time is over.
    let mut plan = plan(&Drill::DEFAULT, 1);
    let probe = plan.deployment.template.readiness.as_mut().unwrap();
    probe.initial_delay = seconds(600);
    let simulated = run(plan, world(1));
    assert_eq!(simulated.end, Some(End::NeverReady));
    assert!(simulated.intervals.is_empty());
    assert_eq!(simulated.footer.duration, seconds(60));
}

#[test]
fn it_takes_no_more_virtual_time_than_it_may() {
    let behaviour = Behaviour { service: (seconds(1), seconds(1)), ..Behaviour::default() };
    let simulated = run(plan(&Drill::DEFAULT, 1), World { limit: seconds(20), behaviour, ..world(1) });
    assert_eq!(simulated.end, None);
    assert_eq!(simulated.footer.duration, seconds(20));
    assert!((190..=210).contains(&simulated.footer.unfinished), "{:?}", simulated.footer);
    assert!(simulated.events.iter().all(|(at, _)| at.since_start() <= seconds(20)));
}

fn check() -> impl Strategy<Value = Check> {
    prop_oneof![Just(get()), Just(Check::Tcp { port: None }), Just(Check::Exec { command: vec!["true".to_owned()] }),]
}

fn probe() -> impl Strategy<Value = Option<Probe>> {
    let some = (check(), 0..3_u64, 1..4_u64, 1..3_u32).prop_map(|(check, delay, period, failures)| Probe {
        initial_delay: seconds(delay),
        period: seconds(period),
        failure_threshold: failures,
        ..each_second(check)
    });
    proptest::option::of(some)
}

fn replacing() -> impl Strategy<Value = Replacing> {
    let share = || prop_oneof![(0..4_u32).prop_map(Share::Count), (0..=100_u32).prop_map(Share::Percent)];
    prop_oneof![
        Just(Replacing::Recreate),
        (share(), share())
            .prop_map(|(max_surge, max_unavailable)| Replacing::RollingUpdate { max_surge, max_unavailable }),
    ]
}

fn hook() -> impl Strategy<Value = Option<Hook>> {
    proptest::option::of(prop_oneof![
        (0..4_u64).prop_map(|time| Hook::Sleep(seconds(time))),
        check().prop_map(Hook::Ask)
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_deployment_comes_to_an_end(
        (replicas, min_ready, grace) in (1..=5_u32, 0..3_u64, 0..6_u64),
        (startup, readiness, liveness) in (probe(), probe(), probe()),
        (strategy, pre_stop) in (replacing(), hook()),
        (cause, seed) in (0..PLANTS.len(), any::<u64>()),
        (fresh, connections, discards, crash) in (0.0..=1.0, 0..20_usize, any::<bool>(), proptest::option::of(0..60_u64)),
    ) {
        let mut plan = plan(&Drill::DEFAULT, seed);
        plan.deployment.replicas = replicas;
        plan.deployment.strategy = strategy;
        plan.deployment.min_ready = seconds(min_ready);
        let template = &mut plan.deployment.template;
        (template.startup, template.readiness, template.liveness) = (startup, readiness, liveness);
        (template.pre_stop, template.grace) = (pre_stop, seconds(grace));
        let mut world = World { rate: 20.0, fresh, connections, ..world(seed) };
        prop_assert!(plant(PLANTS[cause].0, &mut plan, &mut world));
        world.behaviour.crash = crash.map(seconds);
        if discards {
            world.behaviour.on_term = OnTerm::DiscardQueue { after: Duration::from_millis(seed % 3_000) };
        }

        let simulated = run(plan, world);
        prop_assert!(simulated.end.is_some(), "{:?}", simulated.events.last());
        prop_assert!(simulated.events.is_sorted_by_key(|(at, _)| *at));
        let ended = simulated.intervals.iter().map(|interval| interval.counts.good + interval.counts.failed).sum::<u64>();
        let arrived = simulated.intervals.iter().map(|interval| interval.counts.arrived).sum::<u64>();
        prop_assert_eq!(ended, arrived);
        let blind = simulated.events.iter().any(|(_, event)| matches!(event, Event::Blind { .. } | Event::Foreign { .. }));
        prop_assert!(!blind);
    }
}

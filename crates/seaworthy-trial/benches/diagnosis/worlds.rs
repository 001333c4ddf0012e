//! Worlds by chance: within bounds that a service may have, healthy or with one or two causes planted.

use std::time::Duration;

use rand::{Rng, RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    cluster::Propagation,
    deployment::{Check, Deployment, Hook, Probe, Share, Strategy, Template},
    drill::Drill,
    history::{Expectations, Header, History},
    trial::{Asked, Plan, Timing},
};
use seaworthy_trial::simulated::{Behaviour, Cold, OnTerm, PLANTS, Truth, World, plant, run};

/// A world, before anything happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// It is made of this alone.
    pub(crate) seed: u64,
    /// The causes that are planted in it.
    pub(crate) planted: Vec<&'static str>,
    pub(crate) plan: Plan,
    pub(crate) world: World,
}

/// How many causes are to be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// By chance: none in three of ten worlds, one in four of ten, and two in the rest.
    Any,
    /// None.
    Healthy,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn between(chance: &mut impl Rng, least: u64, most: u64) -> Duration {
    ms(chance.random_range(least..=most))
}

/// The world of a seed.
pub(crate) fn make(seed: u64, sort: Sort) -> Made {
    // Seeds that follow each other are to be worlds that have nothing to do with each other.
    let mut chance = Pcg64Mcg::seed_from_u64(seed ^ u64::from_be_bytes(*b"manyseas"));
    let planted = planted(&mut chance, sort);
    let mut plan = plan(&mut chance, seed, &planted);
    let mut world = world(&mut chance, seed);
    let (service, start, serve_on) = (
        {
            let least = chance.random_range(1..=10);
            (ms(least), between(&mut chance, least, 30))
        },
        (ms(100), between(&mut chance, 100, 1_200)),
        between(&mut chance, 2_500, 4_000),
    );
    assert!(plant(&name(&planted), &mut plan, &mut world), "{planted:?}");
    // What no plant has decided is left to chance. One of them goes by how long a request takes.
    let usual = Behaviour::default();
    let behaviour = &mut world.behaviour;
    if behaviour.service == usual.service && behaviour.idle.is_none() {
        behaviour.service = service;
    }
    // What is not several times as slow as usual is no replica, and no start, that anybody calls slow.
    let (_, most) = behaviour.service;
    behaviour.slow_replica = behaviour.slow_replica.map(|adds| adds.max(most * 4));
    behaviour.cold = behaviour.cold.map(|cold| Cold { adds: cold.adds.max(most * 6), ..cold });
    if behaviour.start == usual.start {
        behaviour.start = start;
    }
    if behaviour.on_term == usual.on_term {
        behaviour.on_term = OnTerm::Drain { serve_on };
    }
    Made { seed, planted, plan, world }
}

/// The name of all that is planted: `a+b`, or `none`.
pub(crate) fn name(planted: &[&str]) -> String {
    if planted.is_empty() { "none".to_owned() } else { planted.join("+") }
}

fn planted(chance: &mut Pcg64Mcg, sort: Sort) -> Vec<&'static str> {
    let names: Vec<&'static str> = PLANTS.iter().map(|(name, _)| *name).filter(|name| *name != "none").collect();
    let tenth = chance.random_range(0..10);
    if sort == Sort::Healthy || tenth < 3 {
        return Vec::new();
    }
    loop {
        let count = if tenth < 7 { 1 } else { 2 };
        let planted: Vec<&'static str> = names.sample(chance, count).copied().collect();
        if Behaviour::named(&name(&planted)).is_some() {
            return planted;
        }
    }
}

/// The drills in which a cause can show.
fn shows_in(name: &str) -> &'static [Drill] {
    match name {
        "bad-release-served" => &[Drill::BadRelease],
        "traffic-before-ready" | "cold-start" => &[Drill::Rollout, Drill::Terminate, Drill::ScaleUp],
        "recreate-gap" | "rollout-capacity-dip" | "rollout-stuck" => &[Drill::Rollout],
        "single-replica-gap" => &[Drill::Terminate],
        "exit-on-sigterm"
        | "sigterm-ignored"
        | "grace-period-too-short"
        | "shutdown-closes-idle-keepalive"
        | "accept-queue-discard"
        | "endpoint-removal-race"
        | "prestop-failed" => &[Drill::Rollout, Drill::Terminate, Drill::ScaleDown],
        _ => &DISTURBING,
    }
}

const DISTURBING: [Drill; 7] =
    [Drill::Rollout, Drill::Terminate, Drill::Kill, Drill::Freeze, Drill::ScaleDown, Drill::ScaleUp, Drill::BadRelease];

fn plan(chance: &mut Pcg64Mcg, seed: u64, planted: &[&str]) -> Plan {
    let get = || Check::Http { port: None, path: "/".to_owned(), headers: Vec::new(), tls: false };
    let readiness = Probe { period: ms(1_000), failure_threshold: chance.random_range(1..=3), ..Probe::new(get()) };
    let liveness = Probe { period: ms(2_000), ..Probe::new(get()) };
    let least = between(chance, 50, 500);
    let propagation = Propagation { least, most: least + between(chance, 0, 1_000) };
    let strategies = [
        Strategy::default(),
        Strategy::RollingUpdate { max_surge: Share::Count(1), max_unavailable: Share::Count(0) },
        Strategy::RollingUpdate { max_surge: Share::Count(0), max_unavailable: Share::Count(1) },
    ];
    let freeze = readiness.detection() + propagation.most + ms(2_000);
    let started = Probe { period: ms(1_000), failure_threshold: 30, ..Probe::new(get()) };
    let is_watched = chance.random_bool(0.3);
    let template = Template {
        // Who has not started yet is not to be killed for that.
        startup: is_watched.then_some(started),
        readiness: Some(readiness),
        liveness: is_watched.then_some(liveness),
        pre_stop: chance.random_bool(0.2).then(|| Hook::Sleep(between(chance, 500, 2_000))),
        grace: between(chance, 8_000, 12_000),
    };
    let deployment = Deployment {
        replicas: chance.random_range(2..=6),
        strategy: strategies.choose(chance).copied().unwrap_or_default(),
        min_ready: Duration::ZERO,
        progress_deadline: Duration::from_mins(10),
        revision_history: 10,
        template,
    };
    let mut drills: Vec<Drill> = planted.iter().filter_map(|name| shows_in(name).choose(chance).copied()).collect();
    while drills.is_empty() || drills.len() < 2 && chance.random_bool(0.5) {
        drills.extend(DISTURBING.choose(chance));
    }
    // One that is left alone, and then disturbed, is no healthy service.
    let least = if drills.contains(&Drill::ScaleDown) { 3 } else { 2 };
    let deployment = Deployment { replicas: deployment.replicas.max(least), ..deployment };
    drills.push(Drill::Baseline);
    drills.sort_unstable();
    drills.dedup();
    let timing = Timing {
        baseline: ms(3_000),
        before: ms(1_500),
        after: ms(1_000),
        freeze,
        observe: ms(3_000),
        patience: Duration::from_mins(1),
        slack: Duration::from_secs(30),
    };
    Plan { deployment, drills, propagation, timing, asked: Asked::default(), seed }
}

fn world(chance: &mut Pcg64Mcg, seed: u64) -> World {
    let rate = chance.random_range(50.0..=400.0);
    World {
        rate,
        fresh: chance.random_range(0.2..=0.8),
        connections: chance.random_range(4..=20),
        timeout: between(chance, 2_000, 10_000),
        idempotent: chance.random_bool(0.7),
        behaviour: Behaviour::default(),
        seed,
        limit: Duration::from_hours(1),
    }
}

/// What happens in a world, as it is recorded, and what the world knows of it.
pub(crate) fn happen(made: &Made) -> (History, Truth) {
    let Made { plan, world, .. } = made;
    // As the tool does it: what is planted may change the rules, and the history says which held.
    let header = Header {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        began: "1970-01-01T00:00:00Z".to_owned(),
        command: String::new(),
        target: "a simulated service".to_owned(),
        platform: "simulated".to_owned(),
        machine: "a simulated world".to_owned(),
        seed: made.seed,
        deployment: plan.deployment.clone(),
        assumptions: Vec::new(),
        drills: plan.drills.clone(),
        propagation_least: plan.propagation.least,
        propagation_most: plan.propagation.most,
        rate: world.rate,
        fresh: world.fresh,
        connections: world.connections,
        request: "GET /".to_owned(),
        idempotent: world.idempotent,
        expected: "2xx or 3xx".to_owned(),
        timeout: world.timeout,
        expectations: Expectations::default(),
        writes: false,
        tried: None,
    };
    let seen = run(plan.clone(), *world);
    let (events, intervals, footer) = (seen.events, seen.intervals, Some(seen.footer));
    (History { header, events, intervals, floods: Vec::new(), audit: None, footer }, seen.truth)
}

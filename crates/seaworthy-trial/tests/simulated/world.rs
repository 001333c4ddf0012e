//! Trials as they are made unless something else is asked for.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use seaworthy_core::{
    cluster::Propagation,
    deployment::{Check, Deployment, Probe, Strategy, Template},
    drill::Drill,
    event::Event,
    interval::FailedAttempt,
    outcome::{ConnectionKind, FailureKind, Phase},
    time::Moment,
    trial::{Asked, End, Plan, Timing},
};
use seaworthy_trial::simulated::{Behaviour, PLANTS, Simulated, World, plant, run};

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn get() -> Check {
    Check::Http { port: None, path: "/".to_owned(), headers: Vec::new(), tls: false }
}

pub(crate) fn each_second(check: Check) -> Probe {
    Probe { period: seconds(1), ..Probe::new(check) }
}

pub(crate) fn plan(drills: &[Drill], seed: u64) -> Plan {
    Plan {
        deployment: Deployment {
            replicas: 3,
            strategy: Strategy::default(),
            min_ready: Duration::ZERO,
            progress_deadline: seconds(600),
            revision_history: 10,
            template: Template {
                startup: None,
                readiness: Some(each_second(get())),
                liveness: None,
                pre_stop: None,
                grace: seconds(30),
            },
        },
        drills: drills.to_vec(),
        propagation: Propagation { least: seconds(1), most: seconds(1) },
        timing: Timing {
            baseline: seconds(5),
            before: seconds(2),
            after: seconds(2),
            freeze: seconds(7),
            observe: seconds(4),
            patience: seconds(60),
            slack: seconds(30),
        },
        asked: Asked::default(),
        seed,
    }
}

pub(crate) fn world(seed: u64) -> World {
    World {
        rate: 200.0,
        fresh: 0.5,
        connections: 10,
        timeout: seconds(10),
        idempotent: true,
        behaviour: Behaviour::default(),
        seed,
        limit: seconds(3_600),
    }
}

/// A trial of all drills, with a cause planted.
pub(crate) fn planted(name: &str, seed: u64) -> Simulated {
    let (mut plan, mut world) = (plan(&Drill::DEFAULT, seed), world(seed));
    assert!(plant(name, &mut plan, &mut world), "{name}");
    let simulated = run(plan, world);
    assert_eq!(simulated.end, Some(End::Done), "{name}");
    simulated
}

/// One of each, which all tests share.
pub(crate) fn each() -> &'static [(&'static str, Simulated)] {
    static EACH: OnceLock<Vec<(&str, Simulated)>> = OnceLock::new();
    EACH.get_or_init(|| PLANTS.iter().map(|(cause, _)| (*cause, planted(cause, 1))).collect())
}

/// Failures that look alike, and how many there are.
pub(crate) type Losses = BTreeMap<(Option<Drill>, FailureKind, Phase, Option<u16>, ConnectionKind), u64>;

/// What was lost, by the drill in which it was due.
pub(crate) fn losses(simulated: &Simulated) -> Losses {
    let mut losses = Losses::new();
    for FailedAttempt { outcome, .. } in attempts(simulated).filter(|attempt| !attempt.retried) {
        let failure = outcome.end.as_ref().expect_err("it is kept since it failed");
        let drill = drill_at(simulated, outcome.due);
        *losses.entry((drill, failure.kind, failure.phase, failure.status, outcome.connection)).or_default() += 1;
    }
    let failed: u64 = simulated.intervals.iter().map(|interval| interval.counts.failed).sum();
    assert_eq!(losses.values().sum::<u64>(), failed, "all are kept whole");
    losses
}

pub(crate) fn attempts(simulated: &Simulated) -> impl Iterator<Item = &FailedAttempt> {
    simulated.intervals.iter().flat_map(|interval| &interval.whole)
}

/// The drill in which something was due.
pub(crate) fn drill_at(simulated: &Simulated, at: Moment) -> Option<Drill> {
    let mut begun = simulated.events.iter().filter_map(|(when, event)| match event {
        Event::DrillBegun { drill } => Some((*when, *drill)),
        _ => None,
    });
    begun.rfind(|(when, _)| *when <= at).map(|(_, drill)| drill)
}

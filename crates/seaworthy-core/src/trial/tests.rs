use std::collections::{BTreeMap, btree_map::OccupiedEntry};

use super::*;
use crate::{
    cluster::{Input as Told, Propagation},
    deployment::{Check, Probe, Strategy, Template},
    event::Exit,
};

/// Processes that start at once, are ready at once, and end half a second after SIGTERM.
struct World {
    trial: Trial,
    now: Moment,
    /// What is still to be told, by when.
    coming: BTreeMap<(Moment, usize), Input>,
    told: usize,
    events: Vec<(Moment, Event)>,
    /// Whether probes pass.
    healthy: bool,
    /// Whether the kernel stops what it is told to.
    stops: bool,
    /// Whether the database starts.
    database: bool,
    /// Why the network cannot be broken.
    unbreakable: Option<String>,
    /// How often it was to be mended.
    healed: usize,
}

fn plan(drills: &[Drill], replicas: u32) -> Plan {
    let check = Check::Tcp { port: None };
    let template = Template {
        startup: None,
        readiness: Some(Probe { period: Duration::from_secs(1), ..Probe::new(check) }),
        liveness: None,
        pre_stop: None,
        grace: Duration::from_secs(30),
    };
    Plan {
        deployment: Deployment {
            replicas,
            strategy: Strategy::default(),
            min_ready: Duration::ZERO,
            progress_deadline: Duration::from_mins(10),
            revision_history: 10,
            template,
        },
        drills: drills.to_vec(),
        propagation: Propagation { least: Duration::from_secs(1), most: Duration::from_secs(1) },
        timing: Timing {
            baseline: Duration::from_secs(5),
            before: Duration::from_secs(2),
            after: Duration::from_secs(2),
            freeze: Duration::from_secs(7),
            observe: Duration::from_secs(4),
            patience: Duration::from_mins(1),
            slack: Duration::from_secs(30),
        },
        asked: Asked::default(),
        seed: 1,
    }
}

impl World {
    fn new(plan: Plan) -> Self {
        Self {
            trial: Trial::new(plan),
            now: Moment::START,
            coming: BTreeMap::new(),
            told: 0,
            events: Vec::new(),
            healthy: true,
            stops: true,
            database: true,
            unbreakable: None,
            healed: 0,
        }
    }

    fn later(&mut self, after: Duration, input: Input) {
        self.told += 1;
        self.coming.insert((self.now + after, self.told), input);
    }

    fn tell(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.trial.on(self.now, input, &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let soon = Duration::from_millis(1);
        let exited = |replica, exit| Input::Cluster(Told::Exited { replica, exit });
        match effect {
            Effect::Record(event) => {
                if event == Event::Established {
                    self.later(soon, Input::LoadBegun);
                }
                self.events.push((self.now, event));
            }
            Effect::Start { replica } => {
                self.later(soon, Input::Cluster(Told::Started { replica, pid: None }));
            }
            Effect::Probe { replica, probe, number } => {
                let (passed, detail, took) = (self.healthy, String::new(), soon);
                self.later(soon, Input::Cluster(Told::Probed { replica, probe, number, passed, detail, took }));
            }
            Effect::Signal { replica, signal: Signal::Term, .. } => {
                self.later(Duration::from_millis(500), exited(replica, Exit::Code(0)));
            }
            Effect::Signal { replica, signal: Signal::Kill, .. } => self.later(soon, exited(replica, Exit::Signal(9))),
            Effect::Signal { replica, signal, .. } => {
                if self.stops {
                    self.later(soon, Input::Frozen { replica, frozen: signal == Signal::Stop });
                }
            }
            Effect::StartDatabase => {
                let input =
                    if self.database { Input::DatabaseUp } else { Input::DatabaseDown { exit: Some(Exit::Code(1)) } };
                self.later(soon, input);
            }
            Effect::KillDatabase => self.later(soon, Input::DatabaseDown { exit: Some(Exit::Signal(9)) }),
            Effect::BreakNetwork { .. } => self.later(soon, Input::NetworkBroken { failed: self.unbreakable.clone() }),
            Effect::HealNetwork { .. } => {
                self.healed += 1;
                self.later(soon, Input::NetworkHealed { dropped: Ok(7) });
            }
            Effect::Place { .. } | Effect::PreStop { .. } | Effect::Remove { .. } | Effect::View { .. } => {}
        }
    }

    /// Lets time pass until something happens.
    fn step(&mut self) {
        let told = self.coming.first_key_value().map(|((at, _), _)| *at);
        let wake = self.trial.wake();
        self.now = [told, wake].into_iter().flatten().min().expect("something to come").max(self.now);
        let input = self.coming.first_entry().filter(|first| first.key().0 <= self.now).map(OccupiedEntry::remove);
        self.tell(input.unwrap_or(Input::Cluster(Told::Tick)));
    }

    /// Lets time pass until it is over.
    fn run(mut self) -> Self {
        self.tell(Input::Cluster(Told::Tick));
        while self.trial.end().is_none() {
            self.step();
        }
        self
    }

    fn broken(&self) -> Vec<&str> {
        let broken = self.events.iter().filter_map(|(_, event)| {
            if let Event::DrillBroken { why, .. } = event { Some(why.as_str()) } else { None }
        });
        broken.collect()
    }
}

#[test]
fn each_drill_begins_disturbs_settles_and_ends_in_its_turn() {
    let world = World::new(plan(&Drill::DEFAULT, 3)).run();
    assert_eq!(world.trial.end(), Some(End::Done));
    let steps: Vec<&Event> = world
        .events
        .iter()
        .map(|(_, event)| event)
        .filter(|event| {
            matches!(
                event,
                Event::DrillBegun { .. }
                    | Event::Disturbed { .. }
                    | Event::Settled { .. }
                    | Event::DrillEnded { .. }
                    | Event::DrillBroken { .. }
            )
        })
        .collect();
    let mut steps = steps.into_iter();
    for drill in Drill::DEFAULT {
        assert_eq!(steps.next(), Some(&Event::DrillBegun { drill }));
        if drill != Drill::Baseline {
            assert!(matches!(steps.next(), Some(Event::Disturbed { drill: of, .. }) if *of == drill), "{drill}");
            assert_eq!(steps.next(), Some(&Event::Settled { drill }));
        }
        assert_eq!(steps.next(), Some(&Event::DrillEnded { drill }));
    }
    assert_eq!(steps.next(), None);
    // After the scale-down and the scale-up there are as many as at first.
    let wanted = world.trial.standings().iter().filter(|standing| !standing.terminating).count();
    assert_eq!(wanted, 3);
}

#[test]
fn drills_end_where_an_interval_does() {
    let world = World::new(plan(&[Drill::Rollout, Drill::Kill], 3)).run();
    for (at, event) in &world.events {
        if matches!(event, Event::DrillEnded { .. }) {
            assert_eq!(at.nanos() % time::nanos(INTERVAL), 0, "{at:?}");
        }
    }
}

#[test]
fn a_target_that_is_never_ready_is_given_up() {
    let mut world = World::new(plan(&Drill::DEFAULT, 3));
    world.healthy = false;
    let world = world.run();
    assert_eq!(world.trial.end(), Some(End::NeverReady));
    assert_eq!(world.now.since_start(), Duration::from_mins(1));
    assert_eq!(world.trial.lacking(), "0 of 3 replicas available; not ready: 1, 2, 3");
    assert!(!world.events.iter().any(|(_, event)| matches!(event, Event::DrillBegun { .. })));
}

#[test]
fn a_drill_that_cannot_be_made_says_why_and_is_the_last() {
    let world = World::new(plan(&[Drill::Baseline, Drill::ScaleDown, Drill::Rollout], 1)).run();
    assert_eq!(world.broken(), ["it needs two replicas: the last one is not taken away"]);
    let mut stuck = World::new(plan(&[Drill::Freeze, Drill::Rollout], 2));
    stuck.stops = false;
    let stuck = stuck.run();
    assert!(stuck.broken()[0].starts_with("it was not over after "), "{:?}", stuck.broken());
    for world in [&world, &stuck] {
        assert!(!world.events.iter().any(|(_, event)| *event == Event::DrillBegun { drill: Drill::Rollout }));
        assert_eq!(world.trial.end(), Some(End::Done));
    }
}

#[test]
fn an_interrupted_trial_ends_at_once() {
    let mut world = World::new(plan(&Drill::DEFAULT, 3));
    world.tell(Input::Cluster(Told::Tick));
    world.tell(Input::Interrupt);
    world.tell(Input::Interrupt);
    assert_eq!(world.trial.end(), Some(End::Done));
    assert_eq!(world.events.iter().filter(|(_, event)| *event == Event::Interrupted).count(), 1);
}

#[test]
fn a_frozen_replica_that_is_killed_meanwhile_is_not_waited_for() {
    let mut plan = plan(&[Drill::Freeze], 2);
    // Liveness notices before the freeze is over, and the replica is restarted.
    plan.timing.freeze = Duration::from_mins(5);
    let mut world = World::new(plan);
    world.tell(Input::Cluster(Told::Tick));
    while world.events.iter().all(|(_, event)| !matches!(event, Event::Frozen { .. })) {
        world.step();
    }
    let frozen = world
        .events
        .iter()
        .find_map(|(_, event)| if let Event::Disturbed { replica, .. } = event { *replica } else { None });
    let replica = frozen.expect("one was picked");
    world.tell(Input::Cluster(Told::Exited { replica, exit: Exit::Signal(9) }));
    let began = world.now;
    let world = world.run();
    assert!(world.now.since(began) < Duration::from_mins(1), "{:?}", world.now.since(began));
    assert_eq!(world.broken(), [""; 0]);
}

mod asked;
mod open;

//! The platforms, as the suite runs them.

use std::time::Duration;

use seaworthy_core::{
    cluster::Propagation,
    deployment::{Check, Deployment, Hook, Probe, Strategy, Template},
    drill::Drill,
    event::Event,
    time::Moment,
    trial::{Asked, Plan, Timing},
};
use seaworthy_trial::{
    journal::Journal,
    local::{self, Local, Seen},
    simulated::{self, Behaviour, OnTerm, World},
    target::Target,
};
use tokio::{runtime, time::Instant};

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnSigterm {
    /// It serves on for a second, and exits.
    Drains,
    /// Nothing.
    Ignores,
}

/// A trial to be made.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) plan: Plan,
    pub(crate) on_sigterm: OnSigterm,
}

/// What happened.
pub(crate) type Events = Vec<(Moment, Event)>;

/// A platform: makes a trial, and tells what happened.
pub(crate) type Platform = dyn Fn(&Case) -> Events;

pub(crate) const PROPAGATION: Duration = Duration::from_millis(300);
pub(crate) const FREEZE: Duration = Duration::from_millis(2_500);

/// Three replicas, asked five times a second whether they are ready.
pub(crate) fn case(drills: &[Drill]) -> Case {
    let readiness = Probe {
        period: Duration::from_millis(200),
        timeout: Duration::from_millis(500),
        failure_threshold: 2,
        ..Probe::new(Check::Http { port: None, path: "/ready".to_owned(), headers: Vec::new(), tls: false })
    };
    let deployment = Deployment {
        replicas: 3,
        strategy: Strategy::default(),
        min_ready: Duration::ZERO,
        progress_deadline: Duration::from_mins(10),
        revision_history: 10,
        template: Template {
            startup: None,
            readiness: Some(readiness),
            liveness: None,
            pre_stop: None,
            grace: Duration::from_secs(10),
        },
    };
    let plan = Plan {
        deployment,
        drills: drills.to_vec(),
        propagation: Propagation { least: PROPAGATION, most: PROPAGATION },
        timing: Timing {
            baseline: Duration::from_millis(500),
            before: Duration::from_millis(200),
            after: Duration::from_millis(200),
            freeze: FREEZE,
            observe: Duration::from_millis(1_500),
            patience: Duration::from_mins(1),
            slack: Duration::from_secs(30),
        },
        asked: Asked::default(),
        seed: 1,
    };
    Case { plan, on_sigterm: OnSigterm::Drains }
}

impl Case {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Deployment)) -> Self {
        change(&mut self.plan.deployment);
        self
    }

    pub(crate) fn sleeping_before_sigterm(self, sleep: Duration) -> Self {
        self.with(|deployment| deployment.template.pre_stop = Some(Hook::Sleep(sleep)))
    }
}

/// Processes of this machine.
pub(crate) fn local(case: &Case) -> Events {
    let folder = tempfile::tempdir().unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../seaworthy/tests/trial/targets/server.py");
    let way = match case.on_sigterm {
        OnSigterm::Drains => "on_term=drain",
        OnSigterm::Ignores => "on_term=ignore",
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let target = Target {
        deployment: case.plan.deployment.clone(),
        command: words(&["python3", program, way, "drain=1"]),
        bad_command: words(&["sh", "-c", "exit 1"]),
        environment: Vec::new(),
        directory: None,
        ports: Vec::new(),
    };
    let name = folder.path().file_name().unwrap().to_string_lossy().into_owned();
    let journal = Journal::begin(folder.path(), &name).unwrap();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut running = local::start(Local {
            target,
            plan: case.plan.clone(),
            folder: folder.path().to_owned(),
            journal,
            epoch: Instant::now(),
            probe_tls: None,
            as_first_process: false,
            open: false,
            database: None,
            memory_limit: None,
            network: None,
        })
        .unwrap();
        let mut events = Vec::new();
        while let Some(seen) = running.next().await {
            match seen {
                Seen::Event(at, event) => {
                    if event == Event::Established {
                        running.load_begun();
                    }
                    events.push((at, event));
                }
                Seen::Over => running.load_ended(),
            }
        }
        running.end().unwrap();
        events
    })
}

/// A made-up world.
pub(crate) fn simulated(case: &Case) -> Events {
    let on_term = match case.on_sigterm {
        OnSigterm::Drains => OnTerm::Drain { serve_on: Duration::from_secs(1) },
        OnSigterm::Ignores => OnTerm::Ignore,
    };
    let world = World {
        rate: 50.0,
        fresh: 0.5,
        connections: 5,
        timeout: Duration::from_secs(10),
        idempotent: true,
        behaviour: Behaviour { on_term, ..Behaviour::default() },
        seed: 1,
        limit: Duration::from_hours(1),
    };
    simulated::run(case.plan.clone(), world).events
}

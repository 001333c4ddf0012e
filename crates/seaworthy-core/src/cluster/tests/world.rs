//! A world of virtual time in which processes do as they are told.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Cluster, Effect, Input, Order, Propagation};
use crate::{
    deployment::{Check, Deployment, Probe, ProbeKind, Share, Strategy, Template},
    event::{Event, Exit, Release, Replica, Signal},
    time::Moment,
};
pub(super) use std::time::Duration;

/// What a process does. Times are milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    /// From the order to start it until it runs; nothing where it cannot be started.
    pub(super) start: Option<u64>,
    /// From then until it is ready; nothing where it never is.
    pub(super) ready: Option<u64>,
    /// From SIGTERM until it exits; nothing where it ignores that.
    pub(super) term: Option<u64>,
    /// From its start until it exits by itself, where it does.
    pub(super) crash: Option<u64>,
    /// How long its hook takes, and why that fails, if it does.
    pub(super) hook: (u64, Option<&'static str>),
}

impl Default for Conduct {
    fn default() -> Self {
        Self { start: Some(100), ready: Some(900), term: Some(500), crash: None, hook: (1000, None) }
    }
}

pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) now: Moment,
    pub(super) log: Vec<(Moment, Event)>,
    /// What the processes of a release do, and those of one replica, from their next start on.
    pub(super) good: Conduct,
    pub(super) bad: Conduct,
    pub(super) special: BTreeMap<Replica, Conduct>,
    /// How long each answer to a probe takes.
    pub(super) latency: u64,
    /// They fail these probes.
    pub(super) failing: BTreeSet<(ProbeKind, Replica)>,
    pub(super) asked: Vec<(Moment, ProbeKind, Replica)>,
    pub(super) releases: BTreeMap<Replica, Release>,
    processes: BTreeMap<Replica, (u64, Moment)>,
    coming: BTreeMap<(Moment, u64), (Option<u64>, Input)>,
    counter: u64,
    viewed: Vec<Replica>,
    pub(super) on_step: fn(&Self),
}

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn probe(period: u64) -> Probe {
    Probe { period: ms(period), failure_threshold: 2, ..Probe::new(Check::Tcp { port: None }) }
}

/// Three replicas, one more at a time, none fewer; a readiness probe every second.
pub(super) fn deployment() -> Deployment {
    Deployment {
        replicas: 3,
        strategy: Strategy::RollingUpdate { max_surge: Share::Count(1), max_unavailable: Share::Count(0) },
        min_ready: Duration::ZERO,
        progress_deadline: Duration::from_mins(10),
        revision_history: 10,
        template: Template {
            startup: None,
            readiness: Some(probe(1000)),
            liveness: None,
            pre_stop: None,
            grace: ms(30_000),
        },
    }
}

pub(super) fn propagation() -> Propagation {
    Propagation { least: ms(200), most: ms(200) }
}

impl World {
    pub(super) fn new(deployment: Deployment) -> Self {
        Self::seeded(deployment, propagation(), 1)
    }

    pub(super) fn seeded(deployment: Deployment, propagation: Propagation, seed: u64) -> Self {
        Self {
            cluster: Cluster::new(deployment, propagation, seed),
            now: Moment::START,
            log: Vec::new(),
            good: Conduct::default(),
            bad: Conduct { ready: None, ..Conduct::default() },
            special: BTreeMap::new(),
            latency: 1,
            failing: BTreeSet::new(),
            asked: Vec::new(),
            releases: BTreeMap::new(),
            processes: BTreeMap::new(),
            coming: BTreeMap::new(),
            counter: 0,
            viewed: Vec::new(),
            on_step: |_| {},
        }
    }

    /// One that has settled.
    pub(super) fn settled(deployment: Deployment) -> Self {
        let mut world = Self::new(deployment);
        world.settle();
        world
    }

    pub(super) fn order(&mut self, order: Order) {
        self.give(Input::Order(order));
    }

    /// Ends its process from outside.
    pub(super) fn crash(&mut self, replica: Replica) {
        if self.processes.contains_key(&replica) {
            self.give(Input::Exited { replica, exit: Exit::Signal(9) });
        }
    }

    /// Until all is settled; milliseconds from now on.
    pub(super) fn settle(&mut self) -> u64 {
        let from = self.now;
        while !self.cluster.is_settled() {
            assert!(self.now.since(from) < Duration::from_hours(4), "never settled: {:#?}", self.cluster.standings());
            assert!(self.step(Moment::from_nanos(u64::MAX)), "nothing will ever happen");
        }
        u64::try_from(self.now.since(from).as_millis()).unwrap()
    }

    pub(super) fn run(&mut self, millis: u64) {
        let until = self.now + ms(millis);
        while self.step(until) {}
        self.now = until;
    }

    fn step(&mut self, until: Moment) -> bool {
        let first = self.coming.keys().next().copied();
        let wake = self.cluster.wake();
        let next = match (first, wake) {
            (Some((when, _)), Some(wake)) => when.min(wake),
            (Some((when, _)), None) => when,
            (None, Some(wake)) => wake,
            (None, None) => return false,
        };
        if next > until {
            return false;
        }
        self.now = self.now.max(next);
        let input = first.filter(|(when, _)| *when == next).and_then(|key| self.coming.remove(&key));
        let (process, input) = input.unwrap_or((None, Input::Tick));
        if let (Some(process), Input::Exited { replica, .. }) = (process, &input)
            && self.processes.get(replica).is_none_or(|(running, _)| *running != process)
        {
            return true;
        }
        self.give(input);
        true
    }

    pub(super) fn give(&mut self, input: Input) {
        match &input {
            Input::Exited { replica, .. } => {
                self.processes.remove(replica).expect("a process that runs");
            }
            Input::Started { replica, .. } => self.run_process(*replica),
            _ => {}
        }
        let mut effects = Vec::new();
        self.cluster.on(self.now, input, &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
        assert_eq!(self.viewed, self.cluster.view());
        assert!(self.cluster.wake().is_none_or(|wake| wake > self.now), "it would be asked again at once");
        (self.on_step)(self);
    }

    fn run_process(&mut self, replica: Replica) {
        self.counter += 1;
        self.processes.insert(replica, (self.counter, self.now));
        if let Some(crash) = self.conduct(replica).crash {
            self.exits(replica, crash, Exit::Code(1));
        }
    }

    pub(super) fn conduct(&self, replica: Replica) -> Conduct {
        match self.releases[&replica] {
            Release::Good => self.special.get(&replica).unwrap_or(&self.good).clone(),
            Release::Bad => self.bad.clone(),
        }
    }

    fn exits(&mut self, replica: Replica, after: u64, exit: Exit) {
        let process = self.processes.get(&replica).expect("signals go to processes that run").0;
        self.later(after, Some(process), Input::Exited { replica, exit });
    }

    fn later(&mut self, after: u64, process: Option<u64>, input: Input) {
        self.counter += 1;
        self.coming.insert((self.now + ms(after), self.counter), (process, input));
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Record(event) => self.log.push((self.now, event)),
            Effect::Place { replica, release, .. } => {
                assert!(self.releases.insert(replica, release).is_none(), "{replica} is placed twice");
            }
            Effect::Start { replica } => match self.conduct(replica).start {
                Some(start) => self.later(start, None, Input::Started { replica, pid: None }),
                None => self.later(1, None, Input::NotStarted { replica, why: "no such file".to_owned() }),
            },
            Effect::Probe { replica, probe, number } => {
                self.asked.push((self.now, probe, replica));
                let (_, since) = self.processes[&replica];
                let ready = self.conduct(replica).ready.is_some_and(|ready| self.now.since(since) >= ms(ready));
                let passed = (probe == ProbeKind::Liveness || ready) && !self.failing.contains(&(probe, replica));
                let (detail, took) = (String::new(), ms(self.latency));
                self.later(self.latency, None, Input::Probed { replica, probe, number, passed, detail, took });
            }
            Effect::PreStop { replica } => {
                let (after, failed) = self.conduct(replica).hook;
                self.later(after, None, Input::PreStopped { replica, failed: failed.map(str::to_owned) });
            }
            Effect::Signal { replica, signal: Signal::Kill, .. } => self.exits(replica, 1, Exit::Signal(9)),
            Effect::Signal { replica, .. } => {
                if let Some(term) = self.conduct(replica).term {
                    self.exits(replica, term, Exit::Code(0));
                }
            }
            Effect::Remove { replica } => assert!(!self.processes.contains_key(&replica), "{replica} still runs"),
            Effect::View { replicas } => self.viewed = replicas,
            Effect::StartDatabase | Effect::KillDatabase => panic!("a cluster has no database"),
            Effect::BreakNetwork { .. } | Effect::HealNetwork { .. } => panic!("a cluster breaks no network"),
        }
    }
}

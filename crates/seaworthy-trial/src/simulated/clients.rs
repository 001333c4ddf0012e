//! The clients: requests arrive by the schedule, whatever became of those before, and each goes to an endpoint as the
//! clients see them at that moment.
//!
//! Everything is counted as the load generator counts it, so that both are judged in the same way.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    arrivals::{Arrivals, Profile, Rate, Spacing},
    event::Replica,
    interval::{FailedAttempt, Gauges, INTERVAL, Interval, Recorder},
    outcome::{ConnectionKind, Phases},
    time::Moment,
};

use super::{
    World,
    agenda::{Agenda, Task},
    network::Link,
    truth::{self, Blame, Missed, Truth, UNKNOWN},
};

mod wires;

use wires::{Attempt, Wire};

/// The clients of a simulated world.
#[derive(Debug)]
pub(crate) struct Clients {
    world: World,
    chance: Pcg64Mcg,
    recorder: Recorder,
    intervals: Vec<Interval>,
    /// When the interval that is recorded ends; nothing before requests arrive.
    interval_ends: Option<Moment>,
    arrivals: Option<Arrivals>,
    /// When requests began to arrive.
    began: Moment,
    arrived: u64,
    view: Vec<Replica>,
    wires: BTreeMap<Link, Wire>,
    opened: u64,
    /// Connections that are kept.
    kept: usize,
    /// Of them, those without a request, the one that is idle for longest first.
    idle: VecDeque<Link>,
    /// Requests that failed, and whoever is to blame.
    missed: Vec<(FailedAttempt, Option<Blame>)>,
    /// Why answers came late, and when.
    slowed: Vec<(Blame, Moment)>,
}

impl Clients {
    pub(crate) fn new(world: World) -> Self {
        Self {
            chance: Pcg64Mcg::seed_from_u64(world.seed ^ u64::from_be_bytes(*b"simclien")),
            world,
            recorder: Recorder::new(0),
            intervals: Vec::new(),
            interval_ends: None,
            arrivals: None,
            began: Moment::START,
            arrived: 0,
            view: Vec::new(),
            wires: BTreeMap::new(),
            opened: 0,
            kept: 0,
            idle: VecDeque::new(),
            missed: Vec::new(),
            slowed: Vec::new(),
        }
    }

    /// New connections go to these from now on.
    pub(crate) fn see(&mut self, replicas: Vec<Replica>) {
        self.view = replicas;
    }

    /// Requests arrive from now on, the first at once.
    pub(crate) fn begin(&mut self, agenda: &mut Agenda) {
        let now = agenda.now();
        // What came before is no interval of theirs.
        drop(self.recorder.take(now, Gauges::default(), Duration::ZERO));
        self.interval_ends = Some(now + INTERVAL);
        self.began = now;
        self.arrivals = Rate::per_second(self.world.rate)
            .map(|rate| Profile::constant(rate, None).arrivals(Spacing::Even, self.world.seed));
        self.schedule(agenda);
    }

    fn schedule(&mut self, agenda: &mut Agenda) {
        if let Some(next) = self.arrivals.as_mut().and_then(Iterator::next) {
            agenda.at(self.began + next.since_start(), Task::Arrive);
        }
    }

    /// Nothing more arrives.
    pub(crate) fn stop(&mut self) {
        self.arrivals = None;
    }

    /// A request is due.
    pub(crate) fn arrive(&mut self, agenda: &mut Agenda) {
        if self.arrivals.is_none() {
            return;
        }
        self.schedule(agenda);
        let counts = self.recorder.counts();
        counts.arrived += 1;
        counts.begun += 1;
        let now = agenda.now();
        let attempt = |connection| Attempt {
            number: self.arrived,
            due: now,
            begun: now,
            opening: now,
            sent: None,
            connection,
            idle: None,
            phases: Phases::default(),
        };
        let (fresh, first, reused) =
            (attempt(ConnectionKind::Fresh), attempt(ConnectionKind::First), attempt(ConnectionKind::Reused));
        self.arrived += 1;
        // As the load generator does it: first as many as are kept, and then those that are idle in turn.
        if self.wants_fresh() {
            self.open(fresh, agenda);
        } else if self.kept < self.world.connections {
            self.open(first, agenda);
        } else if let Some(link) = self.idle.pop_front() {
            self.send(link, reused, agenda);
            self.watch(link, reused, agenda);
        } else {
            self.open(first, agenda);
        }
    }

    /// The share of fresh connections is spread evenly, so that each tenth is the tenth one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count times a share")]
    fn wants_fresh(&self) -> bool {
        let until = |count: u64| (count as f64 * self.world.fresh.clamp(0.0, 1.0)) as u64;
        until(self.arrived) > until(self.arrived - 1)
    }

    /// Requests that have not ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.wires.len() - self.idle.len()
    }

    /// When the interval ends that is being recorded.
    pub(crate) const fn interval_ends(&self) -> Option<Moment> {
        self.interval_ends
    }

    /// An interval ends.
    pub(crate) fn end_interval(&mut self, now: Moment) {
        let gauges = Gauges { open: self.wires.len() as u64, in_flight: self.in_flight() as u64, waiting: 0 };
        let interval = self.recorder.take(now, gauges, Duration::ZERO);
        self.intervals.push(interval);
        self.interval_ends = Some(now + INTERVAL);
    }

    /// Why requests failed, by all that happened in the world.
    pub(crate) fn truth(&mut self, world: &truth::World) -> Truth {
        let mut truth = Truth::default();
        for (attempt, blame) in std::mem::take(&mut self.missed) {
            let cause = blame.map_or(UNKNOWN, |blame| world.cause(blame, attempt.outcome.done));
            truth.missed.push(Missed { attempt, cause });
        }
        for (blame, done) in std::mem::take(&mut self.slowed) {
            *truth.slowed.entry(world.cause(blame, done)).or_default() += 1;
        }
        truth
    }

    /// All of their intervals, the last of which may be shorter.
    pub(crate) fn into_intervals(mut self, now: Moment) -> Vec<Interval> {
        if self.interval_ends.is_some() {
            self.end_interval(now);
        }
        self.intervals
    }
}

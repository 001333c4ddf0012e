//! A target that runs in a simulated world: on virtual time, from one seed, with clients of its own.
//!
//! ```text
//! core::trial ──effects──> sea ─> servers (processes that start, answer, are signalled, end) ─┐
//!      ^                    │        ^ │ network: all that they know of each other             ├─> what happens next
//!      │                    │        │ v                                                       │   (agenda)
//!      └──────inputs────────┴─── clients (requests by the schedule, as the load generator) ────┘
//! ```
//!
//! It reads no clock, opens no socket and starts no thread, so a whole trial takes less than a second, and the same seed
//! gives the same trial to the last byte. Causes of lost requests can be [planted](PLANTS) in it.

#![expect(clippy::large_types_passed_by_value, reason = "what a world is like is handed on a few times in a trial")]

use std::time::Duration;

use seaworthy_core::{
    cluster,
    event::Event,
    generator::Generator,
    history::Footer,
    interval::{INTERVAL, Interval},
    time::Moment,
    trial::{End, Input, Plan, Trial},
};

mod agenda;
mod behaviour;
mod clients;
mod network;
mod sea;
mod servers;
mod truth;

pub use behaviour::{BadRelease, Behaviour, Cold, OnTerm, PLANTS, Spell, plant};
use sea::Sea;
pub use truth::{Missed, Truth, UNKNOWN};

/// From one tick to the next at the least, where the trial asks for a moment that is over.
const BREATH: Duration = Duration::from_millis(1);

/// What a trial is simulated in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct World {
    /// Requests per second, evenly spaced.
    pub rate: f64,
    /// The share of them, 0 to 1, that open a connection of their own.
    pub fresh: f64,
    /// Connections that are kept.
    pub connections: usize,
    /// How long a request may take.
    pub timeout: Duration,
    /// Whether a request may be sent again without asking.
    pub idempotent: bool,
    /// How each process behaves.
    pub behaviour: Behaviour,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// The most virtual time that it may take.
    pub limit: Duration,
}

/// A trial as it was simulated.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// What happened, in the order of time.
    pub events: Vec<(Moment, Event)>,
    /// What became of the requests.
    pub intervals: Vec<Interval>,
    /// How it ended.
    pub footer: Footer,
    /// How the trial ended; nothing where it took more virtual time than it may.
    pub end: Option<End>,
    /// Why requests failed. It is no part of the history.
    pub truth: Truth,
}

/// Simulates a trial. The same plan and world give the same.
pub fn run(plan: Plan, world: World) -> Simulated {
    let sea = Sea::new(&plan.deployment.template, world);
    let rules = truth::Rules::of(&plan);
    Run { trial: Trial::new(plan), sea, rules, ticked: Moment::START, stopped: None }.until(world.limit.into())
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// An interval ends, before anything of the next one happens.
    IntervalEnds,
    /// The trial wants to be told the time.
    Tick,
    /// What is on the agenda.
    Task,
}

/// A trial on its sea.
#[derive(Debug)]
struct Run {
    trial: Trial,
    sea: Sea,
    rules: truth::Rules,
    /// When the trial was last told the time.
    ticked: Moment,
    /// When the load was stopped, since the trial was over.
    stopped: Option<Moment>,
}

impl Run {
    fn until(mut self, limit: Moment) -> Simulated {
        self.tell(Input::Cluster(cluster::Input::Tick));
        // What is in flight when the trial is over has its time.
        while self.stopped.is_none() || self.sea.clients.in_flight() > 0 {
            let Some((at, next)) = self.next().filter(|(at, _)| *at <= limit) else {
                self.sea.agenda.pass(limit);
                break;
            };
            self.sea.agenda.pass(at);
            match next {
                Next::IntervalEnds => self.sea.clients.end_interval(at),
                Next::Tick => {
                    self.ticked = at;
                    self.tell(Input::Cluster(cluster::Input::Tick));
                }
                Next::Task => {
                    if let Some(input) = self.sea.next() {
                        self.tell(input);
                    }
                }
            }
        }
        self.conclude()
    }

    /// The trial hears of something, and what it wants is done. Once it is over it hears no more.
    fn tell(&mut self, input: Input) {
        if self.stopped.is_some() {
            return;
        }
        let begins = input == Input::LoadBegun;
        let now = self.sea.agenda.now();
        let mut effects = Vec::new();
        self.trial.on(now, input, &mut effects);
        for effect in effects {
            self.sea.carry_out(effect);
        }
        if begins {
            self.sea.begin_load();
        }
        if self.trial.end().is_some() {
            self.stopped = Some(now);
            self.sea.clients.stop();
        }
    }

    fn next(&self) -> Option<(Moment, Next)> {
        let now = self.sea.agenda.now();
        let tick = self.trial.wake().filter(|_| self.stopped.is_none()).map(|wake| {
            let wake = if wake > self.ticked { wake } else { self.ticked + BREATH };
            (wake.max(now), Next::Tick)
        });
        let interval = self.sea.clients.interval_ends().map(|ends| (ends, Next::IntervalEnds));
        let task = self.sea.agenda.next_at().map(|at| (at, Next::Task));
        [tick, interval, task].into_iter().flatten().min()
    }

    fn conclude(self) -> Simulated {
        let Self { trial, mut sea, rules, stopped, .. } = self;
        let now = sea.agenda.now();
        let unfinished = sea.clients.in_flight() as u64;
        let footer = Footer {
            duration: stopped.unwrap_or(now).since_start(),
            not_sent: 0,
            unfinished,
            generator: Generator { threads: 1, ..Generator::default() },
            interrupted: false,
        };
        let truth = sea.clients.truth(&truth::World::of(rules, &sea.events));
        Simulated { events: sea.events, intervals: sea.clients.into_intervals(now), footer, end: trial.end(), truth }
    }
}

/// The next moment at which an interval begins.
fn aligned(at: Moment) -> Moment {
    let interval = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
    Moment::from_nanos(at.nanos().div_ceil(interval).saturating_mul(interval))
}

#[cfg(test)]
mod tests;

//! A trial: the drills one after the other, on a cluster. Pure, like the cluster that it holds.

mod asked;
mod network;
mod open;
mod plan;

use std::{collections::VecDeque, time::Duration};

use rand::{SeedableRng as _, seq::IndexedRandom as _};
use rand_pcg::Pcg64Mcg;

use crate::{
    cluster::{self, Cluster, Effect, Order, Standing},
    deployment::{Deployment, ProbeKind},
    drill::Drill,
    event::{Event, Reason, Release, Replica, Signal},
    interval::INTERVAL,
    text,
    time::{self, Moment},
};

pub(crate) use asked::RETURN;
pub use open::Wanted;
pub use plan::{Asked, End, Input, Plan, Progress, Timing};

/// A trial.
#[derive(Clone, Debug)]
pub struct Trial {
    cluster: Cluster,
    timing: Timing,
    asked: Asked,
    /// Replicas that are wanted when nothing else is.
    replicas: u32,
    stage: Stage,
    since: Moment,
    done: Vec<Drill>,
    next: VecDeque<Drill>,
    /// Whether more may be asked for when these are done.
    open: bool,
    /// What was asked for, of the drill that goes on.
    wanted: Option<Wanted>,
    chance: Pcg64Mcg,
    end: Option<End>,
}

/// Where a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The database starts, before any replica does.
    Database { begun: bool, until: Moment },
    /// The target starts for the first time.
    Starting { until: Moment },
    /// It is there; requests do not arrive yet.
    Established,
    /// Nothing is asked for at the moment, and something may be.
    Idle,
    /// A drill lets time pass before it disturbs.
    Before { drill: Drill, until: Moment },
    /// It disturbs.
    During { drill: Drill, step: Step, until: Moment },
    /// It lets time pass after all has settled.
    After { drill: Drill, until: Moment },
    /// Nothing more is to be done.
    Over,
}

/// What a drill waits for while it disturbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The process of a replica is to end.
    Exit(Replica),
    /// The kernel is to say that a replica does not run.
    Freeze(Replica),
    /// Time is to pass.
    Frozen(Replica, Moment),
    /// The kernel is to say that a replica runs again.
    Thaw(Replica),
    /// A bad release is looked at.
    Observe(Moment),
    /// More is asked: the step of an overload, counted from 0, until when, and whether it is the last one.
    Flood { step: usize, over: Moment, last: bool },
    /// What was disturbed is over, and what is left of it is worked off.
    Recover(Moment),
    /// The process of a replica that comes after this one is to start.
    Replacement(Replica),
    /// There are to be as many replicas as are wanted; how many there were before.
    Grow(u32),
    /// They are watched.
    Watch(u32, Moment),
    /// The database is to end.
    DatabaseEnd,
    /// It is away.
    DatabaseAway(Moment),
    /// It is to be back.
    DatabaseBack,
    /// The way to a replica is broken, or was.
    Network(network::Way),
    /// The cluster is to be as it is wanted.
    Settle,
}

impl Trial {
    /// Nothing has happened yet; the first [`cluster::Input::Tick`] starts the target.
    pub fn new(plan: Plan) -> Self {
        let Plan { deployment, drills, propagation, timing, asked, seed } = plan;
        let until = Moment::START + timing.patience;
        Self {
            replicas: deployment.replicas,
            cluster: Cluster::new(deployment, propagation, seed),
            stage: if asked.database { Stage::Database { begun: false, until } } else { Stage::Starting { until } },
            timing,
            asked,
            since: Moment::START,
            done: Vec::new(),
            next: drills.into(),
            open: false,
            wanted: None,
            // Another stream than that of the propagation delays, which are drawn from the same seed.
            chance: Pcg64Mcg::seed_from_u64(seed ^ u64::from_be_bytes(*b"drillsea")),
            end: None,
        }
    }

    /// Takes something in. Effects are appended, in the order in which they are to be carried out.
    pub fn on(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        match input {
            // Without a database there is nothing that a replica could start with.
            Input::Cluster(_) if matches!(self.stage, Stage::Database { .. }) => self.start_database(effects),
            Input::Cluster(input) => {
                let exited = if let cluster::Input::Exited { replica, .. } = &input { Some(*replica) } else { None };
                let started = if let cluster::Input::Started { replica, .. } = &input { Some(*replica) } else { None };
                self.cluster.on(now, input, effects);
                if let Some(replica) = exited {
                    self.exited(replica);
                }
                if let Some(replica) = started {
                    self.started(replica, effects);
                }
            }
            Input::LoadBegun => {
                if self.stage == Stage::Established {
                    self.begin_next(now, effects);
                }
            }
            Input::Frozen { replica, frozen } => self.frozen(now, replica, frozen, effects),
            Input::Saturated => self.saturated(),
            Input::DatabaseUp => self.database_up(now, effects),
            Input::DatabaseDown { exit } => self.database_down(now, exit, effects),
            Input::NetworkBroken { failed } => self.way_broken(now, failed, effects),
            Input::NetworkHealed { dropped } => self.way_healed(now, dropped, effects),
            Input::Interrupt => self.interrupt(effects),
        }
        // Each stage may lead to the next one at once.
        while self.advance(now, effects) {}
    }

    fn interrupt(&mut self, effects: &mut Vec<Effect>) {
        if self.stage != Stage::Over {
            self.end_flood(effects);
            self.mend_way(effects);
            effects.push(Effect::Record(Event::Interrupted));
            self.finish(End::Done);
        }
    }

    fn finish(&mut self, end: End) {
        self.stage = Stage::Over;
        self.end = Some(end);
    }

    /// No drill is left to be made.
    fn none_left(&mut self) {
        if self.open {
            self.stage = Stage::Idle;
            self.wanted = None;
        } else {
            self.finish(End::Done);
        }
    }

    fn begin_next(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.since = now;
        let Some(drill) = self.next.pop_front() else { return self.none_left() };
        effects.push(Effect::Record(Event::DrillBegun { drill }));
        let quiet = if drill == Drill::Baseline { self.timing.baseline } else { self.timing.before };
        self.stage = Stage::Before { drill, until: now + quiet };
    }

    /// Goes on where it can; says whether it did.
    fn advance(&mut self, now: Moment, effects: &mut Vec<Effect>) -> bool {
        match self.stage {
            Stage::Starting { .. } if self.cluster.is_settled() => {
                effects.push(Effect::Record(Event::Established));
                self.stage = Stage::Established;
                self.since = now;
            }
            Stage::Database { until, .. } | Stage::Starting { until } if now >= until => self.finish(End::NeverReady),
            Stage::Before { drill: Drill::Baseline, until } if now >= until => {
                self.end_drill(now, Drill::Baseline, effects);
            }
            Stage::Before { drill, until } if now >= until => self.disturb(now, drill, effects),
            Stage::During { drill, step, until } => return self.go_on(now, drill, step, until, effects),
            Stage::After { drill, until } if now >= until => self.end_drill(now, drill, effects),
            Stage::Database { .. }
            | Stage::Starting { .. }
            | Stage::Established
            | Stage::Idle
            | Stage::Before { .. }
            | Stage::After { .. }
            | Stage::Over => return false,
        }
        true
    }

    fn end_drill(&mut self, now: Moment, drill: Drill, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Event::DrillEnded { drill }));
        self.done.push(drill);
        self.begin_next(now, effects);
    }

    /// What a drill could not do. Those after it would begin with a target that is not as it should be.
    fn broken(&mut self, drill: Drill, why: String, effects: &mut Vec<Effect>) {
        self.end_flood(effects);
        self.mend_way(effects);
        effects.push(Effect::Record(Event::DrillBroken { drill, why }));
        effects.push(Effect::Record(Event::DrillEnded { drill }));
        self.done.push(drill);
        self.next.clear();
        self.none_left();
    }

    fn disturb(&mut self, now: Moment, drill: Drill, effects: &mut Vec<Effect>) {
        if let Some(why) = self.impossible(drill) {
            return self.broken(drill, why.to_owned(), effects);
        }
        let picked = match drill {
            Drill::Terminate | Drill::Kill | Drill::Freeze | Drill::SlowStart | Drill::Network => match self.pick() {
                Some(replica) => Some(replica),
                None => return self.broken(drill, "no replica was available to be picked".to_owned(), effects),
            },
            Drill::Baseline
            | Drill::Rollout
            | Drill::ScaleDown
            | Drill::ScaleUp
            | Drill::BadRelease
            | Drill::Overload
            | Drill::Liveness
            | Drill::Balance
            | Drill::DatabaseRestart => None,
        };
        effects.push(Effect::Record(Event::Disturbed { drill, replica: picked }));
        let (order, step) = self.begin(now, drill, picked, effects);
        self.stage = Stage::During { drill, step, until: now + self.longest(drill) };
        if let Some(order) = order {
            self.cluster.on(now, cluster::Input::Order(order), effects);
        }
    }

    /// The first step of a drill, and what is ordered for it.
    fn begin(
        &self,
        now: Moment,
        drill: Drill,
        picked: Option<Replica>,
        effects: &mut Vec<Effect>,
    ) -> (Option<Order>, Step) {
        let wanted = self.cluster.deployment().replicas;
        let asked = self.wanted.and_then(|wanted| wanted.replicas);
        match (drill, picked) {
            (Drill::Terminate, Some(replica)) => (Some(Order::Delete(replica)), Step::Settle),
            (Drill::Kill, Some(replica)) => {
                signal(replica, Signal::Kill, effects);
                (None, Step::Exit(replica))
            }
            (Drill::Freeze, Some(replica)) => {
                signal(replica, Signal::Stop, effects);
                (None, Step::Freeze(replica))
            }
            (Drill::SlowStart, Some(replica)) => (Some(Order::Delete(replica)), Step::Replacement(self.newest())),
            (Drill::ScaleDown, _) => (Some(Order::Scale(asked.unwrap_or(wanted - 1))), Step::Settle),
            // After a scale-down it is the number that was wanted at first.
            (Drill::ScaleUp, _) => {
                (Some(Order::Scale(asked.unwrap_or_else(|| self.replicas.max(wanted + 1)))), Step::Settle)
            }
            (Drill::Balance, _) => (Some(Order::Scale(wanted.saturating_mul(2))), Step::Grow(wanted)),
            (Drill::BadRelease, _) => (Some(Order::Rollout(Release::Bad)), Step::Observe(now + self.timing.observe)),
            (Drill::Overload | Drill::Liveness, _) => (None, self.flood(now, drill, 0, effects)),
            (Drill::DatabaseRestart, _) => {
                effects.push(Effect::KillDatabase);
                (None, Step::DatabaseEnd)
            }
            (Drill::Network, Some(replica)) => (None, self.break_way(replica, 0, effects).unwrap_or(Step::Settle)),
            (
                Drill::Baseline
                | Drill::Rollout
                | Drill::Terminate
                | Drill::Kill
                | Drill::Freeze
                | Drill::SlowStart
                | Drill::Network,
                _,
            ) => (Some(Order::Rollout(Release::Good)), Step::Settle),
        }
    }

    /// One of the available replicas: the one that was asked for, or one by chance.
    fn pick(&mut self) -> Option<Replica> {
        let available = self.available();
        match self.wanted.and_then(|wanted| wanted.replica) {
            Some(replica) => available.contains(&replica).then_some(replica),
            None => available.choose(&mut self.chance).copied(),
        }
    }

    fn available(&self) -> Vec<Replica> {
        let standings = self.cluster.standings();
        let available =
            standings.iter().filter(|standing| standing.available && standing.running && !standing.terminating);
        available.map(|standing| standing.replica).collect()
    }

    /// The longest that a disturbance may take: each replica one after the other, by the target's own rules.
    fn longest(&self, drill: Drill) -> Duration {
        let Deployment { min_ready, template, .. } = self.cluster.deployment();
        let probes = ProbeKind::ALL.into_iter().filter_map(|kind| template.probe(kind)).map(|probe| {
            let answers = probe.failure_threshold.max(probe.success_threshold).saturating_add(1);
            probe.initial_delay.saturating_add(probe.period.saturating_mul(answers))
        });
        let started = probes.fold(self.timing.slack, Duration::saturating_add).saturating_add(*min_ready);
        let one = started.saturating_add(template.grace);
        let own = match drill {
            Drill::Freeze => self.timing.freeze,
            Drill::BadRelease => self.timing.observe,
            Drill::Overload | Drill::Liveness => self.flooding(drill),
            Drill::SlowStart => self.asked.slow_start,
            // Those that come take their time, too.
            Drill::Balance => self.asked.balance.saturating_add(one.saturating_mul(self.replicas)),
            // As long as at first.
            Drill::DatabaseRestart => self.asked.database_down.saturating_add(self.timing.patience),
            Drill::Network => self.breaking(),
            Drill::Baseline | Drill::Rollout | Drill::Terminate | Drill::Kill | Drill::ScaleDown | Drill::ScaleUp => {
                Duration::ZERO
            }
        };
        one.saturating_mul(self.replicas.saturating_add(1)).saturating_add(own)
    }

    fn go_on(&mut self, now: Moment, drill: Drill, step: Step, until: Moment, effects: &mut Vec<Effect>) -> bool {
        if now >= until {
            let why = format!("it was not over after {}: {}", text::long_time(now.since(self.since)), self.lacking());
            self.broken(drill, why, effects);
            return true;
        }
        let next = match step {
            Step::Frozen(replica, thaw) if now >= thaw => {
                signal(replica, Signal::Cont, effects);
                Step::Thaw(replica)
            }
            Step::Observe(over) if now >= over => {
                self.cluster.on(now, cluster::Input::Order(Order::Undo), effects);
                Step::Settle
            }
            Step::Flood { step, over, last } if now >= over => self.next_flood(now, drill, step, last, effects),
            Step::Recover(over) if now >= over => Step::Settle,
            Step::Grow(before) if self.cluster.is_settled() => Step::Watch(before, now + self.asked.balance),
            Step::Watch(before, over) if now >= over => {
                self.cluster.on(now, cluster::Input::Order(Order::Scale(before)), effects);
                Step::Settle
            }
            Step::DatabaseAway(over) if now >= over => {
                effects.push(Effect::StartDatabase);
                Step::DatabaseBack
            }
            Step::Network(way) => match self.next_of_way(now, way, effects) {
                Some(next) => next,
                None => return false,
            },
            Step::Settle if self.cluster.is_settled() => {
                effects.push(Effect::Record(Event::Settled { drill }));
                self.stage = Stage::After { drill, until: aligned(now + self.timing.after) };
                return true;
            }
            Step::Exit(_)
            | Step::Freeze(_)
            | Step::Frozen(..)
            | Step::Thaw(_)
            | Step::Observe(_)
            | Step::Flood { .. }
            | Step::Recover(_)
            | Step::Replacement(_)
            | Step::Grow(_)
            | Step::Watch(..)
            | Step::DatabaseEnd
            | Step::DatabaseAway(_)
            | Step::DatabaseBack
            | Step::Settle => return false,
        };
        self.stage = Stage::During { drill, step: next, until };
        true
    }

    /// A process has ended: whatever was waited for of it will not come, or is this.
    fn exited(&mut self, ended: Replica) {
        let Stage::During { step, .. } = &mut self.stage else { return };
        if let Step::Exit(replica) | Step::Freeze(replica) | Step::Frozen(replica, _) | Step::Thaw(replica) = *step
            && replica == ended
        {
            *step = Step::Settle;
        }
    }

    fn frozen(&mut self, now: Moment, changed: Replica, frozen: bool, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(if frozen {
            Event::Frozen { replica: changed }
        } else {
            Event::Thawed { replica: changed }
        }));
        let Stage::During { drill, step, .. } = &mut self.stage else { return };
        let over = now + if *drill == Drill::SlowStart { self.asked.slow_start } else { self.timing.freeze };
        if frozen && *step == Step::Freeze(changed) {
            *step = Step::Frozen(changed, over);
        } else if !frozen && *step == Step::Thaw(changed) {
            *step = Step::Settle;
        }
    }

    /// What of the target is not as it should be, in words: `2 of 3 replicas available; ending: 1; not ready: 4`.
    pub fn lacking(&self) -> String {
        if self.asked.database && self.cluster.standings().is_empty() {
            return "the database does not take connections on {port:database}".to_owned();
        }
        let wanted = self.cluster.deployment().replicas;
        let standings = self.cluster.standings();
        let available = standings.iter().filter(|standing| standing.available && !standing.terminating).count();
        let mut words = vec![format!("{available} of {} available", text::counted(wanted.into(), "replica"))];
        for state in ["ending", "not running", "not ready", "not ready for long enough"] {
            let those = standings.iter().filter(|standing| lacks(standing) == Some(state));
            let numbers: Vec<String> = those.map(|standing| standing.replica.0.to_string()).collect();
            if !numbers.is_empty() {
                words.push(format!("{state}: {}", numbers.join(", ")));
            }
        }
        words.join("; ")
    }

    /// When the next tick is due at the latest.
    pub fn wake(&self) -> Option<Moment> {
        let own = match self.stage {
            // Nothing of the cluster is begun before it is there.
            Stage::Database { begun, until } => return Some(if begun { until } else { Moment::START }),
            Stage::During {
                step:
                    Step::Frozen(_, at)
                    | Step::Observe(at)
                    | Step::Flood { over: at, .. }
                    | Step::Recover(at)
                    | Step::Watch(_, at)
                    | Step::DatabaseAway(at),
                until,
                ..
            } => Some(at.min(until)),
            Stage::During { step: Step::Network(way), until, .. } => {
                Some(way.until().map_or(until, |at| at.min(until)))
            }
            Stage::Starting { until }
            | Stage::Before { until, .. }
            | Stage::During { until, .. }
            | Stage::After { until, .. } => Some(until),
            Stage::Established | Stage::Idle | Stage::Over => None,
        };
        [own, self.cluster.wake()].into_iter().flatten().min()
    }

    /// Where it is.
    pub fn progress(&self) -> Progress {
        let (drill, stage) = match self.stage {
            Stage::Database { .. } => (None, "the database starts".to_owned()),
            Stage::Starting { .. } => (None, "the target starts".to_owned()),
            Stage::Established => (None, "the target is ready".to_owned()),
            Stage::Idle => (None, self.lacking()),
            Stage::Before { drill: Drill::Baseline, .. } => {
                (Some(Drill::Baseline), "load, and nothing else".to_owned())
            }
            Stage::Before { drill, .. } => (Some(drill), "load, before anything is done".to_owned()),
            Stage::During { drill, step, .. } => (Some(drill), self.words(step)),
            Stage::After { drill, .. } => (Some(drill), "all is as it should be again".to_owned()),
            Stage::Over => (None, "done".to_owned()),
        };
        let next = self.next.iter().copied().collect();
        Progress { stage, drill, since: self.since, done: self.done.clone(), next }
    }

    fn words(&self, step: Step) -> String {
        match step {
            Step::Exit(replica) => format!("SIGKILL to {replica}"),
            Step::Freeze(replica) => format!("SIGSTOP to {replica}"),
            Step::Frozen(replica, _) => format!("{replica} is frozen"),
            Step::Thaw(replica) => format!("SIGCONT to {replica}"),
            Step::Observe(_) => "the bad release is out".to_owned(),
            Step::Flood { step, .. } => self.flood_words(step),
            Step::Recover(_) => "it has time to come back".to_owned(),
            Step::Replacement(_) => "a replacement is to start".to_owned(),
            Step::Watch(..) => "all replicas take requests".to_owned(),
            Step::DatabaseEnd => "SIGKILL to the database".to_owned(),
            Step::DatabaseAway(_) => "the database is away".to_owned(),
            Step::DatabaseBack => "the database starts".to_owned(),
            Step::Network(way) => way.words(),
            Step::Grow(_) | Step::Settle => self.lacking(),
        }
    }

    /// The target's rules, as they are wanted now.
    pub const fn deployment(&self) -> &Deployment {
        self.cluster.deployment()
    }

    /// Its replicas.
    pub fn standings(&self) -> Vec<Standing> {
        self.cluster.standings()
    }

    /// How it ended, once it has.
    pub const fn end(&self) -> Option<End> {
        self.end
    }
}

/// What a replica lacks to be as it should be.
const fn lacks(standing: &Standing) -> Option<&'static str> {
    match standing {
        Standing { terminating: true, .. } => Some("ending"),
        Standing { running: false, .. } => Some("not running"),
        Standing { ready: false, .. } => Some("not ready"),
        Standing { available: false, .. } => Some("not ready for long enough"),
        Standing { .. } => None,
    }
}

/// A signal that is a drill's own doing.
fn signal(replica: Replica, signal: Signal, effects: &mut Vec<Effect>) {
    let reason = Reason::Drill;
    effects.push(Effect::Record(Event::Signalled { replica, signal, reason }));
    effects.push(Effect::Signal { replica, signal, reason });
}

/// The next moment at which an interval begins: so what is counted by the interval belongs to one drill.
fn aligned(at: Moment) -> Moment {
    let interval = time::nanos(INTERVAL);
    Moment::from_nanos(at.nanos().div_ceil(interval).saturating_mul(interval))
}

#[cfg(test)]
mod tests;

//! The drills that are only made when they are asked for: more load, slow starts, twice as many, the database.

use std::time::Duration;

use super::{End, Stage, Step, Trial, signal};
use crate::{
    cluster::{self, Effect},
    deployment::Probe,
    drill::Drill,
    event::{Event, Exit, Replica, Signal},
    flood, text,
    time::Moment,
};

/// Longer than a liveness probe needs to give up.
const MARGIN: Duration = Duration::from_secs(2);

/// What of the time to come back is seen beyond it, so that what comes too late is seen, too.
const BEYOND: Duration = Duration::from_secs(1);

/// How long errors may go on when the database is back.
pub(crate) const RETURN: Duration = Duration::from_secs(1);

impl Trial {
    /// Why a drill cannot be made.
    pub(super) fn impossible(&self, drill: Drill) -> Option<&'static str> {
        let deployment = self.cluster.deployment();
        match drill {
            Drill::ScaleDown if deployment.replicas < 2 => {
                Some("it needs two replicas: the last one is not taken away")
            }
            Drill::Overload if self.asked.overload.is_empty() => Some("nothing says how much more is to be asked"),
            Drill::Liveness if self.asked.liveness == 0 => Some("nothing says how much more is to be asked"),
            Drill::Liveness if deployment.template.liveness.is_none() => Some("there is no liveness probe"),
            Drill::DatabaseRestart if !self.asked.database => Some("there is no database"),
            Drill::Network if self.asked.network.is_empty() => Some("nothing says how the network is to be broken"),
            Drill::Baseline
            | Drill::Rollout
            | Drill::Terminate
            | Drill::Kill
            | Drill::Freeze
            | Drill::ScaleDown
            | Drill::ScaleUp
            | Drill::BadRelease
            | Drill::Overload
            | Drill::Liveness
            | Drill::SlowStart
            | Drill::Balance
            | Drill::DatabaseRestart
            | Drill::Network => None,
        }
    }

    /// More is asked from now on: the step of this number.
    pub(super) fn flood(&self, now: Moment, drill: Drill, step: usize, effects: &mut Vec<Effect>) -> Step {
        let (rate, takes, last) = if drill == Drill::Overload {
            let rate = self.asked.overload.get(step).copied().unwrap_or_default();
            (rate, self.asked.step, step + 1 >= self.asked.overload.len())
        } else {
            (self.asked.liveness, self.liveness(), true)
        };
        effects.push(Effect::Record(Event::Flooded { drill, rate }));
        Step::Flood { step, over: now + takes, last }
    }

    /// A step of a flood is over: the next one begins, or the target has its time to come back.
    pub(super) fn next_flood(
        &self,
        now: Moment,
        drill: Drill,
        step: usize,
        last: bool,
        effects: &mut Vec<Effect>,
    ) -> Step {
        if !last {
            return self.flood(now, drill, step + 1, effects);
        }
        effects.push(Effect::Record(Event::FloodEnded { drill }));
        Step::Recover(now + flood::SETTLING + BEYOND)
    }

    /// The target does no more: this step is the last one.
    pub(super) const fn saturated(&mut self) {
        if let Stage::During { step: Step::Flood { last, .. }, .. } = &mut self.stage {
            *last = true;
        }
    }

    /// No more is asked than before, however the drill ends.
    pub(super) fn end_flood(&self, effects: &mut Vec<Effect>) {
        if let Stage::During { drill, step: Step::Flood { .. }, .. } = self.stage {
            effects.push(Effect::Record(Event::FloodEnded { drill }));
        }
    }

    /// How long a flood takes that is to show whether liveness stands it.
    fn liveness(&self) -> Duration {
        let probe = self.cluster.deployment().template.liveness.as_ref();
        probe.map_or(Duration::ZERO, Probe::detection).saturating_add(MARGIN)
    }

    /// How long a drill that floods takes.
    pub(super) fn flooding(&self, drill: Drill) -> Duration {
        let steps = u32::try_from(self.asked.overload.len()).unwrap_or(u32::MAX);
        let floods = if drill == Drill::Overload { self.asked.step.saturating_mul(steps) } else { self.liveness() };
        floods.saturating_add(flood::SETTLING + BEYOND)
    }

    /// What goes on in a flood.
    pub(super) fn flood_words(&self, step: usize) -> String {
        let rate = match self.stage {
            Stage::During { drill: Drill::Overload, .. } => self.asked.overload.get(step).copied().unwrap_or_default(),
            Stage::Database { .. }
            | Stage::Starting { .. }
            | Stage::Established
            | Stage::Before { .. }
            | Stage::During { .. }
            | Stage::After { .. }
            | Stage::Idle
            | Stage::Over => self.asked.liveness,
        };
        format!("{}/s are asked of it", text::thousands(rate.into()))
    }

    /// The number of the newest replica: a later one is of a replacement.
    pub(super) fn newest(&self) -> Replica {
        self.cluster.standings().last().map_or(Replica(0), |standing| standing.replica)
    }

    /// A process runs: where it is the replacement that is waited for, it hangs before it can do anything.
    pub(super) fn started(&mut self, started: Replica, effects: &mut Vec<Effect>) {
        let Stage::During { step, .. } = &mut self.stage else { return };
        if let Step::Replacement(newest) = *step
            && started > newest
        {
            *step = Step::Freeze(started);
            signal(started, Signal::Stop, effects);
        }
    }

    /// The database comes before all else.
    pub(super) fn start_database(&mut self, effects: &mut Vec<Effect>) {
        if let Stage::Database { begun, .. } = &mut self.stage
            && !*begun
        {
            *begun = true;
            effects.push(Effect::StartDatabase);
        }
    }

    /// The database takes connections.
    pub(super) fn database_up(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Event::DatabaseUp));
        if let Stage::Database { .. } = self.stage {
            self.stage = Stage::Starting { until: now + self.timing.patience };
            self.cluster.on(now, cluster::Input::Tick, effects);
        } else if let Stage::During { step, .. } = &mut self.stage
            && *step == Step::DatabaseBack
        {
            *step = Step::Recover(now + RETURN);
        }
    }

    /// The database's process has ended, or never was.
    pub(super) fn database_down(&mut self, now: Moment, exit: Option<Exit>, effects: &mut Vec<Effect>) {
        effects.push(Effect::Record(Event::DatabaseDown { exit }));
        let (drill, step) = match &mut self.stage {
            Stage::Database { .. } | Stage::Starting { .. } => return self.finish(End::NeverReady),
            Stage::During { drill, step, .. } => (*drill, step),
            Stage::Established | Stage::Idle | Stage::Before { .. } | Stage::After { .. } | Stage::Over => {
                return;
            }
        };
        if *step == Step::DatabaseEnd {
            *step = Step::DatabaseAway(now + self.asked.database_down);
        } else if *step == Step::DatabaseBack {
            self.broken(drill, "the database ended again as it was started".to_owned(), effects);
        }
    }
}

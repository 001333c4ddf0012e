//! A trial without a list: its drills are made as they are asked for, one at a time, until somebody ends it.

use std::time::Duration;

use super::{Plan, Stage, Trial};
use crate::{cluster::Effect, drill::Drill, event::Replica, text, time::Moment};

/// A drill that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub drill: Drill,
    /// The replica that it is to pick, where it picks one; else chance decides.
    pub replica: Option<Replica>,
    /// How many replicas are wanted, where it scales; else one more or one fewer.
    pub replicas: Option<u32>,
    /// How long a replica is to be frozen, where that is not as planned.
    pub freeze: Option<Duration>,
}

impl From<Drill> for Wanted {
    fn from(drill: Drill) -> Self {
        Self { drill, replica: None, replicas: None, freeze: None }
    }
}

impl Trial {
    /// A trial that ends only when it is interrupted. Drills that the plan has are made first.
    pub fn open(plan: Plan) -> Self {
        Self { open: true, ..Self::new(plan) }
    }

    /// Whether a drill can be begun now, and what is in its way if it cannot.
    pub fn refusal(&self, wanted: &Wanted) -> Option<String> {
        match self.stage {
            Stage::Idle => {}
            Stage::Database { .. } | Stage::Starting { .. } | Stage::Established => {
                return Some("the target is not there yet".to_owned());
            }
            Stage::Before { drill, .. } | Stage::During { drill, .. } | Stage::After { drill, .. } => {
                return Some(format!(
                    "{} goes on; one drill at a time, so that each is judged by itself",
                    drill.label()
                ));
            }
            Stage::Over => return Some("it is over".to_owned()),
        }
        if let Some(replica) = wanted.replica
            && !self.available().contains(&replica)
        {
            return Some(format!("{replica} is not available: {}", self.lacking()));
        }
        if let (Drill::ScaleDown | Drill::ScaleUp, Some(replicas)) = (wanted.drill, wanted.replicas) {
            if replicas == 0 {
                return Some("without a replica nobody answers; give at least one".to_owned());
            }
            if replicas == self.cluster.deployment().replicas {
                return Some(format!("there are {} already", text::counted(replicas.into(), "replica")));
            }
        }
        if let Some(why) = self.impossible(wanted.drill) {
            return Some(why.to_owned());
        }
        // A new release is what mends a target that is not as it should be; whatever else disturbs has to wait.
        let mends = matches!(wanted.drill, Drill::Rollout | Drill::ScaleDown | Drill::ScaleUp);
        (!mends && !self.cluster.is_settled()).then(|| format!("it is not as it should be: {}", self.lacking()))
    }

    /// Begins a drill, where nothing is in its way.
    pub fn ask(&mut self, now: Moment, wanted: Wanted, effects: &mut Vec<Effect>) -> Result<(), String> {
        if let Some(why) = self.refusal(&wanted) {
            return Err(why);
        }
        self.timing.freeze = wanted.freeze.unwrap_or(self.timing.freeze);
        if matches!(wanted.drill, Drill::ScaleDown | Drill::ScaleUp) {
            self.replicas = wanted.replicas.unwrap_or(self.replicas);
        }
        self.wanted = Some(wanted);
        self.next.push_back(wanted.drill);
        self.begin_next(now, effects);
        while self.advance(now, effects) {}
        Ok(())
    }
}

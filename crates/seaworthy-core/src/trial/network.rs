//! The drill that breaks the way between clients and one replica: each kind of break in its turn, with time to recover.

use std::time::Duration;

use super::{Stage, Step, Trial};
use crate::{
    cluster::Effect,
    event::{Event, Replica},
    network::{self, Break},
    time::Moment,
};

/// What of the time to recover is seen beyond it, so that what comes too late is seen, too.
const BEYOND: Duration = Duration::from_secs(1);

/// Where the drill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Whose way it is.
    replica: Replica,
    /// Which of the breaks it is, counted from 0.
    nth: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is to be broken.
    Breaking,
    /// It is broken until then.
    Broken(Moment),
    /// It is to be whole again.
    Healing,
    /// It is whole, and what went over it recovers.
    Recovering(Moment),
}

impl Way {
    /// Until when the drill only waits.
    pub(super) const fn until(self) -> Option<Moment> {
        match self.state {
            State::Broken(until) | State::Recovering(until) => Some(until),
            State::Breaking | State::Healing => None,
        }
    }

    /// What goes on, in words.
    pub(super) fn words(self) -> String {
        let replica = self.replica;
        match self.state {
            State::Breaking | State::Broken(_) => format!("the way between clients and {replica} is broken"),
            State::Healing | State::Recovering(_) => format!("the way to {replica} is whole, and connections recover"),
        }
    }
}

impl Trial {
    /// The way to a replica is to be broken: the first kind, or the next one. Nothing, where there is none.
    pub(super) fn break_way(&self, replica: Replica, nth: usize, effects: &mut Vec<Effect>) -> Option<Step> {
        let how = *self.asked.network.get(nth)?;
        effects.push(Effect::BreakNetwork { replica, how });
        Some(Step::Network(Way { replica, nth, state: State::Breaking }))
    }

    /// Goes on with a way where its time has come.
    pub(super) fn next_of_way(&self, now: Moment, way: Way, effects: &mut Vec<Effect>) -> Option<Step> {
        let Way { replica, nth, state } = way;
        match state {
            State::Broken(until) if now >= until => {
                effects.push(Effect::HealNetwork { replica });
                Some(Step::Network(Way { replica, nth, state: State::Healing }))
            }
            State::Recovering(until) if now >= until => {
                Some(self.break_way(replica, nth + 1, effects).unwrap_or(Step::Settle))
            }
            State::Breaking | State::Broken(_) | State::Healing | State::Recovering(_) => None,
        }
    }

    /// The way is broken, or could not be.
    pub(super) fn way_broken(&mut self, now: Moment, failed: Option<String>, effects: &mut Vec<Effect>) {
        let lasts = self.asked.network_for;
        let Some((drill, how, way)) = self.way().filter(|(.., way)| way.state == State::Breaking) else { return };
        if let Some(why) = failed {
            return self.broken(drill, format!("the network could not be broken: {why}"), effects);
        }
        effects.push(Effect::Record(Event::NetworkBroken { replica: way.replica, how }));
        self.set_way(Way { state: State::Broken(now + lasts), ..way });
    }

    /// The way is whole again, or could not be mended; so many packets were dropped.
    pub(super) fn way_healed(&mut self, now: Moment, dropped: Result<u64, String>, effects: &mut Vec<Effect>) {
        let lasts = self.asked.network_for;
        let Some((drill, how, way)) = self.way().filter(|(.., way)| way.state == State::Healing) else { return };
        match dropped {
            Err(why) => self.broken(drill, format!("the network could not be mended: {why}"), effects),
            Ok(dropped) => {
                effects.push(Effect::Record(Event::NetworkHealed { replica: way.replica, how, dropped }));
                let over = now + network::recovery(lasts) + BEYOND;
                self.set_way(Way { state: State::Recovering(over), ..way });
            }
        }
    }

    /// The way is mended, however the drill ends.
    pub(super) fn mend_way(&self, effects: &mut Vec<Effect>) {
        if let Some((.., Way { replica, state: State::Breaking | State::Broken(_), .. })) = self.way() {
            effects.push(Effect::HealNetwork { replica });
        }
    }

    /// How long all breaks of the drill take.
    pub(super) fn breaking(&self) -> Duration {
        let one = self.asked.network_for.saturating_add(network::recovery(self.asked.network_for)) + BEYOND;
        one.saturating_mul(u32::try_from(self.asked.network.len()).unwrap_or(u32::MAX))
    }

    fn way(&self) -> Option<(crate::drill::Drill, Break, Way)> {
        let Stage::During { drill, step: Step::Network(way), .. } = self.stage else { return None };
        Some((drill, *self.asked.network.get(way.nth)?, way))
    }

    fn set_way(&mut self, way: Way) {
        if let Stage::During { step, .. } = &mut self.stage {
            *step = Step::Network(way);
        }
    }
}

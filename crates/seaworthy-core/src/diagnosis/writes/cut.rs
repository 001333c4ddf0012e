//! Where in time what is kept ends, and what is gone begins.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    audit::Acknowledged,
    interval::INTERVAL,
    lives::slot,
    time::{Moment, nanos},
};

/// A time in which less could be written says nothing of everything.
const SHORTEST: Duration = Duration::from_secs(4);

/// Fewer are not everything.
const LEAST: u64 = 20;

/// So many are there from before, where it is the last ones that are gone.
const ENOUGH: u64 = 5;

/// What was acknowledged, by the interval: how many are there, and how many are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline(BTreeMap<u64, (u64, u64)>);

/// What an end took along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// Nothing that its end would explain.
    Nothing,
    /// All that there was.
    All,
    /// The last, from this moment on, while what is from before is there.
    Last(Moment),
    /// The last or all: too little is known to be from before.
    Either,
}

/// An interval in which something went, with what is there and what is gone before and after.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Its number.
    number: u64,
    /// What is there of the time before it, and of itself.
    there: u64,
    /// What is there of the time after it.
    there_after: u64,
    /// What is gone of the time before it.
    gone_before: u64,
    /// What is gone from it on.
    gone: u64,
}

impl Timeline {
    /// Of several replicas together.
    pub(super) fn of(parts: &[&Acknowledged]) -> Self {
        let mut all: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (slot, there, gone) in parts.iter().flat_map(|part| &part.slots) {
            let sum = all.entry(*slot).or_default();
            *sum = (sum.0.saturating_add(*there), sum.1.saturating_add(*gone));
        }
        Self(all)
    }

    /// How many are there and how many are gone of what was acknowledged from one moment to another.
    pub(super) fn count(&self, from: Moment, to: Moment) -> (u64, u64) {
        let (from, to) = (number(from), number(to));
        let counts = self.0.iter().filter(|(slot, _)| from <= **slot && **slot <= to).map(|(_, counts)| counts);
        counts.fold((0, 0), |sum, (there, gone)| (sum.0.saturating_add(*there), sum.1.saturating_add(*gone)))
    }

    /// What was taken along of what was acknowledged from one moment to another.
    pub(super) fn took(&self, from: Moment, to: Moment) -> Took {
        let (there, gone) = self.count(from, to);
        if gone == 0 {
            return Took::Nothing;
        }
        if there == 0 {
            let is_all = gone >= LEAST && to.since(self.first(from)) >= SHORTEST;
            return if is_all { Took::All } else { Took::Either };
        }
        let Some(cut) = self.cut(from, to) else { return Took::Nothing };
        // Answers may overtake each other, but what is gone is gone from a moment on.
        if cut.there_after > 1 + cut.gone / 10 || cut.gone_before.saturating_mul(4) > cut.gone {
            return Took::Nothing;
        }
        if cut.there < ENOUGH { Took::Either } else { Took::Last(slot(cut.number)) }
    }

    /// The interval from which on most are gone and before which most are there.
    fn cut(&self, from: Moment, to: Moment) -> Option<Cut> {
        let (all, gone) = self.count(from, to);
        let (first, last) = (number(from), number(to));
        let (mut there_before, mut gone_before) = (0_u64, 0_u64);
        let mut cuts = Vec::new();
        for (number, (there, lost)) in self.0.iter().filter(|(slot, _)| first <= **slot && **slot <= last) {
            let there_before_or_in = there_before.saturating_add(*there);
            if *lost > 0 {
                cuts.push(Cut {
                    number: *number,
                    there: there_before_or_in,
                    there_after: all.saturating_sub(there_before_or_in),
                    gone_before,
                    gone: gone.saturating_sub(gone_before),
                });
            }
            (there_before, gone_before) = (there_before_or_in, gone_before.saturating_add(*lost));
        }
        cuts.into_iter().min_by_key(|cut| cut.there_after.saturating_add(cut.gone_before))
    }

    /// When the first was acknowledged from a moment on.
    fn first(&self, from: Moment) -> Moment {
        self.0.range(number(from)..).next().map_or(from, |(number, _)| slot(*number))
    }
}

/// The number of the interval that a moment is in.
fn number(at: Moment) -> u64 {
    at.nanos() / nanos(INTERVAL)
}

#[cfg(test)]
mod tests;

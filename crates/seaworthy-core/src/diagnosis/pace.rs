//! How fast each replica answers in each second, beside all others in the same second.
//!
//! A noisy machine makes all replicas slow at once, so nothing is compared with another time alone.

use std::{collections::BTreeMap, time::Duration};

use super::{shortage::flooded, sketch::Sketch};
use crate::{
    event::Replica,
    history::History,
    interval::Interval,
    lives::{Life, Lives, slot},
    outcome::ConnectionKind,
    time::Moment,
};

/// Intervals to a second.
const SLOTS: u64 = 10;

/// One replica in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Second {
    /// Its begin.
    pub(super) at: Moment,
    /// Answers and time-outs.
    pub(super) count: u64,
    /// Their median.
    pub(super) own: Duration,
    /// The median of all others' in the same second.
    pub(super) rest: Option<Duration>,
    /// Those of them that went over connections that had been used before.
    pub(super) reused: u64,
    /// The same of all replicas.
    pub(super) all_reused: u64,
    /// How many replicas clients saw.
    pub(super) seen: usize,
}

impl Second {
    /// Whether it is so many times as slow as the others, and by at least so much.
    pub(super) fn is_slow(&self, times: u32, least: Duration) -> bool {
        self.rest.is_some_and(|rest| self.own >= rest * times && self.own >= rest + least)
    }
}

/// How fast each replica answers: seconds in which it was frozen, ending or flooded are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    seconds: BTreeMap<Replica, Vec<Second>>,
}

/// What one replica did in the second that is being read.
#[derive(Clone, Debug, Default)]
struct Open {
    times: Sketch,
    reused: u64,
}

impl Pace {
    pub(super) fn of(history: &History, lives: &Lives) -> Self {
        let mut pace = Self::default();
        let mut open: BTreeMap<Replica, Open> = BTreeMap::new();
        let mut all = Sketch::default();
        let mut ordered: Vec<&Interval> = history.intervals.iter().collect();
        // Those of several threads come together, or one after the other.
        ordered.sort_by_key(|interval| interval.index);
        for second in ordered.chunk_by(|one, other| one.index / SLOTS == other.index / SLOTS) {
            for interval in second {
                read(interval, lives, &mut open);
            }
            let at = slot(second.first().map_or(0, |interval| interval.index / SLOTS * SLOTS));
            pace.close(lives, at, &mut open, &mut all);
        }
        pace
    }

    fn close(&mut self, lives: &Lives, at: Moment, open: &mut BTreeMap<Replica, Open>, all: &mut Sketch) {
        all.clear();
        let mut all_reused = 0;
        for (replica, one) in open.iter().filter(|(_, one)| one.times.count() > 0) {
            all_reused += one.reused;
            // One that hangs is no measure for the others.
            if lives.get(*replica).is_some_and(|life| is_itself(life, at)) {
                all.merge(&one.times);
            }
        }
        let seen = lives.all().filter(|life| life.view.around(at).is_some()).count();
        let calm = flooded(lives, at).is_none() && flooded(lives, at + Duration::from_secs(1)).is_none();
        for (replica, one) in open {
            let there = lives.get(*replica).is_some_and(|life| is_itself(life, at));
            let own = one.times.median().filter(|_| calm && there);
            if let Some(own) = own {
                let (count, rest, reused) = (one.times.count(), all.median_without(&one.times), one.reused);
                let second = Second { at, count, own, rest, reused, all_reused, seen };
                self.seconds.entry(*replica).or_default().push(second);
            }
            one.times.clear();
            one.reused = 0;
        }
    }

    /// Its seconds from one moment to another.
    pub(super) fn seconds(&self, replica: Replica, from: Moment, to: Moment) -> Vec<Second> {
        let all = self.seconds.get(&replica).map_or(&[][..], Vec::as_slice);
        let within = |second: &&Second| from <= second.at && second.at + Duration::from_secs(1) <= to;
        all.iter().filter(within).copied().collect()
    }
}

fn read(interval: &Interval, lives: &Lives, open: &mut BTreeMap<Replica, Open>) {
    for (lane, times) in &interval.lanes {
        let Some(life) = lane.endpoint.and_then(|address| lives.at(address)) else { continue };
        let one = open.entry(life.replica).or_default();
        let before = one.times.count();
        one.times.add(&times.service);
        one.times.add(&times.timed_out_service);
        if lane.connection == ConnectionKind::Reused {
            one.reused += one.times.count() - before;
        }
    }
}

/// Whether it was neither frozen nor to end in the second that begins here, and its process ran all the while.
fn is_itself(life: &Life, at: Moment) -> bool {
    let end = at + Duration::from_secs(1);
    let told = life.terminating.is_some_and(|(told, _)| told <= end);
    let frozen = life.frozen.any(super::context::before(at, Duration::from_secs(1)), end);
    let ended = life.runs.iter().filter_map(|run| run.ended).any(|(ended, _)| at <= ended && ended <= end);
    !told && !frozen && !ended
}

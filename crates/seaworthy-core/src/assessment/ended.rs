//! Replicas that were ended though they only had too much to do, or were slow to start.

use std::collections::BTreeMap;

use super::{flooded, proof, windows::Window};
use crate::{
    drill::Drill,
    event::{Reason, Replica, Signal},
    lives::{Life, Lives},
    text,
    time::Moment,
};

/// Why a replica ended that should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Liveness,
    Startup,
    Memory,
    Itself,
}

/// In which part of a drill a replica ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// As it started, and slowly.
    Starting,
    /// While more was asked than usual.
    Flooded,
    /// After that, while it was to come back.
    Recovering,
}

/// The replicas that should not have ended in a drill, a line for each reason and part of it.
pub(super) fn failures(window: &Window<'_>, lives: &Lives) -> Vec<String> {
    let mut ends: BTreeMap<(When, Why), Vec<(Moment, Replica)>> = BTreeMap::new();
    for life in lives.all() {
        for (at, why) in of(window, life) {
            if let Some(when) = when(window, lives, life, at, why) {
                ends.entry((when, why)).or_default().push((at, life.replica));
            }
        }
    }
    let flood = flooded::span(window, lives).and_then(|(_, ended)| ended);
    ends.into_iter().map(|((when, why), ends)| line(when, why, &ends, flood)).collect()
}

/// In which part of the drill it was; nothing where it is none of the drill's.
fn when(window: &Window<'_>, lives: &Lives, life: &Life, at: Moment, why: Why) -> Option<When> {
    if window.drill == Drill::SlowStart {
        let (disturbed, _) = window.disturbed?;
        let new = life.created.is_some_and(|created| created >= disturbed);
        return (new && matches!(why, Why::Liveness | Why::Startup)).then_some(When::Starting);
    }
    let (begun, ended) = flooded::span(window, lives)?;
    let part = if ended.is_some_and(|ended| at > ended) { When::Recovering } else { When::Flooded };
    // What ended before had another reason.
    (at >= begun).then_some(part)
}

fn line(when: When, why: Why, ends: &[(Moment, Replica)], flood: Option<Moment>) -> String {
    let times = text::counted(ends.len() as u64, "time");
    let mut names: Vec<String> = ends.iter().map(|(_, replica)| replica.to_string()).collect();
    names.dedup();
    let what = match why {
        Why::Liveness => "its liveness probe had a replica restarted",
        Why::Startup => "its startup probe had a replica restarted",
        Why::Memory => "a replica was killed for its memory",
        Why::Itself => "a replica ended by itself",
    };
    let doing = match when {
        When::Starting => "though it only started slowly".to_owned(),
        When::Flooded => "while more was asked of it than usual".to_owned(),
        When::Recovering => {
            let last = ends
                .iter()
                .map(|(at, _)| *at)
                .max()
                .zip(flood)
                .map_or(0.0, |(at, flood)| at.since(flood).as_secs_f64());
            format!("after it, when no more was asked than usual (up to {last:.1} s later)")
        }
    };
    format!("{what} {doing}: {times}, {}", names.join(", "))
}

/// The ends of a replica in a drill: once for each time that it was told to, or was not.
fn of(window: &Window<'_>, life: &Life) -> Vec<(Moment, Why)> {
    let mut ends = Vec::new();
    for (at, signal, reason) in &life.signals {
        let why = match (signal, reason) {
            (Signal::Term | Signal::Kill, Reason::Liveness) => Why::Liveness,
            (Signal::Term | Signal::Kill, Reason::Startup) => Why::Startup,
            (Signal::Term | Signal::Kill, Reason::OutOfMemory) => Why::Memory,
            (
                Signal::Term | Signal::Kill | Signal::Stop | Signal::Cont,
                Reason::Liveness
                | Reason::Startup
                | Reason::OutOfMemory
                | Reason::Termination
                | Reason::GraceOver
                | Reason::Drill
                | Reason::Cleanup,
            ) => continue,
        };
        if proof::within(window, *at) {
            ends.push((*at, why));
        }
    }
    let own = life.runs.iter().filter(|run| life.ended_by_itself(run)).filter_map(|run| run.ended);
    ends.extend(own.filter(|(at, _)| proof::within(window, *at)).map(|(at, _)| (at, Why::Itself)));
    ends
}

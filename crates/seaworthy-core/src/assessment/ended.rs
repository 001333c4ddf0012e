//! Replicas that were ended though they only had too much to do, or were slow to start.

use std::collections::BTreeMap;

use super::{proof, windows::Window};
use crate::{
    drill::Drill,
    event::{Reason, Replica, Signal},
    lives::{Life, Lives},
    text,
};

/// Why a replica ended that should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Liveness,
    Startup,
    Memory,
    Itself,
}

/// The replicas that should not have ended in a drill, a line for each reason.
pub(super) fn failures(window: &Window<'_>, lives: &Lives) -> Vec<String> {
    let patient = window.drill == Drill::SlowStart;
    if !patient && !window.drill.floods() {
        return Vec::new();
    }
    let mut ends: BTreeMap<Why, Vec<Replica>> = BTreeMap::new();
    for life in lives.all() {
        for why in of(window, life).into_iter().filter(|why| !patient || matches!(why, Why::Liveness | Why::Startup)) {
            ends.entry(why).or_default().push(life.replica);
        }
    }
    let doing = if patient { "though it only started slowly" } else { "while more was asked of it than usual" };
    let line = |(why, replicas): (Why, Vec<Replica>)| {
        let times = text::counted(replicas.len() as u64, "time");
        let mut names: Vec<String> = replicas.iter().map(ToString::to_string).collect();
        names.dedup();
        let what = match why {
            Why::Liveness => "its liveness probe had a replica restarted",
            Why::Startup => "its startup probe had a replica restarted",
            Why::Memory => "a replica was killed for its memory",
            Why::Itself => "a replica ended by itself",
        };
        format!("{what} {doing}: {times}, {}", names.join(", "))
    };
    ends.into_iter().map(line).collect()
}

/// The ends of a replica in a drill: once for each time that it was told to, or was not.
fn of(window: &Window<'_>, life: &Life) -> Vec<Why> {
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
            ends.push(why);
        }
    }
    let ended = life.runs.iter().filter(|run| run.ended.is_some_and(|(at, _)| proof::within(window, at)));
    ends.extend(ended.filter(|run| life.ended_by_itself(run)).map(|_run| Why::Itself));
    ends
}

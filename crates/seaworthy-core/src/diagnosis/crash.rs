//! A process ends by itself.

use std::time::Duration;

use super::{
    Case, Confidence, Found, Hit, Rule,
    case::{NEAR, at_or_after},
};
use crate::{
    lives::{Life, Run},
    time::Moment,
};

pub(super) const RULE: Rule = Rule {
    id: "crash",
    title: "the process ended by itself, with requests in flight, and was away until it had started again",
    own: false,
    mends: |_| {
        "find out why it ends: its exit code is in the evidence, its last words in its log; a readinessProbe keeps the \
         time short in which it is missed"
            .to_owned()
    },
    evidence,
    judge,
};

/// How long clients may take to notice that a kept connection is dead.
const NOTICED: Duration = Duration::from_secs(1);

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect?;
    let fits = |(run, ended): &(&Run, Moment)| life.ended_by_itself(run) && covers(case, life, *ended);
    life.runs.iter().filter_map(|run| Some((run, run.ended?.0))).find(fits)?;
    Some(case.hit(Confidence::Proven))
}

/// Whether the end of a process explains the failure: it was refused before the next one listened, or cut by the end.
fn covers(case: &Case<'_>, life: &Life, ended: Moment) -> bool {
    if !at_or_after(case.done(), ended) {
        return false;
    }
    if case.is_refused() {
        let back = life.listening.next_begin(ended).or_else(|| life.ready.next_begin(ended));
        return back.is_none_or(|back| at_or_after(back, case.begun()));
    }
    let until = if case.is_reused() { ended + NOTICED } else { ended + NEAR };
    case.is_cut() && case.begun() <= until
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
    for life in found.lives() {
        for run in life.runs.iter().filter(|run| life.ended_by_itself(run)) {
            lines.extend(run.ended.map(|(at, exit)| {
                let at = at.since_start().as_secs_f64();
                format!("{} ended by itself at {at:.2} s of the trial with exit code {}", life.replica, exit.code())
            }));
        }
    }
    lines
}

//! A process ends by itself.

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries};
use crate::{lives::Run, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "crash",
    title: "the process ended by itself, with requests in flight, and was away until it had started again",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::health::CRASH,
    changes: |_| Vec::new(),
    mends: |_| {
        "find out why it ends: its exit code is in the evidence, its last words in its log; a readinessProbe keeps the \
         time short in which it is missed"
            .to_owned()
    },
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect?;
    let fits = |(run, ended): &(&Run, Moment)| life.ended_by_itself(run) && case.is_of_end(life, *ended, *ended);
    life.runs.iter().filter_map(|run| Some((run, run.ended?.0))).find(fits)?;
    Some(case.hit(Confidence::Proven))
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

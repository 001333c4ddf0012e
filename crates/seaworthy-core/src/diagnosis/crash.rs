//! A process ends by itself.

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries};
use crate::{
    lives::{Life, Run},
    time::Moment,
};

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
    let mut ends = life.runs.iter().filter_map(|run| Some((run, run.ended?.0)));
    if ends.clone().any(|end| fits(&end)) {
        return Some(case.hit(Confidence::Proven));
    }
    // Nobody was left, while this one was not there again.
    let away = |(run, ended): (&Run, Moment)| {
        let back = life.ready.next_begin(ended).map(|back| back + case.history.header.propagation_most);
        life.ended_by_itself(run) && ended <= case.begun() && back.is_none_or(|back| case.begun() <= back)
    };
    let deserted = !case.known && case.is_deserted() && !is_another_unready(case, life);
    (deserted && ends.any(away)).then(|| case.hit(Confidence::Likely))
}

/// Whether another one ran and failed its readiness probe: then it is not for want of this one alone that nobody was there.
fn is_another_unready(case: &Case<'_>, life: &Life) -> bool {
    let at = case.begun();
    case.lives.all().filter(|other| other.replica != life.replica).any(|other| {
        let told = other.terminating.is_some_and(|(told, _)| told <= at);
        let was = other.ready.all().iter().rev().filter_map(|span| span.to).find(|to| *to <= at);
        let runs = other.run_at(at).zip(was).is_some_and(|(run, was)| run.started <= was);
        runs && !told && other.ready.around(at).is_none() && other.frozen.around(at).is_none()
    })
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

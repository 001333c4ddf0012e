//! A replica gets requests before it can answer.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    case::{NEAR, at_or_after},
    entries,
    found::seconds,
};
use crate::{
    interval::INTERVAL,
    lives::{Life, Run},
    outcome::FailureKind,
};

pub(super) const RULE: Rule = Rule {
    id: "traffic-before-ready",
    title: "a new replica was given requests before it could answer them",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::startup::BEFORE_READY,
    changes: |_| Vec::new(),
    mends,
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect?;
    let begun = case.begun();
    let run = life.run_at(begun + NEAR).filter(|run| run.ended.is_none_or(|(ended, _)| begun < ended))?;
    let ending = life.terminating.is_some_and(|(told, _)| told <= begun);
    if ending || !(life.view.around(begun).is_some() || life.view.around(begun + NEAR).is_some()) {
        return None;
    }
    // Its own process never listened up to here.
    let listened = life
        .listening
        .all()
        .iter()
        .any(|span| span.to.is_none_or(|to| to > run.started + NEAR) && !at_or_after(span.from, begun));
    if case.is_refused() && !listened {
        let probed = case.history.header.deployment.template.readiness.is_some();
        return Some(case.hit(if probed { Confidence::Likely } else { Confidence::Proven }));
    }
    // It answers, but only with errors until its first good answer: what heals by itself was too early.
    let broken = case.kind() == FailureKind::Status && case.failed.failure.status.is_some_and(|status| status >= 500);
    let healed = life.answers.range(run.started..).next().map(|(slot, _)| *slot + INTERVAL);
    match healed {
        Some(healed) => (broken && case.known && case.done() <= healed).then(|| case.hit(Confidence::Likely)),
        // It had not the time to heal. Where others of its revision do answer, its errors are of its begin, too.
        None => (broken && case.known && has_healthy_twin(case, life) && is_new(case, life, run))
            .then(|| case.hit(Confidence::Possible)),
    }
}

/// Longer than this after clients first saw it, a replica is not new any more.
const NEW: Duration = Duration::from_secs(10);

/// Whether its process has only begun, the first one or one that was started in its place.
fn is_new(case: &Case<'_>, life: &Life, run: &Run) -> bool {
    let joined = life.view.all().iter().map(|span| span.from).find(|from| *from >= run.started);
    joined.is_some_and(|joined| case.begun() <= joined + NEW)
}

fn has_healthy_twin(case: &Case<'_>, life: &Life) -> bool {
    // A rollback starts what an earlier revision had.
    let rollout = case.lives.rollouts().iter().find(|rollout| Some(rollout.revision) == life.revision);
    let back = rollout.is_some_and(|rollout| rollout.back);
    let same = |other: &Life| other.revision == life.revision || back && other.release == life.release;
    let twin = |other: &Life| other.replica != life.replica && same(other);
    case.lives.all().any(|other| twin(other) && !other.answers.is_empty())
}

/// How long clients saw it before it listened.
fn early(life: &Life) -> Option<Duration> {
    let early = |span: &crate::lives::Span| {
        let up = life.listening.next_begin(span.from)?;
        (life.listening.around(span.from).is_none()).then(|| up.since(span.from))
    };
    life.view.all().iter().filter_map(early).max()
}

fn mends(found: &Found<'_>) -> String {
    let slow = found.longest(early).map_or_else(String::new, |early| format!(" (it listened {} late)", seconds(early)));
    if found.history.header.deployment.template.readiness.is_some() {
        format!(
            "let the readinessProbe answer only what the application itself can answer: an HTTP check through the path \
             of a real request, and open the listener last{slow}"
        )
    } else {
        format!(
            "add a readinessProbe (httpGet, through the path of a real request): without one a replica counts as ready \
             as soon as it runs{slow}"
        )
    }
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let seen = found.between(|life| life.view.all().first().map(|span| span.from), "clients first saw it");
    let mut lines = vec![format!("{} on {}, {seen}", found.what(), found.whose())];
    lines.extend(
        found
            .longest(early)
            .map(|early| format!("its listener was up only {} after clients first connected to it", seconds(early))),
    );
    let probe = found.history.header.deployment.template.readiness.is_some();
    lines.push(format!("readinessProbe: {}", if probe { "there is one, and it passed too early" } else { "none" }));
    lines
}

//! The freeze drill's own doing.

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    case::{NEAR, at_or_after},
    entries,
    found::seconds,
};
use crate::{drill::Drill, lives::Life, outcome::FailureKind, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "hung",
    title: "the drill froze the replica that had these requests, and clients could not know yet",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::HUNG,
    changes: |_| Vec::new(),
    mends,
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known)?;
    // What was sent again had lost its time on the replica that hung.
    let lost_time = || {
        let (done, address) = case.context.first_try(case).filter(|_| case.kind() == FailureKind::TimedOut)?;
        let mut freezes = freezes(case.lives.at(address)?);
        freezes.any(|(from, to)| at_or_after(done, from) && done <= to + NEAR).then_some(Confidence::Likely)
    };
    let allowed = case.failed.drill == Drill::Freeze && case.failed.allowed;
    let later = freezes(life).any(|(_, to)| case.is_of_later(to));
    // A request may have been due in an earlier drill.
    let held = |(from, to): (Moment, Moment)| {
        let ended = case.is_cut() || case.kind() == FailureKind::TimedOut;
        ended && case.begun() <= from && at_or_after(case.done(), from) && case.done() <= to + NEAR
    };
    let confidence = if allowed && !later || freezes(life).any(held) { Some(Confidence::Proven) } else { lost_time() };
    confidence.map(|confidence| case.hit(confidence))
}

/// From when to when it hung: until it ran again, or its process ended.
fn freezes(life: &Life) -> impl Iterator<Item = (Moment, Moment)> + '_ {
    life.frozen.all().iter().filter_map(|span| {
        let ended = life.exit_after(span.from).map(|(ended, _)| ended);
        Some((span.from, [span.to, ended].into_iter().flatten().min()?))
    })
}

fn mends(found: &Found<'_>) -> String {
    let readiness = found.history.header.deployment.template.readiness.as_ref();
    let detection = readiness.map(|probe| {
        let (period, failures) = (seconds(probe.period), probe.failure_threshold);
        format!(
            " (readinessProbe: {} with a period of {period} and {failures} failures; a shorter periodSeconds or \
             failureThreshold makes it shorter)",
            seconds(probe.detection())
        )
    });
    format!(
        "nothing can keep what a hung replica has; how much that is depends on how soon it is noticed{}",
        detection.unwrap_or_else(|| ": there is no readinessProbe, so it never is".to_owned())
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let frozen = |life: &Life| life.frozen.all().first().map(|span| span.from);
    let mut lines = vec![format!("{} {} of {}", found.what(), found.between(frozen, "the freeze"), found.whose())];
    let seen = found.longest(|life| {
        let from = frozen(life)?;
        Some(life.view.next_end(from)?.since(from))
    });
    lines.push(seen.map_or_else(
        || "clients never heard of it".to_owned(),
        |seen| format!("clients still connected to it for {}", seconds(seen)),
    ));
    lines.extend(found.unknown());
    lines
}

//! Nobody is left to connect to, though more than one replica is wanted: a rollout took them all, or their probes did.

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    context::{REMEMBERED, before},
    entries,
};
use crate::{
    change::Change,
    deployment::{ProbeKind, Strategy},
    event::{Reason, Signal},
    lives::{Life, Lives},
    time::Moment,
};

pub(super) const STUCK: Rule = Rule {
    id: "rollout-stuck",
    title: "the rollout stood still: its new replicas never got ready, and what it had taken away stayed away",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::startup::STUCK,
    mends: |_| {
        "maxUnavailable: 0, so that a stuck rollout costs nothing; a short progressDeadlineSeconds with an automatic \
         `kubectl rollout undo`; and find out why the new replicas are not ready: their log and their probe say it"
            .to_owned()
    },
    changes: |_| vec![Change::RollingUpdate],
    evidence: |found| {
        if found.failed.is_empty() {
            return Vec::new();
        }
        vec![format!("{}, in a rollout that passed its deadline, {}", found.what(), found.when())]
    },
    judge: |case| {
        let at = case.begun();
        let stuck = case.context.stuck.iter().any(|(from, to)| *from <= at && at <= *to);
        (stuck && case.is_deserted()).then_some(LIKELY)
    },
};

pub(super) const DIP: Rule = Rule {
    id: "rollout-capacity-dip",
    title: "the rolling update took away all replicas before new ones were ready: meanwhile nobody answers",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::startup::CAPACITY_DIP,
    mends: |_| {
        "maxUnavailable: 0 and maxSurge: 1 or more, so that a new replica is ready before an old one goes".to_owned()
    },
    changes: |_| vec![Change::RollingUpdate],
    evidence: |found| {
        let deployment = &found.history.header.deployment;
        let most = deployment.strategy.fenceposts(deployment.replicas).unavailable;
        vec![
            format!("{}, while a rollout was under way and no endpoint was left, {}", found.what(), found.when()),
            format!("maxUnavailable lets it take {most} of {} replicas at once", deployment.replicas),
        ]
    },
    judge: |case| {
        let rolls = matches!(case.history.header.deployment.strategy, Strategy::RollingUpdate { .. });
        // Where it may not take all of them, something else took the rest.
        let deployment = &case.history.header.deployment;
        let all = deployment.strategy.fenceposts(deployment.replicas).unavailable >= deployment.replicas;
        (rolls && all && case.is_in_rollout() && (case.is_deserted() || is_kept(case))).then_some(LIKELY)
    },
};

pub(super) const COLLAPSE: Rule = Rule {
    id: "dependency-readiness-collapse",
    title: "all replicas turned unready while the database was away, so that nobody was left to connect to",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::health::COLLAPSE,
    mends: |_| {
        "let the readinessProbe answer for the replica alone and not for the database, which all of them share; let \
         requests that need it fail at once with 503"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence,
    judge: |case| (all_unready(case) && was_away(case)).then_some(LIKELY),
};

pub(super) const FLAP: Rule = Rule {
    id: "readiness-flap",
    title: "all replicas failed their readiness probes though they ran, so that nobody was left to connect to",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::health::FLAP,
    mends: |_| {
        "a longer timeoutSeconds and a failureThreshold of 3 or more for the readinessProbe, and an application that \
         sheds load, so that the probe still gets its answer"
            .to_owned()
    },
    changes: |found| {
        let patient = |probe: &crate::deployment::Probe| {
            Change::Patience(ProbeKind::Readiness, probe.timeout * 5, probe.failure_threshold.max(3))
        };
        found.history.header.deployment.template.readiness.iter().map(patient).collect()
    },
    evidence,
    judge: |case| (all_unready(case) && !was_away(case)).then_some(LIKELY),
};

/// It was refused by a replica that clients would have left long ago, had there been another: while none is ready, those
/// that end are all that there is, until clients hear of the first new one.
fn is_kept(case: &Case<'_>) -> bool {
    let told = case.suspect.filter(|_| case.known && case.is_refused()).and_then(|life| life.terminating);
    let heard = case.history.header.propagation_most;
    told.is_some_and(|(told, _)| case.begun() > told + heard && case.context.was_empty(told, case.begun()))
}

/// There was nobody: no replica in particular has a part in it.
const LIKELY: Hit = Hit { confidence: Confidence::Likely, replica: None };

/// Clients had nobody, while all replicas ran, none was to end, and each of them had been ready before.
fn all_unready(case: &Case<'_>) -> bool {
    let (at, header) = (case.begun(), &case.history.header);
    let unready = |at: Moment| {
        let mut there = living(case.lives, at).peekable();
        there.peek().is_some() && there.all(|life| is_unready(life, at))
    };
    let nobody_ends = living(case.lives, at).all(|life| life.terminating.is_none_or(|(told, _)| told > at));
    // Clients hear of it later, and as late that it is over.
    case.is_deserted()
        && nobody_ends
        && [at, before(at, header.propagation_least), before(at, header.propagation_most)].into_iter().any(unready)
}

/// The replicas that exist at a moment.
fn living(lives: &Lives, at: Moment) -> impl Iterator<Item = &Life> {
    lives
        .all()
        .filter(move |life| life.created.is_some_and(|created| created <= at) && life.gone.is_none_or(|gone| at < gone))
}

/// Whether a liveness or startup probe has told its process to end, which turns it unready at the same moment.
fn ends_by_a_probe(life: &Life, at: Moment) -> bool {
    let started = life.run_at(at).map(|run| run.started);
    life.signals.iter().any(|(told, signal, reason)| {
        matches!((signal, reason), (Signal::Term | Signal::Kill, Reason::Liveness | Reason::Startup))
            && *told <= at + super::case::NEAR
            && started.is_some_and(|started| *told >= started)
    })
}

fn is_unready(life: &Life, at: Moment) -> bool {
    let told = life.terminating.is_some_and(|(told, _)| told <= at) || ends_by_a_probe(life, at);
    let was = life.ready.all().iter().any(|span| span.to.is_some_and(|to| to <= at));
    let runs = life.run_at(at).is_some_and(|run| {
        // One that was started since has not failed its probe: it has yet to pass it.
        life.ready
            .all()
            .iter()
            .rev()
            .filter_map(|span| span.to)
            .find(|to| *to <= at)
            .is_some_and(|to| run.started <= to)
    });
    !told && was && runs && life.ready.around(at).is_none() && life.frozen.around(at).is_none()
}

/// Whether the database was away within the last minute.
fn was_away(case: &Case<'_>) -> bool {
    let at = case.begun();
    case.context.away.iter().any(|(from, to)| *from <= at && before(at, REMEMBERED) <= *to)
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let first = found.failed.iter().map(|failed| failed.outcome.done).min().unwrap_or_default();
    let out = living(found.lives, first).filter_map(|life| {
        let to = life.ready.all().iter().rev().filter_map(|span| span.to).find(|to| *to <= first)?;
        Some(format!("{} turned unready {} before", life.replica, super::found::seconds(first.since(to))))
    });
    let mut lines =
        vec![format!("{}, while every replica ran and none was told to end, {}", found.what(), found.when())];
    lines.extend(out.take(4));
    lines
}

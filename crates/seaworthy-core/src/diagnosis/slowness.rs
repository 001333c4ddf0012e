//! Replicas that answer, and slowly: for their first seconds, or for as long as they live.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Asks, Case, Confidence, Failed, Harm, Hit, Rule, entries,
    found::seconds,
    observed::{Observing, Seen},
    pace::Second,
    spread,
};
use crate::{
    lives::{Life, Span},
    outcome::FailureKind,
    text::{counted, time},
    time::Moment,
};

pub(super) const COLD: Rule = Rule {
    id: "cold-start",
    title: "new replicas were slow in their first seconds, with a full share of the requests",
    own: false,
    harm: Harm::Slowness,
    asks: Asks::Trial,
    entry: entries::startup::COLD_START,
    mends: |_| {
        "do the warm-up before the replica counts as ready (caches, pools, the paths that are asked most), and give it \
         the CPU that a start needs"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        if found.failed.is_empty() {
            return Vec::new();
        }
        let joined = found.between(|life| life.view.all().first().map(|span| span.from), "clients first saw it");
        vec![
            format!("{} on {}, {joined}", found.what(), found.whose()),
            "no other replica had any at that time, and later it answered".to_owned(),
        ]
    },
    judge: cold,
};

pub(super) const SLOW: Rule = Rule {
    id: "slow-replica",
    title: "one replica was several times as slow as all others, for as long as it lived",
    own: false,
    harm: Harm::Slowness,
    asks: Asks::Trial,
    entry: entries::health::SLOW_REPLICA,
    mends: |_| {
        "find what this replica has that the others have not: its machine, its disk, its cache, its neighbours"
            .to_owned()
    },
    ..Rule::OBSERVED
};

/// How long a start lasts.
const START: Duration = Duration::from_secs(5);

/// How long it may make requests time out.
const START_OF_TIMEOUTS: Duration = Duration::from_secs(10);

/// A process that was started longer ago than this is not new.
const NEW: Duration = Duration::from_mins(1);

/// A second with fewer answers says nothing.
const LEAST: u64 = 5;

/// Slow answers that make a start slow.
const LEAST_COLD: u64 = 15;

/// Seconds that have to be known: after a start, and of a replica that is slow.
const LEAST_LATER: usize = 3;
const LEAST_SECONDS: usize = 10;

/// Time-outs of a new replica that no other one has.
fn cold(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known && case.kind() == FailureKind::TimedOut)?;
    let begun = case.begun();
    let joined = life.view.around(begun)?.from;
    let new = is_new(life, joined) && begun <= joined + START_OF_TIMEOUTS;
    let healed = life.answers.range(case.done()..).next().is_some();
    let itself = life.terminating.is_none_or(|(told, _)| told > case.done()) && !life.frozen.any(begun, case.done());
    // What was sent again had lost its time elsewhere.
    let own = case.context.first_try(case).is_none();
    (new && healed && itself && own && !case.context.others_timed_out(case)).then(|| case.hit(Confidence::Likely))
}

fn is_new(life: &Life, joined: Moment) -> bool {
    life.run_at(joined).is_some_and(|run| joined.since(run.started) <= NEW)
}

/// Starts that are slow, where at least half of all starts are.
pub(super) fn cold_starts(observing: &Observing<'_>) -> Option<Seen> {
    let mut seen = Seen::of(&COLD, Confidence::Likely);
    let (mut starts, mut slow_starts) = (0, 0);
    for life in observing.lives.all() {
        // Nobody asked the first ones anything until all of them were ready.
        let joins = life.view.all().iter().filter(|span| observing.is_loaded(span.from) && is_new(life, span.from));
        for span in joins {
            let Some((early, later)) = start(observing, life, *span) else { continue };
            starts += 1;
            let slow: Vec<&Second> = early.iter().filter(|second| is_cold(second, later)).collect();
            let count: u64 = slow.iter().map(|second| second.count).sum();
            if count >= LEAST_COLD {
                slow_starts += 1;
                let worst = slow.iter().map(|second| second.own).max().unwrap_or_default();
                seen.evidence.push(format!(
                    "{}: a median of {} within {} after clients first saw it, and {} later",
                    life.replica,
                    time(worst),
                    seconds(
                        slow.iter()
                            .map(|second| (second.at + Duration::from_secs(1)).since(span.from))
                            .max()
                            .unwrap_or_default()
                    ),
                    time(later)
                ));
                seen.add(observing, life.replica, count, slow.iter().map(|second| second.at));
            }
        }
    }
    (slow_starts > 0 && slow_starts * 2 >= starts).then(|| {
        seen.evidence.insert(
            0,
            format!(
                "{slow_starts} of {} {} slow, and no other replica was in the same second",
                counted(starts, "start"),
                if slow_starts == 1 { "was" } else { "were" }
            ),
        );
        seen
    })
}

/// The seconds of a start, and the median after it; nothing where too little is known, or it does not wear off.
fn start(observing: &Observing<'_>, life: &Life, span: Span) -> Option<(Vec<Second>, Duration)> {
    let end = span.to.unwrap_or_else(|| observing.lives.end());
    let known = |from, to| -> Vec<Second> {
        let seconds = observing.pace.seconds(life.replica, from, to);
        seconds.into_iter().filter(|second| second.count >= LEAST).collect()
    };
    let early =
        known(super::context::before(span.from, Duration::from_secs(1)), span.from + START + Duration::from_secs(1));
    let later = known(span.from + START, end);
    let mut medians: Vec<Duration> = later.iter().map(|second| second.own).collect();
    medians.sort_unstable();
    let median =
        medians.get(medians.len() / 2).copied().filter(|_| medians.len() >= LEAST_LATER && !early.is_empty())?;
    // What is slow again later is not slow for being new.
    let again = later.iter().skip(1).filter(|second| is_cold(second, median)).count();
    (again * 20 <= later.len()).then_some((early, median))
}

fn is_cold(second: &Second, later: Duration) -> bool {
    let least = Duration::from_millis(20);
    second.own >= later * 5 && second.own >= later + least && second.is_slow(5, least)
}

/// Replicas that are slow for as long as they live.
pub(super) fn slow_replicas(observing: &Observing<'_>) -> Option<Seen> {
    let mut seen = Seen::of(&SLOW, Confidence::Likely);
    for life in observing.lives.all() {
        let settled = settled(observing, life);
        // What is slow for having too many requests is another cause.
        if !is_slow(&settled) || spread::ratio(&settled) > 2.0 {
            continue;
        }
        let slow = settled.iter().filter(|second| is_slower(second));
        let (own, rest) = medians(&settled);
        let percent = slow.clone().count() * 100 / settled.len().max(1);
        let line = format!(
            "{}: a median of {} where all others together had {}, in {percent}% of {} seconds",
            life.replica,
            time(own),
            time(rest),
            settled.len()
        );
        seen.evidence.push(line);
        seen.add(observing, life.replica, slow.clone().map(|second| second.count).sum(), slow.map(|second| second.at));
    }
    (!seen.replicas.is_empty()).then_some(seen)
}

/// The seconds of a replica that say something, without those of its starts.
pub(super) fn settled(observing: &Observing<'_>, life: &Life) -> Vec<Second> {
    let mut settled = Vec::new();
    for span in life.view.all() {
        let end = span.to.unwrap_or_else(|| observing.lives.end());
        let seconds = observing.pace.seconds(life.replica, span.from + START, end);
        settled.extend(seconds.into_iter().filter(|second| second.count >= LEAST && second.rest.is_some()));
    }
    settled
}

pub(super) fn is_slow(settled: &[Second]) -> bool {
    let slow = settled.iter().filter(|second| is_slower(second)).count();
    settled.len() >= LEAST_SECONDS && slow * 10 >= settled.len() * 9
}

fn is_slower(second: &Second) -> bool {
    second.is_slow(3, Duration::from_millis(3))
}

/// The middle of a replica's medians, and of the others'.
pub(super) fn medians(settled: &[Second]) -> (Duration, Duration) {
    let middle = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let own = settled.iter().map(|second| second.own).collect();
    (middle(own), middle(settled.iter().filter_map(|second| second.rest).collect()))
}

/// Replicas that failures are the doing of, by their addresses.
pub(super) fn timed_out<'a>(
    failures: impl Iterator<Item = &'a Failed<'a>>,
) -> BTreeSet<(Moment, std::net::SocketAddr)> {
    let timed_out = failures.filter(|failed| failed.failure.kind == FailureKind::TimedOut);
    timed_out.filter_map(|failed| Some((failed.outcome.done, failed.outcome.endpoint?))).collect()
}

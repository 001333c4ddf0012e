//! The database is away, and comes back.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    context::{REMEMBERED, before},
    entries,
    found::seconds,
};
use crate::{
    event::Event,
    lives::Life,
    outcome::{FailureKind, Phase},
    time::Moment,
};

pub(super) const AWAY: Rule = Rule {
    id: "db-unavailable-window",
    title: "the database was away, and replicas answered with errors meanwhile",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::data::DB_AWAY,
    mends: |_| {
        "a database that fails over in less time, or a cache or queue for what can wait; a bounded wait for a \
         connection (1 to 2 s), so that errors are fast"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
        lines.extend(outages(found));
        lines
    },
    judge: away,
};

pub(super) const POOL: Rule = Rule {
    id: "stale-db-pool",
    title: "the database was back, and replicas still used connections that had died with it",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::data::STALE_POOL,
    mends: |_| {
        "let the pool test a connection before it hands it out, and bound the age of connections: \
         `seaworthy causes stale-db-pool` has the lines"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
        lines.extend(afterwards(found));
        lines.extend(outages(found));
        lines
    },
    judge: pool,
};

/// How far apart a failure may lie from what the database's port says.
const AROUND: Duration = Duration::from_secs(1);

fn away(case: &Case<'_>) -> Option<Hit> {
    let waits = case.kind() == FailureKind::TimedOut
        && matches!(case.failed.failure.phase, Phase::Wait | Phase::Receive)
        && case.known;
    let within =
        case.context.away.iter().any(|(from, to)| before(*from, AROUND) <= case.done() && case.begun() <= *to + AROUND);
    ((case.is_server_error() || waits) && within).then(|| case.hit(Confidence::Likely))
}

fn pool(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known && case.is_server_error())?;
    let begun = case.begun();
    let (from, back) = case.context.away.iter().rev().find(|(_, back)| *back + AROUND < begun)?;
    let older = life.run_at(begun).is_some_and(|run| run.started < *from);
    if !older {
        return None;
    }
    if answers(life, *back) {
        return (begun <= *back + REMEMBERED).then(|| case.hit(Confidence::Likely));
    }
    // It never got over it. What else the database lost with its process (a table) looks the same, unless others answer.
    let answered = life.answers.range(..*from).next().is_some();
    answered.then(|| case.hit(Confidence::Possible))
}

/// Whether a replica gave a good answer soon after the database was back, and not only in the moment in which it was.
fn answers(life: &Life, back: Moment) -> bool {
    life.answers.range(back..=back + REMEMBERED).next().is_some()
}

/// What became of the replicas once the database was back.
fn afterwards(found: &Found<'_>) -> Vec<String> {
    let up = found.lives.database_up();
    let backs: Vec<Moment> = up.all().iter().filter_map(|span| up.next_begin(span.to?)).collect();
    let (well, ill): (Vec<&Life>, Vec<&Life>) =
        found.lives().partition(|life| backs.iter().any(|back| answers(life, *back)));
    let mut lines = Vec::new();
    if !well.is_empty() {
        lines.push(format!("{} also gave good answers once it was back", whose(&well)));
    }
    if !ill.is_empty() {
        let last = found.failed.iter().map(|failed| failed.outcome.done).max().unwrap_or_default();
        let ended =
            found.history.events.iter().find(|(at, event)| {
                matches!(event, Event::DrillEnded { .. }) && *at >= last && at.since(last) <= AROUND
            });
        let until = if ended.is_some() { ": still failing when the drill ended" } else { "" };
        lines.push(format!("{} gave no good answer any more{until}", whose(&ill)));
        lines.push(
            "a schema that is gone with the database would look alike: see whether its tables are there".to_owned(),
        );
    }
    lines
}

fn whose(lives: &[&Life]) -> String {
    let names: Vec<String> = lives.iter().map(|life| life.replica.to_string()).collect();
    names.join(", ")
}

fn outages(found: &Found<'_>) -> Vec<String> {
    let up = found.lives.database_up();
    let line = |down: Moment| {
        let at = seconds(down.since_start());
        up.next_begin(down).map_or_else(
            || format!("the database went away at {at} of the trial, and did not come back"),
            |back| format!("the database was away from {at} to {} of the trial", seconds(back.since_start())),
        )
    };
    up.all().iter().filter_map(|span| span.to).take(3).map(line).collect()
}

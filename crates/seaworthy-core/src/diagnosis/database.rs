//! The database is away, and comes back.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    context::{REMEMBERED, before},
    entries,
    found::seconds,
};
use crate::outcome::{FailureKind, Phase};

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
        lines.push("the same replicas also gave good answers once it was back".to_owned());
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
    let fits = |(from, back): &&(crate::time::Moment, crate::time::Moment)| {
        let after = *back + AROUND < begun && begun <= *back + REMEMBERED;
        let older = life.run_at(begun).is_some_and(|run| run.started < *from);
        after && older && life.answers.range(*back..=*back + REMEMBERED).next().is_some()
    };
    case.context.away.iter().find(fits).map(|_| case.hit(Confidence::Likely))
}

fn outages(found: &Found<'_>) -> Vec<String> {
    let up = found.lives.database_up();
    let line = |down: crate::time::Moment| {
        let at = seconds(down.since_start());
        up.next_begin(down).map_or_else(
            || format!("the database went away at {at} of the trial, and did not come back"),
            |back| format!("the database was away from {at} to {} of the trial", seconds(back.since_start())),
        )
    };
    up.all().iter().filter_map(|span| span.to).take(3).map(line).collect()
}

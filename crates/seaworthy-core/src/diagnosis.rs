//! Why requests were lost: a registry of causes, each a rule over the history in a file of its own.

mod accept_overflow;
mod accept_queue;
mod answers;
mod bad_release;
mod before_ready;
mod case;
mod context;
mod crash;
mod database;
mod descriptors;
mod deserted;
mod entries;
mod exit_on_sigterm;
mod finding;
mod force_delete;
mod found;
mod grace;
mod hung;
mod idle;
mod idle_keepalive;
mod in_baseline;
mod killed;
mod liveness;
mod migration;
mod names;
mod observed;
mod oom;
mod pace;
mod partition;
mod ports;
mod prestop_failed;
mod recreate_gap;
mod releases;
mod removal_race;
mod restarts;
mod rule;
mod saturation;
mod shortage;
mod sigterm_ignored;
mod single_replica_gap;
mod sketch;
mod slowness;
mod spread;
mod stale_endpoint;
mod unexplained;
mod unknown_write;
mod waiting;
mod writes;

use std::collections::BTreeSet;

pub use self::{
    case::{Case, Failed, Fate, Hit},
    context::Context,
    finding::{Finding, findings},
    found::Found,
    rule::{Asks, Entry, Rule},
    waiting::{WAITING, Waits},
};
pub(crate) use self::{finding::sort, writes::are_harmed};
use crate::{
    event::Replica,
    history::History,
    lives::{Life, Lives},
};

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It fits, and so may other things.
    Possible,
    /// It fits, and nothing else that is known does.
    Likely,
    /// The evidence allows nothing else.
    Proven,
    /// It went away with the change that mends it, and with nothing else changed.
    Confirmed,
}

impl Confidence {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Proven => "proven",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What came to harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Requests have no good answer.
    Requests,
    /// Writes that were acknowledged are not there, or are there twice.
    Writes,
    /// Good answers came late.
    Slowness,
    /// Load is not where it should be.
    Spread,
    /// Replicas were ended that should have been left alone.
    Restarts,
}

impl Harm {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Writes => "writes",
            Self::Slowness => "slowness",
            Self::Spread => "spread",
            Self::Restarts => "restarts",
        }
    }
}

/// The causes of failures, in the order in which they are asked: the tool itself, what a drill does on purpose, what the
/// answer says by itself, the database, whether there was anybody to answer, then each replica's own begin and end, and
/// last what keeps to a time or to a connection.
pub static RULES: [Rule; 40] = [
    ports::RULE,
    descriptors::RULE,
    killed::RULE,
    hung::RULE,
    partition::RULE,
    saturation::RULE,
    names::DNS,
    names::EXPIRED,
    names::TLS,
    answers::TRUNCATION,
    answers::GOAWAY,
    database::AWAY,
    database::POOL,
    recreate_gap::RULE,
    single_replica_gap::RULE,
    deserted::STUCK,
    deserted::DIP,
    deserted::COLLAPSE,
    deserted::FLAP,
    bad_release::RULE,
    migration::RULE,
    oom::RULE,
    liveness::RULE,
    crash::RULE,
    before_ready::RULE,
    force_delete::RULE,
    sigterm_ignored::RULE,
    grace::RULE,
    prestop_failed::RULE,
    removal_race::RULE,
    stale_endpoint::RULE,
    idle_keepalive::RULE,
    accept_queue::RULE,
    exit_on_sigterm::RULE,
    answers::ERROR_AS_SUCCESS,
    accept_overflow::RULE,
    shortage::RULE,
    idle::RULE,
    slowness::COLD,
    unknown_write::RULE,
];

/// Causes that show in times, counts and writes, and in no failure.
pub static OBSERVED: [Rule; 10] = [
    restarts::STARTING,
    slowness::SLOW,
    spread::PINNING,
    spread::NO_REBALANCE,
    writes::ACK_FIRST,
    writes::EPHEMERAL,
    writes::NON_DURABLE,
    writes::DUPLICATE,
    writes::STALE,
    writes::UNEXPLAINED,
];

/// Causes that no rule finds in a failure alone: what also happens while nothing is done, and what nothing explains.
static REST: [Rule; 2] = [in_baseline::RULE, unexplained::RULE];

/// All causes that a trial can find.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().chain(&OBSERVED).chain(&REST)
}

/// The cause of a name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// The cause of one failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its name, `unexplained`, or `ambiguous:` and the names that remain.
    pub id: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The replica whose doing it is, where it is one's.
    pub replica: Option<Replica>,
}

impl Cause {
    /// It also happens while nothing is done.
    pub fn in_baseline() -> Self {
        Self { id: in_baseline::RULE.id.to_owned(), confidence: Confidence::Likely, replica: None }
    }

    /// Nothing that is known explains it.
    pub fn unexplained() -> Self {
        Self { id: unexplained::RULE.id.to_owned(), confidence: Confidence::Possible, replica: None }
    }
}

/// The cause of each failure, in their order.
pub fn diagnose(history: &History, lives: &Lives, failures: &[Failed<'_>]) -> Vec<Cause> {
    let context = Context::of(history, lives, failures);
    let judge = |failed: &Failed<'_>| {
        let known = failed.outcome.endpoint.and_then(|address| lives.at(address));
        let case =
            |suspect| Case { history, lives, failed: *failed, suspect, known: known.is_some(), context: &context };
        cause(&context, known, failed, &case)
    };
    failures.iter().map(judge).collect()
}

/// The first that fits decides; of what is asked of replicas, all that fit stand side by side.
fn cause<'a>(
    context: &Context<'a>,
    known: Option<&'a Life>,
    failed: &Failed<'_>,
    case: &dyn Fn(Option<&'a Life>) -> Case<'a>,
) -> Cause {
    for rules in RULES.chunk_by(|one, other| one.asks == other.asks) {
        let first = |suspect: Option<&'a Life>| {
            let case = case(suspect);
            rules.iter().find_map(|rule| Some((rule.id, (rule.judge)(&case)?)))
        };
        let of_replicas = rules.first().is_some_and(|rule| rule.asks == Asks::Replica);
        let hits: Vec<_> = match known {
            // Where it is not known which replica it was, it may have been any that began or ended.
            None if of_replicas => {
                let suspects = context.suspects(failed.outcome.begun, failed.outcome.done);
                suspects.into_iter().filter_map(|life| first(Some(life))).collect()
            }
            known => first(known).into_iter().collect(),
        };
        if !hits.is_empty() {
            return settle(&hits);
        }
    }
    Cause::unexplained()
}

/// Candidates that agree are one cause; otherwise all of them are named, and none is more than possible.
fn settle(hits: &[(&'static str, Hit)]) -> Cause {
    let names: BTreeSet<&str> = hits.iter().map(|(id, _)| *id).collect();
    let replicas: BTreeSet<Option<Replica>> = hits.iter().map(|(_, hit)| hit.replica).collect();
    let replica = if replicas.len() == 1 { replicas.into_iter().next().flatten() } else { None };
    let confidence = hits.iter().map(|(_, hit)| hit.confidence).max();
    match (names.first(), confidence) {
        (Some(name), Some(confidence)) if names.len() == 1 => Cause { id: (*name).to_owned(), confidence, replica },
        (Some(_), _) => {
            let names: Vec<&str> = names.into_iter().collect();
            let id = format!("{}{}", finding::AMBIGUOUS, names.join("|"));
            Cause { id, confidence: Confidence::Possible, replica: None }
        }
        (None, _) => Cause::unexplained(),
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Why requests were lost: a registry of causes, each a rule over the history in a file of its own.

mod accept_queue;
mod bad_release;
mod before_ready;
mod case;
mod crash;
mod descriptors;
mod exit_on_sigterm;
mod found;
mod grace;
mod hung;
mod idle_keepalive;
mod in_baseline;
mod killed;
mod ports;
mod prestop_failed;
mod recreate_gap;
mod removal_race;
mod saturation;
mod sigterm_ignored;
mod single_replica_gap;
mod unexplained;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

pub use self::{
    case::{Case, Failed, Fate, Hit},
    found::Found,
};
use crate::{
    change::Change,
    drill::Drill,
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
}

impl Harm {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Writes => "writes",
            Self::Slowness => "slowness",
            Self::Spread => "spread",
        }
    }
}

/// A cause that was found, with its evidence and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The cause's name: `endpoint-removal-race`; `unexplained` where none was found.
    pub cause: String,
    /// How sure it is: the least sure of its failures.
    pub confidence: Confidence,
    /// What happened, in a sentence for somebody who does not know the name.
    pub title: String,
    /// What to change.
    pub mends: String,
    /// The same, as far as the target's own rules can be changed for a trial of it.
    pub changes: Vec<Change>,
    /// What came to harm.
    pub harm: Harm,
    /// What was seen, a line each, with numbers.
    pub evidence: Vec<String>,
    /// Failures that it explains.
    pub count: u64,
    /// Of them, those that their drill allows.
    pub allowed: u64,
    /// Of them, those that were sent again, as HTTP allows it, so that nothing was lost.
    pub retried: u64,
    /// In which drills.
    pub drills: BTreeSet<Drill>,
    /// On which replicas.
    pub replicas: BTreeSet<Replica>,
    /// Whether it is the tool's own doing, and says nothing of the target.
    pub own: bool,
}

/// A cause, with how it is told from others.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// What happened, in a sentence for somebody who does not know the name.
    pub title: &'static str,
    /// Whether it is the tool's own doing.
    pub own: bool,
    /// What to change, with the numbers of what was found.
    pub mends: fn(&Found<'_>) -> String,
    /// What was seen, a line each.
    pub evidence: fn(&Found<'_>) -> Vec<String>,
    /// Whether a failure has this cause.
    pub judge: fn(&Case<'_>) -> Option<Hit>,
}

/// All causes, in the order in which they are asked: the tool itself, what a drill does on purpose, whether there was
/// anybody to answer, and then each replica's own begin and end.
pub const RULES: [Rule; 17] = [
    ports::RULE,
    descriptors::RULE,
    killed::RULE,
    hung::RULE,
    saturation::RULE,
    recreate_gap::RULE,
    single_replica_gap::RULE,
    bad_release::RULE,
    before_ready::RULE,
    crash::RULE,
    sigterm_ignored::RULE,
    grace::RULE,
    prestop_failed::RULE,
    removal_race::RULE,
    idle_keepalive::RULE,
    accept_queue::RULE,
    exit_on_sigterm::RULE,
];

/// Causes that no rule finds in a failure alone: what also happens while nothing is done, and what nothing explains.
const REST: [Rule; 2] = [in_baseline::RULE, unexplained::RULE];

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
    let lag = case::lag(history);
    let judge = |failed: &Failed<'_>| {
        let known = failed.outcome.endpoint.and_then(|address| lives.at(address));
        // Where it is not known which replica it was, it may have been any.
        let suspects: Vec<Option<&Life>> = match known {
            Some(life) => vec![Some(life)],
            None if lives.all().next().is_none() => vec![None],
            None => lives.all().map(Some).collect(),
        };
        let case = |suspect| Case { history, lives, failed: *failed, suspect, known: known.is_some(), lag: &lag };
        let hits: Vec<_> = suspects.into_iter().filter_map(|suspect| first(&case(suspect))).collect();
        settle(&hits)
    };
    failures.iter().map(judge).collect()
}

fn first(case: &Case<'_>) -> Option<(&'static str, Hit)> {
    RULES.iter().find_map(|rule| Some((rule.id, (rule.judge)(case)?)))
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
            Cause { id: format!("ambiguous:{}", names.join("|")), confidence: Confidence::Possible, replica: None }
        }
        (None, _) => Cause::unexplained(),
    }
}

/// Failures with their causes, put together by cause: those with the most losses first.
pub fn findings(history: &History, lives: &Lives, failures: &[(Failed<'_>, Cause)]) -> Vec<Finding> {
    let mut by_cause: BTreeMap<&str, Vec<&(Failed<'_>, Cause)>> = BTreeMap::new();
    for failure in failures {
        by_cause.entry(&failure.1.id).or_default().push(failure);
    }
    let mut findings: Vec<Finding> =
        by_cause.into_iter().map(|(id, those)| finding(history, lives, id, &those)).collect();
    sort(&mut findings);
    findings
}

impl Finding {
    /// Requests that were lost, and that no drill allows.
    pub const fn lost(&self) -> u64 {
        if !matches!(self.harm, Harm::Requests) {
            return 0;
        }
        self.count.saturating_sub(self.allowed).saturating_sub(self.retried)
    }
}

/// Those with the most losses first, what the tool itself did after what the target did.
pub(crate) fn sort(findings: &mut [Finding]) {
    let losses = Finding::lost;
    findings.sort_by_key(|finding| (finding.own, Reverse(losses(finding)), Reverse(finding.count)));
}

fn finding(history: &History, lives: &Lives, id: &str, those: &[&(Failed<'_>, Cause)]) -> Finding {
    let failed: Vec<Failed<'_>> = those.iter().map(|(failed, _)| *failed).collect();
    let replicas: BTreeSet<Replica> = those.iter().filter_map(|(_, cause)| cause.replica).collect();
    let found = Found { history, lives, failed, replicas };
    let names: Vec<&str> = id.strip_prefix("ambiguous:").unwrap_or(id).split('|').collect();
    let rules: Vec<&Rule> = RULES.iter().chain(&REST).filter(|rule| names.contains(&rule.id)).collect();
    let title = match rules.as_slice() {
        [rule] => rule.title.to_owned(),
        _ => format!("more than one cause fits, and nothing tells which it was: {}", names.join(" or ")),
    };
    let mends: Vec<String> = rules.iter().map(|rule| (rule.mends)(&found)).collect();
    let mut evidence: Vec<String> = rules.iter().flat_map(|rule| (rule.evidence)(&found)).collect();
    let again = found.count(|failed| failed.fate == Fate::Retried);
    if again > 0 {
        let are = if again == 1 { "1 of them was" } else { &format!("{again} of them were") };
        evidence.push(format!("{are} sent again, as HTTP allows it, and not lost: not every client does that"));
    }
    Finding {
        cause: id.to_owned(),
        confidence: those.iter().map(|(_, cause)| cause.confidence).min().unwrap_or(Confidence::Possible),
        title,
        mends: mends.join("; or: "),
        changes: Vec::new(),
        harm: Harm::Requests,
        evidence,
        count: found.failed.len() as u64,
        allowed: found.count(|failed| failed.is_forgiven() && failed.fate != Fate::Retried),
        retried: again,
        drills: found.failed.iter().map(|failed| failed.drill).collect(),
        replicas: found.replicas.clone(),
        own: !rules.is_empty() && rules.iter().all(|rule| rule.own),
    }
}

#[cfg(test)]
mod tests;

//! What was found in a world, beside what the world knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use seaworthy_core::{
    assessment::{Assessment, Group, assess},
    event::{Event, Replica},
    history::History,
    outcome::ConnectionKind,
    verdict::Verdict,
};
use seaworthy_trial::simulated::{Missed, Truth};

use crate::worlds::{Made, happen};

/// Answers that have to be late before somebody is to find out why.
const MANY: u64 = 50;

/// Connections that were closed for being idle, fewer of which share no idle time.
const SHARING: u64 = 3;

/// What nobody is accused of by these: a drill does it on purpose, or it is left open.
const NO_CAUSES: [&str; 4] = ["killed", "hung", "also-in-baseline", "unexplained"];

/// A world, judged.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) made: Made,
    /// What was in it, with the requests that each cause really failed, or slowed.
    pub(crate) real: BTreeMap<&'static str, u64>,
    /// What was found, with the requests that each finding is about.
    pub(crate) found: BTreeMap<String, u64>,
    /// Requests by their real cause, and the one that was found.
    pub(crate) pairs: BTreeMap<(&'static str, String), u64>,
    pub(crate) verdict: Verdict,
}

impl Compared {
    /// Whether a cause was found by its name.
    pub(crate) fn names(&self, cause: &str) -> bool {
        self.found.contains_key(cause)
    }

    /// Planted causes that showed: those that anybody can be asked to find.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &'static str> {
        self.made.planted.iter().copied().filter(|cause| {
            let slow = matches!(*cause, "cold-start" | "slow-replica");
            self.real.get(cause).is_some_and(|count| *count >= if slow { MANY } else { 1 })
        })
    }

    /// Why a cause that showed cannot be told from what was recorded, where that is so.
    pub(crate) fn inseparable(&self, cause: &str) -> Option<&'static str> {
        let at_once = ["recreate-gap", "rollout-capacity-dip", "single-replica-gap", "readiness-flap"];
        let few = self.real.get(cause).is_some_and(|count| *count < SHARING);
        match cause {
            "cold-start" if at_once.iter().any(|gap| self.real.contains_key(gap)) => {
                Some("all replicas begin at once: nothing is faster in the same second")
            }
            "keepalive-idle-race" if few => Some("one or two closed connections share no idle time"),
            _ => None,
        }
    }

    /// Causes that somebody was accused of. Candidates that stand side by side accuse nobody.
    pub(crate) fn accused(&self) -> impl Iterator<Item = &str> {
        let names = self.found.keys().map(String::as_str);
        names.filter(|name| !NO_CAUSES.contains(name) && !name.starts_with("ambiguous:"))
    }

    /// Causes that were found, and are not there.
    pub(crate) fn false_ones(&self) -> impl Iterator<Item = &str> {
        self.accused().filter(|cause| !self.real.contains_key(cause))
    }

    /// Planted causes that showed, and were not found.
    pub(crate) fn overlooked(&self) -> impl Iterator<Item = &'static str> {
        self.shown().filter(|cause| !self.names(cause))
    }

    /// Whether it is healthy, and somebody was accused, or something left open.
    pub(crate) fn is_false_alarm(&self) -> bool {
        let findings = self.found.keys().any(|cause| !matches!(cause.as_str(), "killed" | "hung"));
        self.made.planted.is_empty() && (findings || self.verdict == Verdict::Fail)
    }
}

/// Lets a world happen, and judges it.
pub(crate) fn compare(made: Made) -> Compared {
    let (history, truth) = happen(&made);
    let assessment = assess(&history);
    let mut real: BTreeMap<&'static str, u64> = truth.slowed.clone();
    for missed in &truth.missed {
        *real.entry(missed.cause).or_default() += 1;
    }
    let found = assessment.findings.iter().map(|finding| (finding.cause.clone(), finding.count)).collect();
    let pairs = pairs(&history, &truth, &assessment);
    Compared { made, real, found, pairs, verdict: assessment.verdict }
}

/// Failed requests by their real cause and the one that was found: each is of one of the groups that it looks like.
fn pairs(history: &History, truth: &Truth, assessment: &Assessment) -> BTreeMap<(&'static str, String), u64> {
    let placed =
        |(_, event): &_| if let Event::Placed { replica, address } = event { Some((*address, *replica)) } else { None };
    let places: BTreeMap<SocketAddr, Replica> = history.events.iter().filter_map(placed).collect();
    let mut groups: Vec<(&Group, u64)> = assessment.groups.iter().map(|group| (group, group.count)).collect();
    let mut pairs = BTreeMap::new();
    for missed in &truth.missed {
        let of = groups.iter_mut().find(|(group, left)| *left > 0 && is_of(missed, group, &places));
        if let Some((group, left)) = of {
            *left -= 1;
            *pairs.entry((missed.cause, group.cause.clone())).or_default() += 1;
        }
    }
    pairs
}

fn is_of(missed: &Missed, group: &Group, places: &BTreeMap<SocketAddr, Replica>) -> bool {
    let outcome = &missed.attempt.outcome;
    let Err(failure) = &outcome.end else { return false };
    let replica = outcome.endpoint.and_then(|address| places.get(&address).copied());
    let fresh = outcome.connection == ConnectionKind::Fresh;
    (failure.kind, failure.phase, failure.status) == (group.kind, group.phase, group.status)
        && (fresh, replica) == (group.fresh, group.replica)
        && (group.when.0..=group.when.1).contains(&outcome.done)
}

/// What of several worlds was right, by cause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    /// Worlds in which it was planted, and showed.
    pub(crate) shown: u64,
    /// Of them, those in which it was found by its name.
    pub(crate) found: u64,
    /// Of them, those in which it was only one of several candidates.
    pub(crate) candidate: u64,
    /// Of them, those in which it was not found, and could not be.
    pub(crate) inseparable: u64,
    /// Worlds in which it was found, planted or not.
    pub(crate) accused: u64,
    /// Of them, those in which it was there.
    pub(crate) rightly: u64,
}

/// The score of each cause, over worlds with so many causes planted.
pub(crate) fn scores(worlds: &[Compared], planted: usize) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for world in worlds.iter().filter(|world| world.made.planted.len() == planted) {
        for cause in world.shown() {
            let score = scores.entry(cause.to_owned()).or_default();
            let among = |name: &&String| {
                name.strip_prefix("ambiguous:").is_some_and(|all| all.split('|').any(|one| one == cause))
            };
            score.shown += 1;
            score.found += u64::from(world.names(cause));
            score.inseparable += u64::from(!world.names(cause) && world.inseparable(cause).is_some());
            score.candidate += u64::from(!world.names(cause) && world.found.keys().any(|name| among(&name)));
        }
        for cause in world.accused() {
            let score = scores.entry(cause.to_owned()).or_default();
            score.accused += 1;
            score.rightly += u64::from(world.real.contains_key(cause));
        }
    }
    scores
}

/// What was taken for what: requests, worlds, and the seeds of the first of these.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) requests: u64,
    pub(crate) worlds: BTreeSet<u64>,
}

/// All failed requests, by their real cause and the one that was found.
pub(crate) fn confusion(worlds: &[Compared]) -> BTreeMap<(&'static str, String), Taken> {
    let mut all: BTreeMap<(&'static str, String), Taken> = BTreeMap::new();
    for world in worlds {
        for (pair, count) in &world.pairs {
            let taken = all.entry(pair.clone()).or_default();
            taken.requests += count;
            taken.worlds.insert(world.made.seed);
        }
    }
    all
}

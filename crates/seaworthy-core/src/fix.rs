//! Proof of a fix: the same trial without and with the changes that are to mend what was found.

mod again;
mod proof;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::{again::is_again, proof::Proof};
use crate::{
    assessment::{Assessment, Counted, assess},
    change::{Change, merged},
    deployment::Deployment,
    diagnosis::{Confidence, Finding, Harm},
    drill::Drill,
    history::{Header, History},
    verdict::Verdict,
};

/// A trial is made again so often at most: what the changes bring to light has changes of its own, once or twice.
const MOST_ROUNDS: usize = 3;

/// What is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The changes, all of them together.
    pub changes: Vec<Change>,
    /// Those that are new in each round: the last of these is to be made.
    pub rounds: Vec<Vec<Change>>,
    /// The drills that are made again: the null run, and those in which something was found that the changes mend.
    pub drills: Vec<Drill>,
}

/// What the history of a trial that was made again says of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// When the trial began that it is to be compared with.
    pub of: String,
    /// The changes that each round added. All of them were made.
    pub rounds: Vec<Vec<Change>>,
}

/// What trying came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What was changed.
    pub changes: Vec<Change>,
    /// What of it each round added.
    pub rounds: Vec<Vec<Change>>,
    /// The drills that were made again.
    pub drills: Vec<Drill>,
    /// The verdict with the changes, on those drills.
    pub verdict: Verdict,
    /// Why, a line each.
    pub reasons: Vec<String>,
    /// Requests lost in those drills, without and with the changes.
    pub lost: (u64, u64),
    /// Requests of which it is known what became of them, in those drills, without and with the changes.
    pub requests: (u64, u64),
    /// Each cause that was found in those drills, without or with them.
    pub causes: Vec<Compared>,
}

/// A cause, without and with the changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub cause: String,
    /// What came to harm by it without the changes, beyond what the drills allow.
    pub before: u64,
    /// The same with them.
    pub after: u64,
    /// What that says.
    pub proof: Proof,
}

/// What the findings of a trial propose to try; nothing where the platform can change none of it.
pub fn proposal(assessment: &Assessment, deployment: &Deployment) -> Option<Proposal> {
    let changes = changes(assessment, deployment);
    if changes.is_empty() {
        return None;
    }
    let harmed: BTreeSet<Drill> = found(assessment).flat_map(|finding| finding.drills.iter().copied()).collect();
    let drills = assessment.drills.iter().map(|row| row.drill);
    let drills = drills.filter(|drill| *drill == Drill::Baseline || harmed.contains(drill)).collect();
    Some(Proposal { rounds: vec![changes.clone()], changes, drills })
}

/// What is to be tried next, of what the last round found under the rules that held in it: nothing where it proposes
/// nothing new, or where there were enough rounds.
pub fn further(last: &Proposal, found: &Assessment, deployment: &Deployment) -> Option<Proposal> {
    let all = merged(last.changes.iter().cloned().chain(changes(found, deployment)));
    let new: Vec<Change> = all.iter().filter(|change| !last.changes.contains(change)).cloned().collect();
    if new.is_empty() || last.rounds.len() >= MOST_ROUNDS {
        return None;
    }
    let rounds = last.rounds.iter().cloned().chain([new]).collect();
    Some(Proposal { changes: all, rounds, drills: last.drills.clone() })
}

/// Findings that something can be changed about.
fn found(assessment: &Assessment) -> impl Iterator<Item = &Finding> {
    assessment.findings.iter().filter(|finding| !finding.changes.is_empty() && harm(finding) > 0)
}

/// What they propose, without what is so already.
fn changes(assessment: &Assessment, deployment: &Deployment) -> Vec<Change> {
    let mut changes: Vec<Change> = found(assessment).flat_map(|finding| finding.changes.clone()).collect();
    changes.extend(room(&changes, deployment));
    let mut changes = merged(changes);
    changes.retain(|change| {
        let mut changed = deployment.clone();
        change.apply(&mut changed);
        changed != *deployment
    });
    changes
}

/// A preStop sleep is part of the grace period: the application keeps what it had.
fn room(changes: &[Change], deployment: &Deployment) -> Option<Change> {
    let sleep =
        changes.iter().filter_map(|change| if let Change::PreStopSleep(sleep) = change { Some(*sleep) } else { None });
    let sleep = sleep.max()?;
    let least = sleep + Duration::from_secs(5);
    (deployment.template.grace < least)
        .then(|| Change::Grace(deployment.template.grace.max(Duration::from_secs(5)) + sleep))
}

/// How much came to harm, beyond what is allowed.
const fn harm(finding: &Finding) -> u64 {
    match finding.harm {
        Harm::Requests => finding.lost(),
        Harm::Writes | Harm::Slowness | Harm::Spread | Harm::Restarts => finding.count,
    }
}

/// The same, of a finding that is in other drills, too: only what is in these. What is no request is not counted by drill,
/// so that it is all of it.
fn harm_in(of: &Assessment, finding: &Finding, drills: &[Drill]) -> u64 {
    if finding.harm != Harm::Requests {
        return harm(finding);
    }
    let those = of.groups.iter().filter(|group| group.cause == finding.cause && drills.contains(&group.drill));
    those.map(|group| group.count.saturating_sub(group.allowed).saturating_sub(group.retried)).sum()
}

/// Compares a trial with the one that was made with the changes.
pub fn compare(before: &Assessment, after: &Assessment, proposal: &Proposal) -> Tried {
    let Proposal { changes, rounds, drills } = proposal;
    let happened = drills.iter().all(|drill| {
        let mut rows = after.drills.iter().filter(|row| row.drill == *drill);
        rows.any(|row| row.happened.is_ok())
    });
    let ((lost_before, ended_before), (lost_after, ended_after)) = (sum(before, drills), sum(after, drills));
    let requests = (ended_before, ended_after);
    let names: BTreeSet<&str> =
        [before, after].iter().flat_map(|one| &one.findings).filter(|f| !f.own).map(|f| &*f.cause).collect();
    let causes = names.into_iter().filter_map(|cause| {
        let (first, second) = (find(before, cause, drills), find(after, cause, drills));
        let in_both = |finding: &&Finding| finding.drills.iter().all(|drill| drills.contains(drill));
        let is_known = first.is_none_or(|finding| finding.harm == Harm::Requests || in_both(&finding));
        let before =
            first.map_or(0, |finding| if in_both(&finding) { harm(finding) } else { harm_in(before, finding, drills) });
        let after = second.map_or(0, harm);
        let aimed_at = first.is_some_and(|finding| !finding.changes.is_empty());
        let proof = match (before, after) {
            (0, 0) => return None,
            _ if !happened || !is_known => Proof::Incomparable,
            (1.., 0) if !aimed_at => Proof::NotAimedAt,
            counts => Proof::of(counts, requests),
        };
        Some(Compared { cause: cause.to_owned(), before, after, proof })
    });
    Tried {
        changes: changes.clone(),
        rounds: rounds.clone(),
        drills: drills.clone(),
        verdict: after.verdict,
        reasons: after.reasons.clone(),
        lost: (lost_before, lost_after),
        requests,
        causes: causes.collect(),
    }
}

/// Requests of these drills: those that were lost, and all of which it is known what became of them.
fn sum(of: &Assessment, drills: &[Drill]) -> (u64, u64) {
    let rows = of.drills.iter().filter(|row| drills.contains(&row.drill));
    rows.fold((0, 0), |(lost, ended), row| {
        let both = [&row.keep_alive, &row.fresh];
        let count = |of: fn(&Counted) -> u64| both.iter().map(|lane| of(lane)).sum::<u64>();
        (lost + count(|lane| lane.lost + lane.unknown), ended + count(|lane| lane.ended))
    })
}

/// The finding of a cause, where it is of one of these drills.
fn find<'a>(of: &'a Assessment, cause: &str, drills: &[Drill]) -> Option<&'a Finding> {
    let here = |finding: &&Finding| finding.cause == cause && finding.drills.iter().any(|drill| drills.contains(drill));
    of.findings.iter().find(here)
}

/// What the comparison proves is proven: causes that went away are confirmed.
pub fn confirm(assessment: &mut Assessment, tried: &Tried) {
    for compared in tried.causes.iter().filter(|compared| compared.proof == Proof::Confirmed) {
        for finding in assessment.findings.iter_mut().filter(|finding| finding.cause == compared.cause) {
            finding.confidence = Confidence::Confirmed;
        }
    }
}

/// Judges a trial by its history, and compares it with the last one of those that were made of it again.
pub fn judged(first: &History, again: &[History]) -> Assessment {
    let mut assessment = assess(first);
    let of_it = again.iter().filter(|second| is_again(first, second).is_ok());
    let rounds = |of: &&History| of.header.tried.as_ref().map_or(0, |tried| tried.rounds.len());
    if let Some(second) = of_it.max_by_key(rounds) {
        settle(&mut assessment, &second.header, &assess(second));
    }
    assessment
}

/// Takes in what became of a trial with changes, of which its header says what they were.
pub fn settle(before: &mut Assessment, header: &Header, after: &Assessment) {
    let Some(Again { rounds, .. }) = header.tried.clone() else { return };
    let changes = merged(rounds.iter().flatten().cloned());
    let tried = compare(before, after, &Proposal { changes, rounds, drills: header.drills.clone() });
    confirm(before, &tried);
    before.tried = Some(tried);
}

#[cfg(test)]
mod tests;

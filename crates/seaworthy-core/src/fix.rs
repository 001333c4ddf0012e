//! Proof of a fix: the same trial without and with the changes that are to mend what was found.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    assessment::Assessment,
    change::{Change, merged},
    deployment::Deployment,
    diagnosis::{Confidence, Finding, Harm},
    drill::Drill,
    verdict::Verdict,
};

/// So many losses have to go away before that proves anything: where as many are expected, none is seen by chance in
/// fewer than one of a hundred trials (Poisson, e^-5 < 0.01).
const ENOUGH: u64 = 5;

/// What is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The changes, all of them together.
    pub changes: Vec<Change>,
    /// The drills that are made again: the null run, and those in which something was found that the changes mend.
    pub drills: Vec<Drill>,
}

/// What trying came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What was changed.
    pub changes: Vec<Change>,
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

/// What a comparison says of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is gone, and that is not by chance: it was what it was taken for.
    Confirmed,
    /// It is gone, and there was so little of it that chance can do that.
    TooFew,
    /// There is less of it.
    Fewer,
    /// There is as much of it, or more.
    Stays,
    /// It was not there without the changes.
    New,
    /// It is gone, but nothing of what was changed is to mend it.
    NotAimedAt,
    /// The second trial cannot be compared: a drill did not happen in it.
    Incomparable,
}

impl Proof {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::TooFew => "too_few",
            Self::Fewer => "fewer",
            Self::Stays => "stays",
            Self::New => "new",
            Self::NotAimedAt => "not_aimed_at",
            Self::Incomparable => "incomparable",
        }
    }

    /// What it means, in words that follow the numbers.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed: gone with the change",
            Self::TooFew => "gone, but there were too few to prove it: try again with a higher --rate",
            Self::Fewer => "fewer: the change helps, and is not all that it takes",
            Self::Stays => "not mended by the change",
            Self::New => "only with the change",
            Self::NotAimedAt => "gone, though nothing that was changed is to mend it: run it again",
            Self::Incomparable => "not comparable: a drill did not happen in the second trial",
        }
    }
}

/// What the findings of a trial propose to try; nothing where the platform can change none of it.
pub fn proposal(assessment: &Assessment, deployment: &Deployment) -> Option<Proposal> {
    let found = || assessment.findings.iter().filter(|finding| !finding.changes.is_empty() && harm(finding) > 0);
    let mut changes: Vec<Change> = found().flat_map(|finding| finding.changes.clone()).collect();
    changes.extend(room(&changes, deployment));
    let mut changes = merged(changes);
    // What is so already is no change.
    changes.retain(|change| {
        let mut changed = deployment.clone();
        change.apply(&mut changed);
        changed != *deployment
    });
    if changes.is_empty() {
        return None;
    }
    let harmed: BTreeSet<Drill> = found().flat_map(|finding| finding.drills.iter().copied()).collect();
    let drills = assessment.drills.iter().map(|row| row.drill);
    let drills = drills.filter(|drill| *drill == Drill::Baseline || harmed.contains(drill)).collect();
    Some(Proposal { changes, drills })
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
        Harm::Writes | Harm::Slowness | Harm::Spread => finding.count,
    }
}

/// Compares a trial with the one that was made with the changes.
pub fn compare(before: &Assessment, after: &Assessment, proposal: &Proposal) -> Tried {
    let Proposal { changes, drills } = proposal;
    let happened = drills.iter().all(|drill| {
        let mut rows = after.drills.iter().filter(|row| row.drill == *drill);
        rows.any(|row| row.happened.is_ok())
    });
    let names: BTreeSet<&str> =
        [before, after].iter().flat_map(|one| &one.findings).filter(|f| !f.own).map(|f| &*f.cause).collect();
    let causes = names.into_iter().filter_map(|cause| {
        let (first, second) = (find(before, cause, drills), find(after, cause, drills));
        let (before, after) = (first.map_or(0, harm), second.map_or(0, harm));
        let aimed_at = first.is_some_and(|finding| !finding.changes.is_empty());
        let proof = match (before, after) {
            (0, 0) => return None,
            _ if !happened => Proof::Incomparable,
            (0, _) => Proof::New,
            (_, 0) if !aimed_at => Proof::NotAimedAt,
            (ENOUGH.., 0) => Proof::Confirmed,
            (_, 0) => Proof::TooFew,
            (before, after) if after < before => Proof::Fewer,
            _ => Proof::Stays,
        };
        Some(Compared { cause: cause.to_owned(), before, after, proof })
    });
    let sum = |of: &Assessment| {
        let rows = of.drills.iter().filter(|row| drills.contains(&row.drill));
        rows.fold((0, 0), |(lost, ended), row| {
            let both = [&row.keep_alive, &row.fresh];
            let count = |of: fn(&crate::assessment::Counted) -> u64| both.iter().map(|lane| of(lane)).sum::<u64>();
            (lost + count(|lane| lane.lost + lane.unknown), ended + count(|lane| lane.ended))
        })
    };
    let ((lost_before, ended_before), (lost_after, ended_after)) = (sum(before), sum(after));
    Tried {
        changes: changes.clone(),
        drills: drills.clone(),
        verdict: after.verdict,
        reasons: after.reasons.clone(),
        lost: (lost_before, lost_after),
        requests: (ended_before, ended_after),
        causes: causes.collect(),
    }
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

#[cfg(test)]
mod tests;

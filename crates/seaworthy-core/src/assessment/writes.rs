//! What became of the writes: none that was acknowledged may be gone, and none may be there twice.

use std::{collections::BTreeMap, net::SocketAddr};

use super::{allowance, windows::Window};
use crate::{
    audit::Audit,
    event::Replica,
    history::History,
    lives::{Life, Lives},
    text,
    threshold::WriteCounts,
    time::Moment,
    verdict::Verdict,
};

/// The writes, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// What became of them. Whatever nothing is known of is among the unverified.
    pub audit: Audit,
    /// Replicas that were ended or killed after the first was acknowledged. Without any nothing is proven by what was kept.
    pub terminations: u64,
    /// How often the database ended after the first was acknowledged, and came back.
    pub restarts: u64,
    /// Who acknowledged those that came to harm, by address.
    pub replicas: BTreeMap<SocketAddr, Replica>,
    /// Why they fail the trial, a line each.
    pub failures: Vec<String>,
    /// Why nothing can be said of them, a line each.
    pub doubts: Vec<String>,
}

impl Writes {
    /// The verdict on them.
    pub const fn verdict(&self) -> Verdict {
        match (self.failures.is_empty(), self.doubts.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, false) => Verdict::Inconclusive,
            (true, true) => Verdict::Pass,
        }
    }

    /// What they prove where nothing is wrong with them.
    pub(super) fn passed(&self) -> String {
        let Audit { acknowledged, stale, .. } = self.audit;
        let late = if stale > 0 { format!(", {} of them late", text::thousands(stale)) } else { String::new() };
        let all = text::counted(acknowledged, "acknowledged write");
        match self.tested() {
            None => format!("all {all} are there{late}, but no replica ended after them: that proves nothing"),
            Some(ended) => format!("all {all} are there{late}, after {ended}"),
        }
    }

    /// What ended after the first was acknowledged; nothing where nothing did.
    fn tested(&self) -> Option<String> {
        let restarts =
            (self.restarts > 0).then(|| format!("{} of the database", text::counted(self.restarts, "restart")));
        let ended = (self.terminations > 0).then(|| text::counted(self.terminations, "termination"));
        let all: Vec<String> = ended.into_iter().chain(restarts).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }
}

/// Judges the writes, where they were followed.
pub(super) fn judge(history: &History, lives: &Lives, windows: &[Window<'_>]) -> Option<Writes> {
    let audit = whole(history)?;
    let first = audit.first;
    let terminations = first.map_or(0, |first| windows.iter().map(|window| ended(first, window, lives)).sum());
    let (failures, doubts) = (failures(&audit), doubts(&audit));
    let restarts = first.map_or(0, |first| restarts(first, lives));
    let who = |address: SocketAddr| Some((address, lives.at(address)?.replica));
    let replicas = audit.harmed.iter().filter_map(|harmed| who(harmed.endpoint?)).collect();
    Some(Writes { audit, terminations, restarts, replicas, failures, doubts })
}

/// How often the database ended after a moment, and came back.
fn restarts(after: Moment, lives: &Lives) -> u64 {
    let up = lives.database_up();
    let ends = up.all().iter().filter_map(|span| span.to);
    ends.filter(|end| *end >= after && up.next_begin(*end).is_some()).count() as u64
}

/// The counts that thresholds are about.
pub(super) fn counts(history: &History) -> Option<WriteCounts> {
    let audit = whole(history)?;
    Some(WriteCounts { lost: audit.lost, unknown: audit.unknown, unverified: audit.unverified })
}

/// Fail-closed: what is neither kept nor lost nor stale in a history is unverified.
fn whole(history: &History) -> Option<Audit> {
    let mut audit = history.audit.clone()?;
    let judged = audit.kept.saturating_add(audit.lost).saturating_add(audit.stale);
    audit.unverified = audit.unverified.max(audit.acknowledged.saturating_sub(judged));
    Some(audit)
}

/// Replicas that clients had seen, and that a drill ended or killed after a moment.
fn ended(after: Moment, window: &Window<'_>, lives: &Lives) -> u64 {
    let ended = |life: &&Life| {
        let within = |at: &Moment| (window.begun..=window.until).contains(at);
        let told = life.terminating.map(|(at, _)| at).filter(within);
        let at = told.or_else(|| allowance::killed(window, life));
        at.is_some_and(|at| at >= after && life.view.all().iter().any(|span| span.from <= at))
    };
    lives.all().filter(ended).count() as u64
}

fn failures(audit: &Audit) -> Vec<String> {
    let mut failures = Vec::new();
    if audit.lost > 0 {
        let of = text::counted(audit.acknowledged, "acknowledged write");
        let are = if audit.lost == 1 { "is" } else { "are" };
        failures.push(format!("{} of {of} {are} gone", text::thousands(audit.lost)));
    }
    if audit.duplicated > 0 {
        let were = if audit.duplicated == 1 { "was sent once, and is" } else { "were sent once, and are" };
        failures.push(format!("{} {were} there more often", text::counted(audit.duplicated, "write")));
    }
    failures
}

fn doubts(audit: &Audit) -> Vec<String> {
    if audit.acknowledged == 0 {
        let why = if audit.refused > 0 { ": look at --write, since the target refused them" } else { "" };
        return vec![format!("not one write was acknowledged: nothing is known of their keeping{why}")];
    }
    if audit.echoes {
        return vec![
            "what was never written is read as if it was there, so reading back proves nothing: give a --read that is \
             answered with 404 for what is not there"
                .to_owned(),
        ];
    }
    let unlisted = "the --list could not be read, so nobody looked for what is there twice";
    let mut doubts: Vec<String> = audit.unlisted.then(|| unlisted.to_owned()).into_iter().collect();
    if audit.unverified == 0 {
        return doubts;
    }
    let of = text::counted(audit.acknowledged, "acknowledged write");
    // Where not one could be read, it is how they are read that is wrong.
    let all = audit.unverified >= audit.acknowledged;
    let why = if all { ": look at --read, and at --id-field" } else { "" };
    doubts.push(format!("{} of {of} could not be read back{why}", text::thousands(audit.unverified)));
    doubts
}

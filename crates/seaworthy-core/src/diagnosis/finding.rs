//! Failures with their causes, put together by cause.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{Cause, Confidence, Failed, Fate, Found, Harm, Rule, observed, rule, writes};
use crate::{
    change::Change,
    drill::Drill,
    event::{Disposition, Replica},
    history::History,
    lives::{Life, Lives},
};

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
    /// Failures that it explains; answers that were slow, requests that went elsewhere, or writes, by what came to harm.
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

impl Finding {
    /// Requests that were lost, and that no drill allows.
    pub const fn lost(&self) -> u64 {
        if !matches!(self.harm, Harm::Requests) {
            return 0;
        }
        self.count.saturating_sub(self.allowed).saturating_sub(self.retried)
    }

    /// The causes that it names, as far as the registry has them: several, where nothing tells which it was.
    pub fn rules(&self) -> Vec<&'static Rule> {
        self.cause.strip_prefix(AMBIGUOUS).unwrap_or(&self.cause).split('|').filter_map(rule).collect()
    }
}

/// Before the names of causes that the evidence does not tell apart.
pub(super) const AMBIGUOUS: &str = "ambiguous:";

/// Failures with their causes, put together by cause, and what shows in no failure: those with the most losses first.
pub fn findings(history: &History, lives: &Lives, failures: &[(Failed<'_>, Cause)]) -> Vec<Finding> {
    let mut by_cause: BTreeMap<&str, Vec<&(Failed<'_>, Cause)>> = BTreeMap::new();
    for failure in failures {
        by_cause.entry(&failure.1.id).or_default().push(failure);
    }
    let mut findings: Vec<Finding> =
        by_cause.into_iter().map(|(id, those)| finding(history, lives, id, &those)).collect();
    for seen in observed::findings(history, lives) {
        // What shows in failures already is more of the same.
        if let Some(known) = findings.iter_mut().find(|known| known.cause == seen.cause) {
            known.evidence.extend(seen.evidence);
            known.replicas.extend(seen.replicas);
            known.drills.extend(seen.drills);
            // Where nothing was lost but what may be, the restarts themselves are what came to harm.
            if seen.harm == Harm::Restarts && known.lost() == 0 {
                (known.harm, known.count) = (seen.harm, seen.count);
            }
        } else {
            findings.push(seen);
        }
    }
    sort(&mut findings);
    findings
}

/// Harmed writes and then the most losses first, what the tool itself did after what the target did.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| {
        let writes = finding.harm == Harm::Writes;
        (
            finding.own,
            Reverse(writes::are_harmed(finding)),
            Reverse(finding.lost()),
            Reverse(writes),
            Reverse(finding.count),
        )
    });
}

fn finding(history: &History, lives: &Lives, id: &str, those: &[&(Failed<'_>, Cause)]) -> Finding {
    let failed: Vec<Failed<'_>> = those.iter().map(|(failed, _)| *failed).collect();
    let replicas: BTreeSet<Replica> = those.iter().filter_map(|(_, cause)| cause.replica).collect();
    let found = Found { history, lives, failed, replicas };
    let rules: Vec<&'static Rule> = id.strip_prefix(AMBIGUOUS).unwrap_or(id).split('|').filter_map(rule).collect();
    let mut finding = joined(&rules, &found);
    if let [rule] = *rules {
        // What is left out at a terminal is the end of it.
        let second = finding.evidence.len().min(1);
        finding.evidence.splice(second..second, as_first_process(rule, &found));
    }
    let again = found.count(|failed| failed.fate == Fate::Retried);
    if again > 0 {
        let are = if again == 1 { "1 of them was" } else { &format!("{again} of them were") };
        finding.evidence.push(format!("{are} sent again, as HTTP allows it, and not lost: not every client does that"));
    }
    finding.confidence = those.iter().map(|(_, cause)| cause.confidence).min().unwrap_or(Confidence::Possible);
    // A failure is a request, whatever else its cause brings about.
    finding.harm = Harm::Requests;
    finding.count = found.failed.len() as u64;
    finding.allowed = found.count(|failed| failed.is_forgiven() && failed.fate != Fate::Retried);
    finding.retried = again;
    finding.drills = found.failed.iter().map(|failed| failed.drill).collect();
    finding
}

/// What dies of SIGTERM at once for want of a handler does something else in a container, where it is the first process.
fn as_first_process(rule: &Rule, found: &Found<'_>) -> Option<String> {
    let of_sigterm = ["endpoint-removal-race", "exit-on-sigterm", "shutdown-closes-idle-keepalive"];
    let has_none = |life: &Life| life.of_sigterm == Some(Disposition::Default) && life.stopped().is_some();
    (of_sigterm.contains(&rule.id) && found.lives().any(has_none)).then(|| {
        "it has no handler for SIGTERM, so it died of it at once; as PID 1 of a container it would ignore it, and go on \
         until SIGKILL: see --as-pid-1"
            .to_owned()
    })
}

/// What causes have to say of what was found, side by side.
pub(super) fn joined(rules: &[&'static Rule], found: &Found<'_>) -> Finding {
    let names: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
    let (cause, title) = match rules {
        [rule] => (rule.id.to_owned(), rule.title.to_owned()),
        _ => (
            format!("{AMBIGUOUS}{}", names.join("|")),
            format!("more than one cause fits, and nothing tells which it was: {}", names.join(" or ")),
        ),
    };
    let mends: Vec<String> = rules.iter().map(|rule| (rule.mends)(found)).collect();
    // What would mend one of several causes proves nothing.
    let changes = if let [rule] = rules { (rule.changes)(found) } else { Vec::new() };
    Finding {
        cause,
        confidence: Confidence::Possible,
        title,
        mends: mends.join("; or: "),
        changes,
        harm: rules.first().map_or(Harm::Requests, |rule| rule.harm),
        evidence: rules.iter().flat_map(|rule| (rule.evidence)(found)).collect(),
        count: 0,
        allowed: 0,
        retried: 0,
        drills: BTreeSet::new(),
        replicas: found.replicas.clone(),
        own: !rules.is_empty() && rules.iter().all(|rule| rule.own),
    }
}

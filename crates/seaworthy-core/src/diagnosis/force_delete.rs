//! A replica is deleted without any grace.

use std::time::Duration;

use super::{Asks, Case, Confidence, Harm, Hit, Rule, case::at_or_after, entries};
use crate::change::Change;

pub(super) const RULE: Rule = Rule {
    id: "force-delete",
    title: "the replica was deleted with a grace period of 0: it was killed with requests in flight",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::FORCE_DELETE,
    mends: |_| {
        "terminationGracePeriodSeconds above the longest request (30 is the default), and no deletion with --force"
            .to_owned()
    },
    changes: |_| vec![Change::Grace(Duration::from_secs(30))],
    evidence: |found| {
        let when = found.between(|life| life.terminating.map(|(told, _)| told), "it was deleted");
        let mut lines = vec![format!("{} {when} on {}, with a grace period of 0", found.what(), found.whose())];
        lines.extend(found.unknown());
        lines
    },
    judge,
};

/// The kubelet may take so long to carry it out.
const SOON: Duration = Duration::from_secs(3);

fn judge(case: &Case<'_>) -> Option<Hit> {
    let (told, _) = case.suspect?.terminating.filter(|(_, grace)| grace.is_zero())?;
    let fits = case.is_cut() && at_or_after(case.done(), told) && case.done() <= told + SOON;
    fits.then(|| case.hit(Confidence::Proven))
}

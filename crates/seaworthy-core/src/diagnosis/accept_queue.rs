//! The kernel accepts a connection that the application never does.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Harm, Hit, Rule, case::at_or_after, entries, exit_on_sigterm::SOON, found::longer_sleep,
};
use crate::{outcome::FailureKind, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "accept-queue-discard",
    title: "connections that the kernel had accepted for a replica that was ending were reset: it never took them",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::ACCEPT_QUEUE_DISCARD,
    changes: longer_sleep,
    mends: |found| {
        format!(
            "let nothing new arrive when it stops accepting: lifecycle.preStop.sleep.seconds: {}; or in the \
             application: on SIGTERM accept and answer what is in the queue before closing the listener",
            found.sleep()
        )
    },
    evidence: |found| {
        let stop = found.between(|life| life.stopped().or_else(|| Some(life.terminating?.0)), "SIGTERM");
        let mut lines = vec![format!("{} {stop} to {}, with not a byte of an answer", found.what(), found.whose())];
        lines.extend(found.unknown());
        lines
    },
    judge,
};

/// How long a connection may have waited in the queue before SIGTERM.
const QUEUED: Duration = Duration::from_secs(5);

/// A process that ends at once cuts what it has begun on: only one that takes its time leaves older ones unread.
const AT_ONCE: Duration = Duration::from_secs(2);

fn judge(case: &Case<'_>) -> Option<Hit> {
    let (_, stop, exit) = case.cut_while_stopping()?;
    let fresh = !case.is_reused() && case.kind() == FailureKind::Reset && case.is_silent();
    // What was reset well before the end is not of the end.
    let at_once = exit.since(stop) < AT_ONCE && (at_or_after(case.done(), exit) || exit.since(stop) <= SOON);
    let since = if at_once { stop } else { Moment::START + stop.since_start().saturating_sub(QUEUED) };
    (fresh && case.begun() >= since).then(|| case.hit(Confidence::Likely))
}

//! A process ends at once of SIGTERM, with requests in flight.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    case::{NEAR, at_or_after},
    entries,
    found::seconds,
};
use crate::lives::Life;

pub(super) const RULE: Rule = Rule {
    id: "exit-on-sigterm",
    title: "a replica ended at once of SIGTERM, and cut the requests that it was working on",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::EXIT_ON_SIGTERM,
    changes: |_| Vec::new(),
    mends,
    evidence,
    judge,
};

/// Later than this after SIGTERM an end is not at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Up to this after SIGTERM, whatever is cut belongs to the end.
pub(super) const SOON: Duration = Duration::from_millis(500);

fn judge(case: &Case<'_>) -> Option<Hit> {
    let (life, stop, exit) = case.cut_while_stopping()?;
    life.exit_after(stop)?;
    if exit.since(stop) >= AT_ONCE + NEAR || case.begun() > exit + NEAR {
        return None;
    }
    let in_flight = case.begun() < stop && at_or_after(case.done(), exit);
    // What was cut while the process went on was cut by the process, and not by its end.
    if !at_or_after(case.done(), exit) && exit.since(stop) > SOON {
        return None;
    }
    Some(case.hit(if in_flight { Confidence::Proven } else { Confidence::Likely }))
}

fn stop(life: &Life) -> Option<crate::time::Moment> {
    life.stopped().or_else(|| Some(life.terminating?.0))
}

fn mends(found: &Found<'_>) -> String {
    let age = found.failed.iter().map(|failed| failed.outcome.service_time()).max().unwrap_or_default();
    format!(
        "end gracefully: on SIGTERM finish the requests that are in flight, then exit (the oldest that was cut had run \
         for {}; terminationGracePeriodSeconds leaves {}): most servers have a setting or a handler for that",
        seconds(age),
        seconds(found.history.header.deployment.template.grace)
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} {} to {}", found.what(), found.between(stop, "SIGTERM"), found.whose())];
    for life in found.lives() {
        let end = stop(life).and_then(|stop| life.exit_after(stop).map(|(at, exit)| (at.since(stop), exit)));
        lines.extend(end.map(|(after, exit)| {
            format!("{} ended {} after SIGTERM with exit code {}", life.replica, seconds(after), exit.code())
        }));
    }
    lines.extend(found.unknown());
    lines
}

//! The grace period ends before the work does.

use std::time::Duration;

use super::{
    Asks, Confidence, Found, Harm, Rule, entries,
    found::seconds,
    sigterm_ignored::{cut_by_kill, listened_until},
};
use crate::{change::Change, deployment::Hook, lives::Life};

pub(super) const RULE: Rule = Rule {
    id: "grace-period-too-short",
    title: "the process was still finishing its work when its grace period was over, and SIGKILL cut it",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::GRACE,
    changes: |found| {
        let template = &found.history.header.deployment.template;
        let sleep = if let Some(Hook::Sleep(sleep)) = &template.pre_stop { *sleep } else { Duration::ZERO };
        let age = found.failed.iter().map(|failed| failed.outcome.service_time()).max().unwrap_or_default();
        if took_more(found) {
            return Vec::new();
        }
        // What was cut has to be done in any case, and nobody knows how much longer it would have taken.
        vec![Change::Grace(template.grace.max(sleep + age) * 2)]
    },
    mends,
    evidence,
    judge: |case| {
        let (life, killed) = cut_by_kill(case)?;
        // With its listener open it may have been draining, or its handler does nothing.
        let drained = listened_until(life, killed) == Some(false);
        Some(case.hit(if drained { Confidence::Proven } else { Confidence::Likely }))
    },
};

/// Whether what was cut had begun long after SIGTERM: the process went on taking work, and more time only moves the cut.
fn took_more(found: &Found<'_>) -> bool {
    found.failed.iter().all(|failed| {
        let life = failed.outcome.endpoint.and_then(|endpoint| found.lives.at(endpoint));
        let told = life.and_then(Life::stopped);
        told.is_some_and(|told| failed.outcome.begun > told + AFTER)
    })
}

/// So long after SIGTERM nothing is still on its way to a process that takes nothing new.
const AFTER: Duration = Duration::from_secs(2);

fn mends(found: &Found<'_>) -> String {
    let grace = found.history.header.deployment.template.grace;
    let age = found.failed.iter().map(|failed| failed.outcome.service_time()).max().unwrap_or_default();
    if took_more(found) {
        return format!(
            "after SIGTERM answer with `Connection: close` (HTTP/2: GOAWAY) and close what is idle, so that clients go \
             elsewhere: what was cut had begun after it, over connections that were kept, and had run for at most {}; a \
             longer grace period than {} only moves the cut",
            seconds(age),
            seconds(grace)
        );
    }
    format!(
        "terminationGracePeriodSeconds above preStop and the longest request together: it is {}, preStop is {}, and \
         the longest request that was cut had run for {}; or bound the time of a request",
        seconds(grace),
        found.pre_stop(),
        seconds(age)
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let when = found.between(Life::out_of_grace, "SIGKILL");
    let drained =
        found.lives().all(|life| life.out_of_grace().is_some_and(|killed| listened_until(life, killed) == Some(false)));
    let how = if drained {
        "it had closed its listener before: it was draining"
    } else {
        "it has a handler for SIGTERM, and was still accepting: it was draining, or the handler does nothing"
    };
    let mut lines = vec![format!("{} {when} to {}", found.what(), found.whose()), how.to_owned()];
    if took_more(found) {
        lines.push(
            "all of it had begun more than 2 s after SIGTERM: it still took requests over kept connections".to_owned(),
        );
    }
    lines.extend(found.unknown());
    lines
}

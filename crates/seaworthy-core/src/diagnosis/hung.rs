//! The freeze drill's own doing.

use super::{Asks, Confidence, Found, Harm, Rule, entries, found::seconds};
use crate::{drill::Drill, lives::Life};

pub(super) const RULE: Rule = Rule {
    id: "hung",
    title: "the drill froze the replica that had these requests, and clients could not know yet",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::HUNG,
    changes: |_| Vec::new(),
    mends,
    evidence,
    judge: |case| (case.failed.drill == Drill::Freeze && case.failed.allowed).then(|| case.hit(Confidence::Proven)),
};

fn mends(found: &Found<'_>) -> String {
    let readiness = found.history.header.deployment.template.readiness.as_ref();
    let detection = readiness.map(|probe| {
        let (period, failures) = (seconds(probe.period), probe.failure_threshold);
        format!(
            " (readinessProbe: {} with a period of {period} and {failures} failures; a shorter periodSeconds or \
             failureThreshold makes it shorter)",
            seconds(probe.detection())
        )
    });
    format!(
        "nothing can keep what a hung replica has; how much that is depends on how soon it is noticed{}",
        detection.unwrap_or_else(|| ": there is no readinessProbe, so it never is".to_owned())
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let frozen = |life: &Life| life.frozen.all().first().map(|span| span.from);
    let mut lines = vec![format!("{} {} of {}", found.what(), found.between(frozen, "the freeze"), found.whose())];
    let seen = found.longest(|life| {
        let from = frozen(life)?;
        Some(life.view.next_end(from)?.since(from))
    });
    lines.push(seen.map_or_else(
        || "clients never heard of it".to_owned(),
        |seen| format!("clients still connected to it for {}", seconds(seen)),
    ));
    lines.extend(found.unknown());
    lines
}

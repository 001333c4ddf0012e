//! The network drill's own doing.

use std::time::Duration;

use super::{Asks, Confidence, Found, Harm, Rule, entries, found::seconds};
use crate::{drill::Drill, event::Event, outcome::Phase, text::counted};

pub(super) const RULE: Rule = Rule {
    id: "network-partition",
    title: "the drill broke the way to the replica that these requests went to, and clients could not know",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::PARTITION,
    changes: |_| Vec::new(),
    mends: |found| {
        let longest = found.failed.iter().map(|failed| failed.outcome.service_time()).max().unwrap_or_default();
        format!(
            "nothing in the target can; clients waited for up to {}: time-outs below what users bear, another attempt \
             over another connection for what may be sent twice, and leaving out an endpoint that only times out \
             (outlier ejection, a circuit breaker) hide it; TCP_USER_TIMEOUT ends connections that hang",
            seconds(longest)
        )
    },
    evidence,
    judge: |case| (case.failed.drill == Drill::Network && case.failed.allowed).then(|| case.hit(Confidence::Proven)),
};

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} on the way to {}, {}", found.what(), found.whose(), found.when())];
    let connecting = found.count(|failed| failed.failure.phase == Phase::Connect);
    let waiting = found.count(|failed| matches!(failed.failure.phase, Phase::Send | Phase::Wait | Phase::Receive));
    lines.push(format!("{connecting} while a connection was opened, {waiting} while an answer was waited for"));
    lines.extend(breaks(found));
    lines.extend(found.unknown());
    lines
}

/// Each break with its length and what it dropped.
fn breaks(found: &Found<'_>) -> Vec<String> {
    let line = |(at, event): &(crate::time::Moment, Event)| {
        let Event::NetworkHealed { replica, how, dropped } = event else { return None };
        let from = found.lives.get(*replica)?.broken.all().iter().rev().find(|span| span.from <= *at)?.from;
        let lasted: Duration = at.since(from);
        Some(format!("{how} for {}: {} to or from {replica} dropped", seconds(lasted), counted(*dropped, "packet")))
    };
    found.history.events.iter().filter_map(line).collect()
}

//! A busy replica is restarted by its liveness probe.

use std::time::Duration;

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, context::before, entries, found::seconds};
use crate::{
    change::Change,
    deployment::ProbeKind,
    event::{Reason, Signal},
    lives::Life,
    time::Moment,
};

pub(super) const RULE: Rule = Rule {
    id: "liveness-kill-under-load",
    title: "the liveness probe restarted a replica that was serving, and cut what it was working on",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::health::LIVENESS,
    mends,
    changes: |found| {
        let patient = |probe: &crate::deployment::Probe| {
            Change::Patience(ProbeKind::Liveness, probe.timeout.max(Duration::from_secs(5)), 12)
        };
        found.history.header.deployment.template.liveness.iter().map(patient).collect()
    },
    evidence,
    judge,
};

/// A replica that hung until shortly before was restarted rightly.
const HUNG: Duration = Duration::from_secs(2);

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect?;
    let fits = |(told, ended): &(Moment, Moment)| case.is_of_end(life, *told, *ended);
    if kills(life).any(|kill| fits(&kill)) {
        return Some(case.hit(Confidence::Proven));
    }
    // Nobody was left, while this one had been restarted and was not there again.
    let away = |(told, ended): (Moment, Moment)| {
        let back = life.ready.next_begin(ended).map(|back| back + case.history.header.propagation_most);
        told <= case.begun() && back.is_none_or(|back| case.begun() <= back)
    };
    (case.is_deserted() && kills(life).any(away)).then(|| case.hit(Confidence::Likely))
}

/// When its probe ended it though it was not frozen, and when its process had ended.
fn kills(life: &Life) -> impl Iterator<Item = (Moment, Moment)> + '_ {
    let kill = |(at, signal, reason): &&(Moment, Signal, Reason)| {
        matches!((signal, reason), (Signal::Term | Signal::Kill, Reason::Liveness))
            && !life.frozen.any(before(*at, HUNG), *at)
    };
    life.signals.iter().filter(kill).map(|(at, ..)| (*at, life.exit_after(*at).map_or(*at, |(ended, _)| ended)))
}

fn mends(found: &Found<'_>) -> String {
    let probe = found.history.header.deployment.template.liveness.as_ref().map(|probe| {
        let (timeout, failures) = (seconds(probe.timeout), probe.failure_threshold);
        format!(" (it has a time-out of {timeout} and {failures} failures every {})", seconds(probe.period))
    });
    format!(
        "let the livenessProbe ask something that neither load nor a dependency can delay, on a port or thread of its \
         own, and give it a minute or more before it counts{}; shed load before that",
        probe.unwrap_or_default()
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
    for life in found.lives() {
        lines.extend(kills(life).map(|(at, _)| {
            let load =
                found.lives.flooded(at).map_or_else(String::new, |rate| format!(", at {rate} requests per second"));
            format!("its liveness probe ended {} at {} of the trial{load}", life.replica, seconds(at.since_start()))
        }));
    }
    lines.extend(found.unknown());
    lines
}

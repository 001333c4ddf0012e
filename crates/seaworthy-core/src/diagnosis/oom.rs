//! A replica uses more memory than it may.

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries, found::seconds};
use crate::{
    event::{Reason, Signal},
    lives::Life,
    time::Moment,
};

pub(super) const RULE: Rule = Rule {
    id: "oom-killed",
    title: "the replica used more memory than its limit and was killed for it, with requests in flight",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::health::OOM,
    mends: |_| {
        "find what grows; give the runtime a bound of its own below the limit, and bound what is worked on at once; \
         raise resources.limits.memory only where it is needed"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect?;
    let fits = |(killed, ended): &(Moment, Moment)| case.is_of_end(life, *killed, *ended);
    kills(life).find(fits).map(|_| case.hit(Confidence::Proven))
}

/// When it was killed for its memory, and when its process had ended.
fn kills(life: &Life) -> impl Iterator<Item = (Moment, Moment)> + '_ {
    let kill = |(_, signal, reason): &&(Moment, Signal, Reason)| {
        matches!((signal, reason), (Signal::Kill, Reason::OutOfMemory))
    };
    life.signals.iter().filter(kill).map(|(at, ..)| (*at, life.exit_after(*at).map_or(*at, |(ended, _)| ended)))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
    for life in found.lives() {
        lines.extend(kills(life).map(|(at, _)| {
            format!("{} was killed for its memory at {} of the trial", life.replica, seconds(at.since_start()))
        }));
    }
    lines.extend(found.unknown());
    lines
}

//! The kill drill's own doing.

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule,
    case::{NEAR, at_or_after},
    entries,
};
use crate::{
    drill::Drill,
    event::{Reason, Signal},
    lives::Life,
    outcome::FailureKind,
    time::Moment,
};

pub(super) const RULE: Rule = Rule {
    id: "killed",
    title: "the drill killed the replica that had these requests: nobody can keep them",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::KILLED,
    changes: |_| Vec::new(),
    mends: |_| {
        "nothing in the target can; clients that send idempotent requests again hide it, and a faster start makes it \
         shorter"
            .to_owned()
    },
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known)?;
    // What was sent again had lost its time on the replica that was killed.
    let lost_time = || {
        let (done, address) = case.context.first_try(case).filter(|_| case.kind() == FailureKind::TimedOut)?;
        let mut kills = kills(case.lives.at(address)?);
        kills.any(|(killed, ended)| at_or_after(done, killed) && done <= ended + NEAR).then_some(Confidence::Likely)
    };
    let allowed = case.failed.drill == Drill::Kill && case.failed.allowed;
    let later = kills(life).any(|(_, ended)| case.is_of_later(ended));
    // A request may have been due in an earlier drill.
    let cut = kills(life).any(|(killed, ended)| case.is_of_end(life, killed, ended));
    let confidence = if allowed && !later || cut { Some(Confidence::Proven) } else { lost_time() };
    confidence.map(|confidence| case.hit(confidence))
}

/// When the drill killed it, and when its process had ended.
fn kills(life: &Life) -> impl Iterator<Item = (Moment, Moment)> + '_ {
    let kill =
        |(_, signal, reason): &&(Moment, Signal, Reason)| matches!((signal, reason), (Signal::Kill, Reason::Drill));
    life.signals.iter().filter(kill).map(|(at, ..)| (*at, life.exit_after(*at).map_or(*at, |(ended, _)| ended)))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let when = found.between(|life| life.signalled(Signal::Kill, Reason::Drill), "the drill's SIGKILL");
    let mut lines = vec![format!("{} {when} to {}", found.what(), found.whose())];
    lines.extend(found.unknown());
    lines
}

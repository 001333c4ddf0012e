//! The kill drill's own doing.

use super::{Asks, Confidence, Found, Harm, Rule, entries};
use crate::{
    drill::Drill,
    event::{Reason, Signal},
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
    judge: |case| (case.failed.drill == Drill::Kill && case.failed.allowed).then(|| case.hit(Confidence::Proven)),
};

fn evidence(found: &Found<'_>) -> Vec<String> {
    let when = found.between(|life| life.signalled(Signal::Kill, Reason::Drill), "the drill's SIGKILL");
    let mut lines = vec![format!("{} {when} to {}", found.what(), found.whose())];
    lines.extend(found.unknown());
    lines
}

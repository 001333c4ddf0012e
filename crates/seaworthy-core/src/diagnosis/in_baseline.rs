//! The same is lost while nothing is done.

use super::{Asks, Harm, Rule, entries};

pub(super) const RULE: Rule = Rule {
    id: "also-in-baseline",
    title: "the same happens while nothing is done: it is not the drill's doing",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::BASELINE,
    changes: |_| Vec::new(),
    mends: |_| "look at the baseline's own failures first: what a drill adds to them cannot be seen before".to_owned(),
    evidence: |found| {
        vec![
            format!("{}, {}", found.what(), found.when()),
            "no more of it than the baseline's own makes likely (Poisson, 1 %)".to_owned(),
        ]
    },
    // Only the assessment, which counts both, can say so.
    judge: |_| None,
};

//! The only replica is away.

use super::{Asks, Harm, Rule, entries, recreate_gap::NOBODY};

use crate::change::Change;

pub(super) const RULE: Rule = Rule {
    id: "single-replica-gap",
    title: "there is only one replica: while it is away nobody answers",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::startup::SINGLE_REPLICA,
    changes: |_| vec![Change::Replicas(2)],
    mends: |_| "replicas: 2 or more, with a PodDisruptionBudget (minAvailable: 1) and a spread over nodes".to_owned(),
    evidence: |found| {
        vec![format!("{}, while one replica is wanted and none could be used, {}", found.what(), found.when())]
    },
    judge: |case| {
        let alone = case.lives.wanted(case.begun()) == 1 && !case.is_recreated();
        (alone && case.is_nobody_there()).then_some(NOBODY)
    },
};

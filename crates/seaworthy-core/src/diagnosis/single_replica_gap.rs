//! The only replica is away.

use super::{Rule, recreate_gap::NOBODY};

pub(super) const RULE: Rule = Rule {
    id: "single-replica-gap",
    title: "there is only one replica: while it is away nobody answers",
    own: false,
    mends: |_| "replicas: 2 or more, with a PodDisruptionBudget (minAvailable: 1) and a spread over nodes".to_owned(),
    evidence: |found| {
        vec![format!("{}, while one replica is wanted and none could be used, {}", found.what(), found.when())]
    },
    judge: |case| {
        let alone = case.lives.wanted(case.begun()) == 1 && !case.is_recreated();
        (alone && case.is_nobody_there()).then_some(NOBODY)
    },
};

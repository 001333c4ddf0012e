//! Nothing that is known explains it.

use super::{Asks, Harm, Rule, entries};

pub(super) const RULE: Rule = Rule {
    id: "unexplained",
    title: "nothing that was recorded explains these failures",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::UNEXPLAINED,
    changes: |_| Vec::new(),
    mends: |_| "look at the target's own log at these moments".to_owned(),
    evidence: |found| {
        if found.failed.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![format!("{}, {}", found.what(), found.when())];
        let words = found.failed.iter().find_map(|failed| failed.failure.detail.as_deref());
        lines.extend(words.map(|words| format!("in the words of one of them: {words}")));
        lines
    },
    judge: |_| None,
};

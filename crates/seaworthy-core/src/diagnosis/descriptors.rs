//! The generator may open no more files.

use super::{Asks, Found, Harm, Rule, entries, ports::OWN};
use crate::outcome::FailureKind;

pub(super) const RULE: Rule = Rule {
    id: "fp-fd-limit",
    title: "the load generator may open no more files: these requests never left this machine",
    own: true,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::DESCRIPTORS,
    changes: |_| Vec::new(),
    mends: |_| "raise the limit of open files with `ulimit -n`, or use fewer connections".to_owned(),
    evidence,
    judge: |case| (case.kind() == FailureKind::NoDescriptor).then_some(OWN),
};

fn evidence(found: &Found<'_>) -> Vec<String> {
    let limit = found.history.footer.as_ref().and_then(|footer| footer.generator.descriptors);
    let mut lines = vec![format!("{} (EMFILE), {}", found.what(), found.when())];
    lines.extend(limit.map(|(most, limit)| format!("{most} file descriptors were in use, the limit is {limit}")));
    lines
}

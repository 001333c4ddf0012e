//! A new release changes what the old one needs.

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries, releases::Rate};
use crate::time::Moment;

pub(super) const RULE: Rule = Rule {
    id: "incompatible-migration",
    title: "replicas of the old release began to fail once the new one ran beside them",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::startup::MIGRATION,
    mends: |_| {
        "make changes of the database in two releases: first what both can live with, and only in the next one what the \
         old one could not"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
        lines.extend(told(found));
        lines
    },
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let revision = case.suspect.filter(|_| case.known && case.is_server_error())?.revision?;
    let fits = |(begun, to, new, ..): &&(Moment, Moment, crate::event::Revision, Rate, Rate)| {
        revision < *new && *begun <= case.begun() && case.begun() <= *to
    };
    case.context.releases.breaking.iter().find(fits).map(|_| case.hit(Confidence::Likely))
}

fn told(found: &Found<'_>) -> Vec<String> {
    let releases = super::releases::Releases::of(found.lives, &found.failed);
    let line = |(.., old, _): &(Moment, Moment, crate::event::Revision, Rate, Rate)| {
        format!("the old release failed {} while both served, the new one not a fifth as often", share(*old))
    };
    releases.breaking.iter().map(line).collect()
}

/// `in 12 of 340 answers`.
pub(super) fn share(rate: Rate) -> String {
    format!("in {} of {} answers", rate.errors, rate.answers)
}

//! A broken release gets requests.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Found, Harm, Hit, Rule, case::at_or_after, entries, migration::share, releases::Releases,
};
use crate::{change::Change, event::Release};

pub(super) const RULE: Rule = Rule {
    id: "bad-release-served",
    title: "the broken release was given requests: it passed for ready",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::startup::BAD_RELEASE,
    changes: |_| vec![Change::MinReady(Duration::from_secs(5)), Change::RollingUpdate],
    mends: |found| {
        let readiness = &found.history.header.deployment.template.readiness;
        let probe = if readiness.is_some() {
            "let the readinessProbe go through the path of a real request"
        } else {
            "add a readinessProbe that goes through the path of a real request (there is none)"
        };
        format!(
            "{probe}; set minReadySeconds above 0, so that a release that breaks soon is held up; maxUnavailable: 0"
        )
    },
    evidence,
    judge,
};

/// So many errors, and nothing of the kind elsewhere, leave no doubt.
const PROVES: u64 = 10;

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known && !case.kind().is_local())?;
    // Once it is told to end, it may lose requests as any other release does.
    let ending = life.terminating.is_some_and(|(told, _)| at_or_after(case.done(), told));
    if life.release == Some(Release::Bad) && (!ending || case.is_server_error()) {
        return Some(case.hit(Confidence::Proven));
    }
    let (new, old) = case.context.releases.bad.get(&life.revision?).filter(|_| case.is_server_error())?;
    Some(case.hit(if new.errors >= PROVES && old.errors == 0 { Confidence::Proven } else { Confidence::Likely }))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let seen = found.between(|life| life.view.all().first().map(|span| span.from), "clients first saw it");
    let broken = found.lives().all(|life| life.release == Some(Release::Bad));
    let which = if broken { "broken" } else { "new" };
    let mut lines = vec![format!("{} on {} of the {which} release, {seen}", found.what(), found.whose())];
    let releases = Releases::of(found.lives, &found.failed);
    lines.extend(releases.bad.values().map(|(new, _)| {
        format!(
            "it failed {} while both releases served, past its warm-up; the old one not a fifth as often",
            share(*new)
        )
    }));
    lines
}

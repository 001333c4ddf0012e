//! A broken release gets requests.

use super::{Confidence, Rule};
use crate::event::Release;

pub(super) const RULE: Rule = Rule {
    id: "bad-release-served",
    title: "the broken release was given requests: it passed for ready",
    own: false,
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
    evidence: |found| {
        let ready = found.between(|life| life.view.all().first().map(|span| span.from), "clients first saw it");
        vec![format!("{} on {} of the broken release, {ready}", found.what(), found.whose())]
    },
    judge: |case| {
        let bad = case.suspect.is_some_and(|life| life.release == Some(Release::Bad)) && case.known;
        (bad && !case.kind().is_local()).then(|| case.hit(Confidence::Proven))
    },
};

//! What an answer, or its frames, says by itself.

use super::{Asks, Confidence, Harm, Rule, case::at_or_after, entries};
use crate::outcome::FailureKind;

pub(super) const TRUNCATION: Rule = Rule {
    id: "silent-truncation",
    title: "answers ended in the middle, and looked whole: they do not say how long they are",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::TRUNCATION,
    mends: |_| {
        "send a Content-Length or chunks (HTTP/1.1) with each answer, so that a client notices; and finish answers on \
         SIGTERM before the process ends"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let mut lines = vec![format!("{} on {}, {}", found.what(), found.whose(), found.when())];
        let words = found.failed.iter().find_map(|failed| failed.failure.detail.as_deref());
        lines.extend(words.map(|words| format!("one of them: {words}")));
        lines
    },
    judge: |case| (case.kind() == FailureKind::Truncated).then(|| case.says(Confidence::Proven)),
};

pub(super) const GOAWAY: Rule = Rule {
    id: "h2-goaway-race",
    title: "a server that was leaving refused requests that were on their way (HTTP/2)",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::GOAWAY,
    mends: |_| {
        "let the server leave in two steps: GOAWAY with the highest stream number first, the last one a round trip \
         later; clients: send these again, since they were certainly not worked on"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        vec![
            format!("{} on {}, {}", found.what(), found.whose(), found.when()),
            "the frames say that none of them was worked on".to_owned(),
        ]
    },
    judge: |case| {
        let ending = case.suspect.and_then(|life| life.terminating).is_some_and(|(at, _)| at_or_after(case.done(), at));
        // A server that goes on may refuse streams since there are too many.
        let refused = case.kind() == FailureKind::RefusedStream && ending;
        (case.kind() == FailureKind::GoAway || refused).then(|| case.says(Confidence::Proven))
    },
};

pub(super) const ERROR_AS_SUCCESS: Rule = Rule {
    id: "error-with-success-status",
    title: "answers had a status of success, and a body that was not as expected",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::ERROR_AS_SUCCESS,
    mends: |_| {
        "answer errors with a status that says so (503 while something is away, 500 for a bug): whoever goes by the \
         status counts these as good"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let statuses: std::collections::BTreeSet<u16> =
            found.failed.iter().filter_map(|failed| failed.failure.status).collect();
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let mut lines = vec![
            format!("{} on {}, {}", found.what(), found.whose(), found.when()),
            format!("their status: {}", statuses.join(", ")),
        ];
        let words = found.failed.iter().find_map(|failed| failed.failure.detail.as_deref());
        lines.extend(words.map(|words| format!("one of them: {words}")));
        lines
    },
    judge: |case| {
        let success = case.failed.failure.status.is_some_and(|status| (200..300).contains(&status));
        (case.kind() == FailureKind::Body && success).then(|| case.says(Confidence::Proven))
    },
};

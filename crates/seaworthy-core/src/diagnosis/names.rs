//! A request that never was sent: its target's name, or its certificate.

use super::{Asks, Case, Confidence, Found, Harm, Rule, entries};
use crate::outcome::FailureKind;

pub(super) const DNS: Rule = Rule {
    id: "dns-failure",
    title: "the target's name was not resolved, so the requests were never sent",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::DNS,
    mends: |_| "look at the resolver, and at what it says of this name; connections that are kept ask less".to_owned(),
    changes: |_| Vec::new(),
    evidence,
    judge: |case| (case.kind() == FailureKind::Dns).then(|| case.hit(Confidence::Likely)),
};

pub(super) const EXPIRED: Rule = Rule {
    id: "tls-cert-expired",
    title: "the certificate was past its end, or not valid yet, so that new connections failed",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::TLS_EXPIRED,
    mends: |_| "a certificate that is valid now, and a process that reads it again when it is rotated".to_owned(),
    changes: |_| Vec::new(),
    evidence,
    judge: |case| (case.kind() == FailureKind::Tls && is_of_dates(case)).then(|| case.says(Confidence::Proven)),
};

pub(super) const TLS: Rule = Rule {
    id: "tls-failure",
    title: "the TLS handshake failed, so the requests were never sent",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::TLS,
    mends: |_| {
        "let the words of the failure lead: the name, the authority, the version, the client's certificate".to_owned()
    },
    changes: |_| Vec::new(),
    evidence,
    judge: |case| (case.kind() == FailureKind::Tls).then(|| case.hit(Confidence::Likely)),
};

/// Whether it is the certificate's dates that are wrong, in the words of the TLS library or of an alert.
fn is_of_dates(case: &Case<'_>) -> bool {
    let words = case.failed.failure.detail.as_deref().unwrap_or_default().to_ascii_lowercase();
    ["expired", "notvalidyet", "not valid yet", "not yet valid"].iter().any(|dates| words.contains(dates))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let mut lines = vec![format!("{}, {}", found.what(), found.when())];
    let words = found.failed.iter().find_map(|failed| failed.failure.detail.as_deref());
    lines.extend(words.map(|words| format!("in the words of one of them: {words}")));
    lines
}

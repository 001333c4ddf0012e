//! The generator has no free source port.

use super::{Asks, Confidence, Found, Harm, Hit, Rule, entries};
use crate::outcome::FailureKind;

pub(super) const RULE: Rule = Rule {
    id: "fp-ephemeral-ports",
    title: "the load generator had no free source port: these requests never left this machine",
    own: true,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::PORTS,
    changes: |_| Vec::new(),
    mends: |_| {
        "open fewer connections of their own (a lower --rate or share of fresh ones), or widen \
         net.ipv4.ip_local_port_range"
            .to_owned()
    },
    evidence,
    judge: |case| (case.kind() == FailureKind::NoPort).then_some(OWN),
};

/// The errno allows nothing else, and no replica has a part in it.
pub(super) const OWN: Hit = Hit { confidence: Confidence::Proven, replica: None };

fn evidence(found: &Found<'_>) -> Vec<String> {
    let ports = found.history.footer.as_ref().and_then(|footer| footer.generator.ports);
    let mut lines = vec![format!("{} (EADDRNOTAVAIL), {}", found.what(), found.when())];
    lines.extend(ports.map(|(most, all)| format!("{most} of {all} ephemeral ports were in use")));
    lines
}

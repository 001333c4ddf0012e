//! The generator itself was late.

use std::time::Duration;

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries, found::seconds};
use crate::{outcome::FailureKind, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "fp-client-saturation",
    title: "the load generator was late by itself, so that its time-outs say nothing of the target",
    own: true,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::own::SATURATION,
    changes: |_| Vec::new(),
    mends: |_| "use a quieter or larger machine, or a lower --rate, and run it again".to_owned(),
    evidence,
    judge,
};

/// A lag below this cannot make a time-out.
const LEAST: Duration = Duration::from_millis(50);

/// How far around a request a lag counts.
const AROUND: Duration = Duration::from_secs(1);

fn judge(case: &Case<'_>) -> Option<Hit> {
    if case.kind() != FailureKind::TimedOut {
        return None;
    }
    let most = LEAST.max(case.failed.outcome.service_time() / 10);
    let from = Moment::START + case.begun().since_start().saturating_sub(AROUND);
    let late = case.context.lag.range(from..=(case.done() + AROUND).max(from)).any(|(_, lag)| *lag > most);
    (late || case.failed.outcome.send_lag() > most).then_some(Hit { confidence: Confidence::Likely, replica: None })
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let lag = found.failed.iter().map(|failed| failed.outcome.send_lag()).max().unwrap_or_default();
    vec![
        format!("{}, {}", found.what(), found.when()),
        format!(
            "within a second of them the generator was late by more than a tenth of their time; they themselves \
                 were sent up to {} late",
            seconds(lag)
        ),
    ]
}

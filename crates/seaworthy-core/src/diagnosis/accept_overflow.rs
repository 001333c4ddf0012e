//! The queue of connections that wait to be accepted is full.

use std::time::Duration;

use super::{Asks, Case, Confidence, Harm, Hit, Rule, entries};
use crate::{
    lives::Life,
    outcome::{FailureKind, Phase},
    time::Moment,
};

pub(super) const RULE: Rule = Rule {
    id: "accept-queue-overflow",
    title: "connections had to wait for a place in a listener's queue, which was full",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::health::ACCEPT_OVERFLOW,
    mends: |_| {
        "a larger backlog of the listener (and net.core.somaxconn), more accepting, and clients that keep their \
         connections"
            .to_owned()
    },
    changes: |_| Vec::new(),
    evidence: |found| {
        let open = |failed: &super::Failed<'_>| failed.outcome.phases.connect.is_some_and(is_step);
        let steps = found.count(open);
        let mut lines = vec![
            format!("{} on {}, {}", found.what(), found.whose(), found.when()),
            "its listener was up all the time".to_owned(),
        ];
        lines.extend((steps > 0).then(|| {
            format!("{steps} of them connected after about 1, 3 or 7 s, when the client's kernel tried again")
        }));
        lines
    },
    judge,
};

/// The same, where the requests were answered in the end.
pub(super) const SLOW: Rule = Rule { harm: Harm::Slowness, ..RULE };

/// When Linux tries to connect again, in seconds since the first time.
const STEPS: [u64; 3] = [1, 3, 7];

/// How much later it is done, and how much earlier a clock may say so.
const LATER: Duration = Duration::from_millis(250);
const EARLIER: Duration = Duration::from_millis(20);

/// The longest that a connection takes that came about so.
pub(super) const LONGEST: Duration = Duration::from_millis(7_250);

/// Whether a connection came about when the kernel had tried again.
pub(super) fn is_step(connect: Duration) -> bool {
    STEPS.iter().any(|step| {
        let step = Duration::from_secs(*step);
        step.saturating_sub(EARLIER) <= connect && connect <= step + LATER
    })
}

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known)?;
    let waited = case.kind() == FailureKind::TimedOut && case.failed.failure.phase == Phase::Connect;
    let late = case.failed.outcome.phases.connect.is_some_and(is_step) && !case.kind().is_local();
    ((waited || late) && is_up(life, case.begun(), case.done())).then(|| case.hit(Confidence::Likely))
}

/// It accepted connections all the while, and was neither frozen, nor cut off from clients, nor to end.
fn is_up(life: &Life, from: Moment, to: Moment) -> bool {
    let listens = life.listening.around(from).is_some_and(|span| span.to.is_none_or(|end| to <= end));
    let told = life.terminating.is_some_and(|(told, _)| told <= to);
    listens && !told && !life.frozen.any(from, to) && !life.broken.any(from, to)
}

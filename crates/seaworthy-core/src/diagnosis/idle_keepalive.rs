//! A graceful end closes an idle connection as it is used again.

use std::time::Duration;

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, case::at_or_after, entries, exit_on_sigterm::SOON};
use crate::event::Exit;

pub(super) const RULE: Rule = Rule {
    id: "shutdown-closes-idle-keepalive",
    title: "a replica that was ending closed idle connections just as clients used them again",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::IDLE_KEEPALIVE,
    changes: |_| Vec::new(),
    mends: |found| {
        format!(
            "on SIGTERM answer the next request on each connection with `Connection: close` (HTTP/2: GOAWAY) for at \
             least {} s, and close only then what is idle; clients: send idempotent requests again when a reused \
             connection closes before any byte of an answer",
            found.sleep()
        )
    },
    evidence,
    judge,
};

/// How long after the end of the process a client may still find out by using a connection.
const NOTICED: Duration = Duration::from_secs(1);

/// It was used again after SIGTERM: what began before that was in flight, and no idle connection.
fn judge(case: &Case<'_>) -> Option<Hit> {
    let (life, stop) = case.stopping()?;
    let exit = life.exit_after(stop);
    // A process that SIGTERM ends closes nothing: its kernel does, whatever is on them.
    if exit.is_some_and(|(at, exit)| matches!(exit, Exit::Signal(15)) && at <= stop + SOON) {
        return None;
    }
    // One that ignores SIGTERM goes on closing what is idle for too long.
    if super::idle::ignores(life) && case.failed.outcome.idle.is_some_and(|idle| case.context.idle.shares(idle)) {
        return None;
    }
    let ended = exit.map_or_else(|| case.lives.end(), |(at, _)| at);
    let idle = case.is_cut() && case.is_reused() && case.is_silent() && case.begun() >= stop;
    (idle && at_or_after(ended + NOTICED, case.done())).then(|| case.hit(Confidence::Likely))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let stop = found.between(|life| life.stopped().or_else(|| Some(life.terminating?.0)), "SIGTERM");
    let mut lines = vec![
        format!("{} {stop} to {}, over connections that had been used before", found.what(), found.whose()),
        "not a byte of an answer came, and each request had begun after SIGTERM".to_owned(),
    ];
    lines.extend(found.unknown());
    lines
}

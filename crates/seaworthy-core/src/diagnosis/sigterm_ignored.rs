//! SIGTERM is ignored, and SIGKILL comes at the deadline.

use super::{Asks, Case, Confidence, Found, Harm, Rule, case::NEAR, entries, found::seconds};
use crate::{event::Disposition, lives::Life, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "sigterm-ignored",
    title: "the process went on as if it had got no SIGTERM, until SIGKILL cut what it was working on",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::SIGTERM_IGNORED,
    changes: |_| Vec::new(),
    mends,
    evidence,
    judge: |case| {
        let (life, killed) = cut_by_kill(case)?;
        match life.of_sigterm {
            // The kernel did not deliver it, or the process has said that it does not want it.
            Some(Disposition::Ignored | Disposition::Default) => Some(case.hit(Confidence::Proven)),
            Some(Disposition::Handled) => None,
            None => (listened_until(life, killed) != Some(false)).then(|| case.hit(Confidence::Likely)),
        }
    },
};

/// The suspect with the moment of its SIGKILL, where that cut the request.
pub(super) fn cut_by_kill<'a>(case: &Case<'a>) -> Option<(&'a Life, Moment)> {
    let (life, _) = case.stopping()?;
    let killed = life.out_of_grace()?;
    let ended = life.exit_after(killed).map_or(killed, |(at, _)| at);
    let done = case.done();
    (case.is_cut() && done + NEAR >= killed && done <= ended + NEAR).then_some((life, killed))
}

/// Whether it accepted new connections until it was killed; nothing where nobody looked.
pub(super) fn listened_until(life: &Life, killed: Moment) -> Option<bool> {
    (!life.listening.is_empty()).then(|| {
        // Down within a look of the kill is the kill's own doing.
        let before = Moment::START + killed.since_start().saturating_sub(NEAR);
        life.listening.around(before).is_some_and(|span| span.to.is_none_or(|to| to + NEAR >= killed))
    })
}

fn mends(found: &Found<'_>) -> String {
    let grace = seconds(found.history.header.deployment.template.grace);
    format!(
        "let SIGTERM reach the process and end it within the {grace} of terminationGracePeriodSeconds: install a \
         handler; start it with `exec`, in exec form (CMD [\"app\"]) or under an init such as tini, since a shell \
         passes nothing on"
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let when = found.between(Life::out_of_grace, "SIGKILL");
    let lasted = found.longest(|life| Some(life.out_of_grace()?.since(life.stopped()?)));
    let mut lines = vec![format!("{} {when} to {}", found.what(), found.whose())];
    lines.extend(
        lasted.map(|lasted| format!("it ran on for {} after SIGTERM, and was still accepting", seconds(lasted))),
    );
    lines.extend(found.unknown());
    lines
}

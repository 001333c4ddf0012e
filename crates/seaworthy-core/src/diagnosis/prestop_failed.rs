//! The preStop hook fails, so that what it was to do never happens.

use super::{Asks, Case, Confidence, Found, Harm, Hit, Rule, entries, found::longer_sleep, removal_race};

pub(super) const RULE: Rule = Rule {
    id: "prestop-failed",
    title: "the preStop hook failed, so that SIGTERM came at once instead of after it",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::PRESTOP,
    changes: longer_sleep,
    mends: |found| {
        format!(
            "use lifecycle.preStop.sleep.seconds: {}, which needs no command in the image; a hook that runs a command \
             needs it there, and has to exit with 0",
            found.sleep()
        )
    },
    evidence,
    judge,
};

fn judge(case: &Case<'_>) -> Option<Hit> {
    let (life, _) = case.stopping()?;
    life.pre_stop.as_ref().filter(|hook| hook.failed.is_some())?;
    let fits = removal_race::fits(case).is_some() || case.cut_while_stopping().is_some();
    fits.then(|| case.hit(Confidence::Likely))
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let when = found.between(|life| life.stopped().or_else(|| Some(life.terminating?.0)), "SIGTERM");
    let mut lines = vec![format!("{} {when} to {}", found.what(), found.whose())];
    for life in found.lives() {
        let why = life.pre_stop.as_ref().and_then(|hook| hook.failed.as_ref());
        lines.extend(why.map(|why| format!("the preStop hook of {} failed: {why}", life.replica)));
    }
    lines
}

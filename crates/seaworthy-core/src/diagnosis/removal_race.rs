//! A replica that ends is still sent new connections.

use super::{
    Asks, Case, Confidence, Found, Harm, Rule,
    case::at_or_after,
    entries,
    found::{longer_sleep, seconds},
};
use crate::{deployment::Hook, lives::Life, time::Moment};

pub(super) const RULE: Rule = Rule {
    id: "endpoint-removal-race",
    title: "a replica that was ending no longer listened, while clients still sent it new connections",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Replica,
    entry: entries::termination::REMOVAL_RACE,
    changes: longer_sleep,
    mends,
    evidence,
    judge: |case| {
        let (life, _) = fits(case)?;
        let begun = case.begun();
        // Who looks only every 50 ms may see it that much later.
        let closed = life.listening.all().iter().any(|span| span.to.is_some())
            && !life.listening.all().iter().any(|span| span.holds(begun + super::case::NEAR));
        let ended = life.runs.last().and_then(|run| run.ended).is_some_and(|(at, _)| at_or_after(begun, at));
        Some(case.hit(if closed || ended { Confidence::Proven } else { Confidence::Likely }))
    },
};

/// The suspect with its SIGTERM, where the connection was refused between that and its leaving the clients' view.
pub(super) fn fits<'a>(case: &Case<'a>) -> Option<(&'a Life, Moment)> {
    let (life, stop) = case.stopping()?;
    let left = left(case, life);
    (case.is_refused() && at_or_after(case.begun(), stop) && at_or_after(left, case.begun())).then_some((life, stop))
}

/// When clients no longer saw it; as late as that can be, where it was not recorded.
pub(super) fn left(case: &Case<'_>, life: &Life) -> Moment {
    let told = life.terminating.map_or(Moment::START, |(told, _)| told);
    let last = life.view.next_end(told).or_else(|| {
        let gone = life.gone.or_else(|| life.exit_after(told).map(|(at, _)| at)).unwrap_or(told);
        life.view.around(told).map(|_| gone + case.history.header.propagation_most)
    });
    last.unwrap_or(told)
}

fn mends(found: &Found<'_>) -> String {
    let (seen, sleep) = (seconds(found.propagation()), found.sleep());
    let template = &found.history.header.deployment.template;
    let grace = template.grace.as_secs();
    let above = if grace > sleep {
        format!("and terminationGracePeriodSeconds above it (it is {grace})")
    } else {
        format!("and terminationGracePeriodSeconds above it (it is only {grace}: raise it)")
    };
    let short = match &template.pre_stop {
        Some(Hook::Sleep(sleep)) if *sleep <= found.propagation() => {
            format!(
                "the preStop sleep of {} is shorter than the {seen} for which clients still connected: ",
                seconds(*sleep)
            )
        }
        Some(_) | None => String::new(),
    };
    format!(
        "{short}keep serving for at least the propagation delay after SIGTERM: lifecycle.preStop.sleep.seconds: {sleep} \
         (>= {seen} measured), {above}; or in the application: on SIGTERM go on accepting for that long, then drain"
    )
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let stop = |life: &Life| life.stopped().or_else(|| Some(life.terminating?.0));
    let mut lines = vec![format!("{} {} to {}", found.what(), found.between(stop, "SIGTERM"), found.whose())];
    let seen = found.longest(|life| Some(life.view.next_end(life.terminating?.0)?.since(stop(life)?)));
    lines.push(seen.map_or_else(
        || "clients saw them until the end".to_owned(),
        |seen| format!("clients still saw them for {}", seconds(seen)),
    ));
    let closed = |life: &Life| {
        let stop = stop(life)?;
        let gone = life.listening.next_end(Moment::START + stop.since_start().saturating_sub(super::case::NEAR));
        Some(gone?.since(stop))
    };
    let ended = found.longest(|life| Some(life.exit_after(stop(life)?)?.0.since(stop(life)?)));
    lines.extend(found.longest(closed).map(|after| format!("the listener was gone after {}", seconds(after))));
    lines.extend(ended.map(|after| format!("the process had ended after {}", seconds(after))));
    lines.push(format!("preStop: {}", found.pre_stop()));
    lines
}

//! What a drill may lose: what nobody can keep when a replica is killed or hangs.

use std::time::Duration;

use super::{flooded, network, windows::Window};
use crate::{
    drill::Drill,
    event::{Reason, Signal},
    history::Header,
    lives::{Life, Lives},
    outcome::{ConnectionKind, FailureKind, Outcome},
    time::Moment,
    trial::RETURN,
};

/// How far the end of a request and what ended it may lie apart in the recording, and how long direct connections are
/// apart that tell whether a listener is up.
pub(crate) const SLACK: Duration = Duration::from_millis(50);

/// Whether a drill may lose this request.
pub(super) fn allows(window: &Window<'_>, header: &Header, lives: &Lives, outcome: &Outcome) -> bool {
    if window.drill.floods() {
        return flooded::allows(window, lives, outcome);
    }
    if window.drill == Drill::DatabaseRestart {
        return away(window, lives).is_some_and(|(from, until)| outcome.done + SLACK >= from && outcome.due <= until);
    }
    let Some(life) = window.picked().and_then(|replica| lives.get(replica)) else { return false };
    if outcome.endpoint.is_none() || outcome.endpoint != life.address {
        return false;
    }
    match window.drill {
        Drill::Kill => kill(window, header, life, outcome),
        Drill::Freeze => freeze(window, header, life, outcome),
        Drill::Network => network::allows(window, life, outcome),
        Drill::Baseline
        | Drill::Rollout
        | Drill::Terminate
        | Drill::ScaleDown
        | Drill::ScaleUp
        | Drill::BadRelease
        | Drill::Overload
        | Drill::Liveness
        | Drill::SlowStart
        | Drill::Balance
        | Drill::DatabaseRestart => false,
    }
}

/// From the SIGKILL to the database until shortly after it took connections again; to the drill's end where it never
/// did.
pub(super) fn away(window: &Window<'_>, lives: &Lives) -> Option<(Moment, Moment)> {
    let (killed, _) = window.disturbed?;
    let back = lives.database_up().next_begin(killed).filter(|back| *back <= window.until);
    Some((killed, back.map_or(window.until, |back| back + RETURN)))
}

/// When the drill killed the replica.
pub(super) fn killed(window: &Window<'_>, life: &Life) -> Option<Moment> {
    let own = |(at, signal, reason): &&(Moment, Signal, Reason)| {
        *signal == Signal::Kill && *reason == Reason::Drill && (window.begun..=window.until).contains(at)
    };
    life.signals.iter().find(own).map(|(at, ..)| *at)
}

/// From when to when the replica was frozen: to the drill's end where nothing says that it runs again.
pub(super) fn frozen(window: &Window<'_>, life: &Life) -> Option<(Moment, Moment)> {
    let span = life.frozen.all().iter().find(|span| (window.begun..=window.until).contains(&span.from))?;
    Some((span.from, span.to.unwrap_or(window.until)))
}

/// A process that is dead answers nothing: whatever has a status that was not expected is another one's doing.
fn kill(window: &Window<'_>, header: &Header, life: &Life, outcome: &Outcome) -> bool {
    let Some(killed) = killed(window, life) else { return false };
    if matches!(&outcome.end, Err(failure) if failure.kind == FailureKind::Status) {
        return false;
    }
    if outcome.begun <= killed {
        return killed <= outcome.done + SLACK;
    }
    let heard = life.view.next_end(killed);
    let back = back(life, killed);
    let until = [heard, back].into_iter().flatten().min().unwrap_or(window.until);
    outcome.begun <= until || outcome.connection == ConnectionKind::Reused && outcome.begun <= killed + header.timeout
}

/// When the listener of a killed replica was up again. One that was never seen down was back between two looks at it.
fn back(life: &Life, killed: Moment) -> Option<Moment> {
    let down = life.listening.next_end(killed);
    let up = match down {
        Some(down) => life.listening.next_begin(down),
        None if life.listening.is_empty() => life.ready.next_begin(killed),
        None => life.start_after(killed).map(|start| start + SLACK),
    };
    up.map(|up| up + SLACK)
}

fn freeze(window: &Window<'_>, header: &Header, life: &Life, outcome: &Outcome) -> bool {
    let Some((from, thawed)) = frozen(window, life) else { return false };
    if outcome.begun <= from {
        return from <= outcome.done + SLACK;
    }
    let until = life.view.next_end(from).map_or(thawed, |heard| heard.min(thawed));
    outcome.begun <= until || outcome.connection == ConnectionKind::Reused && outcome.begun <= thawed + header.timeout
}

/// Whether nothing took a hung replica out of the endpoints: why that breaks the promise, or why it cannot be known.
pub(super) enum Unnoticed {
    /// It could have been noticed, and was not.
    Broken(String),
    /// It was not hung for long enough to tell.
    TooShort(String),
}

/// Whether clients went on seeing a frozen replica for as long as it was frozen.
pub(super) fn unnoticed(window: &Window<'_>, header: &Header, lives: &Lives) -> Option<Unnoticed> {
    let life = window.picked().and_then(|replica| lives.get(replica)).filter(|_| window.drill == Drill::Freeze)?;
    let (from, thawed) = frozen(window, life)?;
    if life.view.next_end(from).is_some_and(|heard| heard <= thawed) {
        return None;
    }
    let hung = thawed.since(from).as_secs_f64();
    let template = &header.deployment.template;
    let (probe, detection) = match (&template.readiness, &template.liveness) {
        (Some(probe), _) => ("readiness", probe.detection()),
        (None, Some(probe)) => ("liveness", probe.detection() + probe.grace.unwrap_or(template.grace)),
        (None, None) => {
            return Some(Unnoticed::Broken(format!(
                "a hung replica stayed in the endpoints for the whole freeze of {hung:.1} s: there is no readiness \
                 probe that could notice it"
            )));
        }
    };
    let needed = (detection + header.propagation_most + Duration::from_secs(1)).as_secs_f64();
    Some(if hung > needed {
        Unnoticed::Broken(format!(
            "a hung replica stayed in the endpoints for the whole freeze of {hung:.1} s: {probe} does not notice it \
             (a TCP check does not: the kernel accepts for a process that hangs)"
        ))
    } else {
        Unnoticed::TooShort(format!(
            "the freeze of {hung:.1} s was shorter than what {probe} needs to notice it, {needed:.1} s: use --freeze \
             {:.0}s",
            needed.floor() + 1.0
        ))
    })
}

//! The timeline in the document: what happened to the target and by the drills, a line for people each.
//!
//! Probes and views of the endpoints are many, and are in the history only.

use super::{at_ms, document};
use crate::{
    drill::Drill,
    event::{Disposition, Event, Exit, Reason, Release, Replica, Signal},
    text::long_time,
    time::Moment,
};

/// An event as it is told; nothing where it is left to the history.
pub(super) fn told(at: Moment, event: &Event) -> Option<document::Event> {
    let (drill, replica, words) = of_any(event)?;
    // The history's own name of it.
    let name = serde_json::to_value(event).ok()?.get("event")?.as_str()?.to_owned();
    Some(document::Event {
        at_ms: at_ms(at),
        event: name,
        drill: drill.map(Drill::label),
        replica: replica.map(|replica| replica.0),
        words,
    })
}

/// The same in words, with the replica that it is of.
pub(in crate::report) fn words(event: &Event) -> Option<(Option<Replica>, String)> {
    of_any(event).map(|(_, replica, words)| (replica, words))
}

fn of_any(event: &Event) -> Told {
    of_drill(event).or_else(|| of_replica(event)).or_else(|| of_all(event))
}

type Told = Option<(Option<Drill>, Option<Replica>, String)>;

#[expect(clippy::wildcard_enum_match_arm, reason = "of_all has every event")]
fn of_drill(event: &Event) -> Told {
    let (drill, replica, words) = match event {
        Event::DrillBegun { drill } => (drill, None, format!("{drill} begins")),
        Event::Disturbed { drill, replica } => {
            let whom = replica.map_or_else(String::new, |replica| format!(": {replica}"));
            (drill, *replica, format!("{drill} disturbs{whom}"))
        }
        Event::Settled { drill } => (drill, None, format!("{drill} has settled")),
        Event::DrillBroken { drill, why } => (drill, None, format!("{drill} is broken: {why}")),
        Event::DrillEnded { drill } => (drill, None, format!("{drill} ends")),
        Event::Flooded { drill, rate } => (drill, None, format!("{drill} asks for {rate} requests per second")),
        Event::FloodEnded { drill } => (drill, None, format!("{drill} asks for no more than before")),
        _ => return None,
    };
    Some((Some(*drill), replica, words))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of_all has every event")]
fn of_replica(event: &Event) -> Told {
    let (replica, words) = match event {
        Event::Created { replica, revision, release } => (replica, format!("is created, {revision}{}", bad(*release))),
        Event::Placed { replica, address } => (replica, format!("is to serve at {address}")),
        Event::Started { replica, restart: 0, .. } => (replica, "starts".to_owned()),
        Event::Started { replica, restart, .. } => (replica, format!("starts again (restart {restart})")),
        Event::NotStarted { replica, why } => (replica, format!("could not be started: {why}")),
        Event::Ready { replica } => (replica, "is ready".to_owned()),
        Event::Unready { replica } => (replica, "is not ready any more".to_owned()),
        Event::Available { replica } => (replica, "is available".to_owned()),
        Event::Terminating { replica, grace } => (replica, format!("is to end, with a grace of {}", long_time(*grace))),
        Event::PreStopBegun { replica } => (replica, "begins its preStop hook".to_owned()),
        Event::PreStopEnded { replica, failed: None } => (replica, "has ended its preStop hook".to_owned()),
        Event::PreStopEnded { replica, failed: Some(why) } => (replica, format!("failed in its preStop hook: {why}")),
        Event::Signalled { replica, signal, reason } => {
            (replica, format!("gets {} ({})", signal_name(*signal), why(*reason)))
        }
        Event::Disposition { replica, of_sigterm: Disposition::Default } => {
            (replica, "has no handler for SIGTERM".to_owned())
        }
        Event::Disposition { replica, of_sigterm: Disposition::Ignored } => (replica, "ignores SIGTERM".to_owned()),
        Event::Exited { replica, exit: Exit::Code(code) } => (replica, format!("exits with {code}")),
        Event::Exited { replica, exit: Exit::Signal(signal) } => (replica, format!("is ended by signal {signal}")),
        Event::BackingOff { replica, delay } => (replica, format!("is not started again for {}", long_time(*delay))),
        Event::Gone { replica } => (replica, "is gone".to_owned()),
        Event::Frozen { replica } => (replica, "is frozen".to_owned()),
        Event::Thawed { replica } => (replica, "runs again".to_owned()),
        Event::NetworkBroken { replica, how } => (replica, format!("is cut off from clients ({how})")),
        Event::NetworkHealed { replica, dropped, .. } => {
            (replica, format!("is reached by clients again: {dropped} packets were dropped"))
        }
        Event::ListenerUp { replica } => (replica, "accepts connections".to_owned()),
        Event::ListenerDown { replica } => (replica, "does not accept connections any more".to_owned()),
        Event::Foreign { replica, holder } => (replica, format!("has its port held by another process: {holder}")),
        _ => return None,
    };
    Some((None, Some(*replica), format!("{replica} {words}")))
}

fn of_all(event: &Event) -> Told {
    let words = match event {
        Event::Established => "all replicas are available: the trial can begin".to_owned(),
        Event::RolloutBegun { revision, release, back_to } => {
            let back = back_to.map_or_else(String::new, |back| format!(", back to {back}"));
            format!("a rollout to {revision} begins{}{back}", bad(*release))
        }
        Event::RolloutDone { revision } => format!("the rollout to {revision} is complete"),
        Event::RolloutStuck { revision } => format!("the rollout to {revision} is stuck"),
        Event::Scaled { from, to } => format!("{to} replicas are wanted, no longer {from}"),
        Event::Blind { what } => format!("not observed: {what}"),
        Event::DatabaseUp => "the database takes connections".to_owned(),
        Event::DatabaseDown { exit: None } => "the database does not take connections".to_owned(),
        Event::DatabaseDown { exit: Some(exit) } => format!("the database has ended, with exit code {}", exit.code()),
        Event::Interrupted => "interrupted".to_owned(),
        // The first three are left to the history; the others are told as a drill's or a replica's.
        Event::Probed { .. }
        | Event::Endpoints { .. }
        | Event::View { .. }
        | Event::DrillBegun { .. }
        | Event::Disturbed { .. }
        | Event::Settled { .. }
        | Event::DrillBroken { .. }
        | Event::DrillEnded { .. }
        | Event::Flooded { .. }
        | Event::FloodEnded { .. }
        | Event::Created { .. }
        | Event::Placed { .. }
        | Event::Started { .. }
        | Event::NotStarted { .. }
        | Event::Ready { .. }
        | Event::Unready { .. }
        | Event::Available { .. }
        | Event::Terminating { .. }
        | Event::PreStopBegun { .. }
        | Event::PreStopEnded { .. }
        | Event::Signalled { .. }
        | Event::Disposition { .. }
        | Event::Exited { .. }
        | Event::BackingOff { .. }
        | Event::Gone { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::NetworkBroken { .. }
        | Event::NetworkHealed { .. }
        | Event::ListenerUp { .. }
        | Event::ListenerDown { .. }
        | Event::Foreign { .. } => return None,
    };
    Some((None, None, words))
}

const fn bad(release: Release) -> &'static str {
    match release {
        Release::Good => "",
        Release::Bad => ", broken on purpose",
    }
}

const fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Term => "SIGTERM",
        Signal::Kill => "SIGKILL",
        Signal::Stop => "SIGSTOP",
        Signal::Cont => "SIGCONT",
    }
}

const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Termination => "it is to end",
        Reason::GraceOver => "its grace period is over",
        Reason::Liveness => "its liveness probe failed",
        Reason::Startup => "its startup probe failed",
        Reason::OutOfMemory => "it used more memory than its limit",
        Reason::Drill => "the drill does it",
        Reason::Cleanup => "the trial cleans up",
    }
}

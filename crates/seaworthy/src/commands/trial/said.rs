//! What is said of a trial under way where there is no terminal: a line for each event that somebody would want to see.

use seaworthy_core::{
    event::{Event, Reason},
    text,
    time::Moment,
};

use super::view::Watch;

/// An event in a line, if it is one to be told: `12.3s rollout: begins, a rolling update has no downtime`.
pub(crate) fn line(at: Moment, event: &Event, watch: &Watch) -> Option<String> {
    let words = match event {
        Event::Established => "the target is ready; the load begins".to_owned(),
        Event::DrillBegun { drill } => format!("{drill}: {}; {}", drill.what(), drill.allowance()),
        Event::Disturbed { drill, replica: Some(replica) } => format!("{drill}: now, to {replica}"),
        Event::Disturbed { drill, replica: None } => format!("{drill}: now"),
        Event::Settled { drill } => format!("{drill}: all is as it should be again"),
        Event::DrillBroken { drill, why } => format!("{drill}: {why}"),
        Event::DrillEnded { drill } => format!("{drill}: {}", watch.sums(*drill)),
        Event::RolloutStuck { revision } => format!("{revision} makes no progress"),
        Event::BackingOff { replica, delay } => format!("{replica} ended, and is started again in {delay:?}"),
        Event::NotStarted { replica, why } => format!("{replica} could not be started: {why}"),
        Event::Foreign { replica, holder } => format!("{holder} answers on the port of {replica}"),
        Event::Flooded { drill, rate } => format!("{drill}: {}/s are asked of it", text::thousands((*rate).into())),
        Event::FloodEnded { drill } => format!("{drill}: no more is asked of it than before"),
        Event::DatabaseUp => "the database takes connections".to_owned(),
        Event::DatabaseDown { .. } => "the database does not run".to_owned(),
        Event::NetworkBroken { replica, how } => format!("the way between clients and {replica} is broken: {how}"),
        Event::NetworkHealed { replica, dropped, .. } => {
            format!("the way to {replica} is whole again: {} were dropped", text::counted(*dropped, "packet"))
        }
        Event::Signalled { replica, reason: Reason::OutOfMemory, .. } => {
            format!("{replica} used more memory than it may, and is killed")
        }
        Event::Interrupted => "interrupted: the replicas are ended; once more, and they are killed".to_owned(),
        Event::RolloutBegun { .. }
        | Event::RolloutDone { .. }
        | Event::Scaled { .. }
        | Event::Created { .. }
        | Event::Placed { .. }
        | Event::Started { .. }
        | Event::Probed { .. }
        | Event::Ready { .. }
        | Event::Unready { .. }
        | Event::Available { .. }
        | Event::Terminating { .. }
        | Event::PreStopBegun { .. }
        | Event::PreStopEnded { .. }
        | Event::Signalled { .. }
        | Event::Disposition { .. }
        | Event::Exited { .. }
        | Event::Gone { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::Endpoints { .. }
        | Event::View { .. }
        | Event::ListenerUp { .. }
        | Event::ListenerDown { .. }
        | Event::Blind { .. } => return None,
    };
    Some(format!("{:>6.1}s {words}", at.since_start().as_secs_f64()))
}

//! When each drill was: a request belongs to the one in whose window it was due.

use crate::{
    drill::Drill,
    event::{Event, Replica},
    history::History,
    time::Moment,
};

/// A drill as it was made.
#[derive(Clone, Debug)]
pub(super) struct Window<'a> {
    /// Which.
    pub(super) drill: Drill,
    /// Its begin.
    pub(super) begun: Moment,
    /// When it disturbed, and the replica that it picked.
    pub(super) disturbed: Option<(Moment, Option<Replica>)>,
    /// When all was as it should be again.
    pub(super) settled: Option<Moment>,
    /// Why it did not come about.
    pub(super) broken: Option<&'a str>,
    /// Its end; nothing where it was cut short.
    pub(super) ended: Option<Moment>,
    /// Its end, or that of what is known.
    pub(super) until: Moment,
}

impl Window<'_> {
    /// Whether what was due at a moment is its own.
    pub(super) fn holds(&self, at: Moment) -> bool {
        self.begun <= at && at < self.until
    }

    /// From the disturbance until all was settled, or it was over.
    pub(super) fn disturbance(&self) -> Option<(Moment, Moment)> {
        let (from, _) = self.disturbed?;
        Some((from, self.settled.unwrap_or(self.until)))
    }

    /// The replica that it picked.
    pub(super) fn picked(&self) -> Option<Replica> {
        self.disturbed.and_then(|(_, replica)| replica)
    }
}

/// Those of a history, in the order in which the drills began.
pub(super) fn of(history: &History, end: Moment) -> Vec<Window<'_>> {
    let mut windows: Vec<Window<'_>> = Vec::new();
    for (at, event) in &history.events {
        if let Event::DrillBegun { drill } = event {
            // One that never said that it ended ends here at the latest, and stays cut short.
            if let Some(open) = windows.last_mut().filter(|last| last.ended.is_none()) {
                open.until = *at;
            }
            let (begun, until) = (*at, end);
            let (disturbed, settled, broken, ended) = (None, None, None, None);
            windows.push(Window { drill: *drill, begun, disturbed, settled, broken, ended, until });
            continue;
        }
        let Some(open) = windows.last_mut().filter(|last| last.ended.is_none()) else { continue };
        if let Event::Disturbed { drill, replica } = event {
            if open.drill == *drill {
                open.disturbed.get_or_insert((*at, *replica));
            }
        } else if let Event::Settled { drill } = event {
            if open.drill == *drill {
                open.settled = Some(*at);
            }
        } else if let Event::DrillBroken { drill, why } = event {
            if open.drill == *drill {
                open.broken = Some(why);
            }
        } else if let Event::DrillEnded { drill } = event
            && open.drill == *drill
        {
            open.ended = Some(*at);
            open.until = *at;
        }
    }
    windows
}

/// Drills that were asked for and never began. One that was asked for twice has to begin twice.
pub(super) fn missing(history: &History, windows: &[Window<'_>]) -> Vec<Drill> {
    let mut begun: Vec<Drill> = windows.iter().map(|window| window.drill).collect();
    let mut missing = Vec::new();
    for drill in &history.header.drills {
        if let Some(place) = begun.iter().position(|other| other == drill) {
            begun.swap_remove(place);
        } else {
            missing.push(*drill);
        }
    }
    missing
}

//! A trial's events, as rules are about them.

use seaworthy_core::{
    drill::Drill,
    event::{Endpoint, Event, Replica},
    time::Moment,
};

use crate::platforms::Events;

/// A trial's events.
pub(crate) struct Story(pub(crate) Events);

impl Story {
    /// All drills that began have come to their end.
    pub(crate) fn is_whole(&self, drills: &[Drill]) {
        for drill in drills {
            for event in [Event::DrillBegun { drill: *drill }, Event::DrillEnded { drill: *drill }] {
                assert!(self.0.iter().any(|(_, seen)| *seen == event), "no {event:?} in {self}");
            }
        }
        let broken = |event: &Event| matches!(event, Event::DrillBroken { .. } | Event::Blind { .. });
        assert!(!self.0.iter().any(|(_, event)| broken(event)), "{self}");
        assert!(self.0.is_sorted_by_key(|(at, _)| *at), "{self}");
    }

    /// When the first event of a kind was.
    pub(crate) fn first(&self, what: &str, is: impl Fn(&Event) -> bool) -> Moment {
        self.all(is).first().copied().unwrap_or_else(|| panic!("{what} did not happen: {self}"))
    }

    /// When all events of a kind were.
    pub(crate) fn all(&self, is: impl Fn(&Event) -> bool) -> Vec<Moment> {
        self.0.iter().filter(|(_, event)| is(event)).map(|(at, _)| *at).collect()
    }

    /// The events from one on.
    pub(crate) fn since(&self, from: Moment) -> Self {
        Self(self.0.iter().filter(|(at, _)| *at >= from).cloned().collect())
    }

    /// When a drill disturbed, and whom.
    pub(crate) fn disturbed(&self, of: Drill) -> (Moment, Option<Replica>) {
        let found = self.0.iter().find_map(|(at, event)| match event {
            Event::Disturbed { drill, replica } if *drill == of => Some((*at, *replica)),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{of} did not disturb: {self}"))
    }

    /// The endpoints each time they changed.
    pub(crate) fn endpoints(&self) -> Vec<(Moment, &[Endpoint])> {
        let endpoints = self.0.iter().filter_map(|(at, event)| match event {
            Event::Endpoints { endpoints } => Some((*at, &**endpoints)),
            _ => None,
        });
        endpoints.collect()
    }

    /// What clients saw each time that changed.
    pub(crate) fn views(&self) -> Vec<(Moment, &[Replica])> {
        let views = self.0.iter().filter_map(|(at, event)| match event {
            Event::View { replicas } => Some((*at, &**replicas)),
            _ => None,
        });
        views.collect()
    }
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, event) in &self.0 {
            writeln!(f, "{:?} {event:?}", at.since_start())?;
        }
        Ok(())
    }
}

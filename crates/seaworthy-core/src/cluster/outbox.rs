//! Where effects go, and the moment at which they come about.

use super::Effect;
use crate::{
    event::{Event, Reason, Replica, Signal},
    time::Moment,
};

/// The effects of one input.
#[derive(Debug)]
pub(super) struct Outbox<'a> {
    pub(super) now: Moment,
    pub(super) effects: &'a mut Vec<Effect>,
}

impl Outbox<'_> {
    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn record(&mut self, event: Event) {
        self.push(Effect::Record(event));
    }

    /// What was not sent must not be in the history, so it is sent first.
    pub(super) fn signal(&mut self, replica: Replica, signal: Signal, reason: Reason) {
        self.push(Effect::Signal { replica, signal, reason });
        self.record(Event::Signalled { replica, signal, reason });
    }
}

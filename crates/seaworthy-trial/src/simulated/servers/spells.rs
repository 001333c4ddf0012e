//! What a process makes of a request, and what befalls it for a while.

use std::time::Duration;

use rand::RngExt as _;
use seaworthy_core::{
    event::{Release, Replica},
    time::Moment,
};

use super::{Place, Servers};
use crate::simulated::{
    behaviour::{BadRelease, Spell},
    network::{Answer, Body},
};

/// What a process makes of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    pub(super) answer: Answer,
    pub(super) takes: Duration,
    /// What makes the answer bad or late, where anything does.
    pub(super) blame: Option<&'static str>,
}

impl Servers {
    /// What a process makes of a request that it reads now.
    pub(super) fn work(&mut self, replica: Replica, now: Moment) -> Option<Work> {
        let place = self.places.get(&replica)?;
        let process = place.process.as_ref()?;
        let able = process.able.is_some_and(|able| able <= now);
        let is_cold = process.cold.is_some_and(|cold| now < cold);
        let (status, mut blame) = status(place, self.behaviour.bad_release, able);
        let (least, most) = self.behaviour.service;
        let mut takes = match self.behaviour.slow {
            Some((share, takes)) if self.chance.random::<f64>() < share => takes,
            Some(_) | None => self.between(least, most),
        };
        let cold = self.behaviour.cold.filter(|_| is_cold).map(|cold| (cold.adds, "cold-start"));
        let is_slow = self.marked.is_some_and(|(first, _)| first == replica);
        let slow = self.behaviour.slow_replica.filter(|_| is_slow).map(|adds| (adds, "slow-replica"));
        for (adds, cause) in [cold, slow].into_iter().flatten() {
            takes += adds;
            blame = blame.or(Some(cause));
        }
        let mut body = Body::Whole;
        let bodies = [
            (self.behaviour.wrong_body, Body::Wrong, "error-with-success-status"),
            (self.behaviour.cut_body, Body::Cut, "silent-truncation"),
        ];
        for (spell, bad, cause) in bodies {
            if status == 200 && self.is_under(spell, now) {
                (body, blame) = (bad, Some(cause));
            }
        }
        Some(Work { answer: Answer { status, body }, takes, blame })
    }

    /// Whether all replicas say that they are not ready, although they are.
    pub(super) fn is_unready(&self, now: Moment) -> bool {
        self.is_under(self.behaviour.unready, now)
    }

    /// Whether a replica's liveness is answered too late.
    pub(super) fn is_late(&self, replica: Replica, now: Moment) -> bool {
        self.marked.is_some_and(|(_, last)| last == replica) && self.is_under(self.behaviour.late_liveness, now)
    }

    fn is_under(&self, spell: Option<Spell>, now: Moment) -> bool {
        self.began.zip(spell).is_some_and(|(began, spell)| {
            let from = began + spell.from;
            from <= now && now < from + spell.lasts
        })
    }
}

/// What a request is answered with, and why that is no good answer.
fn status(place: &Place, bad_release: BadRelease, able: bool) -> (u16, Option<&'static str>) {
    match (place.release, bad_release) {
        (Release::Bad, BadRelease::ServesErrors) => (500, Some("bad-release-served")),
        (Release::Bad, BadRelease::NeverReady | BadRelease::Crashes) => (503, Some("bad-release-served")),
        (Release::Good, _) => {
            if able {
                (200, None)
            } else {
                (503, Some("traffic-before-ready"))
            }
        }
    }
}

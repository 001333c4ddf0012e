//! The life of each replica, as a history tells it: when it ran, was ready, was seen by clients, and how it ended.

mod life;

use std::{collections::BTreeMap, net::SocketAddr};

pub use life::{Life, PreStop, Run, Span, Spans};

use crate::{
    event::{Endpoint, Event, Release, Replica, Revision},
    history::History,
    interval::INTERVAL,
    time::Moment,
};

/// A rollout: from its begin until all replicas are of its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// To which revision.
    pub revision: Revision,
    /// What that runs.
    pub release: Release,
    /// Whether it goes back to an earlier one.
    pub back: bool,
    /// When it began.
    pub begun: Moment,
    /// When it was complete, where it was.
    pub done: Option<Moment>,
}

/// The lives of all replicas, and what there was for clients to connect to.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    replicas: BTreeMap<Replica, Life>,
    addresses: BTreeMap<SocketAddr, Replica>,
    usable: Vec<(Moment, usize)>,
    ready: Vec<(Moment, usize)>,
    viewed: Vec<(Moment, usize)>,
    wanted: Vec<(Moment, u32)>,
    rollouts: Vec<Rollout>,
    database_up: Spans,
    floods: Vec<(Moment, u32)>,
    end: Moment,
}

impl Lives {
    /// Those of a history.
    pub fn of(history: &History) -> Self {
        let mut lives = Self { wanted: vec![(Moment::START, history.header.deployment.replicas)], ..Self::default() };
        for (at, event) in &history.events {
            lives.end = lives.end.max(*at);
            lives.of_all(*at, event);
            lives.of_one(*at, event);
        }
        lives.answers(history);
        if let Some(footer) = &history.footer {
            lives.end = lives.end.max(Moment::from(footer.duration));
        }
        lives
    }

    /// All of them, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &Life> {
        self.replicas.values()
    }

    /// That of a replica.
    pub fn get(&self, replica: Replica) -> Option<&Life> {
        self.replicas.get(&replica)
    }

    /// That of the replica with this address: no two of them ever have the same.
    pub fn at(&self, address: SocketAddr) -> Option<&Life> {
        self.addresses.get(&address).and_then(|replica| self.get(*replica))
    }

    /// How many endpoints can in truth be used at a moment: ready ones, or serving ones that are to end where none is
    /// ready, as kube-proxy has it. Nothing where that was not yet recorded.
    pub fn usable(&self, at: Moment) -> Option<usize> {
        step(&self.usable, at)
    }

    /// How many endpoints are ready at a moment, and not to end.
    pub fn ready(&self, at: Moment) -> Option<usize> {
        step(&self.ready, at)
    }

    /// How many endpoints clients see at a moment.
    pub fn viewed(&self, at: Moment) -> Option<usize> {
        step(&self.viewed, at)
    }

    /// How many replicas are wanted at a moment.
    pub fn wanted(&self, at: Moment) -> u32 {
        step(&self.wanted, at).unwrap_or(0)
    }

    /// All rollouts, in the order in which they began.
    pub fn rollouts(&self) -> &[Rollout] {
        &self.rollouts
    }

    /// Whether a rollout was under way at any moment from one to another.
    pub fn rolled(&self, from: Moment, to: Moment) -> bool {
        self.rollouts.iter().any(|rollout| rollout.begun <= to && rollout.done.is_none_or(|done| from <= done))
    }

    /// When the database took connections; never, where the trial has none.
    pub const fn database_up(&self) -> &Spans {
        &self.database_up
    }

    /// How much was asked of the target at a moment, beyond the trial's own rate: requests per second in all; nothing
    /// where it was no more than that.
    pub fn flooded(&self, at: Moment) -> Option<u32> {
        step(&self.floods, at).filter(|rate| *rate > 0)
    }

    /// Each change of how much is asked of the target: from when on, and how many requests per second in all; 0 where it
    /// is the trial's own rate again.
    pub fn floods(&self) -> &[(Moment, u32)] {
        &self.floods
    }

    /// The last moment of which anything is known.
    pub const fn end(&self) -> Moment {
        self.end
    }

    fn life(&mut self, replica: Replica) -> &mut Life {
        self.replicas.entry(replica).or_insert_with(|| Life::new(replica))
    }

    /// What concerns all of them.
    fn of_all(&mut self, at: Moment, event: &Event) {
        if let Event::RolloutBegun { revision, release, back_to } = event {
            let back = back_to.is_some();
            self.rollouts.push(Rollout { revision: *revision, release: *release, back, begun: at, done: None });
        } else if let Event::RolloutDone { revision } = event {
            let of = self.rollouts.iter_mut().rev().find(|rollout| rollout.revision == *revision);
            if let Some(rollout) = of {
                rollout.done.get_or_insert(at);
            }
        } else if matches!(event, Event::DatabaseUp) {
            self.database_up.begin(at);
        } else if matches!(event, Event::DatabaseDown { .. }) {
            self.database_up.end(at);
        } else if let Event::Flooded { rate, .. } = event {
            self.floods.push((at, *rate));
        } else if matches!(event, Event::FloodEnded { .. }) {
            self.floods.push((at, 0));
        } else if let Event::Scaled { to, .. } = event {
            self.wanted.push((at, *to));
        } else if let Event::Endpoints { endpoints } = event {
            self.usable.push((at, usable(endpoints)));
            self.ready.push((at, endpoints.iter().filter(|endpoint| endpoint.ready).count()));
        } else if let Event::View { replicas } = event {
            self.viewed.push((at, replicas.len()));
            for replica in replicas {
                self.life(*replica).view.begin(at);
            }
            for (_, life) in self.replicas.iter_mut().filter(|(replica, _)| !replicas.contains(replica)) {
                life.view.end(at);
            }
        }
    }

    /// What concerns one of them.
    fn of_one(&mut self, at: Moment, event: &Event) {
        match event {
            Event::Created { replica, revision, release } => {
                let life = self.life(*replica);
                life.created = Some(at);
                life.revision = Some(*revision);
                life.release = Some(*release);
            }
            Event::Placed { replica, address } => {
                self.addresses.insert(*address, *replica);
                self.life(*replica).address = Some(*address);
            }
            Event::Started { replica, restart, .. } => {
                self.life(*replica).runs.push(Run { restart: *restart, started: at, ended: None });
            }
            Event::Exited { replica, exit } => self.life(*replica).exited(at, *exit),
            Event::Ready { replica } => self.life(*replica).ready.begin(at),
            Event::Unready { replica } => self.life(*replica).ready.end(at),
            Event::Available { replica } => self.life(*replica).available.push(at),
            Event::Terminating { replica, grace } => {
                self.life(*replica).terminating.get_or_insert((at, *grace));
            }
            Event::PreStopBegun { replica } => {
                self.life(*replica).pre_stop.get_or_insert(PreStop { begun: at, ended: None, failed: None });
            }
            Event::PreStopEnded { replica, failed } => {
                let life = self.life(*replica);
                let hook = life.pre_stop.get_or_insert(PreStop { begun: at, ended: None, failed: None });
                hook.ended = Some(at);
                hook.failed.clone_from(failed);
            }
            Event::Signalled { replica, signal, reason } => self.life(*replica).signals.push((at, *signal, *reason)),
            Event::Disposition { replica, of_sigterm } => self.life(*replica).of_sigterm = Some(*of_sigterm),
            Event::Gone { replica } => self.life(*replica).ended(at),
            Event::Frozen { replica } => self.life(*replica).frozen.begin(at),
            Event::Thawed { replica } => self.life(*replica).frozen.end(at),
            Event::NetworkBroken { replica, .. } => self.life(*replica).broken.begin(at),
            Event::NetworkHealed { replica, .. } => self.life(*replica).broken.end(at),
            Event::ListenerUp { replica } => self.life(*replica).listening.begin(at),
            Event::ListenerDown { replica } => self.life(*replica).listening.end(at),
            Event::Foreign { replica, holder } => {
                self.life(*replica).foreign.get_or_insert_with(|| (at, holder.clone()));
            }
            Event::Established
            | Event::DrillBegun { .. }
            | Event::Disturbed { .. }
            | Event::Settled { .. }
            | Event::DrillBroken { .. }
            | Event::DrillEnded { .. }
            | Event::RolloutBegun { .. }
            | Event::RolloutDone { .. }
            | Event::RolloutStuck { .. }
            | Event::Scaled { .. }
            | Event::NotStarted { .. }
            | Event::Probed { .. }
            | Event::BackingOff { .. }
            | Event::Endpoints { .. }
            | Event::View { .. }
            | Event::Flooded { .. }
            | Event::FloodEnded { .. }
            | Event::DatabaseUp
            | Event::DatabaseDown { .. }
            | Event::Blind { .. }
            | Event::Interrupted => {}
        }
    }

    /// When each of them gave good answers, by the slots in which these ended.
    fn answers(&mut self, history: &History) {
        for interval in &history.intervals {
            let begin = slot(interval.index);
            let end = begin + INTERVAL;
            self.end = self.end.max(end);
            for (lane, times) in &interval.lanes {
                let replica = lane.endpoint.and_then(|address| self.addresses.get(&address));
                let life = replica.and_then(|replica| self.replicas.get_mut(replica));
                if let Some(life) = life.filter(|_| !times.response.is_empty()) {
                    *life.answers.entry(begin).or_default() += times.response.count();
                }
            }
        }
    }
}

/// When a slot of the load's recording begins.
pub(crate) fn slot(index: u64) -> Moment {
    Moment::from_nanos(crate::time::nanos(INTERVAL).saturating_mul(index))
}

fn usable(endpoints: &[Endpoint]) -> usize {
    let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
    if ready > 0 { ready } else { endpoints.iter().filter(|endpoint| endpoint.serving && endpoint.terminating).count() }
}

/// What the last change up to a moment left.
fn step<T: Copy>(steps: &[(Moment, T)], at: Moment) -> Option<T> {
    steps.iter().rev().find(|(since, _)| *since <= at).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests;

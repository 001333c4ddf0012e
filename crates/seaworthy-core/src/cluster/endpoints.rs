//! The endpoints, and what clients have heard of them.

use std::collections::VecDeque;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::{Effect, Propagation, outbox::Outbox};
use crate::{
    event::{Endpoint, Event, Replica},
    time::{Moment, nanos},
};

/// The endpoints, and what clients have heard of them.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    /// As they are.
    listed: Vec<Endpoint>,
    /// Where clients connect to.
    view: Vec<Replica>,
    /// What they will hear of, each different from the one before. One is heard of when its time has come and all
    /// before it have been heard of.
    coming: VecDeque<(Moment, Vec<Replica>)>,
    propagation: Propagation,
    random: Pcg64Mcg,
}

impl Endpoints {
    pub(super) fn new(propagation: Propagation, seed: u64) -> Self {
        Self {
            listed: Vec::new(),
            view: Vec::new(),
            coming: VecDeque::new(),
            propagation,
            random: Pcg64Mcg::seed_from_u64(seed),
        }
    }

    /// What clients connect to.
    pub(super) fn view(&self) -> &[Replica] {
        &self.view
    }

    /// Whether clients have heard of everything.
    pub(super) fn are_known(&self) -> bool {
        self.coming.is_empty()
    }

    /// Publishes them, where they have changed.
    pub(super) fn publish(&mut self, listed: Vec<Endpoint>, out: &mut Outbox<'_>) {
        if listed == self.listed {
            return;
        }
        out.record(Event::Endpoints { endpoints: listed.clone() });
        self.listed = listed;
        let usable = usable(&self.listed);
        if *self.coming.back().map_or(&self.view, |(_, replicas)| replicas) != usable {
            let when = self.heard_at(out.now);
            self.coming.push_back((when, usable));
        }
    }

    fn heard_at(&mut self, now: Moment) -> Moment {
        let (least, most) = (nanos(self.propagation.least), nanos(self.propagation.most));
        let delay = self.random.random_range(least..=most.max(least));
        Moment::from_nanos(now.nanos().saturating_add(delay))
    }

    /// When clients hear of the next change.
    pub(super) fn due(&self) -> Option<Moment> {
        self.coming.front().map(|(when, _)| *when)
    }

    /// Clients hear of the next change.
    pub(super) fn go_on(&mut self, out: &mut Outbox<'_>) {
        let Some((_, replicas)) = self.coming.pop_front() else { return };
        self.view.clone_from(&replicas);
        out.push(Effect::View { replicas: replicas.clone() });
        out.record(Event::View { replicas });
    }
}

/// kube-proxy's rule: those that are ready; where there is none, those that terminate and still serve.
fn usable(endpoints: &[Endpoint]) -> Vec<Replica> {
    let those = |wanted: fn(&Endpoint) -> bool| -> Vec<Replica> {
        endpoints.iter().filter(|endpoint| wanted(endpoint)).map(|endpoint| endpoint.replica).collect()
    };
    let ready = those(|endpoint| endpoint.ready);
    if ready.is_empty() { those(|endpoint| endpoint.serving && endpoint.terminating) } else { ready }
}

//! The controllers of a Deployment and of each ReplicaSet: from what is wanted to what is done next.
//!
//! Both look at what there is and not at what has changed, and both go on until nothing is to be done.

use super::{Cluster, Order, outbox::Outbox, plan, replica::Instance};
use crate::{
    deployment::Strategy,
    event::{Event, Release, Replica, Revision},
    time::Moment,
};

/// The replicas of one template: a revision, and older revisions that it was before.
#[derive(Clone, Debug)]
pub(super) struct ReplicaSet {
    /// In the order in which they were created.
    pub(super) id: u32,
    /// Going back to it makes it the newest one.
    pub(super) revision: Revision,
    release: Release,
    size: u32,
}

/// A rollout that is under way.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    revision: Revision,
    /// When it last came nearer to its end.
    progressed: Moment,
    seen: Counts,
    stuck: bool,
}

/// What a rollout's progress is seen by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    new: usize,
    old: usize,
    ready: usize,
    available: usize,
}

impl Counts {
    const fn progressed(self, since: Self) -> bool {
        self.new > since.new || self.old < since.old || self.ready > since.ready || self.available > since.available
    }
}

impl Rollout {
    /// The moment at which it counts as stuck, where it does not yet.
    pub(super) fn deadline(&self, cluster: &Cluster) -> Option<Moment> {
        (!self.stuck).then(|| self.progressed + cluster.deployment.progress_deadline)
    }
}

impl Cluster {
    pub(super) fn order(&mut self, order: &Order, out: &mut Outbox<'_>) {
        match *order {
            Order::Rollout(release) => self.roll_out(release, out),
            Order::Undo => self.undo(out),
            Order::Scale(to) => self.scale(to, out),
            Order::Delete(replica) => {
                let alive = self.replicas.get_mut(&replica).filter(|instance| !instance.is_terminating());
                if let Some(instance) = alive {
                    instance.terminate(&self.deployment, out);
                }
            }
        }
    }

    /// Whatever was being rolled out is an old revision from now on.
    pub(super) fn roll_out(&mut self, release: Release, out: &mut Outbox<'_>) {
        let id = self.sets.last().map_or(0, |set| set.id + 1);
        let revision = self.next_revision();
        self.sets.push(ReplicaSet { id, revision, release, size: 0 });
        self.begin(revision, release, None, out);
    }

    fn undo(&mut self, out: &mut Outbox<'_>) {
        let (newest, next) = (self.newest_revision(), self.next_revision());
        let old = self.sets.iter_mut().filter(|set| set.revision != newest);
        let Some(previous) = old.max_by_key(|set| set.revision) else { return };
        let (back_to, release) = (previous.revision, previous.release);
        previous.revision = next;
        self.begin(next, release, Some(back_to), out);
    }

    fn begin(&mut self, revision: Revision, release: Release, back_to: Option<Revision>, out: &mut Outbox<'_>) {
        out.record(Event::RolloutBegun { revision, release, back_to });
        let seen = self.counts();
        self.rollout = Some(Rollout { revision, progressed: out.now, seen, stuck: false });
    }

    fn scale(&mut self, to: u32, out: &mut Outbox<'_>) {
        let from = self.deployment.replicas;
        if from == to {
            return;
        }
        out.record(Event::Scaled { from, to });
        let strategy = self.deployment.strategy;
        let before = from.saturating_add(strategy.fenceposts(from).surge);
        let sizes = plan::scaled(&self.plan_sets(), before, to, strategy.fenceposts(to).surge);
        self.deployment.replicas = to;
        self.resize(&sizes);
        self.fill_sets(out);
    }

    fn newest_revision(&self) -> Revision {
        self.sets.iter().map(|set| set.revision).max().unwrap_or(Revision(0))
    }

    fn next_revision(&self) -> Revision {
        Revision(self.newest_revision().0.saturating_add(1))
    }

    /// Does all that can be done now.
    pub(super) fn settle(&mut self, out: &mut Outbox<'_>) {
        loop {
            self.replicas.retain(|_, instance| !instance.is_gone());
            self.publish(out);
            let resized = self.resize(&self.next_sizes());
            let filled = self.fill_sets(out);
            if !resized && !filled {
                break;
            }
        }
        self.follow_rollout(out);
        self.forget_old_sets();
    }

    fn publish(&mut self, out: &mut Outbox<'_>) {
        let listed = self.replicas.values().map(Instance::endpoint).collect();
        self.endpoints.publish(listed, out);
    }

    fn next_sizes(&self) -> Vec<u32> {
        let (sets, wanted) = (self.plan_sets(), self.deployment.replicas);
        match self.deployment.strategy {
            Strategy::RollingUpdate { .. } => plan::rolling(&sets, wanted, self.deployment.strategy.fenceposts(wanted)),
            Strategy::Recreate => {
                let newest = self.newest_revision();
                let new = self.sets.iter().find(|set| set.revision == newest).map(|set| set.id);
                let old_left = self.replicas.values().any(|instance| Some(instance.set) != new);
                plan::recreate(&sets, wanted, old_left)
            }
        }
    }

    fn plan_sets(&self) -> Vec<plan::Set> {
        let newest = self.newest_revision();
        let set = |set: &ReplicaSet| {
            let available = self.alive(set.id).filter(|instance| instance.is_available()).count();
            plan::Set {
                size: set.size,
                available: u32::try_from(available).unwrap_or(u32::MAX),
                newest: set.revision == newest,
            }
        };
        self.sets.iter().map(set).collect()
    }

    fn alive(&self, set: u32) -> impl Iterator<Item = &Instance> {
        self.replicas.values().filter(move |instance| instance.set == set && !instance.is_terminating())
    }

    fn resize(&mut self, sizes: &[u32]) -> bool {
        let mut changed = false;
        for (set, size) in self.sets.iter_mut().zip(sizes) {
            changed |= set.size != *size;
            set.size = *size;
        }
        changed
    }

    /// Gives each set as many replicas as it is to have. What is too much goes before anything new comes.
    fn fill_sets(&mut self, out: &mut Outbox<'_>) -> bool {
        let mut changed = false;
        for (id, size) in self.sets.iter().map(|set| (set.id, set.size)) {
            let mut alive: Vec<&mut Instance> =
                self.replicas.values_mut().filter(|instance| instance.set == id).collect();
            alive.retain(|instance| !instance.is_terminating());
            alive.sort_by(|one, other| one.goes_before(other));
            let surplus = alive.len().saturating_sub(size as usize);
            for instance in alive.into_iter().take(surplus) {
                instance.terminate(&self.deployment, out);
                changed = true;
            }
        }
        let missing = |set: &ReplicaSet| (set.size as usize).saturating_sub(self.alive(set.id).count());
        let missing: Vec<(ReplicaSet, usize)> = self.sets.iter().map(|set| (set.clone(), missing(set))).collect();
        for (set, missing) in missing {
            for _ in 0..missing {
                self.created += 1;
                let replica = Replica(self.created);
                let instance = Instance::create(replica, set.id, (set.revision, set.release), out);
                self.replicas.insert(replica, instance);
                changed = true;
            }
        }
        changed
    }

    fn counts(&self) -> Counts {
        let newest = self.newest_revision();
        let mut counts = Counts::default();
        for set in &self.sets {
            for instance in self.alive(set.id) {
                let of = if set.revision == newest { &mut counts.new } else { &mut counts.old };
                *of += 1;
                counts.ready += usize::from(instance.is_ready());
                counts.available += usize::from(instance.is_available());
            }
        }
        counts
    }

    fn follow_rollout(&mut self, out: &mut Outbox<'_>) {
        let (counts, wanted) = (self.counts(), self.deployment.replicas as usize);
        let Some(rollout) = &mut self.rollout else { return };
        if counts.old == 0 && counts.new == wanted && counts.available == wanted {
            out.record(Event::RolloutDone { revision: rollout.revision });
            self.rollout = None;
            return;
        }
        if counts.progressed(rollout.seen) {
            rollout.progressed = out.now;
        }
        rollout.seen = counts;
    }

    /// The rollout has made no progress for too long.
    pub(super) fn stick(&mut self, out: &mut Outbox<'_>) {
        if let Some(rollout) = &mut self.rollout {
            rollout.stuck = true;
            out.record(Event::RolloutStuck { revision: rollout.revision });
        }
    }

    /// Only so many old revisions can be gone back to, and none is forgotten amid a rollout.
    fn forget_old_sets(&mut self) {
        if self.rollout.is_some() {
            return;
        }
        let newest = self.newest_revision();
        let mut old: Vec<Revision> = self.sets.iter().map(|set| set.revision).filter(|set| *set != newest).collect();
        old.sort_unstable();
        let surplus = old.len().saturating_sub(self.deployment.revision_history as usize);
        old.truncate(surplus);
        let used: Vec<u32> = self.replicas.values().map(|instance| instance.set).collect();
        self.sets.retain(|set| !old.contains(&set.revision) || set.size > 0 || used.contains(&set.id));
    }
}

//! Causes that show in times, counts and writes, and in no single failure.
//!
//! They never change a verdict, and they say something only where the numbers leave no doubt.

use std::collections::BTreeSet;

use super::{
    Confidence, Finding, Found, Rule, accept_overflow, context::before, deserted, finding::joined, pace::Pace,
    restarts, sketch::each, slowness, spread, writes,
};
use crate::{
    drill::Drill,
    event::{Event, Release, Replica},
    history::History,
    interval::INTERVAL,
    lives::{Life, Lives, slot},
    text::counted,
    time::Moment,
};

/// A whole trial, with how fast its replicas were.
#[derive(Debug)]
pub(super) struct Observing<'a> {
    pub(super) history: &'a History,
    pub(super) lives: &'a Lives,
    pub(super) pace: Pace,
    drills: Vec<(Moment, Moment, Drill)>,
}

impl<'a> Observing<'a> {
    fn of(history: &'a History, lives: &'a Lives) -> Self {
        let mut drills: Vec<(Moment, Moment, Drill)> = Vec::new();
        for (at, event) in &history.events {
            if let Event::DrillBegun { drill } = event {
                drills.push((*at, lives.end(), *drill));
            } else if let (Event::DrillEnded { .. }, Some(last)) = (event, drills.last_mut()) {
                last.1 = *at;
            }
        }
        Self { history, lives, pace: Pace::of(history, lives), drills }
    }

    /// Whether requests were sent at a moment.
    pub(super) fn is_loaded(&self, at: Moment) -> bool {
        self.drills.first().is_some_and(|(begun, ..)| *begun <= at)
    }

    /// In which drill a moment is.
    pub(super) fn drill(&self, at: Moment) -> Option<Drill> {
        self.window(at).map(|(_, drill)| drill)
    }

    /// The drill that a moment is in, and when that began.
    pub(super) fn window(&self, at: Moment) -> Option<(Moment, Drill)> {
        self.drills.iter().find(|(from, to, _)| *from <= at && at < *to).map(|(from, _, drill)| (*from, *drill))
    }
}

/// What was seen of a cause; of several, where nothing tells which it was.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    rules: Vec<&'static Rule>,
    confidence: Confidence,
    pub(super) count: u64,
    pub(super) replicas: BTreeSet<Replica>,
    pub(super) drills: BTreeSet<Drill>,
    pub(super) evidence: Vec<String>,
}

impl Seen {
    pub(super) fn of(rule: &'static Rule, confidence: Confidence) -> Self {
        Self::any(vec![rule], confidence)
    }

    pub(super) fn any(rules: Vec<&'static Rule>, confidence: Confidence) -> Self {
        let (replicas, drills) = (BTreeSet::new(), BTreeSet::new());
        Self { rules, confidence, count: 0, replicas, drills, evidence: Vec::new() }
    }

    /// So much of it on a replica, at these moments.
    pub(super) fn add(
        &mut self,
        observing: &Observing<'_>,
        replica: Replica,
        count: u64,
        at: impl Iterator<Item = Moment>,
    ) {
        self.count += count;
        self.replicas.insert(replica);
        self.drills.extend(at.filter_map(|at| observing.drill(at)));
    }

    fn finding(self, observing: &Observing<'_>) -> Finding {
        let Observing { history, lives, .. } = observing;
        let found = Found { history, lives, failed: Vec::new(), replicas: self.replicas };
        let mut finding = joined(&self.rules, &found);
        finding.confidence = self.confidence;
        finding.count = self.count;
        finding.drills = self.drills;
        finding.evidence = self.evidence;
        finding
    }
}

/// All of them.
pub(super) fn findings(history: &History, lives: &Lives) -> Vec<Finding> {
    let observing = Observing::of(history, lives);
    let mut seen: Vec<Seen> = Vec::new();
    seen.extend(restarts::seen(&observing));
    seen.extend(slowness::cold_starts(&observing));
    seen.extend(slowness::slow_replicas(&observing));
    seen.extend(spread::pinned(&observing));
    seen.extend(spread::not_rebalanced(&observing));
    seen.extend(slow_connects(&observing));
    seen.extend(stuck(&observing));
    seen.extend(writes::seen(&observing));
    seen.into_iter().map(|seen| seen.finding(&observing)).collect()
}

/// Connections that took as long as a handshake that was dropped.
fn slow_connects(observing: &Observing<'_>) -> Option<Seen> {
    const LEAST: u64 = 3;
    let mut seen = Seen::of(&accept_overflow::SLOW, Confidence::Likely);
    for interval in &observing.history.intervals {
        for (lane, times) in &interval.lanes {
            let mut steps = 0;
            each(&times.connect, |nanos, count| {
                if accept_overflow::is_step(std::time::Duration::from_nanos(nanos)) {
                    steps += count;
                }
            });
            let life = lane.endpoint.and_then(|address| observing.lives.at(address)).filter(|_| steps > 0);
            // Where packets are dropped on the way, no queue has to be full for it.
            let at = slot(interval.index);
            let broken = |life: &&Life| life.broken.any(before(at, accept_overflow::LONGEST), at + INTERVAL);
            if let Some(life) = life.filter(|life| !broken(life)) {
                seen.add(observing, life.replica, steps, std::iter::once(at));
            }
        }
    }
    (seen.count >= LEAST).then(|| {
        let count = counted(seen.count, "connection");
        seen.evidence.push(format!(
            "{count} took about 1, 3 or 7 s to open: so long after the first try the client's kernel tries again"
        ));
        seen
    })
}

/// A rollout of the target's own command that passed its deadline.
fn stuck(observing: &Observing<'_>) -> Option<Seen> {
    let mut seen = Seen::of(&deserted::STUCK, Confidence::Proven);
    for (at, event) in &observing.history.events {
        let Event::RolloutStuck { revision } = event else { continue };
        let rollout = observing.lives.rollouts().iter().rev().find(|rollout| rollout.revision == *revision);
        let Some(rollout) = rollout.filter(|rollout| rollout.release == Release::Good) else { continue };
        let (begun, after) = (rollout.begun.since_start().as_secs_f64(), at.since(rollout.begun).as_secs_f64());
        seen.evidence
            .push(format!("the rollout to {revision}, begun at {begun:.2} s, had made no progress {after:.2} s later"));
        let new = observing.lives.all().filter(|life| life.revision == Some(*revision));
        for life in new.filter(|life| !life.ready.any(Moment::START, *at)) {
            seen.add(observing, life.replica, 0, std::iter::once(*at));
            let ends = life.runs.iter().filter(|run| run.ended.is_some()).count() as u64;
            let how = if ends > 0 { format!(", and ended {}", counted(ends, "time")) } else { String::new() };
            seen.evidence.push(format!("{} never got ready{how}", life.replica));
        }
    }
    (!seen.evidence.is_empty()).then_some(seen)
}

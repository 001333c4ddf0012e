//! What holds for a whole trial, worked out once for all of its failures.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use super::{
    Case, Failed, Fate,
    case::{NEAR, NOTICED},
    idle::Idle,
    releases::Releases,
    shortage::Shortage,
    sketch::Sketch,
    slowness,
};
use crate::{
    event::Event,
    history::History,
    interval::INTERVAL,
    lives::{Life, Lives, slot},
    outcome::ConnectionKind,
    time::Moment,
};

/// How long before its end a replica may have had a connection that its end cuts.
const QUEUED: Duration = Duration::from_secs(5);

/// How long after its end somebody may still have its address.
pub(super) const REMEMBERED: Duration = Duration::from_mins(1);

/// What holds for a whole trial.
#[derive(Debug)]
pub struct Context<'a> {
    /// How late the generator was at most, by the slot.
    pub(super) lag: BTreeMap<Moment, Duration>,
    ready: Steps<usize>,
    viewed: Steps<usize>,
    wanted: Steps<u32>,
    /// When the database did not take connections.
    pub(super) away: Vec<(Moment, Moment)>,
    /// Rollouts that passed their deadline, and until when they stood still.
    pub(super) stuck: Vec<(Moment, Moment)>,
    /// When a replica's begin or end may lose requests.
    troubles: Vec<(Moment, Moment, &'a Life)>,
    /// The idle time that cut connections share.
    pub(super) idle: Idle,
    /// Revisions that fail where others do not.
    pub(super) releases: Releases,
    /// Time-outs, by their end and where they were sent.
    timed_out: BTreeSet<(Moment, SocketAddr)>,
    /// Attempts that were sent again, by when their requests were due: when they ended, and where.
    tries: BTreeMap<Moment, (Moment, SocketAddr)>,
    /// Whether refusals keep to the time in which replicas were missing.
    pub(super) shortage: Shortage,
}

impl<'a> Context<'a> {
    pub(super) fn of(history: &History, lives: &'a Lives, failures: &[Failed<'_>]) -> Self {
        let mut context = Self {
            lag: lag(history),
            ready: Steps::default(),
            viewed: Steps::default(),
            wanted: Steps(vec![(Moment::START, history.header.deployment.replicas)]),
            away: away(lives),
            stuck: Vec::new(),
            troubles: lives.all().flat_map(|life| troubles(history, lives, life)).collect(),
            idle: Idle::default(),
            releases: Releases::of(lives, failures),
            timed_out: slowness::timed_out(failures.iter()),
            tries: tries(failures),
            shortage: Shortage::default(),
        };
        for (at, event) in &history.events {
            context.step(lives, *at, event);
        }
        context.idle = Idle::of(history, lives, failures);
        context.shortage = Shortage::of(&context, lives, failures);
        context
    }

    fn step(&mut self, lives: &Lives, at: Moment, event: &Event) {
        if let Event::Endpoints { endpoints } = event {
            self.ready.0.push((at, endpoints.iter().filter(|endpoint| endpoint.ready).count()));
        } else if let Event::View { replicas } = event {
            self.viewed.0.push((at, replicas.len()));
        } else if let Event::Scaled { to, .. } = event {
            self.wanted.0.push((at, *to));
        } else if let Event::RolloutStuck { revision } = event {
            let after = |rollout: &&crate::lives::Rollout| rollout.revision == *revision;
            let next = lives.rollouts().iter().map(|rollout| rollout.begun).find(|begun| *begun > at);
            let rollout = lives.rollouts().iter().rev().find(after);
            // What it had taken away before its deadline stayed away after it.
            let begun = rollout.map_or(at, |rollout| rollout.begun);
            let done = rollout.and_then(|rollout| rollout.done);
            self.stuck.push((begun, done.or(next).unwrap_or_else(|| lives.end())));
        }
    }

    /// How many endpoints are ready at a moment, and not to end.
    pub(super) fn ready(&self, at: Moment) -> Option<usize> {
        self.ready.at(at)
    }

    /// Whether no endpoint was ready at some moment from one to another.
    pub(super) fn was_empty(&self, from: Moment, to: Moment) -> bool {
        let Steps(steps) = &self.ready;
        let later = steps.partition_point(|(since, _)| *since < from);
        let within = steps.iter().skip(later).take_while(|(since, _)| *since <= to);
        self.ready(from) == Some(0) || within.into_iter().any(|(_, ready)| *ready == 0)
    }

    /// When an earlier attempt of the same request failed, and where it had been sent.
    pub(super) fn first_try(&self, case: &Case<'_>) -> Option<(Moment, SocketAddr)> {
        let again = case.failed.outcome.connection == ConnectionKind::First && case.failed.fate != Fate::Retried;
        self.tries.get(&case.failed.outcome.due).copied().filter(|(done, _)| again && *done <= case.done())
    }

    /// How many endpoints clients see at a moment.
    pub(super) fn viewed(&self, at: Moment) -> Option<usize> {
        self.viewed.at(at)
    }

    /// Whether fewer replicas are ready at a moment than are wanted.
    pub(super) fn is_short(&self, at: Moment) -> bool {
        let wanted = self.wanted.at(at).and_then(|wanted| usize::try_from(wanted).ok());
        self.ready(at).zip(wanted).is_some_and(|(ready, wanted)| ready < wanted)
    }

    /// Whether a request to another replica timed out at about the same time.
    pub(super) fn others_timed_out(&self, case: &Case<'_>) -> bool {
        let (from, to) = (before(case.begun(), NOTICED), case.done() + NOTICED);
        let lowest = SocketAddr::from(([0, 0, 0, 0], 0));
        let near = self.timed_out.range((from, lowest)..).take_while(|(at, _)| *at <= to);
        near.into_iter().any(|(_, address)| Some(*address) != case.failed.outcome.endpoint)
    }

    /// The replicas whose begin or end may have lost what happened between two moments.
    pub(super) fn suspects(&self, from: Moment, to: Moment) -> Vec<&'a Life> {
        let near = |(begin, end, _): &&(Moment, Moment, &'a Life)| *begin <= to && from <= *end;
        let mut those: Vec<&Life> = self.troubles.iter().filter(near).map(|(.., life)| *life).collect();
        those.dedup_by_key(|life| life.replica);
        those
    }
}

/// What changes from time to time.
#[derive(Debug)]
struct Steps<T>(Vec<(Moment, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Steps<T> {
    /// What the last change up to a moment left.
    fn at(&self, at: Moment) -> Option<T> {
        let later = self.0.partition_point(|(since, _)| *since <= at);
        self.0.get(later.checked_sub(1)?).map(|(_, what)| *what)
    }
}

/// So much before a moment.
pub(super) fn before(at: Moment, time: Duration) -> Moment {
    Moment::START + at.since_start().saturating_sub(time)
}

fn tries(failures: &[Failed<'_>]) -> BTreeMap<Moment, (Moment, SocketAddr)> {
    let again = failures.iter().filter(|failed| failed.fate == Fate::Retried);
    again.filter_map(|Failed { outcome, .. }| Some((outcome.due, (outcome.done, outcome.endpoint?)))).collect()
}

fn away(lives: &Lives) -> Vec<(Moment, Moment)> {
    let up = lives.database_up();
    let down = up.all().iter().filter_map(|span| span.to);
    down.map(|down| (down, up.next_begin(down).unwrap_or_else(|| lives.end()))).collect()
}

/// When each begin and end of a replica may lose requests: as wide as any rule looks.
fn troubles<'a>(history: &History, lives: &Lives, life: &'a Life) -> Vec<(Moment, Moment, &'a Life)> {
    let mut troubles = Vec::new();
    for run in &life.runs {
        let answered = life.answers.range(run.started..).next().map(|(slot, _)| *slot + INTERVAL);
        troubles.push((before(run.started, NEAR), answered.unwrap_or_else(|| lives.end()), life));
        if let Some((ended, _)) = run.ended {
            let sent = life.signals.iter().map(|(at, ..)| *at).filter(|at| *at >= run.started && *at <= ended).min();
            let back = life.listening.next_begin(ended).or_else(|| life.ready.next_begin(ended));
            // Clients hear later that it is ready again.
            let heard = life.ready.next_begin(ended).map(|ready| ready + history.header.propagation_most);
            let until = back.unwrap_or_else(|| lives.end()).max(ended + NOTICED).max(heard.unwrap_or(ended));
            troubles.push((before(sent.unwrap_or(ended), NEAR), until + NEAR, life));
        }
    }
    if let Some((told, _)) = life.terminating {
        let gone = life.gone.unwrap_or_else(|| lives.end());
        troubles.push((before(told, QUEUED), gone + history.header.propagation_most + REMEMBERED, life));
    }
    troubles
}

/// How late the generator was at most, by the slot.
fn lag(history: &History) -> BTreeMap<Moment, Duration> {
    let mut lag: BTreeMap<Moment, Duration> = BTreeMap::new();
    for interval in &history.intervals {
        if let Some(most) = Sketch::most(&interval.send_lag) {
            let known = lag.entry(slot(interval.index)).or_default();
            *known = (*known).max(most);
        }
    }
    lag
}

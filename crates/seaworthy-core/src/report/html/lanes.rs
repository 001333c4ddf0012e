//! A replica's life as a lane: at each moment it is in one state, from the first that is known of it to its end.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    event::{Event, Replica, Signal},
    history::History,
    lives::{Life, Lives},
    outcome::FailureKind,
    report::trial::{TrialReport, event_words},
    time::Moment,
};

/// How finely failures are placed in all lanes together, and in each of them.
const COLUMNS: u64 = 3_000;
const OF_A_LANE: (u64, u64) = (10, 300);

/// What a replica is at a moment. Each is drawn in another pattern and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Wanted, and not ready since its process began.
    Starting,
    /// It may have requests.
    Ready,
    /// Its process runs, and was ready before.
    Unready,
    /// It is to end.
    Terminating,
    /// Its process does not run, though it lives.
    Frozen,
    /// It is ready, and packets between clients and it are dropped.
    CutOff,
    /// It has no process: ended, and not started again.
    Down,
}

impl State {
    /// All of them, in the order of a legend.
    pub(super) const ALL: [Self; 7] =
        [Self::Starting, Self::Ready, Self::Unready, Self::Terminating, Self::Frozen, Self::CutOff, Self::Down];

    /// Its name.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Terminating => "terminating",
            Self::Frozen => "frozen",
            Self::CutOff => "cut off",
            Self::Down => "no process",
        }
    }

    /// Its class in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Starting => "st s-starting",
            Self::Ready => "st s-ready",
            Self::Unready => "st s-unready",
            Self::Terminating => "st s-terminating",
            Self::Frozen => "st s-frozen",
            Self::CutOff => "st s-cut",
            Self::Down => "st s-down",
        }
    }

    /// How high it is drawn, of a lane's ten, from the top.
    pub(super) const fn height(self) -> (f64, f64) {
        match self {
            Self::Starting | Self::Ready | Self::Terminating | Self::Frozen | Self::CutOff => (0.0, 10.0),
            Self::Unready => (5.0, 5.0),
            Self::Down => (8.0, 2.0),
        }
    }
}

/// A while in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Which.
    pub(super) state: State,
    /// Its begin.
    pub(super) from: Moment,
    /// Its end.
    pub(super) to: Moment,
}

/// How an event is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glyph {
    /// It was asked to end: a triangle that points down.
    Term,
    /// It was killed, or could not be started: a cross.
    Kill,
    /// Its process ended: a square.
    Exit,
    /// It was started again: a triangle that points on.
    Start,
    /// Anything else: a rhombus.
    Other,
}

/// An event in a lane, or on the axis.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// When.
    pub(super) at: Moment,
    /// How it is drawn.
    pub(super) glyph: Glyph,
    /// What happened.
    pub(super) words: String,
}

/// Failures of a lane that are too near to each other to be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failures {
    /// When the first of them ended.
    pub(super) from: Moment,
    /// When the last of them did.
    pub(super) to: Moment,
    /// How many.
    pub(super) count: u64,
}

/// A replica.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Which.
    pub(super) replica: Replica,
    /// Its revision, where it is known.
    pub(super) revision: Option<u32>,
    /// Its states, one after the other, without gaps.
    pub(super) parts: Vec<Part>,
    /// When clients see it.
    pub(super) seen: Vec<(Moment, Moment)>,
    /// Its failures.
    pub(super) failures: Vec<Failures>,
    /// Its events.
    pub(super) marks: Vec<Mark>,
}

/// Those of a trial, in the order of their numbers, until a moment.
pub(super) fn of(report: &TrialReport<'_>, lives: &Lives, end: Moment) -> Vec<Lane> {
    let mut failures = failures(report.history, lives, end);
    let mut marks = marks(report);
    lives
        .all()
        .map(|life| Lane {
            replica: life.replica,
            revision: life.revision.map(|revision| revision.0),
            parts: parts(life, end),
            seen: life.view.all().iter().map(|span| (span.from, span.to.unwrap_or(end).max(span.from))).collect(),
            failures: failures.remove(&life.replica).unwrap_or_default(),
            marks: marks.remove(&life.replica).unwrap_or_default(),
        })
        .collect()
}

/// The states of a life, one after the other, from the first that is known of it.
pub(super) fn parts(life: &Life, end: Moment) -> Vec<Part> {
    let spans = [&life.ready, &life.frozen, &life.broken];
    let mut changes: Vec<Moment> = spans.iter().flat_map(|spans| spans.all()).map(|span| span.from).collect();
    changes.extend(spans.iter().flat_map(|spans| spans.all()).filter_map(|span| span.to));
    changes.extend(life.runs.iter().flat_map(|run| [Some(run.started), run.ended.map(|(at, _)| at)]).flatten());
    changes.extend(life.created);
    changes.extend(life.terminating.map(|(at, _)| at));
    let last = life.gone.unwrap_or(end);
    changes.push(last);
    changes.retain(|at| *at <= last);
    changes.sort_unstable();
    changes.dedup();
    let mut parts: Vec<Part> = Vec::new();
    for (from, to) in changes.iter().zip(changes.iter().skip(1)) {
        let state = state(life, *from);
        match parts.last_mut() {
            Some(before) if before.state == state => before.to = *to,
            _ => parts.push(Part { state, from: *from, to: *to }),
        }
    }
    parts
}

fn state(life: &Life, at: Moment) -> State {
    // One that ended at this moment does not run from here on.
    let runs = life.runs.iter().rev().find(|run| run.started <= at && run.ended.is_none_or(|(ended, _)| at < ended));
    if life.terminating.is_some_and(|(told, _)| told <= at) {
        State::Terminating
    } else if life.frozen.around(at).is_some() {
        State::Frozen
    } else if runs.is_none() && life.runs.iter().any(|run| run.started <= at) {
        State::Down
    } else if life.ready.around(at).is_some() {
        if life.broken.around(at).is_some() { State::CutOff } else { State::Ready }
    } else if runs.is_some_and(|run| life.ready.any(run.started, at)) {
        State::Unready
    } else {
        State::Starting
    }
}

/// Failures by replica, as finely as they can be told apart. What was sent again is none.
fn failures(history: &History, lives: &Lives, end: Moment) -> BTreeMap<Replica, Vec<Failures>> {
    let (least, most) = OF_A_LANE;
    let columns = (COLUMNS / (lives.all().count() as u64).max(1)).clamp(least, most);
    let width = (end.nanos() / columns).max(1);
    let mut columns = BTreeMap::<(Replica, u64), Failures>::new();
    for attempt in history.intervals.iter().flat_map(|interval| &interval.whole).filter(|attempt| !attempt.retried) {
        let outcome = &attempt.outcome;
        let cut_short = outcome.end.as_ref().is_err_and(|failure| failure.kind == FailureKind::Unfinished);
        let life = outcome.endpoint.and_then(|address| lives.at(address)).filter(|_| !cut_short);
        let Some(life) = life else { continue };
        let (done, place) = (outcome.done, (life.replica, outcome.done.nanos() / width));
        let column = columns.entry(place).or_insert(Failures { from: done, to: done, count: 0 });
        (column.from, column.to) = (column.from.min(done), column.to.max(done));
        column.count += 1;
    }
    let mut by_replica = BTreeMap::<Replica, Vec<Failures>>::new();
    for ((replica, _), failures) in columns {
        by_replica.entry(replica).or_default().push(failures);
    }
    by_replica
}

/// What is worth a mark of its own; all else is a change of a state.
fn marks(report: &TrialReport<'_>) -> BTreeMap<Replica, Vec<Mark>> {
    let mut marks = BTreeMap::<Replica, Vec<Mark>>::new();
    for (at, event) in report.events {
        let Some((replica, glyph)) = glyph(event) else { continue };
        let Some((_, words)) = event_words(event) else { continue };
        marks.entry(replica).or_default().push(Mark { at: *at, glyph, words });
    }
    marks
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most events are no marks")]
const fn glyph(event: &Event) -> Option<(Replica, Glyph)> {
    Some(match event {
        Event::Signalled { replica, signal: Signal::Term, .. } => (*replica, Glyph::Term),
        Event::Signalled { replica, signal: Signal::Kill, .. } | Event::NotStarted { replica, .. } => {
            (*replica, Glyph::Kill)
        }
        Event::Exited { replica, .. } => (*replica, Glyph::Exit),
        Event::Started { replica, restart: 1.., .. } => (*replica, Glyph::Start),
        Event::PreStopBegun { replica }
        | Event::PreStopEnded { replica, .. }
        | Event::Foreign { replica, .. }
        | Event::Frozen { replica }
        | Event::Thawed { replica }
        | Event::NetworkBroken { replica, .. }
        | Event::NetworkHealed { replica, .. } => (*replica, Glyph::Other),
        _ => return None,
    })
}

/// How long a replica was in a state, in all.
pub(super) fn spent(lane: &Lane, state: State) -> Duration {
    lane.parts.iter().filter(|part| part.state == state).map(|part| part.to.since(part.from)).sum()
}

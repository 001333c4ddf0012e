//! Failures that look alike, put together.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use super::{Group, controls::Judged, counting::Tally, windows::Window};
use crate::{
    diagnosis::Fate,
    drill::Drill,
    event::{Reason, Replica, Signal},
    interval::INTERVAL,
    lives::{Life, Lives},
    outcome::{ConnectionKind, FailureKind, Phase},
    time::Moment,
};

/// What failures have in common that look alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    window: usize,
    drill: Drill,
    kind: FailureKind,
    phase: Phase,
    status: Option<u16>,
    fresh: bool,
    replica: Option<Replica>,
    cause: String,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    count: u64,
    allowed: u64,
    retried: u64,
    first: Moment,
    last: Moment,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.allowed += other.allowed;
        self.retried += other.retried;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// All groups: those with the most failures first.
pub(super) fn of(windows: &[Window<'_>], tallies: &[Tally], lives: &Lives, judged: &[Judged<'_>]) -> Vec<Group> {
    let mut groups: BTreeMap<Alike, Sum> = BTreeMap::new();
    let mut add = |alike: Alike, sum: Sum| {
        groups.entry(alike).and_modify(|known| known.add(sum)).or_insert(sum);
    };
    for (window, failed, cause) in judged {
        let alike = Alike {
            window: *window,
            drill: failed.drill,
            kind: failed.failure.kind,
            phase: failed.failure.phase,
            status: failed.failure.status,
            fresh: failed.outcome.connection == ConnectionKind::Fresh,
            replica: failed.outcome.endpoint.and_then(|address| lives.at(address)).map(|life| life.replica),
            cause: cause.id.clone(),
        };
        let done = failed.outcome.done;
        let retried = failed.fate == Fate::Retried;
        let allowed = u64::from(failed.is_forgiven() && !retried);
        add(alike, Sum { count: 1, allowed, retried: u64::from(retried), first: done, last: done });
    }
    for (place, tally) in tallies.iter().enumerate() {
        let Some(window) = windows.get(place) else { continue };
        for (class, begin, count) in &tally.unseen {
            let alike = Alike {
                window: place,
                drill: window.drill,
                kind: class.kind,
                phase: class.phase,
                status: class.status,
                fresh: class.connection == ConnectionKind::Fresh,
                replica: None,
                cause: "unexplained".to_owned(),
            };
            add(alike, Sum { count: *count, allowed: 0, retried: 0, first: *begin, last: *begin + INTERVAL });
        }
    }
    let group = |(alike, sum): (Alike, Sum)| Group {
        drill: alike.drill,
        kind: alike.kind,
        phase: alike.phase,
        status: alike.status,
        fresh: alike.fresh,
        replica: alike.replica,
        count: sum.count,
        allowed: sum.allowed,
        retried: sum.retried,
        when: (sum.first, sum.last),
        place: place(windows.get(alike.window), alike.replica.and_then(|replica| lives.get(replica)), sum),
        cause: alike.cause,
    };
    let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
    groups.sort_by_key(|group| Reverse(group.count));
    groups
}

/// Where failures are, relative to what happened to their replica, or to the drill.
fn place(window: Option<&Window<'_>>, life: Option<&Life>, sum: Sum) -> String {
    let mut anchors = Vec::new();
    if let Some(window) = window {
        anchors.push((window.begun, format!("the begin of the {} drill", window.drill)));
        anchors.extend(window.disturbed.map(|(at, _)| (at, format!("the {} drill disturbed", window.drill))));
    }
    anchors.extend(life.map(of_replica).unwrap_or_default());
    // What happened last before the first of them, and of what happened at once the most telling, which comes last here.
    // An end and what ended it are recorded next to each other.
    let before = |anchor: &&(Moment, String)| anchor.0 <= sum.first + super::allowance::SLACK;
    match anchors.iter().filter(before).max_by_key(|(at, _)| *at) {
        Some((at, words)) => format!("{} after {words}", range(sum.first.since(*at), sum.last.since(*at))),
        None => format!("{} after the start", range(sum.first.since_start(), sum.last.since_start())),
    }
}

fn range(from: Duration, to: Duration) -> String {
    let (from, to) = (format!("{:.2} s", from.as_secs_f64()), format!("{:.2} s", to.as_secs_f64()));
    if from == to { from } else { format!("{from} to {to}") }
}

/// What happened to a replica. The end of a process that a signal brought about is not told apart from the signal.
fn of_replica(life: &Life) -> Vec<(Moment, String)> {
    /// An end this long after a signal is of the signal.
    const OF_SIGNAL: Duration = Duration::from_secs(2);
    let replica = life.replica;
    let mut anchors: Vec<(Moment, String)> = Vec::new();
    anchors.extend(life.ready.all().iter().map(|ready| (ready.from, format!("{replica} was ready"))));
    anchors.extend(life.terminating.map(|(at, _)| (at, format!("{replica} was told to end"))));
    for (at, signal, reason) in &life.signals {
        let words = match (signal, reason) {
            (Signal::Term, _) => format!("SIGTERM to {replica}"),
            (Signal::Kill, Reason::GraceOver) => format!("SIGKILL to {replica}, whose grace period was over"),
            (Signal::Kill, _) => format!("SIGKILL to {replica}"),
            (Signal::Stop, _) => format!("the freeze of {replica}"),
            (Signal::Cont, _) => format!("the thaw of {replica}"),
        };
        anchors.push((*at, words));
    }
    for run in &life.runs {
        anchors.push((run.started, format!("the start of {replica}")));
        if let Some((ended, _)) = run.ended {
            let told = |(at, signal, _): &(Moment, Signal, Reason)| {
                matches!(signal, Signal::Term | Signal::Kill) && *at <= ended && ended.since(*at) <= OF_SIGNAL
            };
            if !life.signals.iter().any(told) {
                anchors.push((ended, format!("the end of {replica}'s process")));
            }
        }
    }
    anchors
}

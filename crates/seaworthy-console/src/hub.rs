//! What is kept of the run, and what each viewer has to be told next.
//!
//! Each second is written once. All viewers get the same bytes, and hold nothing but the number of what they saw last: one that
//! reads slowly costs nothing, and when what it needs is no longer kept it gets the whole window again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use seaworthy_core::{event::Replica, time::Moment};
use tokio::sync::watch;

use crate::{
    model::{DrillRecord, Mark, Phase, PhaseChange, Snapshot},
    wire::{self, Kept, Row},
};

/// How many seconds are kept.
pub(crate) const WINDOW_S: u64 = 300;
/// However much happens in them, no more than this is kept of it.
const MAX_MARKS: usize = 2_000;
const MAX_PHASES: usize = 2_000;
const MAX_DRILLS: usize = 50;
/// The most that written seconds may take. Who missed more gets the window.
const MAX_FRAMES_BYTES: usize = 8 * 1024 * 1024;

/// What a viewer has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Nothing, or nothing that is of use.
    Nothing,
    /// Everything up to this number.
    UpTo(u64),
}

/// The one place that snapshots go to, and viewers come from.
#[derive(Debug)]
pub(crate) struct Hub {
    run: String,
    max_replicas: u32,
    kept: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    seq: u64,
    now: Option<Snapshot>,
    rows: VecDeque<Row>,
    phases: VecDeque<PhaseChange>,
    marks: VecDeque<Mark>,
    drills: BTreeMap<u64, DrillRecord>,
    /// The last seconds as they were sent; the last of them has the number `seq`.
    frames: VecDeque<Bytes>,
    frames_bytes: usize,
    /// The window as it is sent now, once somebody has asked for it.
    window: Option<Bytes>,
    ticks_written: u64,
    windows_written: u64,
}

impl Hub {
    pub(crate) fn new(run: String, max_replicas: u32) -> Self {
        Self { run, max_replicas, kept: Mutex::default(), changed: watch::Sender::new(0) }
    }

    /// Takes a snapshot, and wakes all viewers. One that is not later than the last is not taken.
    pub(crate) fn publish(&self, snapshot: Snapshot) -> bool {
        let seq = {
            let mut inner = self.kept();
            if inner.now.as_ref().is_some_and(|last| snapshot.second <= last.second) {
                tracing::debug!(second = snapshot.second, "a snapshot that is not later than the last");
                return false;
            }
            inner.take(&self.run, snapshot);
            inner.seq
        };
        self.changed.send_replace(seq);
        true
    }

    /// What a viewer has to be told next, if there is anything.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> Option<Bytes> {
        let mut inner = self.kept();
        if let Cursor::UpTo(seen) = *cursor {
            if seen == inner.seq {
                return None;
            }
            if let Some(frame) = inner.after(seen) {
                *cursor = Cursor::UpTo(seen.saturating_add(1));
                return Some(frame);
            }
        }
        *cursor = Cursor::UpTo(inner.seq);
        Some(inner.window(&self.run, self.max_replicas))
    }

    /// Where a viewer goes on that says what it saw last. Of another run it saw nothing of use.
    pub(crate) fn resume(&self, last_event_id: Option<&str>) -> Cursor {
        let seen = last_event_id.and_then(|id| id.split_once(':'));
        let seen = seen.filter(|(run, _)| *run == self.run).and_then(|(_, seq)| seq.parse().ok());
        let latest = self.kept().seq;
        seen.filter(|seen| *seen <= latest).map_or(Cursor::Nothing, Cursor::UpTo)
    }

    /// What is true now.
    pub(crate) fn state(&self) -> String {
        wire::state(&self.kept().as_kept(&self.run, self.max_replicas))
    }

    /// Who waits for the next snapshot.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What this run is called: another one at the same address has another name.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Seconds and windows that were written.
    pub(crate) fn written(&self) -> (u64, u64) {
        let inner = self.kept();
        (inner.ticks_written, inner.windows_written)
    }

    fn kept(&self) -> MutexGuard<'_, Inner> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn take(&mut self, run: &str, snapshot: Snapshot) {
        self.seq += 1;
        let frame = Bytes::from(wire::event(run, self.seq, "tick", &wire::tick(&snapshot)));
        self.ticks_written += 1;
        self.frames_bytes += frame.len();
        self.frames.push_back(frame);
        self.window = None;
        self.rows.push_back(Row {
            second: snapshot.second,
            overall: snapshot.overall,
            replicas: snapshot.replicas.clone(),
        });
        self.phases.extend(snapshot.phases.iter().copied());
        self.marks.extend(snapshot.marks.iter().cloned());
        self.drills.extend(snapshot.drills.iter().map(|drill| (drill.id, drill.clone())));
        let begin = snapshot.second.saturating_sub(WINDOW_S);
        self.now = Some(snapshot);
        self.forget(begin);
    }

    /// Lets go of what is older than a second of the run, and of what is too much.
    fn forget(&mut self, begin: u64) {
        while self.rows.front().is_some_and(|row| row.second <= begin) {
            self.rows.pop_front();
        }
        while self.frames.len() > self.rows.len() || self.frames_bytes > MAX_FRAMES_BYTES {
            let Some(frame) = self.frames.pop_front() else { break };
            self.frames_bytes -= frame.len();
        }
        let begin = Moment::from_nanos(begin.saturating_mul(1_000_000_000));
        while self.marks.len() > MAX_MARKS || self.marks.front().is_some_and(|mark| mark.at < begin) {
            self.marks.pop_front();
        }
        self.phases = phases_since(std::mem::take(&mut self.phases), begin);
        while self.drills.len() > MAX_DRILLS {
            self.drills.pop_first();
        }
    }

    /// The second after one that was seen, while it is kept.
    fn after(&self, seen: u64) -> Option<Bytes> {
        let first = self.seq.checked_sub(self.frames.len() as u64)?;
        let index = usize::try_from(seen.checked_sub(first)?).ok()?;
        self.frames.get(index).cloned()
    }

    fn window(&mut self, run: &str, max_replicas: u32) -> Bytes {
        if let Some(window) = &self.window {
            return window.clone();
        }
        let data = wire::window(&self.as_kept(run, max_replicas));
        let window = Bytes::from(wire::event(run, self.seq, "window", &data));
        self.windows_written += 1;
        self.window = Some(window.clone());
        window
    }

    const fn as_kept<'a>(&'a self, run: &'a str, max_replicas: u32) -> Kept<'a> {
        Kept {
            run,
            seq: self.seq,
            max_replicas,
            now: self.now.as_ref(),
            rows: &self.rows,
            phases: &self.phases,
            marks: &self.marks,
            drills: &self.drills,
        }
    }
}

/// The changes since a moment, and before them of each replica the last one: what it was doing then. Of one that was gone by
/// then nothing is left.
fn phases_since(phases: VecDeque<PhaseChange>, begin: Moment) -> VecDeque<PhaseChange> {
    let mut before: BTreeMap<Replica, PhaseChange> = BTreeMap::new();
    let mut since = VecDeque::new();
    for change in phases {
        if change.at >= begin {
            since.push_back(change);
        } else if change.phase == Phase::Gone {
            before.remove(&change.replica);
        } else {
            before.insert(change.replica, change);
        }
    }
    since.drain(..since.len().saturating_sub(MAX_PHASES));
    for change in before.into_values().rev() {
        since.push_front(change);
    }
    since
}

#[cfg(test)]
mod tests;

//! How values are written for pages and scripts.
//!
//! Whoever connects gets the whole window once, as columns: the name of a signal then costs its bytes once and not three
//! hundred times. After that each second is a snapshot of its own.

use std::collections::{BTreeMap, VecDeque};

use seaworthy_core::{event::Replica, time::Moment};
use serde::{Serialize, Serializer};

use crate::{
    command::MAX_FREEZE_S,
    hub::WINDOW_S,
    model::{DrillRecord, Edge, Mark, Node, PhaseChange, ReplicaSignals, Signals, Snapshot, Sums},
};

/// Moments on the wire: whole milliseconds since the run began.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
pub(crate) fn as_millis<S: Serializer>(at: &Moment, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(at.nanos() / 1_000_000)
}

/// The same, where there may be none.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn as_optional_millis<S: Serializer>(at: &Option<Moment>, to: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.nanos() / 1_000_000).serialize(to)
}

/// Numbers on the wire have two decimals at most: nobody sees more, and 0.1 + 0.2 is seventeen characters long.
/// What is no number is not known.
pub(crate) fn rounded(value: f64) -> Option<f64> {
    let short = (value * 100.0).round() / 100.0;
    short.is_finite().then_some(short)
}

/// A field with a number, rounded.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
pub(crate) fn as_rounded<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    rounded(*value).serialize(to)
}

/// The same, where there may be none.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(crate) fn as_optional_rounded<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    value.and_then(rounded).serialize(to)
}

/// The same of numbers with names.
pub(crate) fn as_rounded_each<S: Serializer>(values: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(values.iter().map(|(name, value)| (name, rounded(*value))))
}

/// One second of the window.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) second: u64,
    pub(crate) overall: Signals,
    pub(crate) replicas: Vec<ReplicaSignals>,
}

/// Signals as columns. Each has as many values as there are seconds.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Columns {
    /// Where in the window's seconds the first value is.
    from: usize,
    arrivals_per_s: Vec<Option<f64>>,
    failures_per_s: Vec<Option<f64>>,
    p50_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
    max_ms: Vec<Option<f64>>,
    saturation: Vec<Option<f64>>,
}

impl Columns {
    /// Columns that begin at an index.
    fn at(from: usize) -> Self {
        Self { from, ..Self::default() }
    }

    /// Puts signals at an index, after what is there.
    fn put(&mut self, index: usize, signals: Option<&Signals>) {
        // A second in which nothing was told of it stays empty.
        while self.from + self.arrivals_per_s.len() < index {
            self.push(None);
        }
        self.push(signals);
    }

    fn push(&mut self, signals: Option<&Signals>) {
        let value = |of: fn(&Signals) -> Option<f64>| signals.and_then(of).and_then(rounded);
        self.arrivals_per_s.push(value(|signals| Some(signals.arrivals_per_s)));
        self.failures_per_s.push(value(|signals| Some(signals.failures_per_s)));
        self.p50_ms.push(value(|signals| signals.p50_ms));
        self.p99_ms.push(value(|signals| signals.p99_ms));
        self.max_ms.push(value(|signals| signals.max_ms));
        self.saturation.push(value(|signals| signals.saturation));
    }
}

/// What is true now, and has no past.
#[derive(Debug, Serialize)]
struct Now<'a> {
    second: u64,
    wall_ms: u64,
    wanted: u32,
    sums: Sums,
    nodes: &'a [Node],
    edges: &'a [Edge],
    busy: Option<&'a str>,
}

impl<'a> Now<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            second: snapshot.second,
            wall_ms: snapshot.wall_ms,
            wanted: snapshot.wanted,
            sums: snapshot.sums,
            nodes: &snapshot.nodes,
            edges: &snapshot.edges,
            busy: snapshot.busy.as_deref(),
        }
    }
}

/// Everything that is kept, to be written.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) run: &'a str,
    pub(crate) seq: u64,
    pub(crate) max_replicas: u32,
    pub(crate) now: Option<&'a Snapshot>,
    pub(crate) rows: &'a VecDeque<Row>,
    pub(crate) phases: &'a VecDeque<PhaseChange>,
    pub(crate) marks: &'a VecDeque<Mark>,
    pub(crate) drills: &'a BTreeMap<u64, DrillRecord>,
}

/// The whole window, for a page that has nothing yet.
pub(crate) fn window(kept: &Kept<'_>) -> String {
    #[derive(Serialize)]
    struct Whole<'a> {
        run: &'a str,
        window_s: u64,
        max_replicas: u32,
        max_freeze_s: u32,
        now: Option<Now<'a>>,
        seconds: Vec<u64>,
        overall: Columns,
        replicas: BTreeMap<Replica, Columns>,
        phases: &'a VecDeque<PhaseChange>,
        marks: &'a VecDeque<Mark>,
        drills: Vec<&'a DrillRecord>,
    }
    let mut overall = Columns::default();
    let mut replicas: BTreeMap<Replica, Columns> = BTreeMap::new();
    for (index, row) in kept.rows.iter().enumerate() {
        overall.put(index, Some(&row.overall));
        for of in &row.replicas {
            replicas.entry(of.replica).or_insert_with(|| Columns::at(index)).put(index, Some(&of.signals));
        }
    }
    json(&Whole {
        run: kept.run,
        window_s: WINDOW_S,
        max_replicas: kept.max_replicas,
        max_freeze_s: MAX_FREEZE_S,
        now: kept.now.map(Now::of),
        seconds: kept.rows.iter().map(|row| row.second).collect(),
        overall,
        replicas,
        phases: kept.phases,
        marks: kept.marks,
        drills: kept.drills.values().collect(),
    })
}

/// What is true now, for scripts.
pub(crate) fn state(kept: &Kept<'_>) -> String {
    #[derive(Serialize)]
    struct State<'a> {
        run: &'a str,
        seq: u64,
        now: Option<Now<'a>>,
        overall: Option<Signals>,
        replicas: &'a [ReplicaSignals],
        drills: Vec<&'a DrillRecord>,
    }
    json(&State {
        run: kept.run,
        seq: kept.seq,
        now: kept.now.map(Now::of),
        overall: kept.now.map(|snapshot| snapshot.overall),
        replicas: kept.now.map_or(&[], |snapshot| &snapshot.replicas),
        drills: kept.drills.values().collect(),
    })
}

/// One second.
pub(crate) fn tick(snapshot: &Snapshot) -> String {
    json(snapshot)
}

/// An event of the stream, in the form of the HTML standard, 9.2.
pub(crate) fn event(run: &str, seq: u64, name: &str, data: &str) -> String {
    format!("id: {run}:{seq}\nevent: {name}\ndata: {data}\n\n")
}

fn json<T: Serialize>(value: &T) -> String {
    // Our own types have string keys, and writing into memory does not fail.
    serde_json::to_string(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a snapshot could not be written");
        "null".to_owned()
    })
}

#[cfg(test)]
mod tests;

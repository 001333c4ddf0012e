//! Snapshots that are told apart by their numbers.

use seaworthy_console::model::{
    Edge, Figures, Mark, MarkKind, Node, NodeKind, Phase, PhaseChange, ReplicaSignals, Security, Signals, Snapshot,
    Sums,
};
use seaworthy_core::{
    event::{Replica, Revision},
    time::Moment,
};

/// One second, in which as many requests were due as its number.
pub(crate) fn second(second: u64) -> Snapshot {
    let signals = Signals { arrivals_per_s: second as f64, p50_ms: Some(1.234_567), ..Signals::default() };
    let at = Moment::from_nanos(second * 1_000_000_000 - 500_000_000);
    let phases = vec![PhaseChange { at, replica: Replica(1), revision: Revision(1), phase: Phase::Ready }];
    let node = |id: &str, kind| Node {
        id: id.to_owned(),
        label: id.to_owned(),
        place: None,
        kind,
        figures: Figures::default(),
    };
    Snapshot {
        second,
        wall_ms: 1_700_000_000_000 + second * 1000,
        wanted: 1,
        sums: Sums { seconds: second, requests: second, failed: 0 },
        nodes: vec![node("load", NodeKind::Load), node("address", NodeKind::Address)],
        edges: vec![Edge {
            from: "load".to_owned(),
            to: "address".to_owned(),
            requests_per_s: Some(second as f64),
            failures_per_s: [("reset".to_owned(), 0.1 + 0.2)].into(),
            p50_ms: None,
            p99_ms: Some(f64::NAN),
            connections: None,
            bytes_per_s: None,
            security: Security::Plaintext,
            mesh: None,
        }],
        overall: signals,
        replicas: vec![ReplicaSignals { replica: Replica(1), signals }],
        phases: if second == 1 { phases } else { Vec::new() },
        marks: vec![Mark { at, replica: None, kind: MarkKind::Scaled, text: format!("mark {second}") }],
        drills: Vec::new(),
        busy: None,
    }
}

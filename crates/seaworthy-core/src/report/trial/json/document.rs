//! The document's types, version 1. `docs/trial.schema.json` says what each key means; every key is always there.

use serde::Serialize;

use super::proof;

/// Its name and version. A key may be added; where one is changed or removed the number goes up.
pub(super) const SCHEMA: &str = "seaworthy.trial/1";

#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    pub(super) schema: &'static str,
    pub(super) tool_version: &'a str,
    pub(super) verdict: &'static str,
    pub(super) headline: String,
    pub(super) conclusion: String,
    pub(super) reasons: &'a [String],
    pub(super) interrupted: bool,
    pub(super) complete: bool,
    pub(super) trial: Trial<'a>,
    pub(super) deployment: Deployment,
    pub(super) expectations: Expectations<'a>,
    pub(super) total: Counted,
    pub(super) terminations: u64,
    pub(super) bound: Option<f64>,
    pub(super) resolution_ms: f64,
    pub(super) drills: Vec<Row<'a>>,
    pub(super) missing: Vec<&'static str>,
    pub(super) groups: Vec<Group<'a>>,
    pub(super) findings: Vec<Finding<'a>>,
    pub(super) thresholds: Vec<Threshold<'a>>,
    pub(super) tried: Option<proof::Tried<'a>>,
    pub(super) replay: Option<proof::Replay>,
    pub(super) writes: Option<super::writes::Writes<'a>>,
    pub(super) generator: Option<Generator>,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Serialize)]
pub(super) struct Trial<'a> {
    pub(super) began: &'a str,
    pub(super) command: &'a str,
    pub(super) target: &'a str,
    pub(super) platform: &'a str,
    pub(super) machine: &'a str,
    /// Text, since many readers' numbers have 53 bits only.
    pub(super) seed: String,
    pub(super) assumptions: &'a [String],
    pub(super) drills: Vec<&'static str>,
    pub(super) propagation_least_ms: f64,
    pub(super) propagation_most_ms: f64,
    pub(super) requests_per_second: f64,
    pub(super) fresh_share: f64,
    pub(super) connections: usize,
    pub(super) request: &'a str,
    pub(super) idempotent: bool,
    pub(super) expected: &'a str,
    pub(super) timeout_ms: f64,
    pub(super) duration_ms: Option<f64>,
    pub(super) not_sent: Option<u64>,
    pub(super) unfinished: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Deployment {
    pub(super) replicas: u32,
    pub(super) strategy: &'static str,
    pub(super) max_surge: Option<String>,
    pub(super) max_unavailable: Option<String>,
    pub(super) min_ready_ms: f64,
    pub(super) progress_deadline_ms: f64,
    pub(super) revision_history: u32,
    pub(super) startup: Option<Probe>,
    pub(super) readiness: Option<Probe>,
    pub(super) liveness: Option<Probe>,
    pub(super) pre_stop: Option<String>,
    pub(super) grace_ms: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Probe {
    pub(super) check: String,
    pub(super) initial_delay_ms: f64,
    pub(super) period_ms: f64,
    pub(super) timeout_ms: f64,
    pub(super) success_threshold: u32,
    pub(super) failure_threshold: u32,
    pub(super) grace_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Expectations<'a> {
    pub(super) max_lost: u64,
    pub(super) max_p99_ms: Option<f64>,
    pub(super) thresholds: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct Counted {
    pub(super) ended: u64,
    pub(super) good: u64,
    pub(super) lost: u64,
    pub(super) allowed: u64,
    pub(super) retried: u64,
    pub(super) shed: u64,
    pub(super) unknown: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Times {
    pub(super) count: u64,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    pub(super) drill: &'static str,
    pub(super) promise: &'static str,
    pub(super) allowance: &'static str,
    pub(super) verdict: &'static str,
    pub(super) reasons: &'a [String],
    pub(super) happened: bool,
    pub(super) proof: &'a str,
    pub(super) begin_ms: f64,
    pub(super) end_ms: f64,
    pub(super) disturbed_ms: Option<f64>,
    pub(super) settled_ms: Option<f64>,
    pub(super) keep_alive: Counted,
    pub(super) fresh: Counted,
    pub(super) before_ms: Times,
    pub(super) during_ms: Times,
    pub(super) after_ms: Times,
    pub(super) recovery_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Group<'a> {
    pub(super) drill: &'static str,
    pub(super) kind: &'static str,
    pub(super) phase: &'static str,
    pub(super) status: Option<u16>,
    pub(super) fresh: bool,
    pub(super) replica: Option<u32>,
    pub(super) count: u64,
    pub(super) allowed: u64,
    pub(super) retried: u64,
    pub(super) first_ms: f64,
    pub(super) last_ms: f64,
    pub(super) place: &'a str,
    pub(super) cause: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding<'a> {
    pub(super) cause: &'a str,
    pub(super) confidence: &'static str,
    pub(super) title: &'a str,
    pub(super) harm: &'static str,
    pub(super) explains: Option<String>,
    pub(super) mends: &'a str,
    pub(super) changes: Vec<String>,
    pub(super) servers: Vec<Server>,
    pub(super) check: Option<String>,
    pub(super) evidence: &'a [String],
    pub(super) count: u64,
    pub(super) allowed: u64,
    pub(super) retried: u64,
    pub(super) drills: Vec<&'static str>,
    pub(super) replicas: Vec<u32>,
    pub(super) own: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) line: &'static str,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "keys of the document")]
pub(super) struct Threshold<'a> {
    pub(super) threshold: String,
    pub(super) judgement: &'static str,
    pub(super) measured: Option<&'a str>,
    pub(super) why: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Generator {
    pub(super) threads: usize,
    pub(super) cpu_ms: f64,
    pub(super) busy_for_ms: f64,
    pub(super) busy: f64,
    pub(super) time_wait: Option<u64>,
    pub(super) descriptors: Option<Used>,
    pub(super) ports: Option<Used>,
    pub(super) backlog: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Used {
    pub(super) used: u64,
    pub(super) of: u64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "keys of the document")]
pub(super) struct Event {
    pub(super) at_ms: f64,
    pub(super) event: String,
    pub(super) drill: Option<&'static str>,
    pub(super) replica: Option<u32>,
    pub(super) words: String,
}

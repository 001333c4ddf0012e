//! The document's types, version 1. `docs/load.schema.json` says what each key means; every key is always there.

use std::collections::BTreeMap;

use serde::Serialize;

/// Its name and version. A key may be added; where one is changed or removed the number goes up.
pub(super) const SCHEMA: &str = "seaworthy.load/1";

#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    pub(super) schema: &'static str,
    pub(super) tool_version: &'a str,
    pub(super) verdict: &'static str,
    pub(super) headline: String,
    pub(super) reasons: &'a [String],
    pub(super) thresholds: Vec<Threshold<'a>>,
    pub(super) run: Run<'a>,
    pub(super) metrics: Metrics,
    pub(super) counts: Counts,
    pub(super) service_ms: Times,
    pub(super) first_byte_ms: Times,
    pub(super) dns_ms: Times,
    pub(super) connect_ms: Times,
    pub(super) tls_ms: Times,
    pub(super) queue_ms: Times,
    pub(super) statuses: &'a BTreeMap<u16, u64>,
    pub(super) lanes: Vec<Lane>,
    pub(super) failures: Vec<Failures<'a>>,
    pub(super) failed_attempts: Vec<Attempt<'a>>,
    pub(super) failures_not_kept: u64,
    pub(super) timeline: Vec<Slot>,
    pub(super) generator: Generator,
    pub(super) writes: Option<Writes<'a>>,
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
pub(super) struct Run<'a> {
    pub(super) command: &'a str,
    pub(super) target: &'a str,
    pub(super) scenario: &'a str,
    pub(super) profile: &'a str,
    pub(super) closed_loop: bool,
    /// Text, since many readers' numbers have 53 bits only.
    pub(super) seed: String,
    pub(super) protocol: &'a str,
    pub(super) connections: &'a str,
    pub(super) timeout_ms: f64,
    pub(super) connect_timeout_ms: f64,
    pub(super) expected: &'a str,
    pub(super) began: &'a str,
    pub(super) unix_began_ms: f64,
    pub(super) duration_ms: f64,
    pub(super) elapsed_ms: f64,
    pub(super) interrupted: bool,
    pub(super) machine: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Metrics {
    pub(super) success_rate: Option<f64>,
    pub(super) requests_per_second: Option<f64>,
    pub(super) good_per_second: Option<f64>,
    pub(super) latency_ms: Times,
}

#[derive(Debug, Serialize)]
pub(super) struct Counts {
    pub(super) arrived: u64,
    pub(super) begun: u64,
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) cut_short: u64,
    pub(super) not_sent: u64,
    pub(super) retried: u64,
    pub(super) queued: u64,
    pub(super) opened: u64,
    pub(super) closed_idle: u64,
    pub(super) bytes: u64,
    pub(super) unframed: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Times {
    pub(super) count: u64,
    pub(super) min: Option<f64>,
    pub(super) mean: Option<f64>,
    pub(super) p50: Option<f64>,
    pub(super) p75: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p95: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p99_9: Option<f64>,
    pub(super) max: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Lane {
    pub(super) endpoint: Option<String>,
    pub(super) connection: &'static str,
    pub(super) good: u64,
    pub(super) timed_out: u64,
    pub(super) failed: u64,
    pub(super) latency_ms: Times,
    pub(super) service_ms: Times,
}

#[derive(Debug, Serialize)]
pub(super) struct Failures<'a> {
    pub(super) kind: &'static str,
    pub(super) phase: &'static str,
    pub(super) status: Option<u16>,
    pub(super) connection: &'static str,
    pub(super) count: u64,
    pub(super) words: String,
    pub(super) details: Vec<Detail<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Detail<'a> {
    pub(super) text: &'a str,
    pub(super) count: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Attempt<'a> {
    pub(super) due_ms: f64,
    pub(super) queued_ms: f64,
    pub(super) begun_ms: f64,
    pub(super) done_ms: f64,
    pub(super) dns_ms: Option<f64>,
    pub(super) connect_ms: Option<f64>,
    pub(super) tls_ms: Option<f64>,
    pub(super) first_byte_ms: Option<f64>,
    pub(super) endpoint: Option<String>,
    pub(super) connection: &'static str,
    pub(super) kind: &'static str,
    pub(super) phase: &'static str,
    pub(super) status: Option<u16>,
    pub(super) detail: Option<&'a str>,
    pub(super) retried: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Slot {
    pub(super) begin_ms: f64,
    pub(super) length_ms: f64,
    pub(super) arrived: u64,
    pub(super) begun: u64,
    pub(super) good: u64,
    pub(super) failed: u64,
    pub(super) open: u64,
    pub(super) in_flight: u64,
    pub(super) waiting: u64,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Generator {
    pub(super) threads: usize,
    pub(super) cpu_ms: f64,
    pub(super) busy_for_ms: f64,
    pub(super) busy: f64,
    pub(super) send_lag_ms: Times,
    pub(super) time_wait: Option<u64>,
    pub(super) descriptors: Option<Used>,
    pub(super) ports: Option<Used>,
    pub(super) backlog: u64,
    pub(super) limits: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Used {
    pub(super) used: u64,
    pub(super) of: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Writes<'a> {
    pub(super) acknowledged: u64,
    pub(super) unknown: u64,
    pub(super) recovered: u64,
    pub(super) refused: u64,
    pub(super) kept: u64,
    pub(super) lost: u64,
    pub(super) stale: u64,
    pub(super) unverified: u64,
    pub(super) duplicated: u64,
    pub(super) lost_examples: &'a [String],
}

//! Every metric of the service, named once.

use std::{
    fmt::Write as _,
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::process::Process;
use crate::http::ROUTES;

/// Upper bounds of the latency buckets, in seconds: a greeting takes microseconds, a password hash tens of
/// milliseconds, and the request timeout is 10 s.
const SECONDS: [f64; 15] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Every metric of the service.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<DurationLabels, Histogram, fn() -> Histogram>,
    /// The same, and the count of answers with 200, by place in [`ROUTES`] and [`METHODS`]: the hot path
    /// looks nothing up. Each is made at its first request, so that what was never asked for is not told.
    by_place: Vec<(OnceLock<Histogram>, OnceLock<Counter>)>,
    in_flight: Gauge,
    abandoned: Counter,
    refused: Family<RefusedLabels, Counter>,
    callers: Family<CallerLabels, Counter>,
    callers_known: AtomicUsize,
    connections: Gauge,
    database_up: Gauge,
    database_operations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    database_connections: Family<ConnectionLabels, Gauge>,
    reloads: Family<ReloadLabels, Counter>,
    trace_exports: Family<ExportLabels, Counter>,
    log_lines_dropped: Counter<u64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    route: &'static str,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

/// Which limit a request or a connection met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 503: too many connections.
    Connections,
    /// 503: too many requests.
    Requests,
    /// 431: a header section that is too large.
    HeaderBytes,
    /// 408: a header section that took too long.
    HeaderTimeout,
    /// 413: a body that is too large.
    BodyBytes,
    /// 408 or 503: a request that took too long.
    RequestTimeout,
    /// An answer that its client did not read in time.
    AnswerTimeout,
    /// 400: not HTTP.
    Malformed,
    /// A TLS handshake that failed or took too long.
    Handshake,
}

impl Refused {
    fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::HeaderBytes => "header_bytes",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyBytes => "body_bytes",
            Self::RequestTimeout => "request_timeout",
            Self::AnswerTimeout => "answer_timeout",
            Self::Malformed => "malformed",
            Self::Handshake => "handshake",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallerLabels {
    caller: String,
    security: &'static str,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// In the clear.
    Plaintext,
    /// Only the server has shown who it is.
    Tls,
    /// Both have.
    Mtls,
}

impl Security {
    fn label(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "tls",
            Self::Mtls => "mtls",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
    outcome: &'static str,
}

/// What became of a question to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Away,
    Busy,
    Refused,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Refused => "refused",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    file: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExportLabels {
    outcome: &'static str,
}

/// Callers told apart; the next ones are counted together, so that clients cannot fill the memory.
const CALLERS: usize = 200;

impl Metrics {
    /// All metrics at zero.
    pub(crate) fn new(version: &'static str, revision: &'static str) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process::started_now()));
        let ours = registry.sub_registry_with_prefix("seaworthy");
        ours.register(
            "build",
            "What this binary was built from",
            Info::new(vec![("version", version), ("revision", revision)]),
        );
        let durations = Family::new_with_constructor(new_histogram as fn() -> Histogram);
        ours.register_with_unit(
            "http_request_duration",
            "From a request's headers to its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let requests = Family::default();
        ours.register("http_requests", "Requests answered, by route, method and status", requests.clone());
        let in_flight = Gauge::default();
        ours.register("http_requests_in_flight", "Requests being answered", in_flight.clone());
        let abandoned = Counter::default();
        ours.register("http_requests_abandoned", "Requests whose client left before the answer", abandoned.clone());
        let refused = Family::default();
        ours.register("http_refused", "Requests and connections that met a limit, by limit", refused.clone());
        let callers = Family::default();
        ours.register("http_caller_requests", "Requests by the caller's proven identity", callers.clone());
        let connections = Gauge::default();
        ours.register("http_connections", "Open connections", connections.clone());
        let database_up = Gauge::default();
        ours.register("database_up", "Whether the database answers (1) or not (0)", database_up.clone());
        let database_operations = Family::new_with_constructor(new_histogram as fn() -> Histogram);
        ours.register_with_unit(
            "database_operation_duration",
            "What the database was asked and how long it took, waiting for a connection included",
            Unit::Seconds,
            database_operations.clone(),
        );
        let database_connections = Family::default();
        ours.register("database_connections", "Connections of the pool, by state", database_connections.clone());
        let reloads = Family::default();
        ours.register("file_reloads", "Files read again since they changed", reloads.clone());
        let trace_exports = Family::default();
        ours.register("trace_exports", "Batches of spans sent to the collector", trace_exports.clone());
        let log_lines_dropped = Counter::default();
        ours.register(
            "log_lines_dropped",
            "Log lines not written since whoever reads them was too slow",
            log_lines_dropped.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            by_place: (0..=ROUTES.len()).flat_map(|_| METHODS).map(|_| Default::default()).collect(),
            in_flight,
            abandoned,
            refused,
            callers,
            callers_known: AtomicUsize::new(0),
            connections,
            database_up,
            database_operations,
            database_connections,
            reloads,
            trace_exports,
            log_lines_dropped,
        }
    }

    /// One request was answered. `route` is its place in [`ROUTES`], or past the end.
    pub(crate) fn request(&self, route: usize, method: &Method, status: u16, took: Duration) {
        let (position, method) = method_label(method);
        let place = route.min(ROUTES.len()) * METHODS.len() + position;
        let route = ROUTES.get(route).map_or(UNMATCHED, |route| route.template);
        let labels = RequestLabels { route, method, status };
        let Some((duration, good)) = self.by_place.get(place) else { return };
        duration
            .get_or_init(|| self.durations.get_or_create_owned(&DurationLabels { route, method }))
            .observe(took.as_secs_f64());
        if status == 200 {
            good.get_or_init(|| self.requests.get_or_create_owned(&labels)).inc();
        } else {
            self.requests.get_or_create(&labels).inc();
        }
    }

    /// A client left before its answer.
    pub(crate) fn abandoned(&self) {
        self.abandoned.inc();
    }

    /// A limit was met.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&RefusedLabels { reason: reason.label() }).inc();
    }

    /// The counter of one caller's requests, for as long as its connection lasts.
    pub(crate) fn caller(&self, caller: &str, security: Security) -> Counter {
        let mut labels = CallerLabels { caller: caller.to_owned(), security: security.label() };
        let known = self.callers.get(&labels).is_some();
        if !known && self.callers_known.fetch_add(1, Ordering::Relaxed) >= CALLERS {
            "(others)".clone_into(&mut labels.caller);
        }
        self.callers.get_or_create_owned(&labels)
    }

    /// How long the database took for what, and what came of it.
    pub(crate) fn database_operation(&self, operation: &'static str, outcome: Outcome, took: Duration) {
        self.database_operations
            .get_or_create(&OperationLabels { operation, outcome: outcome.label() })
            .observe(took.as_secs_f64());
    }

    /// A watched file was read again.
    pub(crate) fn reloaded(&self, file: &'static str, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { file, outcome }).inc();
    }

    /// A batch of spans was sent, or was not taken.
    pub(crate) fn trace_export(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "lost" };
        self.trace_exports.get_or_create(&ExportLabels { outcome }).inc();
    }

    /// Everything, in OpenMetrics 1.0, with the gauges as they are now.
    pub(crate) fn encode(&self, now: &Now) -> String {
        self.in_flight.set(now.in_flight);
        self.connections.set(now.connections);
        self.database_up.set(i64::from(now.database.is_some()));
        let (busy, idle) = now.database.unwrap_or_default();
        self.database_connections.get_or_create(&ConnectionLabels { state: "busy" }).set(busy.into());
        self.database_connections.get_or_create(&ConnectionLabels { state: "idle" }).set(idle.into());
        self.log_lines_dropped.inc_by(now.log_lines_dropped.saturating_sub(self.log_lines_dropped.get()));
        let mut out = String::with_capacity(16 * 1024);
        // Writing to a string cannot fail.
        let _infallible = text::encode(&mut out, &self.registry);
        out
    }
}

/// What is measured when it is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) in_flight: i64,
    pub(crate) connections: i64,
    /// Connections of the pool, busy and idle, where the database is there.
    pub(crate) database: Option<(u32, u32)>,
    pub(crate) log_lines_dropped: u64,
}

/// The same in the older text format (version 0.0.4), for scrapers that do not ask for OpenMetrics: a
/// counter's samples and its description have the same name there, and there is no unit and no end mark.
pub(crate) fn to_prometheus_text(openmetrics: &str) -> String {
    let mut out = String::with_capacity(openmetrics.len() + 256);
    // The type comes after the help, and the help needs to know it.
    let mut help: Option<(&str, &str)> = None;
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').or(Some((rest, "")));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some((_, text)) = help.take() {
                let _infallible = writeln!(out, "# HELP {name}{suffix} {text}");
            }
            let _infallible = writeln!(out, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            let _infallible = writeln!(out, "{line}");
        }
    }
    out
}

fn new_histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// The route of requests that match none.
const UNMATCHED: &str = "(none)";

/// Methods with a label of their own. Clients can invent methods without end.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "(other)"];

fn method_label(method: &Method) -> (usize, &'static str) {
    let position = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
    (position, METHODS.get(position).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_rest() -> Now {
        Now { in_flight: 0, connections: 0, database: None, log_lines_dropped: 0 }
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let metrics = Metrics::new("1.2.3", "abc");
        metrics.request(0, &Method::GET, 200, Duration::from_millis(3));
        let text = to_prometheus_text(&metrics.encode(&at_rest()));
        for line in [
            "# TYPE seaworthy_http_requests_total counter",
            r#"seaworthy_http_requests_total{route="/",method="GET",status="200"} 1"#,
            r#"seaworthy_build_info{version="1.2.3",revision="abc"} 1"#,
            "# TYPE seaworthy_http_request_duration_seconds histogram",
            r#"seaworthy_http_request_duration_seconds_bucket{le="0.005",route="/",method="GET"} 1"#,
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
    }

    #[test]
    fn invented_methods_and_callers_share_a_label() {
        let metrics = Metrics::new("", "");
        for n in 0..2 * CALLERS {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            metrics.request(usize::MAX, &method, 405, Duration::ZERO);
            metrics.caller(&format!("caller {n}"), Security::Mtls).inc();
        }
        let text = metrics.encode(&at_rest());
        assert!(text.contains(r#"route="(none)",method="(other)",status="405"} 400"#), "{text}");
        assert_eq!(text.matches("seaworthy_http_caller_requests_total{").count(), CALLERS + 1);
    }
}

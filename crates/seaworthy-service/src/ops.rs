//! The operations listener: probes for an orchestrator, metrics for a scraper.

use std::{fmt::Write as _, sync::Arc};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;

use crate::{
    app::App,
    connection::{Peer, Serve, Serving},
    database::State,
    http::{Response, problem::Problem, text, with_type},
    lifecycle::Phase,
    telemetry::metrics::{Now, to_prometheus_text},
};

/// The operations routes and what they need to look at.
pub(crate) struct Ops {
    pub(crate) app: Arc<App>,
    pub(crate) revision: &'static str,
    pub(crate) connections: Box<dyn Fn() -> usize + Send + Sync>,
    pub(crate) log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// One thing that a probe looks at.
struct Check {
    name: &'static str,
    /// Why it fails, if it does.
    failure: Option<String>,
    /// Whether the probe fails with it; otherwise it is only told.
    counts: bool,
}

impl Serve for Ops {
    fn serve(self: &Arc<Self>, _peer: &Arc<Peer>, request: Request<Incoming>) -> Serving {
        Serving::now(self.answer(&request))
    }
}

impl Ops {
    fn answer(&self, request: &Request<Incoming>) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This path answers GET, HEAD.")
                .with_header(header::ALLOW, "GET, HEAD")
                .into_response();
        }
        let verbose = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose=")));
        let mut response = match request.uri().path() {
            "/livez" => probe("livez", verbose, &[Check { name: "process", failure: None, counts: true }]),
            "/readyz" => probe("readyz", verbose, &self.readiness()),
            "/startupz" => probe("startupz", verbose, &[self.started()]),
            "/metrics" => self.metrics(request.headers()),
            "/version" => self.version(),
            "/" => text("/livez\n/readyz\n/startupz\n/metrics\n/version\n"),
            _ => Problem::new(StatusCode::NOT_FOUND, "There are /livez, /readyz, /startupz, /metrics and /version.")
                .into_response(),
        };
        if self.app.lifecycle.phase() == Phase::Stopping {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Migrations have been done once.
    fn started(&self) -> Check {
        let failure = match self.app.database.state() {
            State::Starting { why } => Some(format!("migrations are not done: {why}")),
            State::Up(_) | State::Away { .. } => None,
        };
        Check { name: "migrations", failure, counts: true }
    }

    fn readiness(&self) -> [Check; 4] {
        let life = &self.app.lifecycle;
        let limits = &self.app.config.limits;
        let full = if life.saturated() {
            Some(format!("{} requests are being answered", life.in_flight()))
        } else {
            let open = (self.connections)();
            (open >= limits.connections).then(|| format!("{open} connections are open"))
        };
        let away = match self.app.database.state() {
            State::Away { why } | State::Starting { why } => Some(why),
            State::Up(_) => None,
        };
        [
            self.started(),
            Check {
                name: "not-draining",
                failure: life.leaving().then(|| "the replica is shutting down".into()),
                counts: true,
            },
            Check { name: "not-saturated", failure: full, counts: true },
            Check { name: "database", failure: away, counts: false },
        ]
    }

    fn metrics(&self, headers: &HeaderMap) -> Response {
        let database = match self.app.database.state() {
            State::Up(store) => Some(store.connections()),
            State::Starting { .. } | State::Away { .. } => None,
        };
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let openmetrics = self.app.metrics.encode(&Now {
            in_flight: count(self.app.lifecycle.in_flight()),
            connections: count((self.connections)()),
            database,
            log_lines_dropped: (self.log_lines_dropped)(),
        });
        let wants = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if wants.contains("application/openmetrics-text") {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            with_type(HeaderValue::from_static(kind), openmetrics)
        } else {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            with_type(HeaderValue::from_static(kind), to_prometheus_text(&openmetrics))
        }
    }

    fn version(&self) -> Response {
        let body = serde_json::json!({
            "name": "seaworthy",
            "version": self.app.version,
            "revision": self.revision,
            "replica": self.app.config.replica,
        });
        with_type(HeaderValue::from_static("application/json"), body.to_string())
    }
}

/// 200 if every check that counts is good, else 503, in the words of Kubernetes' own `?verbose`.
fn probe(name: &str, verbose: bool, checks: &[Check]) -> Response {
    let failed = checks.iter().any(|check| check.counts && check.failure.is_some());
    let mut body = String::new();
    if verbose || failed {
        for check in checks {
            // Writing to a string cannot fail.
            let _infallible = match (&check.failure, check.counts) {
                (None, _) => writeln!(body, "[+]{} ok", check.name),
                (Some(why), true) => writeln!(body, "[-]{} failed: {why}", check.name),
                (Some(why), false) => writeln!(body, "[!]{} away: {why} (does not count)", check.name),
            };
        }
        let _infallible = writeln!(body, "{name} check {}", if failed { "failed" } else { "passed" });
    } else {
        body.push_str("ok\n");
    }
    let mut response = text(body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if failed {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

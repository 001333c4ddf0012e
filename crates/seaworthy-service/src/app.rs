//! What every request shares.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;

use crate::{
    attempts::Attempts,
    config::Config,
    database::Database,
    http::{Routes, answer::Budget, auth::Tokens, edge::RequestIds},
    lifecycle::Lifecycle,
    password::Passwords,
    telemetry::{metrics::Metrics, traces::Traces},
};

/// What every request shares.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) version: &'static str,
    pub(crate) greeting: Greeting,
    /// The replica's name, ready to be a header.
    pub(crate) replica: HeaderValue,
    pub(crate) routes: Routes,
    pub(crate) tokens: Tokens,
    pub(crate) request_ids: RequestIds,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) database: Database,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
    pub(crate) answers: Budget,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Arc<Traces>,
}

/// The greeting in both its forms, made once.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) text: Bytes,
    pub(crate) json: Bytes,
}

impl Greeting {
    pub(crate) fn new(message: &str, replica: &str, version: &str) -> Self {
        #[derive(Serialize)]
        struct Json<'a> {
            message: &'a str,
            replica: &'a str,
            version: &'a str,
        }
        // Strings always serialize.
        let json = serde_json::to_vec(&Json { message, replica, version }).unwrap_or_default();
        Self { text: format!("{message}\n").into(), json: json.into() }
    }
}

/// The wall clock, in microseconds since the Unix epoch: the only place that reads it for the store.
pub(crate) fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

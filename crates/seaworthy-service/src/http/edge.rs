//! What every request of the main listener goes through: its id, the limit on requests, the metrics, the
//! log line, and the answer's headers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use super::{Action, Exchange, Found, Problem, ROUTES, Response, answer::Body, at_once, users_route};
use crate::{
    app::App,
    connection::{Peer, Serve, Serving},
    telemetry::{metrics::Refused, traces::Trace},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The target of the lines about requests, to turn them off or up apart from the rest.
const ACCESS: &str = "seaworthy::access";
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// The header of W3C Trace Context, level 2, that tells a client about our span.
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

impl Serve for App {
    fn serve(self: &Arc<Self>, peer: &Arc<Peer>, request: Request<Incoming>) -> Serving {
        let begun = Instant::now();
        let Found { route, action, id } = self.routes.find(request.method(), request.uri().path());
        let facts = Facts::of(self, &request, route, begun);
        let refused = match action {
            _ if !names_one_host(&request) => Problem::new(
                StatusCode::BAD_REQUEST,
                "A request has one Host header (RFC 9112, 3.2); this one has none, or several.",
            ),
            Err(problem) => problem,
            Ok(action) => match at_once(self, action, request.headers()) {
                // It costs nothing to keep, so it is answered however much else is going on.
                Some(response) => return Serving::now(facts.finish(self, peer, response)),
                None if self.lifecycle.saturated() => {
                    self.metrics.refused(Refused::Requests);
                    Problem::later("This replica is answering as many requests as it may. Try again.")
                }
                None => {
                    return Serving::later(wait_for(Arc::clone(self), Arc::clone(peer), facts, action, id, request));
                }
            },
        };
        Serving::now(facts.finish(self, peer, refused.into_response()))
    }
}

/// Whether it is clear which host is asked. HTTP/2 says it in a header of its own, HTTP/1.0 need not.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    request.version() != Version::HTTP_11 || (hosts.next().is_some() && hosts.next().is_none())
}

/// Answers a request that has to wait for its body or for the database.
async fn wait_for(
    app: Arc<App>,
    peer: Arc<Peer>,
    facts: Facts,
    action: Action,
    id: Option<String>,
    request: Request<Incoming>,
) -> Response {
    let _in_flight = app.lifecycle.admit();
    let mut open = Open { app: &app, peer: &peer, facts: Some(facts) };
    let trace = open.facts.as_ref().map(|facts| facts.trace.clone()).unwrap_or_default();
    let (head, body) = request.into_parts();
    let exchange = Exchange { app: Arc::clone(&app), head, body, id };
    let work = trace.around(users_route(action, exchange));
    let response = match timeout(app.config.limits.request_timeout, work).await {
        Ok(answer) => answer.unwrap_or_else(Problem::into_response),
        Err(_elapsed) => {
            app.metrics.refused(Refused::RequestTimeout);
            Problem::later("The request took too long.").into_response()
        }
    };
    match open.facts.take() {
        Some(facts) => facts.finish(&app, &peer, response),
        None => response,
    }
}

/// A request that is waited for. Dropped with its facts still there, it was given up: its client has left.
struct Open<'a> {
    app: &'a App,
    peer: &'a Peer,
    facts: Option<Facts>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(facts) = &self.facts {
            self.app.metrics.abandoned();
            facts.trace.end(LEFT);
            facts.log(self.peer, LEFT, facts.begun.elapsed());
        }
    }
}

/// No status was sent; this is what nginx writes for a client that left.
const LEFT: u16 = 499;

/// What is told of a request in the log, in the metrics and in its answer.
struct Facts {
    route: usize,
    method: Method,
    version: Version,
    /// Copied only where somebody will read it.
    path: Option<String>,
    request_id: HeaderValue,
    trace: Trace,
    begun: Instant,
}

impl Facts {
    fn of(app: &App, request: &Request<Incoming>, route: usize, begun: Instant) -> Self {
        let (method, headers) = (request.method(), request.headers());
        let template = ROUTES.get(route).map_or("(none)", |route| route.template);
        let facts = Self {
            route,
            method: method.clone(),
            version: request.version(),
            path: tracing::enabled!(target: ACCESS, tracing::Level::INFO).then(|| request.uri().path().to_owned()),
            request_id: app.request_ids.of(headers),
            trace: app.traces.begin(method, template, headers),
            begun,
        };
        tracing::debug!(target: ACCESS, request_id = ?facts.request_id, headers = %Redacted(headers), "headers");
        facts
    }

    /// Completes the answer, and tells of it.
    fn finish(self, app: &App, peer: &Peer, mut response: Response) -> Response {
        let status = response.status().as_u16();
        let headers = response.headers_mut();
        headers.insert(SERVED_BY, app.replica.clone());
        if let Some(Ok(own)) = self.trace.response().map(|own| HeaderValue::from_str(&own)) {
            headers.insert(TRACE_RESPONSE, own);
        }
        // HTTP/2 says it with GOAWAY, and forbids the header (RFC 9113, 8.2.2).
        if self.version >= Version::HTTP_2 {
            headers.remove(header::CONNECTION);
        } else if app.lifecycle.leaving() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let took = self.begun.elapsed();
        app.metrics.request(self.route, &self.method, status, took);
        peer.requests.inc();
        self.trace.end(status);
        self.log(peer, status, took);
        let is_head = self.method == Method::HEAD;
        headers.insert(REQUEST_ID, self.request_id);
        if is_head { without_body(response) } else { response }
    }

    fn log(&self, peer: &Peer, status: u16, took: Duration) {
        tracing::info!(
            target: ACCESS,
            method = %self.method,
            path = self.path,
            status,
            duration_ms = f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1e3,
            peer = %peer.address,
            caller = peer.caller.as_deref(),
            request_id = self.request_id.to_str().unwrap_or_default(),
            trace_id = self.trace.id(),
            "request"
        );
    }
}

/// An answer to `HEAD`: the length is told, the body is not sent.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    // A 304 has no length of its own (RFC 9110, 8.6).
    if head.status != StatusCode::NOT_MODIFIED {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Response::from_parts(head, Body::default())
}

/// Headers for the log, without what they give access to.
struct Redacted<'a>(&'a HeaderMap);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 8] = [
            "authorization",
            "cookie",
            "proxy-authorization",
            "api-key",
            "x-api-key",
            "x-auth-token",
            "x-access-token",
            "idempotency-key",
        ];
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| {
                let secret = value.is_sensitive() || SECRET.contains(&name.as_str());
                (name.as_str(), if secret { "(redacted)" } else { value.to_str().unwrap_or("(not text)") })
            }))
            .finish()
    }
}

/// Ids for requests that come without one: never the same twice, and hard to guess from the last.
#[derive(Debug)]
pub(crate) struct RequestIds {
    seed: [u64; 2],
    next: AtomicU64,
}

impl RequestIds {
    /// Ids that differ from those of every other seed.
    pub(crate) fn new(seed: [u64; 2]) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }

    /// The client's id if it sent a usable one (up to 128 visible characters), else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(REQUEST_ID) {
            Some(sent) if (1..=128).contains(&sent.len()) && sent.as_bytes().iter().all(u8::is_ascii_graphic) => {
                sent.clone()
            }
            _ => self.new_id(),
        }
    }

    fn new_id(&self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let mixed = self.seed.map(|seed| mix(seed.wrapping_add(n)));
        let mut text = [0; 32];
        for (place, byte) in mixed.iter().flat_map(|half| half.to_be_bytes()).enumerate() {
            text[2 * place] = DIGITS[usize::from(byte >> 4)];
            text[2 * place + 1] = DIGITS[usize::from(byte & 15)];
        }
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014): one to one, so distinct inputs stay distinct.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_over_when_they_are_usable_and_never_repeat() {
        let ids = RequestIds::new([1, 2]);
        let sent = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", HeaderValue::from_bytes(value).unwrap());
            ids.of(&headers)
        };
        assert_eq!(sent(b"order-7"), "order-7");
        for unusable in [&b""[..], b"two words", b"\xff", &[b'x'; 129]] {
            assert_eq!(sent(unusable).len(), 32);
        }
        let some: std::collections::HashSet<_> = (0..1000).map(|_| ids.new_id()).collect();
        assert_eq!(some.len(), 1000);
    }

    #[test]
    fn credentials_are_not_logged() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer hunter2"));
        headers.insert("cookie", HeaderValue::from_static("session=hunter2"));
        headers.insert("accept", HeaderValue::from_static("*/*"));
        let shown = Redacted(&headers).to_string();
        assert!(!shown.contains("hunter2") && shown.contains(r#""accept": "*/*""#), "{shown}");
    }
}

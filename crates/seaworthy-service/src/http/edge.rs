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

use super::{Exchange, Found, Problem, ROUTES, Response, at_once, users_route};
use crate::{
    app::App,
    connection::{Peer, Serve},
    telemetry::{
        metrics::{Metrics, Refused},
        traces::Trace,
    },
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The target of the lines about requests, to turn them off or up apart from the rest.
const ACCESS: &str = "seaworthy::access";
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

impl Serve for App {
    async fn serve(self: Arc<Self>, peer: Arc<Peer>, request: Request<Incoming>) -> Response {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let found = self.routes.find(&head.method, head.uri.path());
        let route = found.route;
        let trace = self.traces.begin(&head.method, ROUTES.get(route).map_or("(none)", |r| r.template), &head.headers);
        let mut line = Line {
            metrics: &self.metrics,
            peer: &peer,
            method: head.method.clone(),
            // Copied only where somebody will read it.
            path: tracing::enabled!(target: ACCESS, tracing::Level::INFO).then(|| head.uri.path().to_owned()),
            request_id: self.request_ids.of(&head.headers),
            trace,
            begun,
            ended: false,
        };
        tracing::debug!(target: ACCESS, request_id = ?line.request_id, headers = %Redacted(&head.headers), "headers");
        let (version, is_head) = (head.version, head.method == Method::HEAD);
        let admitted = self.lifecycle.admit();
        let mut response = match (&admitted, found) {
            (None, _) => {
                self.metrics.refused(Refused::Requests);
                Problem::later("This replica is answering as many requests as it may. Try again.").into_response()
            }
            (Some(_), Found { action: Err(problem), .. }) => problem.into_response(),
            (Some(_), Found { action: Ok(action), id, .. }) => {
                if let Some(response) = at_once(&self, action, &head.headers) {
                    response
                } else {
                    let exchange = Exchange { app: Arc::clone(&self), head, body, id };
                    // Boxed: what a users route keeps while it waits is not carried by every greeting.
                    let work = Box::pin(line.trace.around(users_route(action, exchange)));
                    match timeout(self.config.limits.request_timeout, work).await {
                        Ok(answer) => answer.unwrap_or_else(Problem::into_response),
                        Err(_elapsed) => {
                            self.metrics.refused(Refused::RequestTimeout);
                            Problem::later("The request took too long.").into_response()
                        }
                    }
                }
            }
        };
        drop(admitted);
        let headers = response.headers_mut();
        headers.insert(SERVED_BY, self.replica.clone());
        headers.insert(REQUEST_ID, line.request_id.clone());
        if let Some(Ok(own)) = line.trace.response().map(|own| HeaderValue::from_str(&own)) {
            headers.insert(HeaderName::from_static("traceresponse"), own);
        }
        // HTTP/2 says it with GOAWAY, and forbids the header (RFC 9113, 8.2.2).
        if version >= Version::HTTP_2 {
            headers.remove(header::CONNECTION);
        } else if self.lifecycle.leaving() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        line.end(route, response.status());
        peer.requests.inc();
        if is_head { without_body(response) } else { response }
    }
}

/// An answer to `HEAD`: the length is told, the body is not sent.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let length = http_body::Body::size_hint(&body).exact().unwrap_or_default();
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(head, http_body_util::Full::default())
}

/// A request's line in the log and in the metrics, whatever becomes of it.
struct Line<'a> {
    metrics: &'a Metrics,
    peer: &'a Peer,
    method: Method,
    path: Option<String>,
    request_id: HeaderValue,
    trace: Trace,
    begun: Instant,
    ended: bool,
}

impl Line<'_> {
    fn end(&mut self, route: usize, status: StatusCode) {
        self.ended = true;
        let took = self.begun.elapsed();
        self.metrics.request(route, &self.method, status.as_u16(), took);
        self.trace.end(status.as_u16());
        self.log(status.as_u16(), took);
    }

    fn log(&self, status: u16, took: Duration) {
        tracing::info!(
            target: ACCESS,
            method = %self.method,
            path = self.path,
            status,
            duration_ms = took.as_secs_f64() * 1e3,
            peer = %self.peer.address,
            caller = self.peer.caller.as_deref(),
            request_id = self.request_id.to_str().unwrap_or_default(),
            trace_id = self.trace.id(),
            "request"
        );
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // The connection was closed, and hyper with it gave up the work.
        if !self.ended {
            self.metrics.abandoned();
            self.trace.end(499);
            // No status was sent; 499 is what nginx writes for a client that left.
            self.log(499, self.begun.elapsed());
        }
    }
}

/// Headers for the log, without what they give access to.
struct Redacted<'a>(&'a HeaderMap);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token"];
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

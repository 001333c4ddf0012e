//! Answers, and what all of them say.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{
    assets::{self, Asset},
    body::Body,
    guard::Guard,
};

/// What is answered.
pub(super) type Response = http::Response<Body>;

/// Only files of this server, and no page of others around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer says.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds what every answer says.
pub(super) fn finished(mut response: Response) -> Response {
    for (name, value) in ALWAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // What is true now is not true later, and the page has a token in it.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Something of a type.
pub(super) fn whole(kind: &'static str, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A stream of events.
pub(super) fn stream(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// A file, or that it is the one that the browser has.
pub(super) fn asset(asset: &Asset, headers: &HeaderMap) -> Response {
    let etag = asset.etag();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has_it = known.flat_map(|line| line.split(',')).any(|tag| {
        let tag = tag.trim();
        // The comparison is weak (RFC 9110, 13.1.2).
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    });
    let mut response = if has_it {
        with_status(Response::new(Body::from(Bytes::new())), StatusCode::NOT_MODIFIED)
    } else {
        whole(asset.kind, Bytes::from_static(asset.text.as_bytes()))
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A refusal, with why.
pub(super) fn problem(status: StatusCode, what: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({ "title": title, "status": status.as_u16(), "detail": what });
    with_status(whole("application/problem+json", Bytes::from(body.to_string())), status)
}

/// A refusal that will not last.
pub(super) fn later(mut response: Response, seconds: &'static str) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}

/// Another method is wanted.
pub(super) fn not_allowed(allowed: &'static str) -> Response {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("Here one can {allowed}."));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The right token was in the address: it goes into a cookie that no script can read and no other site can send, and out of the
/// address, where histories, logs and screens would keep it.
pub(super) fn welcome(guard: &Guard) -> Response {
    let mut response = with_status(Response::new(Body::from(Bytes::new())), StatusCode::SEE_OTHER);
    let token = guard.access.as_ref().map_or("", |access| access.tell());
    let cookie = format!("{}={token}; HttpOnly; SameSite=Strict; Path=/", guard.cookie);
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    response
}

/// The page is asked for without the token.
pub(super) fn locked() -> Response {
    with_status(whole("text/html; charset=utf-8", assets::locked()), StatusCode::UNAUTHORIZED)
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

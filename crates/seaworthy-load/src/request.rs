//! A request, ready to be sent many times.

use std::{fmt, io::Write as _};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header, uri::Authority};
use thiserror::Error;

/// What we are, unless a header says otherwise.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("seaworthy/", env!("CARGO_PKG_VERSION")));

/// A request, ready to be sent many times.
#[derive(Clone)]
pub struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    /// As HTTP/1.1 writes it, up to where the connection's own header and the body follow.
    head: Bytes,
}

/// Why something is no request.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Invalid {
    /// The URL has no host.
    #[error("has no host; give a URL such as http://127.0.0.1:8080/path")]
    NoHost,
    /// The scheme is another one.
    #[error("has the scheme {0:?}; http and https are spoken here")]
    Scheme(String),
    /// There is a user name, or a password.
    #[error("has a user in it; give it as a header: -H 'Authorization: Basic ...'")]
    User,
    /// The method is another one.
    #[error("is a method that has no plain answer; CONNECT is not sent")]
    Connect,
}

impl Request {
    /// A request to an absolute URL. `Host` and `User-Agent` are added where the headers do not have them.
    pub fn new(method: Method, uri: Uri, mut headers: HeaderMap, body: Bytes) -> Result<Self, Invalid> {
        let authority = authority(&uri)?;
        if method == Method::CONNECT {
            return Err(Invalid::Connect);
        }
        if !headers.contains_key(header::HOST) {
            // A valid authority is a valid header.
            let host = HeaderValue::from_str(authority.as_str()).map_err(|_not_visible| Invalid::NoHost)?;
            headers.insert(header::HOST, host);
        }
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        headers.remove(header::CONNECTION);
        let head = head(&method, &uri, &headers, body.len());
        Ok(Self { method, uri, headers, body, head })
    }

    /// The same, but with another method, path and body.
    pub(crate) fn with(&self, method: Method, path: &str, body: Bytes) -> Self {
        let mut parts = self.uri.clone().into_parts();
        // Callers make paths of digits, letters and slashes.
        parts.path_and_query = path.parse().ok();
        let uri = Uri::from_parts(parts).unwrap_or_else(|_not_a_path| self.uri.clone());
        let head = head(&method, &uri, &self.headers, body.len());
        Self { method, uri, headers: self.headers.clone(), body, head }
    }

    /// The same, but with JSON.
    pub(crate) fn with_json(&self, method: Method, path: &str, body: &serde_json::Value) -> Self {
        let mut like = self.clone();
        like.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        like.with(method, path, body.to_string().into())
    }

    /// The same, and said to be JSON, unless it is said to be something else.
    pub(crate) fn as_json(&self) -> Self {
        let mut like = self.clone();
        like.headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        like
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The URL.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The body.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether it may be sent again without asking (RFC 9110, 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// Appends it as HTTP/1.1 writes it; `last` asks the server to close the connection after it.
    pub(crate) fn write_http1(&self, last: bool, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.head);
        if last {
            to.extend_from_slice(b"connection: close\r\n");
        }
        to.extend_from_slice(b"\r\n");
        to.extend_from_slice(&self.body);
    }

    /// As HTTP/2 sends it, without its body.
    pub(crate) fn http2(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        // HTTP/2 has it as `:authority`, from the URL; another name has to stay a header.
        if headers.get(header::HOST).map(HeaderValue::as_bytes)
            == self.uri.authority().map(|authority| authority.as_str().as_bytes())
        {
            headers.remove(header::HOST);
        }
        if !self.body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its headers may hold a secret.
        write!(f, "{} {}", self.method, self.uri)
    }
}

/// The host of a URL that we can send to.
fn authority(uri: &Uri) -> Result<&Authority, Invalid> {
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(other) => return Err(Invalid::Scheme(other.to_owned())),
        None => return Err(Invalid::NoHost),
    }
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(Invalid::NoHost)?;
    if authority.as_str().contains('@') { Err(Invalid::User) } else { Ok(authority) }
}

/// The request line and the headers, without the empty line at the end.
fn head(method: &Method, uri: &Uri, headers: &HeaderMap, body_length: usize) -> Bytes {
    let mut head = Vec::with_capacity(256);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // Writing to memory does not fail.
    let slash = if path.starts_with('/') || path == "*" { "" } else { "/" };
    let _written = write!(head, "{method} {slash}{path} HTTP/1.1\r\n");
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    // RFC 9110, 8.6: a method that has a meaning for a body says its length, also of none.
    if body_length > 0 || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        let _written = write!(head, "content-length: {body_length}\r\n");
    }
    head.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str, body: &'static str) -> Result<Request, Invalid> {
        Request::new(method, uri.parse().unwrap(), HeaderMap::new(), Bytes::from(body))
    }

    fn written(request: &Request, last: bool) -> String {
        let mut bytes = Vec::new();
        request.write_http1(last, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn requests_as_they_are_written() {
        let get = request(Method::GET, "http://[::1]:8080/a?b=c", "").unwrap();
        let agent = concat!("seaworthy/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            written(&get, false),
            format!("GET /a?b=c HTTP/1.1\r\nhost: [::1]:8080\r\nuser-agent: {agent}\r\n\r\n")
        );
        let query = request(Method::GET, "http://host?x=1", "").unwrap();
        assert!(written(&query, false).starts_with("GET /?x=1 HTTP/1.1\r\n"));
        let post = request(Method::POST, "http://host", "hello").unwrap();
        assert_eq!(
            written(&post, true),
            format!(
                "POST / HTTP/1.1\r\nhost: host\r\nuser-agent: {agent}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"
            )
        );
    }

    #[test]
    fn what_is_no_target_is_refused() {
        assert_eq!(request(Method::GET, "/path", "").unwrap_err(), Invalid::NoHost);
        assert_eq!(request(Method::GET, "ftp://host/", "").unwrap_err(), Invalid::Scheme("ftp".into()));
        assert_eq!(request(Method::GET, "http://me:secret@host/", "").unwrap_err(), Invalid::User);
        assert_eq!(request(Method::CONNECT, "http://host/", "").unwrap_err(), Invalid::Connect);
    }

    #[test]
    fn the_body_has_one_length() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("99"));
        let put = Request::new(Method::PUT, "http://host/".parse().unwrap(), headers, Bytes::from("abc")).unwrap();
        assert_eq!(written(&put, false).matches("content-length").count(), 1);
        assert!(written(&put, false).contains("content-length: 3\r\n"));
    }
}

//! Requests with something to be filled in: `POST /items {"name":"{key}"}`.

use bytes::Bytes;
use http::{Method, uri::PathAndQuery};

use crate::request::Request;

/// Stands for what the tool names a write.
const KEY: &str = "{key}";

/// Stands for what the service names it.
const ID: &str = "{id}";

/// The longest path or body that is taken: it is kept for each write that is on its way.
const MOST: usize = 1 << 20;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It makes something that has a key.
    Write,
    /// It reads what was made.
    Read,
    /// It lists everything that was made.
    List,
    /// It takes away what was made.
    Delete,
}

/// A request with something to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    method: Method,
    path: Box<str>,
    body: Box<str>,
}

impl Template {
    /// Reads `METHOD PATH [BODY]`. An error says what is wrong and what would do, and repeats nothing of the text: there may
    /// be a secret in it.
    pub fn parse(text: &str, role: Role) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > MOST {
            return Err(format!("is longer than {MOST} bytes"));
        }
        let (method, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim_start();
        let (path, body) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let template = Self { method: role.method(method)?, path: path.into(), body: body.trim().into() };
        template.check_path(role)?;
        template.check_filled(role)?;
        Ok(template)
    }

    fn check_path(&self, role: Role) -> Result<(), String> {
        let like = role.example();
        if self.path.is_empty() {
            return Err(format!("has no path after its method; give it as '{like}'"));
        }
        if !self.path.starts_with('/') {
            return Err(format!("has no path that begins with a / after its method; give it as '{like}'"));
        }
        let path = filled(&self.path, "k1", "1");
        if path.contains(['{', '}']) {
            return Err("has braces in its path that are neither {key} nor {id}".to_owned());
        }
        // A client that sent a fragment would send what no server is asked for.
        if path.contains('#') || path.parse::<PathAndQuery>().is_err() {
            return Err("has a character in its path that none can have; write it as % and two digits".to_owned());
        }
        Ok(())
    }

    fn check_filled(&self, role: Role) -> Result<(), String> {
        let has = |name: &str| self.path.contains(name) || self.body.contains(name);
        match role {
            Role::Write if !has(KEY) => Err("names no {key}, by which what it makes can be told apart".to_owned()),
            Role::Write if has(ID) => Err("names an {id}, which is only known when it is answered".to_owned()),
            Role::Read | Role::Delete if !has(KEY) && !has(ID) => {
                Err("says neither {id} nor {key}, so it is the same for everything that was made".to_owned())
            }
            Role::List if has(KEY) || has(ID) => Err("lists everything, so it names neither {key} nor {id}".to_owned()),
            Role::Write | Role::Read | Role::Delete | Role::List => Ok(()),
        }
    }

    /// The method.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with what is to be filled in.
    pub const fn path(&self) -> &str {
        &self.path
    }

    /// Whether it can only be made when the service's name for something is known.
    pub fn needs_id(&self) -> bool {
        self.path.contains(ID) || self.body.contains(ID)
    }

    /// The request for one key; nothing where the id is needed and not known.
    pub(crate) fn request(&self, like: &Request, key: &str, id: Option<&str>) -> Option<Request> {
        if self.needs_id() && id.is_none() {
            return None;
        }
        let id = id.unwrap_or_default();
        let body = filled(&self.body, key, id);
        let path = filled(&self.path, key, id);
        let is_json = body.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(&body).is_ok();
        let like = if is_json { like.as_json() } else { like.clone() };
        Some(like.with(self.method.clone(), &path, Bytes::from(body)))
    }
}

impl Role {
    fn method(self, text: &str) -> Result<Method, String> {
        let wrong = || format!("does not begin with a method; give it as '{}'", self.example());
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            return Err(wrong());
        }
        let method = Method::from_bytes(text.as_bytes()).map_err(|_error| wrong())?;
        match (self, &method) {
            (_, &Method::CONNECT | &Method::TRACE) => Err(format!("has the method {method}, which is not sent")),
            (Self::Write | Self::Delete, method) if method.is_safe() => {
                Err(format!("has the method {method}, which changes nothing; give it as '{}'", self.example()))
            }
            (Self::Read | Self::List, &Method::HEAD | &Method::DELETE | &Method::OPTIONS) => Err(format!(
                "has the method {method}, whose answer does not say what is there; give it as '{}'",
                self.example()
            )),
            (Self::Write | Self::Delete | Self::Read | Self::List, _) => Ok(method),
        }
    }

    /// One that would do.
    const fn example(self) -> &'static str {
        match self {
            Self::Write => r#"POST /items {"name":"{key}"}"#,
            Self::Read => "GET /items/{id}",
            Self::List => "GET /items",
            Self::Delete => "DELETE /items/{id}",
        }
    }
}

/// Neither a key nor an id has braces in it, so what was filled in is not filled again.
fn filled(text: &str, key: &str, id: &str) -> String {
    text.replace(KEY, key).replace(ID, id)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn like(headers: HeaderMap) -> Request {
        Request::new(Method::GET, "http://h:1/".parse().unwrap(), headers, Bytes::new()).unwrap()
    }

    fn sent(text: &str, role: Role) -> String {
        let template = Template::parse(text, role).unwrap();
        let mut bytes = Vec::new();
        template.request(&like(HeaderMap::new()), "k7", Some("42")).unwrap().write_http1(false, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_with_its_key_and_id() {
        let written = sent(r#"POST /items {"name": "{key}", "of": {"a": 1}}"#, Role::Write);
        assert!(written.starts_with("POST /items HTTP/1.1\r\n"), "{written}");
        assert!(written.contains("content-type: application/json\r\n"), "{written}");
        assert!(written.ends_with("\r\n\r\n{\"name\": \"k7\", \"of\": {\"a\": 1}}"), "{written}");
        let put = sent("PUT /kv/{key} value of {key}", Role::Write);
        assert!(put.starts_with("PUT /kv/k7 HTTP/1.1\r\n") && put.ends_with("\r\n\r\nvalue of k7"), "{put}");
        assert!(!put.contains("content-type"), "{put}");
        assert!(sent("GET /items/{id}?of={key}", Role::Read).starts_with("GET /items/42?of=k7 HTTP/1.1\r\n"));
        assert!(sent("  DELETE   /items/{id}  ", Role::Delete).starts_with("DELETE /items/42 HTTP/1.1\r\n"));
        assert!(sent("GET /items?limit=1000", Role::List).starts_with("GET /items?limit=1000 HTTP/1.1\r\n"));
    }

    #[test]
    fn a_header_that_was_given_counts_more() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/vnd.x+json"));
        let template = Template::parse(r#"POST / {"a":"{key}"}"#, Role::Write).unwrap();
        let mut bytes = Vec::new();
        template.request(&like(headers), "k", None).unwrap().write_http1(false, &mut bytes);
        let written = String::from_utf8(bytes).unwrap();
        assert_eq!(written.matches("content-type").count(), 1, "{written}");
        assert!(written.contains("content-type: application/vnd.x+json\r\n"), "{written}");
    }

    #[test]
    fn what_needs_an_id_cannot_be_sent_without_one() {
        let by_id = Template::parse("GET /items/{id}", Role::Read).unwrap();
        assert!(by_id.needs_id() && by_id.request(&like(HeaderMap::new()), "k", None).is_none());
        let by_key = Template::parse("GET /items/{key}", Role::Read).unwrap();
        assert!(!by_key.needs_id() && by_key.request(&like(HeaderMap::new()), "k", None).is_some());
    }

    #[test]
    fn what_is_no_request_says_why() {
        for (text, role, says) in [
            ("", Role::Write, "does not begin with a method; give it as 'POST /items"),
            ("post /items {key}", Role::Write, "does not begin with a method"),
            ("/items {key}", Role::Write, "does not begin with a method"),
            ("POST", Role::Write, "has no path after its method"),
            ("POST items {key}", Role::Write, "no path that begins with a /"),
            ("POST http://h/{key}", Role::Write, "no path that begins with a /"),
            ("POST /items hello", Role::Write, "names no {key}"),
            ("POST /items/{id} {key}", Role::Write, "names an {id}"),
            ("GET /items/{key}", Role::Write, "has the method GET, which changes nothing"),
            ("CONNECT /{key}", Role::Write, "CONNECT, which is not sent"),
            ("POST /{name} {key}", Role::Write, "braces in its path"),
            ("POST /a#{key}", Role::Write, "a character in its path"),
            ("POST /a\u{1}{key}", Role::Write, "a character in its path"),
            ("GET /items", Role::Read, "says neither {id} nor {key}"),
            ("HEAD /items/{id}", Role::Read, "does not say what is there"),
            ("DELETE /items/{id}", Role::Read, "does not say what is there"),
            ("GET /items/{id}", Role::List, "names neither {key} nor {id}"),
            ("GET /items/{id}", Role::Delete, "changes nothing"),
            ("DELETE /items", Role::Delete, "says neither"),
        ] {
            let error = Template::parse(text, role).unwrap_err();
            assert!(error.contains(says) && error.lines().count() == 1, "{text}: {error}");
        }
        let secret = Template::parse("POST items hunter2{key}", Role::Write).unwrap_err();
        assert!(!secret.contains("hunter2"), "{secret}");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_can_be_sent(text in "(GET|POST|PUT|DELETE|PATCH| ){1,2} ?/?[ -~]{0,30}(\\{key\\}|\\{id\\})?[\\PC]{0,10}") {
            for role in [Role::Write, Role::Read, Role::List, Role::Delete] {
                let Ok(template) = Template::parse(&text, role) else { continue };
                let request = template.request(&like(HeaderMap::new()), "k1", Some("7")).unwrap();
                prop_assert_eq!(request.uri().path_and_query().unwrap().as_str(), filled(template.path(), "k1", "7"));
            }
        }
    }
}

//! Headers as they are given, and which of them are shown.

use http::{HeaderName, HeaderValue, header};

/// Nothing of it is shown: a secret that lost its name is one all the same.
const WANTED: &str = "what was given is not a header; give it as 'Name: value'";

/// `Name: value`. An error does not repeat the value, which may be a secret.
pub(crate) fn parse(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or(WANTED)?;
    let name: HeaderName = name.trim().parse().map_err(|_error| WANTED)?;
    let value: HeaderValue = value
        .trim()
        .parse()
        .map_err(|_error| format!("{name} has a value that cannot be sent in a header; give visible characters"))?;
    match name {
        header::CONNECTION => {
            Err("Connection is ours to send; a connection for each request is --disable-keepalive".into())
        }
        header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {
            Err(format!("{name} is ours to send, as the body has it; leave it out"))
        }
        name => Ok((name, value)),
    }
}

/// Whether a header's value is one that anybody may see. Others may be secrets, whatever their names.
pub(crate) fn may_be_shown(name: &str) -> bool {
    const KNOWN: [&str; 15] = [
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "expect",
        "host",
        "if-modified-since",
        "if-none-match",
        "origin",
        "pragma",
        "range",
        "traceparent",
        "user-agent",
        "x-correlation-id",
        "x-request-id",
    ];
    let name = name.trim().to_ascii_lowercase();
    name == "accept" || name.starts_with("accept-") || KNOWN.contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_people_write_them() {
        for (text, name, value) in [
            ("Accept: text/html", "accept", "text/html"),
            ("X-Url:http://h:80/", "x-url", "http://h:80/"),
            ("X-Empty:", "x-empty", ""),
        ] {
            let (got_name, got_value) = parse(text).unwrap();
            assert_eq!((got_name.as_str(), got_value.to_str().unwrap()), (name, value), "{text}");
        }
    }

    #[test]
    fn an_error_does_not_show_a_secret() {
        for text in [
            "hunter2",
            "hunter2 x: y",
            "Authorization Bearer hunter2",
            "Authorization: hunter2\u{1}",
            ": hunter2",
            "Cookie hunter2: x",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn only_known_headers_are_shown() {
        for name in ["Authorization", "cookie", "X-Api-Key", "X-Passwd", "X-JWT", "X-Pin", "Acceptor", ""] {
            assert!(!may_be_shown(name), "{name}");
        }
        for name in ["Accept", "accept-encoding", "Content-Type", "X-Request-Id ", "User-Agent"] {
            assert!(may_be_shown(name), "{name}");
        }
    }
}

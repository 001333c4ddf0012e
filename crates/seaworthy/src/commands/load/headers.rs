//! Headers as they are given, and which of them are secrets.

use http::{HeaderName, HeaderValue, header};

/// `Name: value`. An error does not repeat the value, which may be a secret.
pub(crate) fn parse(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| wanted(text))?;
    let name: HeaderName = name.trim().parse().map_err(|_error| wanted(text))?;
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

/// At most the first word is shown: what follows may be a secret.
fn wanted(text: &str) -> String {
    let word: String = text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').take(30).collect();
    format!("{word:?}... is not a header; give it as 'Name: value'")
}

/// Whether a header's value is one that nobody else should see.
pub(crate) fn is_secret(name: &str) -> bool {
    const TELLING: [&str; 9] =
        ["auth", "cookie", "token", "secret", "key", "password", "session", "signature", "credential"];
    let name = name.to_ascii_lowercase();
    TELLING.iter().any(|part| name.contains(part))
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
        for text in ["Authorization Bearer hunter2", "Authorization: hunter2\u{1}", ": hunter2", "Cookie hunter2: x"] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in ["Authorization", "cookie", "X-Api-Key", "X-Auth-Token", "Proxy-Authorization", "x-amz-signature"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["Accept", "Content-Type", "X-Request-Id", "User-Agent"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

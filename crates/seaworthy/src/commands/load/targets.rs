//! Requests from a file, in vegeta's format and with weights.
//!
//! ```text
//! # reads are nine in ten
//! GET /users 9
//!
//! POST /users 1
//! Content-Type: application/json
//! @user.json
//! ```

use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Method};

use super::headers;

/// A request as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its line in the file, from 1.
    pub(crate) line: usize,
    pub(crate) method: Method,
    /// A whole URL, or a path.
    pub(crate) url: String,
    pub(crate) weight: u32,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<PathBuf>,
}

/// What is wrong, in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Reads the file's text.
pub(crate) fn parse(text: &str) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::<Entry>::new();
    // Some editors mark a file as UTF-8 so.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |message: &str| Wrong { line: number, message: message.to_owned() };
        if let Some(file) = line.strip_prefix('@') {
            let entry = entries.last_mut().ok_or_else(|| wrong("a body comes after its request"))?;
            if file.is_empty() {
                return Err(wrong("names no file after its @"));
            }
            if entry.body.replace(file.into()).is_some() {
                return Err(wrong("is a second body for the same request"));
            }
        } else if line.split_whitespace().next().is_some_and(|word| word.contains(':')) {
            let entry = entries.last_mut().ok_or_else(|| wrong("a header comes after its request"))?;
            entry.headers.push(headers::parse(line).map_err(|error| wrong(&error))?);
        } else {
            entries.push(request(number, line).map_err(|message| wrong(&message))?);
        }
    }
    if entries.is_empty() {
        return Err(Wrong { line: 1, message: "there is no request in it; give some such as: GET /path".into() });
    }
    Ok(entries)
}

/// `METHOD URL [WEIGHT]`.
fn request(line: usize, text: &str) -> Result<Entry, String> {
    const WANTED: &str = "is not a request; give METHOD URL [WEIGHT], such as: GET /path 9";
    let mut words = text.split_whitespace();
    let method = method(words.next().unwrap_or_default()).ok_or(WANTED)?;
    let url = words.next().filter(|url| url.starts_with('/') || url.contains("://")).ok_or(WANTED)?;
    let weight = match words.next() {
        Some(weight) => weight
            .parse()
            .ok()
            .filter(|weight| *weight > 0)
            .ok_or_else(|| format!("has the weight {weight:?}; give a whole number of at least 1"))?,
        None => 1,
    };
    if words.next().is_some() {
        return Err(WANTED.into());
    }
    Ok(Entry { line, method, url: url.to_owned(), weight, headers: Vec::new(), body: None })
}

/// A method as it is registered: capitals and dashes. `get` is another method than `GET`, and a number is none.
pub(crate) fn method(text: &str) -> Option<Method> {
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    is_one.then(|| Method::from_bytes(text.as_bytes()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_as_vegeta_has_it() {
        let text = "\u{feff}# two\nGET http://h:9090/path?item=ball\n\nPOST /things 9\nX-Account-ID: 99\nX-B:c\n@/new thing.json\nHEAD /x\n";
        let entries = parse(text).unwrap();
        let urls: Vec<_> = entries.iter().map(|one| (one.line, one.method.as_str(), &*one.url, one.weight)).collect();
        assert_eq!(
            urls,
            [(2, "GET", "http://h:9090/path?item=ball", 1), (4, "POST", "/things", 9), (8, "HEAD", "/x", 1)]
        );
        assert_eq!(entries[1].headers.len(), 2);
        assert_eq!(entries[1].body, Some(PathBuf::from("/new thing.json")));
        assert_eq!(entries[2].body, None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, says) in [
            ("", 1, "there is no request in it"),
            ("# only this\n", 1, "there is no request in it"),
            ("X: y\nGET /", 1, "a header comes after its request"),
            ("\n@file\n", 2, "a body comes after its request"),
            ("GET /\n@a\n@b", 3, "a second body"),
            ("GET /\n@", 2, "names no file"),
            ("GET /\nGET\n", 2, "is not a request"),
            ("get /\n", 1, "is not a request"),
            ("GET path\n", 1, "is not a request"),
            ("GET / 0\n", 1, "has the weight \"0\""),
            ("GET / some\n", 1, "has the weight \"some\""),
            ("GET / 1 2\n", 1, "is not a request"),
            ("GET /\nConnection: close\n", 2, "--disable-keepalive"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.line == line && wrong.message.contains(says), "{text:?}: {wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text: String) {
            let _entries_or_what_is_wrong = parse(&text);
        }

        #[test]
        fn nor_is_one_that_is_almost_right(lines in proptest::collection::vec("(GET|P0ST|@| )?[ /:@#a-zA-Z0-9\u{e9}]{0,20}", 0..12)) {
            if let Ok(entries) = parse(&lines.join("\n")) {
                prop_assert!(entries.iter().all(|entry| entry.weight > 0 && entry.line <= lines.len()));
            }
        }
    }
}

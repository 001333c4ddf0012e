//! Answers that do not say where they end, and end too early.
//!
//! Without a length and without chunks an answer ends with its connection. So does one whose server dies in the middle of
//! it, and no client can tell the two apart by the protocol: only by what others were like.

use seaworthy_core::text;
use serde_json::Value;

use crate::{expectation, http1::response::KEPT_OF_UNFRAMED, workload::Answer};

/// The first good body of a request and status.
#[derive(Debug)]
struct Reference {
    status: u16,
    /// It, or as much of it as is kept.
    body: Box<[u8]>,
    length: u64,
    /// Whether it is a JSON document, and a whole one.
    json: bool,
}

/// What answers without a length to one request are compared with.
#[derive(Debug, Default)]
pub(crate) struct References(Vec<Reference>);

impl References {
    /// How an answer is cut off, in words, where that is certain. One that merely differs is not.
    pub(crate) fn cut_off(&self, answer: &Answer<'_>) -> Option<String> {
        // What is longer than what is kept of it cannot be compared to its end.
        let body = body(answer).filter(|body| body.len() as u64 == answer.length)?;
        let first = self.0.iter().find(|reference| reference.status == answer.status)?;
        let after = text::thousands(answer.length);
        if answer.length < first.length && first.body.starts_with(body) {
            let of = text::thousands(first.length);
            return Some(format!("cut off after {after} of {of} bytes: the answer says no length"));
        }
        let breaks_off = || serde_json::from_slice::<Value>(body).is_err_and(|error| error.is_eof());
        (first.json && expectation::is_json(answer.media_type) && breaks_off())
            .then(|| format!("cut off after {after} bytes, within its JSON: the answer says no length"))
    }

    /// Keeps the first good one.
    pub(crate) fn keep(&mut self, answer: &Answer<'_>) {
        let Some(body) = body(answer) else { return };
        if self.0.iter().any(|reference| reference.status == answer.status) {
            return;
        }
        let json = expectation::is_json(answer.media_type) && serde_json::from_slice::<Value>(body).is_ok();
        self.0.push(Reference { status: answer.status, body: body.into(), length: answer.length, json });
    }
}

/// The body of an answer without a length, as far as it is kept of any.
fn body<'a>(answer: &Answer<'a>) -> Option<&'a [u8]> {
    (!answer.framed).then(|| answer.body.get(..KEPT_OF_UNFRAMED).unwrap_or(answer.body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer<'a>(media_type: &'static str, body: &'a [u8]) -> Answer<'a> {
        Answer {
            status: 200,
            media_type: media_type.as_bytes(),
            location: b"",
            first_byte: body.first().copied(),
            body: &body[..body.len().min(KEPT_OF_UNFRAMED)],
            length: body.len() as u64,
            framed: false,
        }
    }

    /// What is said of a body after another one.
    fn after(first: &str, then: &str, media_type: &'static str) -> Option<String> {
        let mut references = References::default();
        references.keep(&answer(media_type, first.as_bytes()));
        references.cut_off(&answer(media_type, then.as_bytes()))
    }

    #[test]
    fn the_beginning_of_what_was_whole_before_is_cut_off() {
        let said = after(&"x".repeat(4_096), &"x".repeat(512), "text/plain");
        assert_eq!(said.as_deref(), Some("cut off after 512 of 4,096 bytes: the answer says no length"));
        assert!(after("hello", "", "text/plain").is_some());
    }

    #[test]
    fn what_merely_differs_is_not() {
        for (first, then, media_type) in [
            ("hello", "hello", "text/plain"),
            ("hello", "hello, world", "text/plain"),
            ("hello", "help", "text/plain"),
            (r#"{"a":1}"#, r#"{"a":2}"#, "application/json"),
            (r#"{"a":1}"#, "error", "application/json"),
            (r#"{"a":1}"#, r#"{"b":"#, "text/plain"),
            ("no JSON", r#"{"b":"#, "application/json"),
        ] {
            assert_eq!(after(first, then, media_type), None, "{first} {then}");
        }
    }

    #[test]
    fn json_that_breaks_off_is_cut_off_also_where_it_differs() {
        let said = after(r#"{"at":1}"#, r#"{"at":2,"of":["#, "application/json; charset=utf-8");
        assert_eq!(said.as_deref(), Some("cut off after 14 bytes, within its JSON: the answer says no length"));
    }

    #[test]
    fn what_says_its_length_and_other_statuses_are_left_alone() {
        let mut references = References::default();
        references.keep(&Answer { framed: true, ..answer("text/plain", b"framed") });
        assert_eq!(references.cut_off(&answer("text/plain", b"fr")), None);
        references.keep(&answer("text/plain", b"hello"));
        assert_eq!(references.cut_off(&Answer { framed: true, ..answer("text/plain", b"he") }), None);
        assert_eq!(references.cut_off(&Answer { status: 201, ..answer("text/plain", b"he") }), None);
        assert!(references.cut_off(&answer("text/plain", b"he")).is_some());
    }

    #[test]
    fn of_a_long_one_its_beginning_is_enough() {
        let long = vec![b'x'; 3 * KEPT_OF_UNFRAMED];
        let mut references = References::default();
        references.keep(&answer("text/plain", &long));
        assert!(references.cut_off(&answer("text/plain", &long[..1_000])).is_some());
        // Where more came than is kept, nobody can know whether the rest was the same.
        assert_eq!(references.cut_off(&answer("text/plain", &long[..2 * KEPT_OF_UNFRAMED])), None);
    }

    proptest! {
        #[test]
        fn only_a_beginning_is_cut_off(first in "[ab]{0,6}", then in "[ab]{0,6}") {
            let is_beginning = first.len() > then.len() && first.starts_with(&then);
            prop_assert_eq!(after(&first, &then, "text/plain").is_some(), is_beginning);
        }
    }
}

//! Which answers are good.

use std::{ops::RangeInclusive, str::FromStr};

/// Which answers are good.
///
/// By default a status from 200 to 299 or from 300 to 399, as the first good one's, and a body that has its shape: the same
/// media type, the same kind of JSON, and not empty where that was not. So an error's text behind a 200 is noticed, and a
/// redirection to an error's page. Where statuses are named, bodies are compared by status.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The statuses; those like the first good one, of 200 to 399, where there is none.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What the body must contain.
    pub body: Option<Box<[u8]>>,
    /// Whether the shape of a body does not matter.
    pub any_shape: bool,
}

/// Statuses as they are written: `200`, `2xx`, `200-299`, with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(pub Vec<RangeInclusive<u16>>);

impl FromStr for Statuses {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "is not a list of statuses; give some such as 200, 2xx or 200-204,404";
        let status = |text: &str| -> Result<u16, &'static str> {
            text.parse().ok().filter(|status| (100..=599).contains(status)).ok_or(WANTED)
        };
        let range = |text: &str| match text.trim() {
            "1xx" => Ok(100..=199),
            "2xx" => Ok(200..=299),
            "3xx" => Ok(300..=399),
            "4xx" => Ok(400..=499),
            "5xx" => Ok(500..=599),
            text => match text.split_once('-') {
                Some((from, to)) => {
                    let range = status(from)?..=status(to)?;
                    if range.is_empty() { Err(WANTED) } else { Ok(range) }
                }
                None => status(text).map(|one| one..=one),
            },
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

impl Expectation {
    /// Whether a status is good.
    pub fn status_is_good(&self, status: u16) -> bool {
        if self.statuses.is_empty() {
            (200..400).contains(&status)
        } else {
            self.statuses.iter().any(|range| range.contains(&status))
        }
    }
}

/// What the first good body was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The media type, without its parameters, in a hash.
    media_type: u64,
    /// What its JSON begins with, if it is JSON.
    json: Option<Json>,
    empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Json {
    Object,
    Array,
    Text,
    Other,
}

impl Shape {
    pub(crate) fn of(media_type: &[u8], first_byte: Option<u8>) -> Self {
        let media_type = bare(media_type);
        let json = is_json(media_type).then_some(match first_byte {
            Some(b'{') => Json::Object,
            Some(b'[') => Json::Array,
            Some(b'"') => Json::Text,
            _ => Json::Other,
        });
        Self { media_type: hash(media_type), json, empty: first_byte.is_none() }
    }

    /// How it contradicts the first good one.
    pub(crate) fn contradicts(self, first: Self) -> Option<&'static str> {
        if self == first || (first.empty && self.media_type == first.media_type) {
            None
        } else if self.empty {
            Some("its body is empty, where the first good one was not")
        } else if self.media_type != first.media_type {
            Some("its media type is not that of the first good answer")
        } else {
            Some("its JSON is of another kind than that of the first good answer")
        }
    }
}

/// A media type without its parameters.
fn bare(media_type: &[u8]) -> &[u8] {
    media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Whether a media type is one of JSON's.
pub(crate) fn is_json(media_type: &[u8]) -> bool {
    let media_type = bare(media_type);
    media_type.ends_with(b"json") || media_type.ends_with(b"JSON")
}

/// FNV-1a, without regard to case: enough to tell media types apart.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_as_people_write_them() {
        assert_eq!("200".parse(), Ok(Statuses(vec![200..=200])));
        assert_eq!("2xx,404".parse(), Ok(Statuses(vec![200..=299, 404..=404])));
        assert_eq!("200-204, 304".parse(), Ok(Statuses(vec![200..=204, 304..=304])));
        for text in ["", "20", "600", "2x", "200-", "299-200", "ok"] {
            assert!(text.parse::<Statuses>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_errors_text_behind_a_200_is_noticed() {
        let users = Shape::of(b"application/json", Some(b'['));
        assert!(Shape::of(b"application/json", Some(b'"')).contradicts(users).is_some());
        assert!(Shape::of(b"text/html; charset=utf-8", Some(b'<')).contradicts(users).is_some());
        assert!(Shape::of(b"application/json", None).contradicts(users).is_some());
        assert_eq!(Shape::of(b"Application/JSON;charset=utf-8", Some(b'[')).contradicts(users), None);
        let page = Shape::of(b"text/plain", Some(b'a'));
        assert_eq!(Shape::of(b"text/plain", Some(b'b')).contradicts(page), None);
        let nothing = Shape::of(b"text/plain", None);
        assert_eq!(page.contradicts(nothing), None);
    }
}

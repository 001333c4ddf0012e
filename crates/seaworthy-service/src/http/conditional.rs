//! `If-Match` and `If-None-Match` (RFC 9110, 13.1).

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::Problem;
use crate::store::Condition;

/// What a header says: any representation, or one of these tags.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    /// Quotes included; `W/` is kept.
    OneOf(Vec<String>),
}

/// The condition of a change. `If-Match: *` asks only that the user exists, which a change needs anyway.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Condition, Problem> {
    Ok(match tags(headers, &header::IF_MATCH)? {
        None | Some(Tags::Any) => Condition::Always,
        // The comparison is strong: a weak tag never matches (RFC 9110, 13.1.1).
        Some(Tags::OneOf(tags)) => Condition::TagIn(tags),
    })
}

/// Whether the client has this representation already.
pub(super) fn has_it(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
    Ok(match tags(headers, &header::IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        // The comparison is weak (RFC 9110, 13.1.2).
        Some(Tags::OneOf(tags)) => tags.iter().any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag),
    })
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        let parsed = value.to_str().ok().and_then(parse);
        match parsed {
            Some(Tags::Any) => return Ok(Some(Tags::Any)),
            Some(Tags::OneOf(tags)) => all.extend(tags),
            None => {
                let detail = format!("{name} must be * or a list of entity tags in double quotes.");
                return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
            }
        }
    }
    Ok((!all.is_empty()).then_some(Tags::OneOf(all)))
}

fn parse(value: &str) -> Option<Tags> {
    if value.trim() == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    let mut rest = value.trim_start();
    loop {
        let opaque = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (inside, after) = opaque.split_once('"')?;
        let weak = if rest.starts_with("W/") { "W/" } else { "" };
        tags.push(format!("{weak}\"{inside}\""));
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(Tags::OneOf(tags));
        }
        rest = rest.strip_prefix(',')?.trim_start();
        if rest.is_empty() {
            return Some(Tags::OneOf(tags));
        }
    }
}

#[cfg(fuzzing)]
pub(super) fn judge(value: &str) {
    let _judged = parse(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_of_tags() {
        let list = |tags: &[&str]| Some(Tags::OneOf(tags.iter().map(ToString::to_string).collect()));
        assert_eq!(parse(" * "), Some(Tags::Any));
        assert_eq!(parse(r#""a""#), list(&[r#""a""#]));
        assert_eq!(parse(r#""a", W/"b,c" ,"""#), list(&[r#""a""#, r#"W/"b,c""#, r#""""#]));
        for bad in ["", "a", "\"a", r#""a" "b""#, "W/", "w/\"a\"", ","] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged_without_a_panic(value in "[\\x20-\\x7e]{0,40}") {
            let _judged = parse(&value);
        }
    }
}

//! Request bodies: bounded in size and time, JSON objects only, each field checked by name.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::Problem;
use crate::{app::App, telemetry::metrics::Refused};

/// The members of a JSON object, in order, each name once. What is taken out is known; what is left at the
/// end is not.
#[derive(Debug)]
pub(super) struct Fields {
    members: Vec<(String, Value)>,
    wrong: Vec<(String, Cow<'static, str>)>,
}

/// Reads the body as a JSON object, sent as one of these media types.
pub(super) async fn json_object(
    app: &App,
    headers: &HeaderMap,
    body: Incoming,
    types: &[&'static str],
) -> Result<Fields, Problem> {
    is_json(headers, types)?;
    Fields::parse(&read(app, headers, body).await?)
}

async fn read(app: &App, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Problem> {
    let most = app.config.limits.body_bytes;
    let refused = |reason, status, detail: String| {
        app.metrics.refused(reason);
        // The rest of the body is not worth reading, so the connection cannot be used again.
        Err(Problem::new(status, detail).with_header(header::CONNECTION, "close"))
    };
    let too_large = || {
        let detail = format!("The body may have at most {most} bytes.");
        refused(Refused::BodyBytes, StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    // A body that says how large it is can be refused before it is sent.
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: u64| said > most as u64) {
        return too_large();
    }
    // A little less than the request has in all, so that it is this that is told.
    let patience = app.config.limits.request_timeout.mul_f32(0.9);
    match tokio::time::timeout(patience, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(error)) => {
            tracing::debug!(error, "a body did not arrive");
            refused(Refused::Malformed, StatusCode::BAD_REQUEST, "The body did not arrive whole.".into())
        }
        Err(_elapsed) => {
            let detail = "The body did not arrive in time.".into();
            refused(Refused::RequestTimeout, StatusCode::REQUEST_TIMEOUT, detail)
        }
    }
}

/// 415 unless the body is said to be of one of these media types.
fn is_json(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let wanted = types.join(" or ");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("Send JSON with Content-Type: {wanted}."))
        .with_header(header::ACCEPT, types.join(", ")))
}

impl Fields {
    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let bad = |detail: String| Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return bad("The body is empty; send a JSON object.".into());
        }
        match serde_json::from_slice::<Members>(bytes) {
            Ok(Members(members)) => {
                let mut seen: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                seen.sort_unstable();
                let twice = seen.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned());
                match twice {
                    Some(name) => Err(Problem::fields(vec![(shown(&name), "is given twice".into())])),
                    None => Ok(Self { members, wrong: Vec::new() }),
                }
            }
            Err(error) if error.is_data() => {
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "The body must be a JSON object."))
            }
            Err(error) => bad(format!("The body is not JSON: {error}.")),
        }
    }

    /// Takes a field that must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        check: fn(String) -> Result<T, &'static str>,
    ) -> Option<T> {
        let there = self.members.iter().any(|(member, _)| member == name);
        if !there {
            self.wrong.push((name.into(), "is missing".into()));
        }
        self.optional(name, check)
    }

    /// Takes a field that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        check: fn(String) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let kind = kind(&value);
        let checked = match value {
            Value::String(text) => check(text).map_err(Cow::Borrowed),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(format!("must be a string, not {kind}").into())
            }
        };
        checked.map_err(|detail| self.wrong.push((name.into(), detail))).ok()
    }

    /// Takes a field as it is.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.swap_remove(place).1)
    }

    /// Whether a field is missing, `null` or an empty string.
    pub(super) fn lacks(&self, name: &str) -> bool {
        self.members.iter().find(|(member, _)| member == name).is_none_or(|(_, value)| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
        })
    }

    /// Says what was wrong, unknown fields included.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        self.wrong
            .extend(self.members.into_iter().map(|(name, _)| (shown(&name), "is not a field of this request".into())));
        if self.wrong.is_empty() { Ok(()) } else { Err(Problem::fields(self.wrong)) }
    }
}

/// A field's name as the client wrote it, short enough to be shown.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A JSON object that keeps every member, also those with the same name.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Members, A::Error> {
                // Read to its end, so that what is no JSON at all is told apart from what is no object.
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                Err(de::Error::custom("an array"))
            }
        }
        deserializer.deserialize_any(All)
    }
}

#[cfg(fuzzing)]
pub(super) fn judge(bytes: &[u8]) {
    let _judged = Fields::parse(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Name;
    use proptest::prelude::*;

    fn refused(body: &str) -> (u16, String) {
        let problem = match Fields::parse(body.as_bytes()) {
            Ok(mut fields) => {
                fields.required("name", Name::new);
                fields.finish().unwrap_err()
            }
            Err(problem) => problem,
        };
        (problem.status().as_u16(), format!("{problem:?}"))
    }

    #[test]
    fn what_is_wrong_is_said_by_name() {
        for (body, status, says) in [
            ("", 400, "empty"),
            ("{", 400, "not JSON"),
            ("{\"name\":\"\\ud800\"}", 400, "not JSON"),
            ("[1,", 400, "not JSON"),
            ("[]", 422, "must be a JSON object"),
            ("7", 422, "must be a JSON object"),
            ("{}", 422, "name: is missing"),
            (r#"{"name":7}"#, 422, "name: must be a string, not a number"),
            (r#"{"name":null}"#, 422, "name: must be a string, not null"),
            (r#"{"name":"a","nmae":"b"}"#, 422, "nmae: is not a field"),
            (r#"{"name":"a","name":"b"}"#, 422, "name: is given twice"),
            (r#"{"name":"","x":1}"#, 422, "name: must not be empty; x: is not a field"),
        ] {
            let (got, problem) = refused(body);
            assert!(got == status && problem.contains(says), "{body}: {got} {problem}");
        }
    }

    #[test]
    fn depth_without_end_is_refused() {
        let (status, _) = refused(&"[".repeat(100_000));
        assert_eq!(status, 400);
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _judged = Fields::parse(&bytes);
        }
    }
}

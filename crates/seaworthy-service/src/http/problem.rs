//! Errors as `application/problem+json` (RFC 9457): a `detail` that says what to change.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::Response;
use crate::{password::PasswordError, store::StoreError};

/// Why a request was not done, in words for whoever sent it.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    detail: Cow<'static, str>,
    fields: Vec<Field>,
    headers: Vec<(HeaderName, String)>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize)]
struct Field {
    field: String,
    detail: Cow<'static, str>,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Field],
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts { status, detail: detail.into(), fields: Vec::new(), headers: Vec::new() }))
    }

    /// 422: one or more fields are wrong.
    pub(crate) fn fields(fields: Vec<(String, Cow<'static, str>)>) -> Self {
        let detail = fields.iter().map(|(field, detail)| format!("{field}: {detail}")).collect::<Vec<_>>().join("; ");
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        problem.0.fields = fields.into_iter().map(|(field, detail)| Field { field, detail }).collect();
        problem
    }

    /// 500: a bug of ours. The reason is for the log only.
    pub(crate) fn internal(reason: &str) -> Self {
        tracing::error!(reason, "a request failed inside");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong inside the service; its log says what.")
    }

    /// 404: no such user.
    pub(crate) fn no_such_user() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no user with this id.")
    }

    /// 409: another user has this email.
    pub(crate) fn email_taken() -> Self {
        Self::new(StatusCode::CONFLICT, "Another user has this email; choose another one.")
    }

    /// 503: come back later.
    pub(crate) fn later(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header(header::RETRY_AFTER, "1")
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What a failed read or write comes to. A write whose answer was lost may have been done: the client
    /// must hear that, since sending it again is then not harmless.
    pub(crate) fn from_store(error: &StoreError, wrote: bool) -> Self {
        const UNSURE: &str =
            "Whether the change was made is not known: read it back, or use an Idempotency-Key to create.";
        let what = match error {
            StoreError::Away(_) => "The database is away.",
            StoreError::Busy(_) => "The database is busy.",
            StoreError::Refused(reason) => return Self::internal(reason),
        };
        if wrote { Self::later(format!("{what} {UNSURE}")) } else { Self::later(format!("{what} Try again.")) }
    }

    pub(crate) fn into_response(self) -> Response {
        let Parts { status, detail, fields, headers } = *self.0;
        let body = Body {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &detail,
            errors: &fields,
        };
        // Strings and numbers always serialize.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body).into());
        *response.status_mut() = status;
        let all = response.headers_mut();
        all.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                all.insert(name, value);
            }
        }
        response
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::later("Too many passwords are being hashed. Try again."),
            PasswordError::Failed(reason) => Self::internal(&reason),
        }
    }
}

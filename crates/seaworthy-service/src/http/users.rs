//! The users API, version 1.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Answer, Exchange, Problem, Response,
    body::{Fields, json_object},
    conditional, empty, json, long_json,
};
use crate::{
    app::{App, now_us},
    store::{Change, Changed, Condition, Created, NewUser, Once, Page, Record, StoredPassword},
    users::{Email, Name, Password, User, fold, hex},
};

pub(super) const JSON: &[&str] = &["application/json"];
const MERGE_PATCH: &[&str] = &["application/json", "application/merge-patch+json"];

/// Users on one page of the list.
const LIMIT_DEFAULT: u32 = 100;
pub(super) const LIMIT_MAX: u32 = 1000;

pub(super) async fn create(Exchange { app, head, body, .. }: Exchange) -> Answer {
    let key = idempotency_key(&head.headers)?;
    let mut fields = json_object(&app, &head.headers, body, JSON).await?;
    let name = fields.required("name", Name::new);
    let email = fields.required("email", Email::new);
    let password = fields.optional("password", Password::new);
    fields.finish()?;
    let (Some(name), Some(email)) = (name, email) else { return Err(Problem::internal("a field went unchecked")) };
    let wanted = Wanted { name, email, password };
    let Some(key) = key else {
        let outcome = store(&app, wanted, None).await?;
        return match outcome {
            Created::New(user) => Ok(created(&user)),
            Created::EmailTaken | Created::Before(_) => Err(Problem::email_taken()),
        };
    };
    // A repeated request is answered before a password is hashed for nothing.
    let question = key.clone();
    let before = app.database.ask("recall", |store| store.recall(&question)).await;
    let before = before.map_err(|error| Problem::from_store(&error, false))?;
    if let Some(record) = before {
        return again(&app, &wanted, record).await;
    }
    let once = Once { key, fingerprint: wanted.fingerprint() };
    let outcome = store(&app, wanted.clone(), Some(once)).await?;
    match outcome {
        Created::New(user) => Ok(created(&user)),
        Created::EmailTaken => Err(Problem::email_taken()),
        Created::Before(record) => again(&app, &wanted, record).await,
    }
}

/// A user that a client wants to have.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) name: Name,
    pub(super) email: Email,
    pub(super) password: Option<Password>,
}

impl Wanted {
    /// What makes two requests the same request, the password apart: a digest of that would be easy to
    /// guess from.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.name.as_str().as_bytes());
        hash.update([0]);
        hash.update(self.email.as_str().as_bytes());
        hash.update([0, u8::from(self.password.is_some())]);
        hex(&hash.finalize())
    }
}

pub(super) async fn store(app: &App, wanted: Wanted, once: Option<Once>) -> Result<Created, Problem> {
    let password_hash = hashed(app, wanted.password).await?;
    let new = NewUser { name: wanted.name, email: wanted.email, password_hash, now_us: now_us() };
    let created = app.database.ask("create", |store| store.create(new, once)).await;
    created.map_err(|error| Problem::from_store(&error, true))
}

pub(super) async fn hashed(app: &App, password: Option<Password>) -> Result<Option<String>, Problem> {
    match password {
        Some(password) => Ok(Some(app.passwords.hash(password).await?)),
        None => Ok(None),
    }
}

/// Answers a key that was answered before: the same to the same request, 422 to another.
async fn again(app: &App, wanted: &Wanted, record: Record) -> Answer {
    let user = match &record.response {
        Some(json) => Some(
            serde_json::from_str::<User>(json)
                .map_err(|error| Problem::internal(&format!("a remembered answer cannot be read: {error}")))?,
        ),
        None => None,
    };
    let same = record.fingerprint == wanted.fingerprint()
        && match (&wanted.password, record.password_hash) {
            (Some(password), Some(hash)) => {
                // It tells whether the password is right, so it is a guess like any other.
                let bucket = user.as_ref().map_or(0, |user| user.id);
                attempt(app, bucket)?;
                let right = app.passwords.verify(password.clone(), hash).await?;
                if right {
                    app.attempts.forgive(bucket);
                }
                right
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
    if !same {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was used for another request; a new request needs a new key.",
        ));
    }
    user.map(|user| created(&user)).ok_or_else(Problem::email_taken)
}

/// 429 where a user's password has been tried too often.
fn attempt(app: &App, user: i64) -> Result<(), Problem> {
    app.attempts.take(user, tokio::time::Instant::now()).map_err(|wait| {
        let detail = "Too many passwords were tried for this user; wait as Retry-After says.";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .with_header(header::RETRY_AFTER, wait.as_secs().max(1).to_string())
    })
}

/// 1 to 255 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let visible = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || key.len() > 255 || values.next().is_some() {
        let detail = "Idempotency-Key must be given once, with 1 to 255 visible ASCII characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(Some(key.to_owned()))
}

fn created(user: &User) -> Response {
    let mut response = shown(user);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/users/{}", user.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A user with its tag.
fn shown(user: &User) -> Response {
    // Strings and numbers always serialize.
    let mut response = json(serde_json::to_vec(user).unwrap_or_default());
    if let Ok(etag) = HeaderValue::from_str(&user.etag()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    limit: Option<String>,
    after: Option<String>,
    q: Option<String>,
}

impl Query {
    fn page(self) -> Result<Page, Problem> {
        let wrong = |field: &str, detail: &'static str| Problem::fields(vec![(field.into(), detail.into())]);
        let limit = match self.limit.map(|limit| digits(&limit)) {
            None => LIMIT_DEFAULT,
            Some(Some(limit @ 1..=LIMIT_MAX)) => limit,
            Some(_) => return Err(wrong("limit", "must be a number from 1 to 1000")),
        };
        let after = match self.after.map(|after| digits(&after)) {
            None => 0,
            Some(Some(after @ 0..)) => after,
            Some(_) => return Err(wrong("after", "must be the next of an earlier page")),
        };
        let query = self.q.filter(|query| !query.is_empty());
        if query.as_ref().is_some_and(|query| query.chars().any(char::is_control) || query.chars().count() > 255) {
            return Err(wrong("q", "must have at most 255 characters, none a control character"));
        }
        Ok(Page { after, limit, query: query.map(|query| fold(&query)) })
    }
}

#[derive(Serialize)]
struct Listed<'a> {
    items: &'a [User],
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(super) async fn list(Exchange { app, head, .. }: Exchange) -> Answer {
    let query = serde_urlencoded::from_str::<Query>(head.uri.query().unwrap_or_default())
        .map_err(|error| Problem::fields(vec![("query".into(), error.to_string().into())]))?;
    let mut page = query.page()?;
    let limit = page.limit as usize;
    // One more than is shown, to know whether there is a next page.
    page.limit += 1;
    let users = app.database.ask("list", |store| store.list(page)).await;
    let mut users = users.map_err(|error| Problem::from_store(&error, false))?;
    let more = users.len() > limit;
    users.truncate(limit);
    let next = users.last().filter(|_| more).map(|last| last.id.to_string());
    long_json(&app, serde_json::to_vec(&Listed { items: &users, next }).unwrap_or_default())
}

pub(super) async fn find(app: &App, id: Option<&str>) -> Result<User, Problem> {
    let id = number(id)?;
    let user = app.database.ask("get", |store| store.get(id)).await;
    user.map_err(|error| Problem::from_store(&error, false))?.ok_or_else(Problem::no_such_user)
}

/// The path's number. One that is no number, or past what a user can have, is a user that does not exist.
pub(super) fn number(id: Option<&str>) -> Result<i64, Problem> {
    id.and_then(digits).filter(|id| *id > 0).ok_or_else(Problem::no_such_user)
}

/// A number in digits alone: a sign or a space would be another spelling of the same user.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

pub(super) async fn get(Exchange { app, head, id, .. }: Exchange) -> Answer {
    let user = find(&app, id.as_deref()).await?;
    let mut response = shown(&user);
    if conditional::has_it(&head.headers, &user.etag())? {
        let etag = response.headers_mut().remove(header::ETAG);
        response = empty(StatusCode::NOT_MODIFIED);
        if let Some(etag) = etag {
            response.headers_mut().insert(header::ETAG, etag);
        }
    }
    Ok(response)
}

pub(super) async fn replace(Exchange { app, head, body, id }: Exchange) -> Answer {
    let id = number(id.as_deref())?;
    let condition = conditional::if_match(&head.headers)?;
    let mut fields = json_object(&app, &head.headers, body, JSON).await?;
    let name = fields.required("name", Name::new);
    let email = fields.required("email", Email::new);
    update(&app, id, condition, name, email, fields).await
}

pub(super) async fn patch(Exchange { app, head, body, id }: Exchange) -> Answer {
    let id = number(id.as_deref())?;
    let condition = conditional::if_match(&head.headers)?;
    let mut fields = json_object(&app, &head.headers, body, MERGE_PATCH).await?;
    let name = fields.optional("name", Name::new);
    let email = fields.optional("email", Email::new);
    update(&app, id, condition, name, email, fields).await
}

async fn update(
    app: &App,
    id: i64,
    condition: Condition,
    name: Option<Name>,
    email: Option<Email>,
    mut fields: Fields,
) -> Answer {
    let password = fields.optional("password", Password::new);
    fields.finish()?;
    let password_hash = hashed(app, password).await?;
    let change = Change { name, email, password_hash, now_us: now_us() };
    changed(app, id, change, condition).await.map(|user| shown(&user))
}

pub(super) async fn changed(app: &App, id: i64, change: Change, condition: Condition) -> Result<User, Problem> {
    let changed = app.database.ask("update", |store| store.update(id, change, condition)).await;
    done(changed.map_err(|error| Problem::from_store(&error, true))?)
}

pub(super) async fn removed(app: &App, id: i64, condition: Condition) -> Result<(), Problem> {
    let changed = app.database.ask("delete", |store| store.delete(id, condition)).await;
    done(changed.map_err(|error| Problem::from_store(&error, true))?)
}

fn done<T>(changed: Changed<T>) -> Result<T, Problem> {
    match changed {
        Changed::Done(value) => Ok(value),
        Changed::NoSuchUser => Err(Problem::no_such_user()),
        Changed::EmailTaken => Err(Problem::email_taken()),
        Changed::ConditionFailed => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "The user has changed since you read it; read it again and send its new ETag in If-Match.",
        )),
    }
}

pub(super) async fn delete(Exchange { app, head, id, .. }: Exchange) -> Answer {
    let id = number(id.as_deref())?;
    let condition = conditional::if_match(&head.headers)?;
    removed(&app, id, condition).await.map(|()| empty(StatusCode::NO_CONTENT))
}

pub(super) async fn verify(Exchange { app, head, body, id }: Exchange) -> Answer {
    let id = number(id.as_deref())?;
    let mut fields = json_object(&app, &head.headers, body, JSON).await?;
    // A password of any length may be asked about: those from the tutorials' routes can be short.
    let password = fields.required("password", Password::any);
    fields.finish()?;
    let Some(password) = password else { return Err(Problem::internal("a field went unchecked")) };
    attempt(&app, id)?;
    let stored = app.database.ask("password", |store| store.password(id)).await;
    let stored = stored.map_err(|error| Problem::from_store(&error, false))?;
    let right = match stored {
        StoredPassword::NoSuchUser => return Err(Problem::no_such_user()),
        StoredPassword::NoPassword => false,
        StoredPassword::Hash(hash) => app.passwords.verify(password, hash).await?,
    };
    if !right {
        return Err(Problem::new(StatusCode::FORBIDDEN, "This is not the user's password."));
    }
    app.attempts.forgive(id);
    Ok(empty(StatusCode::NO_CONTENT))
}

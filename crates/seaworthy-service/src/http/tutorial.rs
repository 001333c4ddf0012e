//! The tutorials' routes, with the answers that their texts show.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::{
    Answer, Exchange, Problem, Response,
    body::{Fields, json_object},
    json, long_json,
    users::{self, JSON, LIMIT_MAX, Wanted},
};
use crate::{
    app::now_us,
    store::{Change, Condition, Created, Page},
    users::{Email, Name, Password, User},
};

/// The most users in the unpaged list. Past it the answer would be more than memory should hold.
const ALL: usize = 20_000;

pub(super) async fn create(Exchange { app, head, body, .. }: Exchange) -> Answer {
    let mut fields = json_object(&app, &head.headers, body, JSON).await?;
    if ["name", "email", "pwd"].iter().any(|name| fields.lacks(name)) {
        return Ok(please("Please provide name, email and pwd"));
    }
    let (name, email, password) = who(&mut fields);
    fields.finish()?;
    let (Some(name), Some(email)) = (name, email) else { return Err(Problem::internal("a field went unchecked")) };
    let outcome = users::store(&app, Wanted { name, email, password }, None).await?;
    match outcome {
        Created::New(_) => Ok(said("User created successfully!")),
        Created::EmailTaken | Created::Before(_) => Err(Problem::email_taken()),
    }
}

pub(super) async fn update(Exchange { app, head, body, .. }: Exchange) -> Answer {
    let mut fields = json_object(&app, &head.headers, body, JSON).await?;
    if ["user_id", "name", "email", "pwd"].iter().any(|name| fields.lacks(name)) {
        return Ok(please("Please provide id, name, email and pwd"));
    }
    let id = match fields.take("user_id") {
        Some(Value::Number(id)) => id.to_string(),
        // As it comes out of a form or a path.
        Some(Value::String(id)) => id,
        _ => return Err(Problem::fields(vec![("user_id".into(), "must be a number".into())])),
    };
    let (name, email, password) = who(&mut fields);
    fields.finish()?;
    let id = users::number(Some(&id))?;
    let password_hash = users::hashed(&app, password).await?;
    let change = Change { name, email, password_hash, now_us: now_us() };
    users::changed(&app, id, change, Condition::Always).await?;
    Ok(said("User updated successfully!"))
}

fn who(fields: &mut Fields) -> (Option<Name>, Option<Email>, Option<Password>) {
    (fields.required("name", Name::new), fields.required("email", Email::new), fields.required("pwd", Password::any))
}

pub(super) async fn list(Exchange { app, .. }: Exchange) -> Answer {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.id);
        let page = Page { after, limit: LIMIT_MAX, query: None };
        let users = app.database.ask("list", |store| store.list(page)).await;
        let users = users.map_err(|error| Problem::from_store(&error, false))?;
        let last = users.len() < LIMIT_MAX as usize;
        all.extend(users);
        if last {
            return long_json(&app, serde_json::to_vec(&all).unwrap_or_default());
        }
        if all.len() >= ALL {
            let detail = "There are too many users for one list; read them in pages from GET /v1/users.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
    }
}

pub(super) async fn get(Exchange { app, id, .. }: Exchange) -> Answer {
    let user = users::find(&app, id.as_deref()).await?;
    Ok(json(serde_json::to_vec(&user).unwrap_or_default()))
}

pub(super) async fn delete(Exchange { app, id, .. }: Exchange) -> Answer {
    users::removed(&app, users::number(id.as_deref())?, Condition::Always).await?;
    Ok(said("User deleted successfully!"))
}

/// A sentence as a JSON string, as the tutorials print it.
fn said(sentence: &'static str) -> Response {
    json(Bytes::from(format!("\"{sentence}\"\n")))
}

fn please(sentence: &'static str) -> Response {
    let mut response = said(sentence);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

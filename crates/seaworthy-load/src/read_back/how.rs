//! How each kind of write is read back: which request, and what its answer says.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::Method;
use seaworthy_core::ledger::{Key, State, ToRead};
use serde_json::Value;

use super::Errand;
use crate::{
    plan::{UsersPlan, Workload, WritesPlan},
    request::Request,
    users::collection,
    workload::{Answer, MOST_BODY},
    writes::name,
};

/// Bytes of a list that are looked at: 200,000 entries of some hundred bytes.
const MOST_LIST: usize = 64 << 20;

/// How the writes of a run are read back.
#[derive(Debug)]
pub(super) enum How {
    Users(Arc<UsersPlan>),
    Writes(Arc<WritesPlan>),
}

impl How {
    pub(super) fn of(workload: &Workload) -> Option<Arc<Self>> {
        match workload {
            Workload::Requests(_) => None,
            Workload::Users(plan) => Some(Arc::new(Self::Users(Arc::clone(plan)))),
            Workload::Writes(plan) => Some(Arc::new(Self::Writes(Arc::clone(plan)))),
        }
    }

    pub(super) fn has_list(&self) -> bool {
        matches!(self, Self::Writes(plan) if plan.list.is_some())
    }

    pub(super) fn deletes(&self) -> bool {
        match self {
            Self::Users(plan) => plan.clean_up,
            Self::Writes(plan) => plan.delete.is_some(),
        }
    }

    /// What is sent; nothing where what it needs is not known.
    pub(super) fn request(&self, errand: &Errand) -> Option<Request> {
        match self {
            Self::Users(plan) => of_users(&plan.like, errand),
            Self::Writes(plan) => {
                let like = &plan.like;
                match errand {
                    Errand::Control => plan.read.request(like, &never(plan), Some(&never(plan))),
                    Errand::Read(record) => plan.read.request(like, &record.name, record.id.as_deref()),
                    Errand::List => plan.list.as_ref()?.request(like, "", None),
                    Errand::Delete(record) => plan.delete.as_ref()?.request(like, &record.name, record.id.as_deref()),
                }
            }
        }
    }

    /// A request that does no harm.
    pub(super) fn idle(&self) -> Request {
        let like = match self {
            Self::Users(plan) => &plan.like,
            Self::Writes(plan) => &plan.like,
        };
        like.with(Method::GET, "/", Bytes::new())
    }

    /// Bytes of the answer that are wanted.
    pub(super) const fn wanted(errand: &Errand) -> usize {
        match errand {
            Errand::Control | Errand::Read(_) => MOST_BODY,
            Errand::List => MOST_LIST,
            Errand::Delete(_) => 0,
        }
    }

    /// What an answer says of a record, and the same in words; nothing where it says nothing.
    pub(super) fn read(&self, record: &ToRead, answer: &Answer<'_>) -> Option<(State, String)> {
        if matches!(answer.status, 404 | 410) {
            return Some((State::Absent, answer.status.to_string()));
        }
        if !(200..300).contains(&answer.status) {
            return None;
        }
        match self {
            Self::Users(_) => user(record, answer),
            Self::Writes(_) if contains(answer.body, &record.name) => {
                Some((State::Value(record.name.clone()), answer.status.to_string()))
            }
            // It may be in the part that was not looked at.
            Self::Writes(_) if answer.length > answer.body.len() as u64 => None,
            Self::Writes(_) => Some((State::Value("".into()), format!("{}, without the key", answer.status))),
        }
    }

    /// Whether an answer has a record that was never written.
    pub(super) fn is_echo(&self, answer: &Answer<'_>) -> bool {
        let Self::Writes(plan) = self else { return false };
        (200..300).contains(&answer.status) && contains(answer.body, &never(plan))
    }

    /// How often each key is in a list; nothing where the list is none, or too long.
    pub(super) fn listed(&self, answer: &Answer<'_>) -> Option<BTreeMap<Box<str>, u64>> {
        let Self::Writes(plan) = self else { return None };
        let whole = answer.length == answer.body.len() as u64;
        ((200..300).contains(&answer.status) && whole).then(|| keys(&plan.run, answer.body))
    }
}

fn of_users(like: &Request, errand: &Errand) -> Option<Request> {
    let users = collection(like);
    let get = |path: &str| Some(like.with(Method::GET, path, Bytes::new()));
    match errand {
        Errand::Read(ToRead { id: Some(id), .. }) => get(&format!("{users}/{id}")),
        // Nobody was told its id: it is looked for by its address.
        Errand::Read(ToRead { name, .. }) => get(&format!("{users}?limit=10&q={name}")),
        Errand::Control | Errand::List => None,
        Errand::Delete(ToRead { id, .. }) => {
            let path = format!("{users}/{}", id.as_deref()?);
            Some(like.with(Method::DELETE, &path, Bytes::new()))
        }
    }
}

/// What an answer says of a user: the user, or a list of those that were looked for.
fn user(record: &ToRead, answer: &Answer<'_>) -> Option<(State, String)> {
    let body: Value = serde_json::from_slice(answer.body).ok()?;
    let name = |user: &Value| user["name"].as_str().map(str::to_owned);
    let found = if record.id.is_some() {
        name(&body)?
    } else {
        let found = body["items"].as_array()?.iter().find(|user| user["email"] == *record.name);
        let Some(found) = found else { return Some((State::Absent, "not found by its address".to_owned())) };
        name(found)?
    };
    let words = format!("{found:?}");
    Some((State::Value(found.into()), words))
}

/// The last key that there could be: no run comes to it.
fn never(plan: &WritesPlan) -> String {
    name(&plan.run, Key(u64::MAX))
}

fn contains(body: &[u8], key: &str) -> bool {
    body.windows(key.len().max(1)).any(|part| part == key.as_bytes())
}

/// How often each key of a run is in a text. All are as long as any.
fn keys(run: &str, text: &[u8]) -> BTreeMap<Box<str>, u64> {
    let length = name(run, Key(0)).len();
    let mut counts = BTreeMap::new();
    let mut rest = text;
    while let Some(at) = rest.windows(run.len().max(1)).position(|part| part == run.as_bytes()) {
        rest = &rest[at..];
        let Some(key) = rest.get(..length).and_then(|key| std::str::from_utf8(key).ok()) else {
            rest = &rest[1..];
            continue;
        };
        *counts.entry(key.into()).or_insert(0) += 1;
        rest = &rest[length..];
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_a_list_are_counted() {
        let (a, b) = (name("sw1", Key(1)), name("sw1", Key(2)));
        let text = format!(r#"[{{"name":"{a}"}},{{"name":"{b}"}},{{"name":"{a}"}},{{"name":"other"}}, "sw1", "sw"#);
        let counts = keys("sw1", text.as_bytes());
        assert_eq!((counts.get(&*a), counts.get(&*b)), (Some(&2), Some(&1)), "{counts:?}");
        assert!(keys("sw1", b"").is_empty() && keys("sw1", b"sw1\xff").is_empty());
    }

    #[test]
    fn a_user_is_read_by_its_id_or_found_by_its_address() {
        let record = |id: Option<&str>| ToRead { key: Key(1), name: "a@b".into(), id: id.map(Into::into) };
        let said = |id, body: &str| {
            let body = body.as_bytes();
            let (location, length) = (&b""[..], body.len() as u64);
            user(
                &record(id),
                &Answer { status: 200, media_type: b"", location, first_byte: None, body, length, framed: true },
            )
        };
        let value = |text: &str| Some((State::Value(text.into()), format!("{text:?}")));
        assert_eq!(said(Some("7"), r#"{"name":"n"}"#), value("n"));
        assert_eq!(said(None, r#"{"items":[{"email":"x@b","name":"x"},{"email":"a@b","name":"n"}]}"#), value("n"));
        assert_eq!(said(None, r#"{"items":[]}"#).unwrap().0, State::Absent);
        assert_eq!(said(Some("7"), "oops"), None);
        assert_eq!(said(None, "{}"), None);
    }
}

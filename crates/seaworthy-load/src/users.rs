//! The users scenario: users are created, read, changed, listed and deleted, and a ledger is kept of it.
//!
//! A user is worked on by one request at a time, so what it must be afterwards is known. After a write of which nobody
//! knows whether it happened, the user is left alone until it is read back at the end.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use bytes::Bytes;
use http::Method;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    ledger::{Key, Ledger, Met, State},
    outcome::{Executed, Failure, FailureKind},
};
use serde_json::{Value, json};

use crate::{
    plan::UsersPlan,
    request::Request,
    workload::{Answer, Job, MOST_BODY, unexpected},
    writes::MOST_FOLLOWED,
};

/// Of a hundred requests, how many there are of each kind; the rest are reads.
const CREATES: u32 = 25;
const UPDATES: u32 = 15;
const DELETES: u32 = 10;
const LISTS: u32 = 10;

/// A user that is there.
#[derive(Clone, Debug)]
struct User {
    key: Key,
    id: Box<str>,
    version: u32,
}

/// A request that is on its way.
#[derive(Clone, Debug)]
enum Op {
    Create(Key),
    Read(User),
    Update(User),
    Delete(User),
    List,
}

/// What one thread does with users.
#[derive(Debug)]
pub(crate) struct Users {
    plan: Arc<UsersPlan>,
    thread: usize,
    random: Pcg64Mcg,
    made: u64,
    sent: u64,
    /// Writes that were sent, and the most that are.
    written: u64,
    most: u64,
    /// Users that nobody works on.
    free: Vec<User>,
    on_their_way: BTreeMap<u64, Op>,
    ledger: Ledger,
}

/// The path of all users.
pub(crate) fn collection(like: &Request) -> String {
    let root = like.uri().path().trim_end_matches('/');
    format!("{}/users", if root.is_empty() { "/v1" } else { root })
}

fn get(like: &Request, path: &str) -> Request {
    like.with(Method::GET, path, Bytes::new())
}

impl Users {
    pub(crate) fn new(plan: Arc<UsersPlan>, seed: u64, thread: usize, threads: usize) -> Self {
        Self {
            plan,
            thread,
            random: Pcg64Mcg::seed_from_u64(seed.rotate_left(29) ^ thread as u64),
            made: 0,
            sent: 0,
            written: 0,
            most: MOST_FOLLOWED / threads.max(1) as u64,
            free: Vec::new(),
            on_their_way: BTreeMap::new(),
            ledger: Ledger::default(),
        }
    }

    fn name(key: Key, version: u32) -> String {
        format!("user {} version {version}", key.0)
    }

    fn take_user(&mut self) -> Option<User> {
        (!self.free.is_empty()).then(|| {
            let chosen = self.random.random_range(0..self.free.len());
            self.free.swap_remove(chosen)
        })
    }

    pub(crate) fn next(&mut self) -> Job {
        let at = self.random.random_range(0..100);
        let op = if at < LISTS || self.written >= self.most {
            Op::List
        } else if at < LISTS + CREATES {
            self.create()
        } else {
            match self.take_user() {
                None => self.create(),
                Some(user) if at < LISTS + CREATES + UPDATES => Op::Update(user),
                Some(user) if at < LISTS + CREATES + UPDATES + DELETES => Op::Delete(user),
                Some(user) => Op::Read(user),
            }
        };
        let (like, users) = (&self.plan.like, collection(&self.plan.like));
        let one = |user: &User| format!("{users}/{}", user.id);
        let request = match &op {
            Op::List => get(like, &format!("{users}?limit=100")),
            Op::Read(user) => get(like, &one(user)),
            Op::Delete(user) => like.with(Method::DELETE, &one(user), Bytes::new()),
            Op::Update(user) => {
                let name = Self::name(user.key, user.version + 1);
                like.with_json(Method::PATCH, &one(user), &json!({ "name": name }))
            }
            Op::Create(key) => {
                let email = format!("{}-{}@load.example", self.plan.run, key.0);
                self.ledger.name(*key, &email);
                like.with_json(Method::POST, &users, &json!({ "name": Self::name(*key, 0), "email": email }))
            }
        };
        self.sent += 1;
        // What changes something is sent once: it is in the ledger as what became of that.
        let resend = *request.method() == Method::GET;
        self.written += u64::from(!resend);
        self.on_their_way.insert(self.sent, op);
        Job { request: Rc::new(request), tag: self.sent, keep: MOST_BODY, resend }
    }

    fn create(&mut self) -> Op {
        self.made += 1;
        // No two threads make the same key: each has a range of its own.
        Op::Create(Key((self.thread as u64) << 40 | self.made))
    }

    pub(crate) fn answered(&mut self, job: &Job, answer: &Answer<'_>, met: Met) -> Result<(), Failure> {
        let Some(op) = self.on_their_way.remove(&job.tag) else { return Ok(()) };
        let body: Option<Value> = serde_json::from_slice(answer.body).ok();
        let wanted = match &op {
            Op::Create(_) => 201,
            Op::Delete(_) => 204,
            Op::Read(_) | Op::Update(_) | Op::List => 200,
        };
        if answer.status != wanted {
            // A 4xx says that nothing was done; a 5xx says nothing.
            self.undone(op, (400..500).contains(&answer.status), met);
            return Err(unexpected(FailureKind::Status, answer.status, None));
        }
        let odd = |what: &str| Err(unexpected(FailureKind::Body, answer.status, Some(what.into())));
        match op {
            Op::List => match body.as_ref().and_then(|body| body["items"].as_array()) {
                Some(_users) => Ok(()),
                None => odd("it is not a list of users"),
            },
            Op::Create(key) => {
                let Some(id) = body.as_ref().and_then(|body| id(&body["id"])) else {
                    self.ledger.unknown(key, State::Value(Self::name(key, 0).into()), met);
                    return odd("it does not say the user's id");
                };
                self.ledger.identify(key, &id);
                self.ledger.acknowledged(key, State::Value(Self::name(key, 0).into()), met);
                self.free.push(User { key, id: id.into(), version: 0 });
                Ok(())
            }
            Op::Update(mut user) => {
                user.version += 1;
                self.ledger.acknowledged(user.key, State::Value(Self::name(user.key, user.version).into()), met);
                self.free.push(user);
                Ok(())
            }
            Op::Delete(user) => {
                self.ledger.acknowledged(user.key, State::Absent, met);
                Ok(())
            }
            Op::Read(user) => {
                let is_same =
                    body.as_ref().is_some_and(|body| body["name"] == Self::name(user.key, user.version).as_str());
                self.free.push(user);
                if is_same { Ok(()) } else { odd("it is not what was acknowledged last") }
            }
        }
    }

    pub(crate) fn failed(&mut self, job: &Job, failure: &Failure, met: Met) {
        if let Some(op) = self.on_their_way.remove(&job.tag) {
            self.undone(op, failure.executed() == Executed::No, met);
        }
    }

    /// A request without its answer of success: certainly not executed, or nobody knows.
    fn undone(&mut self, op: Op, certainly: bool, met: Met) {
        if certainly {
            match op {
                Op::Create(_) => self.ledger.refused(),
                Op::Update(user) | Op::Delete(user) => {
                    self.ledger.refused();
                    self.free.push(user);
                }
                Op::Read(user) => self.free.push(user),
                Op::List => {}
            }
            return;
        }
        match op {
            Op::Create(key) => self.ledger.unknown(key, State::Value(Self::name(key, 0).into()), met),
            Op::Update(user) => {
                self.ledger.unknown(user.key, State::Value(Self::name(user.key, user.version + 1).into()), met);
            }
            Op::Delete(user) => self.ledger.unknown(user.key, State::Absent, met),
            Op::Read(user) => self.free.push(user),
            Op::List => {}
        }
    }

    pub(crate) fn take_ledger(&mut self, now: Met) -> Ledger {
        // What never got an answer is unknown.
        for op in std::mem::take(&mut self.on_their_way).into_values() {
            self.undone(op, false, now);
        }
        self.ledger.take()
    }
}

/// The longest id that is taken for one.
const MOST_ID: usize = 100;

/// An id, whether it is a number or a text.
pub(crate) fn id(value: &Value) -> Option<String> {
    let id = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    // It becomes a part of a path: of one that stays where it is.
    let visible = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    let fits = visible && (1..=MOST_ID).contains(&id.len()) && id.bytes().any(|byte| byte != b'.');
    fits.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_where_it_is() {
        for (value, expected) in [
            (json!(7), Some("7")),
            (json!("0190a-b_c.d~e"), Some("0190a-b_c.d~e")),
            (json!(".."), None),
            (json!("a/b"), None),
            (json!("a?b"), None),
            (json!(""), None),
            (json!("x".repeat(70_000)), None),
            (json!(null), None),
        ] {
            assert_eq!(id(&value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn threads_never_make_the_same_user() {
        let like =
            Request::new(Method::GET, "http://h/".parse().unwrap(), http::HeaderMap::new(), Bytes::new()).unwrap();
        let plan = Arc::new(UsersPlan { like, run: "t".into(), clean_up: false });
        let mut made = std::collections::BTreeSet::new();
        for thread in 0..600 {
            let mut users = Users::new(Arc::clone(&plan), 1, thread, 600);
            for _ in 0..3 {
                let Op::Create(key) = users.create() else { continue };
                assert!(made.insert(key), "{key:?} of thread {thread}");
            }
        }
        assert_eq!(made.len(), 1800);
    }
}

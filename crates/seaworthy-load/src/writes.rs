//! Writes of anybody's making among the other requests, and what was answered to each.
//!
//! Each write has a key of its own, by which it is found again, and is sent once. What the service calls it is in its answer.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    ledger::{Key, Ledger, Met, State},
    outcome::{Executed, Failure, FailureKind},
};
use serde_json::Value;

use crate::{
    expectation::Expectation,
    plan::WritesPlan,
    users::id,
    workload::{Answer, Job, MOST_BODY, Requests, unexpected},
};

/// The most writes of a run that are followed. After them only the other requests are sent.
pub const MOST_FOLLOWED: u64 = 200_000;

/// Tells a write from the other requests.
const WRITE: u64 = 1 << 63;

/// Where the part of a key begins that is its thread's.
const OF_THREAD: u32 = 40;

/// What one thread writes.
#[derive(Debug)]
pub(crate) struct Writes {
    plan: Arc<WritesPlan>,
    others: Requests,
    thread: usize,
    random: Pcg64Mcg,
    made: u64,
    /// The most that it makes.
    most: u64,
    on_their_way: BTreeMap<u64, Key>,
    ledger: Ledger,
}

impl Writes {
    pub(crate) fn new(plan: Arc<WritesPlan>, others: Requests, seed: u64, thread: usize, threads: usize) -> Self {
        let random = Pcg64Mcg::seed_from_u64(seed.rotate_left(41) ^ thread as u64);
        let most = MOST_FOLLOWED / threads.max(1) as u64;
        let (on_their_way, ledger) = (BTreeMap::new(), Ledger::default());
        Self { plan, others, thread, random, made: 0, most, on_their_way, ledger }
    }

    pub(crate) fn next(&mut self) -> Job {
        let share = self.plan.share;
        // The ends are not left to chance.
        let writes = share >= 1.0 || (share > 0.0 && self.random.random::<f64>() < share);
        if !writes || self.made >= self.most {
            return self.others.next();
        }
        self.made += 1;
        let key = Key((self.thread as u64) << OF_THREAD | self.made);
        let name = name(&self.plan.run, key);
        // A write names no id, so there is always a request.
        let Some(request) = self.plan.write.request(&self.plan.like, &name, None) else { return self.others.next() };
        self.ledger.name(key, &name);
        let tag = WRITE | key.0;
        self.on_their_way.insert(tag, key);
        Job { request: Rc::new(request), tag, keep: MOST_BODY, resend: false }
    }

    pub(crate) fn answered(
        &mut self,
        job: &Job,
        answer: &Answer<'_>,
        met: Met,
        expectation: &Expectation,
    ) -> Result<(), Failure> {
        if job.tag & WRITE == 0 {
            return self.others.judge(job, answer, expectation);
        }
        let Some(key) = self.on_their_way.remove(&job.tag) else { return Ok(()) };
        match answer.status {
            200..300 => {
                if let Some(id) = found_id(answer, self.plan.id_field.as_deref()) {
                    self.ledger.identify(key, &id);
                }
                self.ledger.acknowledged(key, self.state(key), met);
                return Ok(());
            }
            // It says that nothing was done.
            400..500 => self.ledger.refused(),
            _ => self.ledger.unknown(key, self.state(key), met),
        }
        Err(unexpected(FailureKind::Status, answer.status, None))
    }

    pub(crate) fn failed(&mut self, job: &Job, failure: &Failure, met: Met) {
        let Some(key) = self.on_their_way.remove(&job.tag) else { return };
        match failure.executed() {
            Executed::No => self.ledger.refused(),
            Executed::Unknown => self.ledger.unknown(key, self.state(key), met),
        }
    }

    fn state(&self, key: Key) -> State {
        State::Value(name(&self.plan.run, key).into())
    }

    pub(crate) fn take_ledger(&mut self, now: Met) -> Ledger {
        // What never got an answer is unknown.
        for key in std::mem::take(&mut self.on_their_way).into_values() {
            self.ledger.unknown(key, self.state(key), now);
        }
        self.ledger.take()
    }
}

/// What a write is known by: letters and digits, as many for each, so that none is a part of another.
pub(crate) fn name(run: &str, key: Key) -> String {
    let thread = key.0 >> OF_THREAD;
    let number = key.0 & ((1 << OF_THREAD) - 1);
    format!("{run}{}{}", base36(thread, 3), base36(number, 5))
}

fn base36(mut number: u64, digits: usize) -> String {
    let mut text = Vec::with_capacity(digits);
    for _ in 0..digits {
        text.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
    }
    text.iter().rev().collect()
}

/// What the service calls it: in a field of its JSON, else the last segment of where it says that it is.
fn found_id(answer: &Answer<'_>, field: Option<&str>) -> Option<String> {
    let body: Option<Value> = serde_json::from_slice(answer.body).ok();
    let fields = field.unwrap_or("id").split('.');
    let named = body.and_then(|body| id(fields.fold(&body, |value, field| &value[field])));
    named.or_else(|| {
        let location = std::str::from_utf8(answer.location).ok()?;
        let path = location.split(['?', '#']).next()?.trim_end_matches('/');
        let (_, last) = path.rsplit_once('/')?;
        id(&Value::from(last))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn answer<'a>(location: &'a str, body: &'a str) -> Answer<'a> {
        let (location, body) = (location.as_bytes(), body.as_bytes());
        let (first_byte, length) = (body.first().copied(), body.len() as u64);
        Answer { status: 201, media_type: b"", location, first_byte, body, length, framed: true }
    }

    #[test]
    fn what_the_service_calls_it() {
        for (location, body, field, found) in [
            ("", r#"{"id":7}"#, None, Some("7")),
            ("", r#"{"id":"a-b"}"#, None, Some("a-b")),
            ("/items/9", r#"{"id":7}"#, None, Some("7")),
            ("/items/9", "", None, Some("9")),
            ("/items/9", "not JSON", None, Some("9")),
            ("http://h/items/9/?a=b#c", "", None, Some("9")),
            ("", r#"{"id":7,"uuid":"x"}"#, Some("uuid"), Some("x")),
            ("", r#"{"data":{"id":"x"}}"#, Some("data.id"), Some("x")),
            ("", r#"{"id":7}"#, Some("uuid"), None),
            ("9", "", None, None),
            ("/items/..", "", None, None),
            ("/", "", None, None),
            ("", "[]", None, None),
            ("", r#"{"id":null}"#, None, None),
        ] {
            assert_eq!(found_id(&answer(location, body), field).as_deref(), found, "{location} {body} {field:?}");
        }
    }

    #[test]
    fn no_key_is_a_part_of_another() {
        let mut seen = BTreeSet::new();
        for thread in [0_u64, 1, 35, 36, 1_023] {
            for number in [1_u64, 2, 35, 36, 199_999] {
                let name = name("sw1", Key(thread << OF_THREAD | number));
                assert_eq!(name.len(), 11);
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
                assert!(seen.insert(name));
            }
        }
    }
}

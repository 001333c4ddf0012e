//! The ledger of writes: what a service acknowledged, and whether it is still there.
//!
//! A write that got an answer of success is *acknowledged*. One that certainly was not executed, or that the service
//! refused, is *refused*. Any other is *unknown*: it may or may not have happened, and is never called lost. A record is
//! written by one at a time, so what it must be in the end is known: what was last acknowledged, or what an unknown write
//! after that would have made of it.

mod summary;

use std::{collections::BTreeMap, mem, net::SocketAddr, time::Duration};

use crate::time::Moment;

/// Which record: a number that the writer chose, unlike the service's own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u64);

/// What a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not there.
    Absent,
    /// It has this value.
    Value(Box<str>),
}

/// When a write ended, and at whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// When its answer was whole, or it was given up.
    pub at: Moment,
    /// Where it went, as far as it came.
    pub endpoint: Option<SocketAddr>,
}

/// A write, and what the record is after it.
#[derive(Clone, Debug)]
struct Write {
    state: State,
    met: Met,
}

/// What was read of a record, and in words.
#[derive(Clone, Debug)]
struct Read {
    state: State,
    words: Box<str>,
}

/// One record's history.
#[derive(Clone, Debug, Default)]
struct Record {
    /// What it was written as.
    name: Box<str>,
    /// The service's name for it.
    id: Option<Box<str>>,
    /// What was acknowledged, in order.
    acknowledged: Vec<Write>,
    /// What unknown writes may have made of it since the last that was acknowledged.
    possible: Vec<Write>,
    /// What was read first, where it was read again.
    first: Option<Read>,
    /// What was read at the end.
    seen: Option<Read>,
    /// How often it is in the list of all, where there is one.
    listed: Option<u64>,
}

/// What was written, and whether it was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: BTreeMap<Key, Record>,
    unknown: u64,
    refused: u64,
    echoes: bool,
    unlisted: bool,
    /// Whether a list came.
    has_list: bool,
}

/// A record that has to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRead {
    /// Which.
    pub key: Key,
    /// What it was written as.
    pub name: Box<str>,
    /// The service's name for it, where it is known.
    pub id: Option<Box<str>>,
}

impl Record {
    /// How many of its acknowledged writes are kept and lost, if that is what is there.
    fn kept_and_lost(&self, seen: &State) -> (u64, u64) {
        let all = self.acknowledged.len();
        let is_possible = self.possible.iter().any(|write| write.state == *seen);
        // An earlier state says that all after it are lost.
        let last = self.acknowledged.iter().rposition(|write| write.state == *seen);
        let kept = if is_possible { all } else { last.map_or(0, |last| last + 1) };
        (kept as u64, (all - kept) as u64)
    }

    /// Whether nothing of what was acknowledged is missing in it.
    fn is_whole(&self, seen: &State) -> bool {
        self.kept_and_lost(seen).1 == 0
    }
}

impl Ledger {
    /// What a record is written as.
    pub fn name(&mut self, key: Key, name: &str) {
        self.records.entry(key).or_default().name = name.into();
    }

    /// The service's name for a record.
    pub fn identify(&mut self, key: Key, id: &str) {
        self.records.entry(key).or_default().id = Some(id.into());
    }

    /// A write that was acknowledged, and what the record is after it.
    pub fn acknowledged(&mut self, key: Key, state: State, met: Met) {
        let record = self.records.entry(key).or_default();
        record.acknowledged.push(Write { state, met });
        record.possible.clear();
    }

    /// A write that may have happened, and what the record is then.
    pub fn unknown(&mut self, key: Key, state: State, met: Met) {
        self.unknown += 1;
        self.records.entry(key).or_default().possible.push(Write { state, met });
    }

    /// A write that has certainly not happened.
    pub const fn refused(&mut self) {
        self.refused += 1;
    }

    /// Records of another thread, with other keys.
    pub fn merge(&mut self, other: Self) {
        self.records.extend(other.records);
        self.unknown += other.unknown;
        self.refused += other.refused;
        self.echoes |= other.echoes;
        self.unlisted |= other.unlisted;
        self.has_list |= other.has_list;
    }

    /// The same on a clock that began so much earlier.
    pub fn later(&mut self, by: Duration) {
        for record in self.records.values_mut() {
            for write in record.acknowledged.iter_mut().chain(&mut record.possible) {
                write.met.at = write.met.at + by;
            }
        }
    }

    /// A record that was never written was read as if it was there: what is read says nothing.
    pub const fn echoed(&mut self) {
        self.echoes = true;
    }

    /// Whether that was so.
    pub const fn echoes(&self) -> bool {
        self.echoes
    }

    /// A list is asked for. Until it comes nobody has looked for what is there twice.
    pub const fn list_wanted(&mut self) {
        self.unlisted = true;
    }

    /// What has to be read at the end: every record of which something was acknowledged, or may have happened.
    pub fn to_read(&self) -> Vec<ToRead> {
        let written = |record: &Record| !record.acknowledged.is_empty() || !record.possible.is_empty();
        self.those(written)
    }

    /// Records of which something that was acknowledged was not there when they were read. They are to be read again:
    /// until then nothing is known of them.
    pub fn to_read_again(&mut self) -> Vec<ToRead> {
        let missing = |record: &Record| record.seen.as_ref().is_some_and(|seen| !record.is_whole(&seen.state));
        let again = self.those(missing);
        for one in &again {
            if let Some(record) = self.records.get_mut(&one.key) {
                record.first = record.seen.take();
            }
        }
        again
    }

    /// Records that nobody could read, and that may be there.
    pub fn unread(&self) -> Vec<ToRead> {
        let unread =
            |record: &Record| record.seen.is_none() && (!record.acknowledged.is_empty() || !record.possible.is_empty());
        self.those(unread)
    }

    /// Records that were there when they were last read.
    pub fn present(&self) -> Vec<ToRead> {
        let there = |record: &Record| {
            let seen = record.seen.as_ref().is_some_and(|seen| matches!(seen.state, State::Value(_)));
            seen || record.listed > Some(0)
        };
        self.those(there)
    }

    fn those(&self, are: impl Fn(&Record) -> bool) -> Vec<ToRead> {
        let chosen = self.records.iter().filter(|(_, record)| are(record));
        chosen.map(|(key, record)| ToRead { key: *key, name: record.name.clone(), id: record.id.clone() }).collect()
    }

    /// What was read at the end, and the same in words.
    pub fn read(&mut self, key: Key, state: State, words: &str) {
        if let Some(record) = self.records.get_mut(&key) {
            record.seen = Some(Read { state, words: words.into() });
        }
    }

    /// How often each record is in the list of all, by what it was written as. A list that has not all that are known to
    /// be there (it may be a page of it) says nothing of those that it does not have.
    pub fn listed(&mut self, counts: &BTreeMap<Box<str>, u64>) {
        (self.unlisted, self.has_list) = (false, true);
        let there =
            |record: &&Record| record.seen.as_ref().is_some_and(|seen| seen.state == State::Value(record.name.clone()));
        let mut known = self.records.values().filter(there).peekable();
        let whole = known.peek().is_some() && known.all(|record| counts.contains_key(&record.name));
        for record in self.records.values_mut() {
            let count = counts.get(&record.name).copied();
            record.listed = if whole { Some(count.unwrap_or(0)) } else { count };
        }
    }

    /// Takes everything out.
    #[must_use]
    pub fn take(&mut self) -> Self {
        mem::take(self)
    }
}

#[cfg(test)]
mod tests;

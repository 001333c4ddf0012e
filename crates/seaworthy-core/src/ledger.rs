//! The ledger of writes: what a service acknowledged, and whether it is still there.
//!
//! A write that got an answer of success is *acknowledged*. One that certainly was not executed, or that the service
//! refused, is *refused*. Any other is *unknown*: it may or may not have happened, and is never called lost. A record is
//! written by one at a time, so what it must be in the end is known: what was last acknowledged, or what an unknown write
//! after that would have made of it.

use std::{collections::BTreeMap, mem};

use crate::verdict::Writes;

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

/// One record's history.
#[derive(Clone, Debug, Default)]
struct Record {
    /// The service's name for it.
    id: Option<Box<str>>,
    /// What was acknowledged, in order.
    acknowledged: Vec<State>,
    /// What unknown writes may have made of it since the last that was acknowledged.
    possible: Vec<State>,
    /// What was read at the end.
    seen: Option<State>,
}

impl Record {
    /// How many of its acknowledged writes are kept and lost, once it was read.
    fn kept_and_lost(&self) -> Option<(u64, u64)> {
        let seen = self.seen.as_ref()?;
        let all = self.acknowledged.len();
        let kept = if self.possible.contains(seen) {
            all
        } else {
            // An earlier state says that all after it are lost.
            self.acknowledged.iter().rposition(|state| state == seen).map_or(0, |last| last + 1)
        };
        Some((kept as u64, (all - kept) as u64))
    }
}

/// What was written, and whether it was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    records: BTreeMap<Key, Record>,
    unknown: u64,
    refused: u64,
}

/// How many lost writes are told as examples.
const EXAMPLES: usize = 5;

impl Ledger {
    /// The service's name for a record.
    pub fn identify(&mut self, key: Key, id: &str) {
        self.records.entry(key).or_default().id = Some(id.into());
    }

    /// A write that was acknowledged, and what the record is after it.
    pub fn acknowledged(&mut self, key: Key, state: State) {
        let record = self.records.entry(key).or_default();
        record.acknowledged.push(state);
        record.possible.clear();
    }

    /// A write that may have happened, and what the record is then.
    pub fn unknown(&mut self, key: Key, state: State) {
        self.unknown += 1;
        self.records.entry(key).or_default().possible.push(state);
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
    }

    /// What has to be read at the end: every record of which something was acknowledged, by the service's name for it.
    pub fn to_read(&self) -> Vec<(Key, Box<str>)> {
        self.records
            .iter()
            .filter(|(_, record)| !record.acknowledged.is_empty())
            .filter_map(|(key, record)| Some((*key, record.id.clone()?)))
            .collect()
    }

    /// What was read at the end. Returns whether that is as it must be.
    pub fn read(&mut self, key: Key, seen: State) -> bool {
        let record = self.records.entry(key).or_default();
        record.seen = Some(seen);
        record.kept_and_lost().is_some_and(|(_, lost)| lost == 0)
    }

    /// The counts.
    pub fn writes(&self) -> Writes {
        let mut writes = Writes {
            acknowledged: 0,
            unknown: self.unknown,
            refused: self.refused,
            kept: 0,
            lost: 0,
            unverified: 0,
            lost_examples: Vec::new(),
        };
        for record in self.records.values() {
            let all = record.acknowledged.len() as u64;
            writes.acknowledged += all;
            let Some((kept, lost)) = record.kept_and_lost() else {
                writes.unverified += all;
                continue;
            };
            writes.kept += kept;
            writes.lost += lost;
            if lost > 0 && writes.lost_examples.len() < EXAMPLES {
                writes.lost_examples.push(record.example());
            }
        }
        writes
    }

    /// Takes everything out.
    #[must_use]
    pub fn take(&mut self) -> Self {
        mem::take(self)
    }
}

impl Record {
    fn example(&self) -> String {
        let shown = |state: &State| match state {
            State::Absent => "nothing".to_owned(),
            State::Value(value) => format!("{value:?}"),
        };
        format!(
            "{}: acknowledged {}, read {}",
            self.id.as_deref().unwrap_or("a record"),
            self.acknowledged.last().map(shown).unwrap_or_default(),
            self.seen.as_ref().map(shown).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> State {
        State::Value(text.into())
    }

    /// A ledger with one record, written so.
    fn ledger(write: impl Fn(&mut Ledger)) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.identify(Key(1), "7");
        write(&mut ledger);
        ledger
    }

    fn counts(ledger: &Ledger) -> (u64, u64, u64) {
        let writes = ledger.writes();
        (writes.kept, writes.lost, writes.unverified)
    }

    #[test]
    fn what_was_acknowledged_must_be_there() {
        let mut ledger = ledger(|l| l.acknowledged(Key(1), value("a")));
        assert_eq!(ledger.to_read(), [(Key(1), "7".into())]);
        assert_eq!(counts(&ledger), (0, 0, 1));
        assert!(ledger.read(Key(1), value("a")));
        assert_eq!(counts(&ledger), (1, 0, 0));
        assert!(!ledger.read(Key(1), State::Absent));
        assert_eq!(counts(&ledger), (0, 1, 0));
        assert_eq!(ledger.writes().lost_examples, [r#"7: acknowledged "a", read nothing"#]);
    }

    #[test]
    fn an_earlier_state_says_what_is_lost_since() {
        let mut ledger = ledger(|l| {
            l.acknowledged(Key(1), value("a"));
            l.acknowledged(Key(1), value("b"));
            l.acknowledged(Key(1), value("c"));
        });
        ledger.read(Key(1), value("a"));
        assert_eq!(counts(&ledger), (1, 2, 0));
        ledger.read(Key(1), value("never written"));
        assert_eq!(counts(&ledger), (0, 3, 0));
    }

    #[test]
    fn an_unknown_write_is_neither_kept_nor_lost() {
        let mut ledger = ledger(|l| {
            l.acknowledged(Key(1), value("a"));
            l.unknown(Key(1), value("b"));
        });
        for seen in [value("a"), value("b")] {
            ledger.read(Key(1), seen);
            assert_eq!(counts(&ledger), (1, 0, 0));
        }
        assert_eq!(ledger.writes().unknown, 1);
    }

    #[test]
    fn an_acknowledged_delete_that_is_undone_is_lost() {
        let mut ledger = ledger(|l| {
            l.acknowledged(Key(1), value("a"));
            l.acknowledged(Key(1), State::Absent);
        });
        ledger.read(Key(1), value("a"));
        assert_eq!(counts(&ledger), (1, 1, 0));
    }

    proptest! {
        #[test]
        fn every_acknowledged_write_is_counted_once(writes in proptest::collection::vec((0..5_u64, 0..3_u8, 0..4_u8), 0..40)) {
            let mut ledger = Ledger::default();
            let mut acknowledged = 0;
            for (key, how, what) in &writes {
                let state = if *what == 0 { State::Absent } else { value(&what.to_string()) };
                match how {
                    0 => { ledger.acknowledged(Key(*key), state); acknowledged += 1 }
                    1 => ledger.unknown(Key(*key), state),
                    _ => { ledger.read(Key(*key), state); }
                }
            }
            let writes = ledger.writes();
            prop_assert_eq!(writes.acknowledged, acknowledged);
            prop_assert_eq!(writes.kept + writes.lost + writes.unverified, acknowledged);
        }
    }
}

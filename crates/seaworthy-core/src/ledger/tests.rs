//! What became of writes, by what was answered and what is there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::audit::{Audit, Harm};

fn value(text: &str) -> State {
    State::Value(text.into())
}

fn at(millis: u64) -> Met {
    Met { at: Moment::from_nanos(millis * 1_000_000), endpoint: Some(([127, 0, 0, 1], 80).into()) }
}

/// A ledger with one record, written so.
fn ledger(write: impl Fn(&mut Ledger)) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.name(Key(1), "a");
    ledger.identify(Key(1), "7");
    write(&mut ledger);
    ledger
}

fn counts(ledger: &Ledger) -> (u64, u64, u64, u64) {
    let Audit { kept, lost, stale, unverified, .. } = ledger.audit();
    (kept, lost, stale, unverified)
}

/// So many writes that were acknowledged, of records that are named after their numbers.
fn several(names: &[&str]) -> Ledger {
    let mut ledger = Ledger::default();
    for (key, name) in (1..).zip(names) {
        ledger.name(Key(key), name);
        ledger.acknowledged(Key(key), value(name), at(key));
    }
    ledger
}

fn list(counts: &[(&str, u64)]) -> BTreeMap<Box<str>, u64> {
    counts.iter().map(|(name, count)| ((*name).into(), *count)).collect()
}

#[test]
fn what_was_acknowledged_must_be_there() {
    let mut ledger = ledger(|l| l.acknowledged(Key(1), value("a"), at(3)));
    assert_eq!(ledger.to_read(), [ToRead { key: Key(1), name: "a".into(), id: Some("7".into()) }]);
    assert_eq!(counts(&ledger), (0, 0, 0, 1));
    ledger.read(Key(1), value("a"), "200");
    assert_eq!(counts(&ledger), (1, 0, 0, 0));
    assert_eq!(ledger.to_read_again(), []);
    ledger.read(Key(1), State::Absent, "404");
    assert_eq!(counts(&ledger), (0, 1, 0, 0));
    assert_eq!(ledger.writes().lost_examples, [r#"7: acknowledged "a", read nothing"#]);
    let audit = ledger.audit();
    let harmed = &audit.harmed[0];
    assert_eq!((&*harmed.key, harmed.id.as_deref(), harmed.harm, &*harmed.read), ("a", Some("7"), Harm::Lost, "404"));
    assert_eq!((harmed.acknowledged, harmed.endpoint), (at(3).at, at(3).endpoint));
    assert_eq!(audit.first, Some(at(3).at));
}

#[test]
fn what_is_there_a_little_later_is_stale_and_not_lost() {
    let mut ledger = ledger(|l| l.acknowledged(Key(1), value("a"), at(3)));
    ledger.read(Key(1), State::Absent, "404");
    assert_eq!(ledger.to_read_again().len(), 1);
    // Until it was read again nothing is known.
    assert_eq!(counts(&ledger), (0, 0, 0, 1));
    ledger.read(Key(1), value("a"), "200");
    assert_eq!(counts(&ledger), (0, 0, 1, 0));
    assert_eq!((ledger.audit().harmed[0].harm, &*ledger.audit().harmed[0].read), (Harm::Stale, "404"));
    ledger.read(Key(1), State::Absent, "404");
    assert_eq!(counts(&ledger), (0, 1, 0, 0));
}

#[test]
fn an_earlier_state_says_what_is_lost_since() {
    let mut ledger = ledger(|l| {
        for (n, name) in (1..).zip(["a", "b", "c"]) {
            l.acknowledged(Key(1), value(name), at(n));
        }
    });
    ledger.read(Key(1), value("a"), "a");
    assert_eq!(counts(&ledger), (1, 2, 0, 0));
    let lost: Vec<Moment> = ledger.audit().harmed.iter().map(|harmed| harmed.acknowledged).collect();
    assert_eq!(lost, [at(2).at, at(3).at]);
    ledger.to_read_again();
    ledger.read(Key(1), value("b"), "b");
    assert_eq!(counts(&ledger), (1, 1, 1, 0));
    ledger.read(Key(1), value("never written"), "something else");
    assert_eq!(counts(&ledger), (0, 3, 0, 0));
}

#[test]
fn an_unknown_write_is_neither_kept_nor_lost() {
    let mut ledger = ledger(|l| {
        l.acknowledged(Key(1), value("a"), at(1));
        l.unknown(Key(1), value("b"), at(2));
    });
    for (seen, recovered) in [("a", 0), ("b", 1)] {
        ledger.read(Key(1), value(seen), "200");
        assert_eq!(counts(&ledger), (1, 0, 0, 0));
        let audit = ledger.audit();
        assert_eq!((audit.unknown, audit.recovered, audit.not_executed), (1, recovered, 1 - recovered));
    }
}

#[test]
fn an_unknown_create_is_executed_or_not_or_nobody_knows() {
    let mut ledger = ledger(|l| l.unknown(Key(1), value("a"), at(2)));
    let came_to = |ledger: &Ledger| (ledger.audit().recovered, ledger.audit().not_executed);
    assert_eq!((ledger.to_read().len(), came_to(&ledger)), (1, (0, 0)));
    ledger.read(Key(1), State::Absent, "404");
    assert_eq!(came_to(&ledger), (0, 1));
    ledger.read(Key(1), value("a"), "200");
    assert_eq!((came_to(&ledger), counts(&ledger)), ((1, 0), (0, 0, 0, 0)));
    assert_eq!(ledger.present().len(), 1);
}

#[test]
fn an_acknowledged_delete_that_is_undone_is_lost() {
    let mut ledger = ledger(|l| {
        l.acknowledged(Key(1), value("a"), at(1));
        l.acknowledged(Key(1), State::Absent, at(2));
    });
    ledger.read(Key(1), value("a"), "200");
    assert_eq!(counts(&ledger), (1, 1, 0, 0));
}

#[test]
fn what_is_in_the_list_more_often_than_most_is_there_twice() {
    for (listed, duplicated) in [
        (&[("a", 1), ("b", 1), ("c", 2)], 1),
        (&[("a", 2), ("b", 2), ("c", 2)], 0),
        (&[("a", 2), ("b", 2), ("c", 4)], 1),
        (&[("a", 1), ("b", 2), ("c", 3)], 2),
    ] {
        let mut ledger = several(&["a", "b", "c"]);
        ledger.listed(&list(listed));
        assert_eq!(ledger.audit().duplicated, duplicated, "{listed:?}");
    }
    let mut ledger = several(&["a", "b", "c"]);
    ledger.listed(&list(&[("a", 1), ("b", 3), ("c", 1)]));
    let harmed = &ledger.audit().harmed[0];
    assert_eq!((&*harmed.key, harmed.harm, &*harmed.read), ("b", Harm::Duplicated, "3 times in the list"));
}

#[test]
fn a_list_says_what_is_missing_only_if_it_has_all_else() {
    let mut ledger = several(&["a", "b", "c"]);
    // Nothing is known to be there, so the list may be a page of it.
    ledger.listed(&list(&[("a", 1)]));
    assert_eq!(counts(&ledger), (1, 0, 0, 2));
    ledger.read(Key(1), value("a"), "200");
    ledger.listed(&list(&[("a", 1)]));
    assert_eq!(counts(&ledger), (1, 2, 0, 0));
    ledger.read(Key(2), value("b"), "200");
    ledger.listed(&list(&[("a", 1)]));
    assert_eq!(counts(&ledger), (2, 0, 0, 1));
}

#[test]
fn what_was_missing_and_then_unreadable_is_not_called_lost() {
    let mut ledger = several(&["a", "b"]);
    ledger.read(Key(1), value("a"), "200");
    ledger.read(Key(2), State::Absent, "404");
    assert_eq!(ledger.to_read_again().len(), 1);
    ledger.listed(&list(&[("a", 1)]));
    assert_eq!(counts(&ledger), (1, 0, 0, 1));
}

#[test]
fn moments_are_put_on_another_clock() {
    let mut ledger = several(&["a"]);
    ledger.later(Duration::from_secs(5));
    assert_eq!(ledger.audit().first, Some(at(5_001).at));
}

#[test]
fn of_many_that_came_to_harm_the_lost_ones_are_kept() {
    let mut ledger = Ledger::default();
    for key in 0..1_500 {
        ledger.name(Key(key), &key.to_string());
        ledger.acknowledged(Key(key), value("x"), at(key));
        ledger.read(Key(key), State::Absent, "404");
    }
    ledger.to_read_again();
    for key in 0..1_500 {
        ledger.read(Key(key), if key < 1_200 { value("x") } else { State::Absent }, "read");
    }
    let audit = ledger.audit();
    assert_eq!((audit.stale, audit.lost, audit.harmed.len()), (1_200, 300, 1_000));
    assert_eq!(audit.harmed.iter().filter(|harmed| harmed.harm == Harm::Lost).count(), 300);
    assert!(audit.harmed.is_sorted_by_key(|harmed| harmed.acknowledged));
}

proptest! {
    #[test]
    fn every_acknowledged_write_is_counted_once(
        writes in proptest::collection::vec((0..5_u64, 0..4_u8, 0..4_u8), 0..40)
    ) {
        let mut ledger = Ledger::default();
        let (mut acknowledged, mut unknown) = (0, 0);
        for (n, (key, how, what)) in (0..).zip(&writes) {
            let state = if *what == 0 { State::Absent } else { value(&what.to_string()) };
            match how {
                0 => { ledger.acknowledged(Key(*key), state, at(n)); acknowledged += 1 }
                1 => { ledger.unknown(Key(*key), state, at(n)); unknown += 1 }
                2 => ledger.read(Key(*key), state, ""),
                _ => { ledger.to_read_again(); }
            }
        }
        let audit = ledger.audit();
        prop_assert_eq!((audit.acknowledged, audit.unknown), (acknowledged, unknown));
        prop_assert_eq!(audit.kept + audit.lost + audit.stale + audit.unverified, acknowledged);
        prop_assert!(audit.recovered + audit.not_executed <= unknown);
        prop_assert_eq!(audit.harmed.len() as u64, audit.lost + audit.stale);
    }
}

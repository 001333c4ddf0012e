//! What an end took along, by what is there and what is gone of the time before it.

use proptest::prelude::*;

use super::*;

/// The moment at which an interval begins.
fn at(number: u64) -> Moment {
    slot(number)
}

/// So many are there or gone in each of these intervals.
fn timeline(slots: impl IntoIterator<Item = (u64, u64, u64)>) -> Timeline {
    Timeline::of(&[&Acknowledged { endpoint: None, slots: slots.into_iter().collect() }])
}

/// One in each interval, kept up to one of them and gone from it on.
fn kept_until(cut: u64, end: u64) -> Timeline {
    timeline((20..=end).map(|n| if n < cut { (n, 1, 0) } else { (n, 0, 1) }))
}

#[test]
fn the_last_and_all_are_told_apart_by_what_is_kept_before() {
    for (what, timeline, took) in [
        ("nothing is gone", kept_until(200, 150), Took::Nothing),
        ("0.3 s of ten", kept_until(147, 150), Took::Last(at(147))),
        ("5 s of ten", kept_until(100, 150), Took::Last(at(100))),
        ("almost all, and enough from before", kept_until(25, 150), Took::Last(at(25))),
        ("almost all, and too few from before", kept_until(24, 150), Took::Either),
        ("all", kept_until(0, 150), Took::All),
        ("all, but hardly anything", timeline((131..=149).map(|n| (n, 0, 1))), Took::Either),
        ("all, but in a short time", timeline((115..=149).map(|n| (n, 0, 2))), Took::Either),
        ("all, in just enough time", timeline((110..=149).map(|n| (n, 0, 2))), Took::All),
        ("each second one", timeline((20..=150).map(|n| (n, 1, 1))), Took::Nothing),
        ("one of ten, all the time", timeline((20..=150).map(|n| (n, 9, u64::from(n % 10 == 0)))), Took::Nothing),
        (
            "long ago, and not since",
            timeline((20..=150).map(|n| (n, u64::from(n > 90), u64::from(n < 91)))),
            Took::Nothing,
        ),
        (
            "answers that overtake each other at the cut",
            timeline((20..=150).map(|n| match n {
                ..100 => (n, 10, 0),
                100 => (n, 5, 5),
                _ => (n, 0, 10),
            })),
            Took::Last(at(100)),
        ),
    ] {
        assert_eq!(timeline.took(Moment::START, at(150)), took, "{what}");
    }
}

#[test]
fn only_what_is_between_the_two_moments_counts() {
    let all = timeline((20..=300).map(|n| (n, u64::from(n > 150), u64::from(n <= 150))));
    assert_eq!(all.took(Moment::START, at(150)), Took::All);
    assert_eq!(all.took(at(151), at(300)), Took::Nothing);
    assert_eq!(all.took(at(130), at(150)), Took::Either);
    assert_eq!(all.count(at(150), at(152)), (2, 1));
}

#[test]
fn of_several_replicas_together() {
    let part = |slots| Acknowledged { endpoint: None, slots };
    let sum = Timeline::of(&[&part(vec![(1, 2, 0), (3, u64::MAX, 1)]), &part(vec![(3, 1, 1)])]);
    assert_eq!(sum.count(at(1), at(3)), (u64::MAX, 2));
}

proptest! {
    #[test]
    fn a_clean_cut_is_found_wherever_it_is(each in 1_u64..50, cut in 30_u64..295) {
        let timeline = timeline((20..=300).map(|n| if n < cut { (n, each, 0) } else { (n, 0, each) }));
        prop_assert_eq!(timeline.took(Moment::START, at(300)), Took::Last(at(cut)));
    }

    #[test]
    fn where_most_are_there_nothing_was_taken(gone in proptest::collection::btree_set(20_u64..200, 1..20)) {
        // What is there afterwards says that its end took nothing.
        let timeline = timeline((20..=300).map(|n| (n, 3, u64::from(gone.contains(&n)))));
        prop_assert_eq!(timeline.took(Moment::START, at(300)), Took::Nothing);
    }

    #[test]
    fn no_history_is_too_odd(slots in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..9)) {
        let from_and_to = [0, 1, u64::MAX].map(Moment::from_nanos);
        for (from, to) in from_and_to.into_iter().zip(from_and_to) {
            timeline(slots.clone()).took(from, to);
        }
        timeline(slots).took(Moment::START, Moment::from_nanos(u64::MAX));
    }
}

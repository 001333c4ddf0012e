use super::*;
use crate::{
    assessment::sample::{Failing, Sample},
    outcome::FailureKind,
};

fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

/// A trial at 100 requests a second that lost as many.
fn losing(failing: impl IntoIterator<Item = Failing>) -> History {
    let mut sample = Sample::baseline();
    for one in failing {
        sample.fail(one);
    }
    sample.history()
}

#[test]
fn what_would_work_a_moment_later_is_hidden() {
    let history = losing([Failing::refused(2.0, 0)]);
    let replay = replay(&history, &policy("1 backoff=500ms"));
    assert_eq!((replay.lost, replay.covered, replay.doubled), (1, 1, 0));
    assert!((replay.hidden - 1.0).abs() < 1e-9 && (replay.added - 1.0).abs() < 1e-9, "{replay:?}");
}

#[test]
fn a_retry_into_the_same_storm_is_lost_as_well() {
    // Every new connection of two seconds is refused.
    let storm = (0..200).map(|n| Failing::refused(2.0 + f64::from(n) / 100.0, 0));
    let mut history = losing(storm);
    for interval in history.intervals.iter_mut().filter(|interval| (20..40).contains(&interval.index)) {
        interval.lanes.clear();
    }
    let at_once = replay(&history, &policy("1 backoff=1ms"));
    assert!(at_once.hidden < 5.0, "{at_once:?}");
    let patient = replay(&history, &policy("1 backoff=3s"));
    assert!((patient.hidden - 200.0).abs() < 1e-6, "{patient:?}");
    // A hundred retries land in a second that has a hundred requests of its own.
    let most = 1.0 + 100.0 / history.header.rate;
    assert!(patient.worst > 1.0 && patient.worst <= most + 0.02, "{patient:?} {most}");
}

#[test]
fn what_may_have_been_executed_is_doubled_only_by_who_says_so() {
    let cut = Failing::cut(2.0, 0.1, FailureKind::Closed, ConnectionKind::Fresh, 0);
    let mut history = losing([cut, Failing::refused(3.0, 0)]);
    let idempotent = replay(&history, &policy("2"));
    assert_eq!((idempotent.covered, idempotent.doubled), (2, 0));
    history.header.idempotent = false;
    let careful = replay(&history, &policy("2"));
    assert_eq!((careful.lost, careful.covered, careful.doubled), (2, 1, 0));
    let bold = replay(&history, &policy("2 not-idempotent"));
    assert_eq!((bold.lost, bold.covered, bold.doubled), (2, 2, 1));
}

#[test]
fn what_was_sent_again_anyway_and_what_is_our_own_is_not_replayed() {
    let own = Failing { kind: FailureKind::NoPort, ..Failing::refused(2.0, 0) };
    let history = losing([Failing::refused(2.5, 0).retried(), own]);
    assert_eq!(replay(&history, &policy("1")).covered, 0);
}

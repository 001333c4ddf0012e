use super::*;
use crate::sample::{answer, failure};

fn taken(keep: Option<bool>, answers: u64) -> Interval {
    let mut recorder = Recorder::new(0);
    if let Some(keep) = keep {
        recorder = recorder.keep_answers(keep);
    }
    for n in 0..answers {
        recorder.ended(answer(n, 900));
    }
    recorder.ended(failure(7, 300, Phase::Connect, FailureKind::Refused, "refused"));
    recorder.take(Moment::START, Gauges::default(), Duration::ZERO)
}

#[test]
fn answers_are_kept_only_where_that_was_asked_for() {
    assert_eq!(taken(None, 3).answers, []);
    assert_eq!(taken(Some(false), 3).answers, []);
    assert_eq!(taken(Some(true), 3).answers, (0..3).map(|n| answer(n, 900)).collect::<Vec<_>>());
}

#[test]
fn answers_that_are_kept_have_a_bound_and_their_count_has_none() {
    let beyond = MOST_ANSWERS as u64 + 5;
    let interval = taken(Some(true), beyond);
    assert_eq!((interval.answers.len(), interval.counts.good), (MOST_ANSWERS, beyond));
}

#[test]
fn each_interval_keeps_its_own_answers() {
    let mut recorder = Recorder::new(0).keep_answers(true);
    recorder.ended(answer(1, 900));
    let first = recorder.take(Moment::from_nanos(100_000_000), Gauges::default(), Duration::ZERO);
    recorder.ended(answer(101, 900));
    let second = recorder.take(Moment::from_nanos(200_000_000), Gauges::default(), Duration::ZERO);
    assert_eq!((first.answers, second.answers), (vec![answer(1, 900)], vec![answer(101, 900)]));
}

#[test]
fn later_is_the_same_on_another_clock() {
    let interval = taken(Some(true), 1);
    let later = interval.clone().later(12);
    assert_eq!(later.index, 12);
    assert_eq!(later.answers[0], answer(1_200, 900));
    assert_eq!(later.whole[0].outcome, failure(1_207, 300, Phase::Connect, FailureKind::Refused, "refused"));
    assert_eq!(
        Interval { index: 0, whole: interval.whole.clone(), answers: interval.answers.clone(), ..later },
        interval
    );
    assert_eq!(interval.later(u64::MAX).later(1).index, u64::MAX);
}

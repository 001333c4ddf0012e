use super::*;
use crate::{
    outcome::{FailureKind, Outcome, Phase},
    recording::Recording,
    sample::{answer, answers, failure, record, refused},
    threshold::WriteCounts,
};

fn judge(threshold: &str, recording: &Recording) -> (Option<String>, Holds, Option<String>) {
    let measured = Measured { recording, duration: Duration::from_secs(1), writes: None };
    let judged = threshold.parse::<Threshold>().unwrap().judge(&measured);
    (judged.measured, judged.judgement, judged.why)
}

/// The measured value, and whether it holds.
fn found(threshold: &str, recording: &Recording) -> (String, Holds) {
    let (measured, holds, why) = judge(threshold, recording);
    assert_eq!(why, None, "{threshold}");
    (measured.unwrap(), holds)
}

#[test]
fn times_are_compared_with_the_bound() {
    let recording = record(answers(1_000));
    for (threshold, measured, holds) in [
        ("p50<2ms", "1.49ms", Holds::Pass),
        ("p50<1ms", "1.49ms", Holds::Fail),
        ("p99.9<3ms", "1.99ms", Holds::Pass),
        ("avg>1ms", "1.50ms", Holds::Pass),
        ("min>=2ms", "1.00ms", Holds::Fail),
        ("max<=1ms", "1.99ms", Holds::Fail),
        ("service:p50<1.48ms", "1.47ms", Holds::Pass),
    ] {
        assert_eq!(found(threshold, &recording), (measured.into(), holds), "{threshold}");
    }
}

#[test]
fn what_is_shown_does_not_contradict_the_judgement() {
    let recording = record((0..100).map(|n| answer(n, 50_010)).collect());
    let (measured, holds) = found("max<=50ms", &recording);
    assert_eq!(holds, Holds::Fail);
    assert!(measured.starts_with("50.0") && measured.len() > 6, "{measured}");
}

#[test]
fn a_quantile_of_too_few_is_no_pass() {
    let recording = record(answers(120));
    let why = "p99.9 needs at least 1,000 answers, there were 120".to_owned();
    assert_eq!(judge("p99.9<50ms", &recording), (Some("1.99ms".into()), Holds::Inconclusive, Some(why)));
    // What there is already exceeds it.
    assert_eq!(found("p99.9<1ms", &recording).1, Holds::Fail);
    assert_eq!(found("p99<50ms", &recording).1, Holds::Pass);
}

#[test]
fn time_outs_count_as_at_least_their_time() {
    let mut outcomes = answers(90);
    outcomes.extend((0..10).map(|n| failure(n, 5_000_000, Phase::Wait, FailureKind::TimedOut, "")));
    let recording = record(outcomes);
    assert_eq!(found("p95<50ms", &recording), ("5.00s".into(), Holds::Fail));
    assert_eq!(found("service:p95<50ms", &recording), ("5.00s".into(), Holds::Fail));
}

#[test]
fn the_generators_own_lag_fails_nothing() {
    let late = |n| Outcome { begun: answer(n, 0).due + Duration::from_millis(8), ..answer(n, 12_000) };
    let recording = record((0..100).map(late).collect());
    let why = "the generator itself may be to blame: it began requests late (p99 8.00ms), and from then on they took \
               4.00ms";
    let (measured, holds, said) = judge("p99<10ms", &recording);
    assert_eq!((measured.as_deref(), holds, said.as_deref()), (Some("12.0ms"), Holds::Inconclusive, Some(why)));
    // The target alone takes longer than this one.
    assert_eq!(found("p99<3ms", &recording).1, Holds::Fail);
    // With the lag and still below the bound: without it all the more.
    assert_eq!(found("p99<20ms", &recording).1, Holds::Pass);
    assert_eq!(judge("p50>5ms", &recording).1, Holds::Inconclusive);
}

#[test]
fn failures_are_a_share_or_a_count() {
    let mut outcomes = answers(998);
    outcomes.push(refused(998, 900, 503));
    outcomes.push(failure(999, 900, Phase::Wait, FailureKind::Reset, "reset"));
    let recording = record(outcomes);
    let share = "0.2% (2 of 1,000)";
    for (threshold, measured, holds) in [
        ("failed<=0.2%", share, Holds::Pass),
        ("failed<0.2%", share, Holds::Fail),
        ("http_req_failed:rate<0.01", share, Holds::Pass),
        ("failed<3", "2", Holds::Pass),
        ("failed==0", "2", Holds::Fail),
        ("rate>990", "998/s", Holds::Pass),
        ("rate>998", "998/s", Holds::Fail),
        ("not_sent==0", "0", Holds::Pass),
        ("retried<1", "0", Holds::Pass),
    ] {
        assert_eq!(found(threshold, &recording), (measured.into(), holds), "{threshold}");
    }
}

#[test]
fn what_never_ended_may_have_failed_or_not() {
    let mut outcomes = answers(100);
    outcomes.extend((0..100).map(|n| refused(n, 900, 503)));
    outcomes.extend((0..50).map(|n| failure(n, 900, Phase::Wait, FailureKind::Unfinished, "")));
    let mut recording = record(outcomes);
    recording.not_sent = 150;
    let why = "200 requests never sent or cut short: between 25.0% and 75.0%".to_owned();
    let share = "50% (100 of 200)".to_owned();
    assert_eq!(judge("failed<60%", &recording), (Some(share.clone()), Holds::Inconclusive, Some(why)));
    assert_eq!(found("failed<20%", &recording), (share.clone(), Holds::Fail));
    assert_eq!(found("failed<80%", &recording), (share, Holds::Pass));
}

#[test]
fn of_nothing_nothing_is_known() {
    let nothing = Recording::default();
    for threshold in
        ["p99<50ms", "max<1s", "min>1us", "avg<1s", "service:p50<1s", "failed==0", "failed<1%", "rate>0", "retried==0"]
    {
        let (measured, holds, why) = judge(threshold, &nothing);
        assert_eq!((measured, holds), (None, Holds::Inconclusive), "{threshold}");
        assert!(why.is_some());
    }
}

#[test]
fn writes_are_judged_where_a_ledger_was_kept() {
    let recording = record(answers(10));
    assert_eq!(judge("lost_writes==0", &recording).1, Holds::Inconclusive);
    let writes = Some(WriteCounts { lost: 0, unknown: 7, unverified: 1 });
    let measured = Measured { recording: &recording, duration: Duration::from_secs(1), writes };
    let holds = |threshold: &str| threshold.parse::<Threshold>().unwrap().judge(&measured).judgement;
    // The one that could not be read back may be lost.
    assert_eq!(holds("lost_writes==0"), Holds::Inconclusive);
    assert_eq!(holds("lost_writes<2"), Holds::Pass);
    assert_eq!(holds("unknown_writes<7"), Holds::Fail);
}

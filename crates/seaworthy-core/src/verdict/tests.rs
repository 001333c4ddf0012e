use super::*;
use crate::{
    outcome::{FailureKind, Outcome, Phase},
    sample::{answer, answers, failure, record, refused},
};

fn judged(recording: &Recording, writes: Option<&Writes>, thresholds: &[&str]) -> (Verdict, Vec<String>) {
    let thresholds: Vec<Threshold> = thresholds.iter().map(|text| text.parse().unwrap()).collect();
    let evidence = Evidence {
        recording,
        duration: Duration::from_secs(1),
        generator: &Generator::default(),
        closed_loop: false,
        interrupted: false,
        writes,
    };
    let judgement = judge(&evidence, &thresholds);
    assert_eq!(judgement.thresholds.len(), thresholds.len());
    let interrupted = judge(&Evidence { interrupted: true, ..evidence }, &thresholds);
    assert_eq!(interrupted.verdict, judgement.verdict);
    assert!(interrupted.reasons.last().unwrap().starts_with("it was interrupted after 1.00s"));
    (judgement.verdict, judgement.reasons)
}

fn of(verdict: Verdict, reasons: &[&str]) -> (Verdict, Vec<String>) {
    (verdict, reasons.iter().map(|&reason| reason.into()).collect())
}

const KEPT: Writes = Writes {
    acknowledged: 40,
    unknown: 1,
    recovered: 0,
    refused: 2,
    kept: 40,
    lost: 0,
    stale: 0,
    unverified: 0,
    duplicated: 0,
    lost_examples: Vec::new(),
};

#[test]
fn what_was_stated_holds_or_does_not() {
    let good = record(answers(200));
    for (thresholds, expected) in [
        (&["p99<5ms", "failed==0"][..], of(Verdict::Pass, &["2 of 2 thresholds hold"])),
        (&["p99<5ms"], of(Verdict::Pass, &["1 of 1 threshold holds"])),
        (&["p99<1ms", "failed==0"], of(Verdict::Fail, &["p99<1ms: 1.98ms"])),
        (&["p99<1ms", "p99.9<5ms"], of(Verdict::Fail, &["p99<1ms: 1.98ms"])),
        (
            &["p99.9<5ms", "failed==0"],
            of(Verdict::Inconclusive, &["p99.9<5ms: 1.99ms; p99.9 needs at least 1,000 answers, there were 200"]),
        ),
        (&[], of(Verdict::Unjudged, &["no threshold was given: nothing was judged"])),
    ] {
        assert_eq!(judged(&good, None, thresholds), expected);
    }
}

#[test]
fn a_lost_write_fails_whatever_else_there_was() {
    let mut unsent = record(answers(200));
    unsent.not_sent = 3;
    let lost = Writes { lost: 2, kept: 37, unverified: 1, lost_examples: vec!["user 7".into()], ..KEPT };
    let expected = of(Verdict::Fail, &["2 of 40 acknowledged writes lost", "lost: user 7"]);
    assert_eq!(judged(&unsent, Some(&lost), &["p99<5ms"]), expected);
}

#[test]
fn writes_alone_are_a_statement() {
    let good = record(answers(200));
    let pass = of(Verdict::Pass, &["all of 40 acknowledged writes were read back"]);
    assert_eq!(judged(&good, Some(&KEPT), &[]), pass);
    let none = Writes { acknowledged: 0, kept: 0, ..KEPT };
    let expected = of(Verdict::Inconclusive, &["not one write was acknowledged: nothing is known of their keeping"]);
    assert_eq!(judged(&good, Some(&none), &["p99<5ms"]), expected);
    let unread = Writes { kept: 39, unverified: 1, ..KEPT };
    let reason = "1 of 40 acknowledged writes could not be read back: whether they were kept is not known";
    assert_eq!(judged(&good, Some(&unread), &["p99<5ms"]), of(Verdict::Inconclusive, &[reason]));
}

#[test]
fn a_limited_generator_decides_nothing() {
    let late = |n| Outcome { begun: answer(n, 0).due + Duration::from_millis(40), ..answer(n, 90_000) };
    let late = record((0..200).map(late).collect());
    let (verdict, reasons) = judged(&late, None, &["p99<1ms"]);
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(reasons[0].starts_with("the generator limited the result: it was late: p99"), "{reasons:?}");
}

#[test]
fn a_target_that_hangs_does_not_hide_behind_those_that_it_kept_waiting() {
    let mut good = record(answers(200));
    good.not_sent = 30;
    assert_eq!(judged(&good, None, &["p99<1ms"]), of(Verdict::Fail, &["p99<1ms: 1.98ms"]));
    let (verdict, reasons) = judged(&good, None, &["p99<5ms"]);
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(reasons[0].contains("it never sent 30 requests"), "{reasons:?}");
}

#[test]
fn nothing_seen_is_inconclusive_and_nothing_good_a_failure() {
    let nothing = Recording::default();
    assert_eq!(judged(&nothing, None, &["p99<5ms"]), of(Verdict::Inconclusive, &["no request was due"]));
    let cut_short = record(vec![failure(0, 5, Phase::Wait, FailureKind::Unfinished, "")]);
    assert_eq!(judged(&cut_short, None, &[]), of(Verdict::Inconclusive, &["no request ended"]));
    let bad = record((0..20).map(|n| refused(n, 900, 500)).collect());
    assert_eq!(judged(&bad, None, &[]), of(Verdict::Fail, &["not one of 20 requests was answered as expected"]));
}

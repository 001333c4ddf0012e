//! What the writes make of the verdict.

use super::*;
use crate::audit::Audit;

/// A rollout that loses no request, with writes from a moment on.
fn with(since: f64, audit: Audit) -> Sample {
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    let first = (audit.acknowledged > 0).then(|| at(since));
    sample.audit = Some(Audit { first, ..audit });
    sample
}

fn kept() -> Audit {
    Audit { acknowledged: 1_204, kept: 1_204, ..Audit::default() }
}

fn judged(audit: Audit) -> Assessment {
    assess(&with(3.0, audit).history())
}

#[test]
fn writes_that_are_all_there_pass() {
    let assessment = judged(kept());
    assert_eq!(assessment.verdict, Verdict::Pass, "{:#?}", assessment.reasons);
    says(&assessment.reasons, "all 1,204 acknowledged writes are there, after 3 terminations");
    assert_eq!(assessment.writes.unwrap().verdict(), Verdict::Pass);
}

#[test]
fn a_lost_or_doubled_write_fails_whatever_the_drills_say() {
    for (audit, said) in [
        (Audit { kept: 1_192, lost: 12, ..kept() }, "12 of 1,204 acknowledged writes are gone"),
        (Audit { kept: 1_203, lost: 1, ..kept() }, "1 of 1,204 acknowledged writes is gone"),
        (Audit { duplicated: 3, ..kept() }, "3 writes were sent once, and are there more often"),
        (Audit { kept: 0, lost: 1, unverified: 1_203, ..kept() }, "1 of 1,204 acknowledged writes is gone"),
    ] {
        let assessment = judged(audit);
        assert_eq!(assessment.verdict, Verdict::Fail, "{said}");
        assert_eq!(assessment.reasons[0], said);
        assert!(assessment.drills.iter().all(|row| row.verdict == Verdict::Pass));
    }
}

#[test]
fn what_could_not_be_read_is_never_a_pass() {
    for (audit, said) in [
        (Audit { kept: 1_203, unverified: 1, ..kept() }, "1 of 1,204 acknowledged writes could not be read back"),
        (Audit { kept: 0, unverified: 1_204, ..kept() }, "could not be read back: look at --read, and at --id-field"),
        (Audit::default(), "not one write was acknowledged"),
        (Audit { refused: 7, ..Audit::default() }, "look at --write, since the target refused them"),
        // A history that was changed by hand counts fewer than there are.
        (Audit { kept: 1_200, ..kept() }, "4 of 1,204 acknowledged writes could not be read back"),
    ] {
        let assessment = judged(audit);
        assert_eq!(assessment.verdict, Verdict::Inconclusive, "{said}");
        says(&assessment.reasons, said);
    }
}

#[test]
fn late_and_unknown_writes_are_told_and_do_not_fail() {
    let audit = Audit { kept: 1_200, stale: 4, unknown: 3, recovered: 2, not_executed: 1, refused: 9, ..kept() };
    let assessment = judged(audit);
    assert_eq!(assessment.verdict, Verdict::Pass, "{:#?}", assessment.reasons);
    says(&assessment.reasons, "all 1,204 acknowledged writes are there, 4 of them late");
}

#[test]
fn only_what_ended_after_the_writes_puts_them_to_the_test() {
    // Replicas are told to end at 15 s, 18 s and 21 s.
    for (since, terminations) in [(3.0, 3), (16.0, 2), (22.0, 0)] {
        let assessment = assess(&with(since, kept()).history());
        assert_eq!(assessment.writes.as_ref().unwrap().terminations, terminations);
        if terminations == 0 {
            says(&assessment.reasons, "no replica ended after them: that proves nothing");
        }
    }
    let mut killed = Sample::kill();
    killed.audit = Some(Audit { first: Some(at(3.0)), ..kept() });
    assert_eq!(assess(&killed.history()).writes.unwrap().terminations, 1);
}

#[test]
fn thresholds_on_writes_are_judged_in_a_trial() {
    for (threshold, audit, verdict) in
        [("lost_writes==0", kept(), Verdict::Pass), ("unknown_writes<3", Audit { unknown: 3, ..kept() }, Verdict::Fail)]
    {
        let mut sample = with(3.0, audit);
        sample.header.expectations.thresholds = vec![threshold.into()];
        assert_eq!(assess(&sample.history()).verdict, verdict, "{threshold}");
    }
}

#[test]
fn without_a_ledger_nothing_is_said_of_writes() {
    assert_eq!(assess(&Sample::rollout(Ending::GRACEFUL).history()).writes, None);
}

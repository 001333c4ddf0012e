use std::collections::BTreeMap;

use super::{sample::*, *};
use crate::{
    deployment::{Check, Hook, Probe},
    event::{Event, Exit, Release, Revision, Signal},
    history::Footer,
    interval::{Counts, FailureClass},
    outcome::ConnectionKind,
    verdict::Verdict,
};

pub(crate) mod arbitrary;
mod asked;
mod drills;
mod network;
mod writes;

fn row(assessment: &Assessment, drill: Drill) -> &Row {
    assessment.drills.iter().find(|row| row.drill == drill).unwrap()
}

fn causes(assessment: &Assessment) -> Vec<(&str, u64, u64)> {
    assessment.findings.iter().map(|finding| (&*finding.cause, finding.count, finding.allowed)).collect()
}

#[track_caller]
fn says(reasons: &[String], words: &str) {
    assert!(reasons.iter().any(|reason| reason.contains(words)), "{words:?} is not in {reasons:#?}");
}

#[test]
fn a_rollout_that_loses_nothing_passes_and_claims_no_more_than_was_seen() {
    let assessment = assess(&Sample::rollout(Ending::GRACEFUL).history());
    assert_eq!(assessment.verdict, Verdict::Pass, "{:#?}", assessment.reasons);
    assert_eq!(assessment.terminations, 3);
    assert_eq!(assessment.resolution, Duration::from_millis(10));
    let ended = assessment.total.ended;
    assert_eq!(ended, 2_400);
    assert_eq!(assessment.bound, Some(3.0 / ended as f64));
    says(&assessment.reasons, "no loss was seen in 2,400 requests");
    says(&assessment.reasons, "over 3 terminations");
    let rollout = row(&assessment, Drill::Rollout);
    assert!(rollout.happened.as_ref().unwrap().contains("all 3 old replicas ended"));
    assert_eq!(rollout.window, (at(12.0), at(26.0)));
    assert_eq!(rollout.disturbed, Some((at(14.0), at(24.0))));
    let [before, during, after] = rollout.times;
    assert!(before.count >= 195 && during.count >= 990 && after.count >= 190, "{:?}", rollout.times);
    assert_eq!(rollout.recovery, None);
    assert_eq!((assessment.findings.len(), assessment.groups.len()), (0, 0));
}

#[test]
fn a_server_that_ends_at_once_fails_with_the_cause_and_what_mends_it() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    for (replica, told) in [(0, 15.0), (1, 18.0), (2, 21.0)] {
        sample.fail(Failing::refused(told + 0.02, replica)).fail(Failing::refused(told + 0.97, replica));
        let cut = Failing::cut(told - 0.004, 0.014, FailureKind::Closed, ConnectionKind::Fresh, replica);
        sample.fail(cut);
        let idle = Failing::cut(told + 0.005, 0.006, FailureKind::Closed, ConnectionKind::Reused, replica);
        sample.fail(idle.retried());
    }
    let assessment = assess(&sample.history());
    assert_eq!(assessment.verdict, Verdict::Fail);
    let rollout = row(&assessment, Drill::Rollout);
    assert_eq!(rollout.fresh.lost, 9);
    assert_eq!((rollout.keep_alive.lost, rollout.keep_alive.retried), (0, 3));
    says(&assessment.reasons, "rollout: 9 of ");
    assert_eq!(row(&assessment, Drill::Baseline).verdict, Verdict::Pass);
    // SIGTERM ended its process: idle connections were closed by that, and by no shutdown.
    assert_eq!(causes(&assessment), [("endpoint-removal-race", 6, 0), ("exit-on-sigterm", 6, 0)]);
    let race = &assessment.findings[0];
    assert_eq!(race.confidence, Confidence::Proven);
    assert_eq!(assessment.findings.iter().map(|finding| finding.retried).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(race.evidence[0], "6 connections refused between 0.02 s and 0.97 s after SIGTERM to replicas 0, 1, 2");
    assert_eq!(
        race.evidence[1..],
        [
            "clients still saw them for 1.00 s",
            "the listener was gone after 0.01 s",
            "the process had ended after 0.01 s",
            "preStop: none"
        ]
    );
    assert!(race.mends.contains("lifecycle.preStop.sleep.seconds: 2 (>= 1.00 s measured)"), "{}", race.mends);
    let places: Vec<_> = assessment.groups.iter().map(|group| &*group.place).collect();
    assert!(places.contains(&"0.02 s to 0.97 s after SIGTERM to replica 2"), "{places:#?}");
    assert_eq!(assessment.bound, None);
    let recovery = rollout.recovery.unwrap().as_secs_f64();
    assert!((recovery - (21.971 - 14.996)).abs() < 0.001, "{recovery}");
}

#[test]
fn a_pre_stop_that_is_too_short_is_said_to_be() {
    let mut sample = Sample::rollout(Ending { pre_stop: 0.5, ..Ending::AT_ONCE });
    sample.header.deployment.template.pre_stop = Some(Hook::Sleep(Duration::from_millis(500)));
    sample.header.deployment.template.grace = Duration::from_secs(2);
    sample.fail(Failing::refused(15.8, 0));
    let assessment = assess(&sample.history());
    let [race] = assessment.findings.as_slice() else { panic!("{:#?}", assessment.findings) };
    assert!(race.mends.starts_with("the preStop sleep of 0.50 s is shorter than the 1.00 s"), "{}", race.mends);
    assert!(race.mends.contains("it is only 2: raise it"), "{}", race.mends);
    assert!(race.evidence.contains(&"preStop: sleep 0.50 s".to_owned()));
}

#[test]
fn whatever_is_missing_makes_it_inconclusive() {
    type Change = fn(&mut Sample);
    let cases: [(&str, Change); 17] = [
        ("never began: kill", |sample| sample.header.drills.push(Drill::Kill)),
        ("never began: rollout", |sample| sample.header.drills.push(Drill::Rollout)),
        ("its end is missing", |sample| sample.footer = None),
        ("it was interrupted", |sample| sample.footer.as_mut().unwrap().interrupted = true),
        ("it was interrupted", |sample| {
            sample.event(30.0, Event::Interrupted);
        }),
        ("no drill began", |sample| {
            sample.header.drills.clear();
            sample.events.retain(|(_, event)| !matches!(event, Event::DrillBegun { .. }));
        }),
        ("rollout: it was cut short", |sample| {
            sample.events.retain(|(_, event)| *event != Event::DrillEnded { drill: Drill::Rollout });
        }),
        ("rollout: the tool missed something: the queue was full", |sample| {
            sample.event(16.0, Event::Blind { what: "the queue was full".into() });
        }),
        ("the tool missed something: before", |sample| {
            sample.event(1.5, Event::Blind { what: "before".into() });
        }),
        ("rollout: 3 requests were never sent", |sample| sample.footer.as_mut().unwrap().not_sent = 3),
        ("1 interval was handed over late", |sample| sample.footer.as_mut().unwrap().generator.backlog = 1),
        ("rollout: another process answers for replica 4: nginx", |sample| {
            sample.event(17.5, Event::Foreign { replica: Replica(4), holder: "nginx (pid 7)".into() });
        }),
        ("nothing shows that all was as it should be again", |sample| {
            sample.events.retain(|(_, event)| *event != Event::Settled { drill: Drill::Rollout });
        }),
        ("the generator was late: p99 of its send lag", |sample| (sample.late, sample.takes) = (0.12, 0.13)),
        ("the generator had no free source port for 1 request", |sample| {
            sample.fail(Failing { kind: FailureKind::NoPort, ..Failing::refused(15.2, 0) });
        }),
        ("the generator had no free file descriptor for 1 request", |sample| {
            sample.fail(Failing { kind: FailureKind::NoDescriptor, ..Failing::refused(15.2, 0) });
        }),
        ("1 request was lost between two drills", |sample| {
            sample
                .events
                .iter_mut()
                .filter(|(_, event)| *event == Event::DrillEnded { drill: Drill::Baseline })
                .for_each(|(when, _)| *when = at(11.0));
            sample.fail(Failing::refused(11.5, 0));
        }),
    ];
    for (words, change) in cases {
        let mut sample = Sample::rollout(Ending::GRACEFUL);
        change(&mut sample);
        let assessment = assess(&sample.history());
        assert_eq!(assessment.verdict, Verdict::Inconclusive, "{words}: {:#?}", assessment.reasons);
        says(&assessment.reasons, words);
    }
}

#[test]
fn a_proven_loss_fails_however_late_the_generator_was() {
    for (failing, verdict) in [
        (Failing::refused(15.5, 0), Verdict::Fail),
        (Failing::status(15.5, 500, 1), Verdict::Fail),
        (Failing { kind: FailureKind::TimedOut, ..Failing::refused(15.5, 0) }, Verdict::Inconclusive),
    ] {
        let mut sample = Sample::rollout(Ending::AT_ONCE);
        (sample.late, sample.takes) = (0.12, 0.13);
        sample.fail(failing);
        let assessment = assess(&sample.history());
        let rollout = row(&assessment, Drill::Rollout);
        assert_eq!((rollout.verdict, rollout.fresh.lost), (verdict, 1), "{failing:?}: {:#?}", rollout.reasons);
    }
}

#[test]
fn how_late_the_generator_may_be_depends_on_what_is_asked() {
    for (bound, verdict) in [(None, Verdict::Pass), (Some(Duration::from_secs(1)), Verdict::Inconclusive)] {
        let mut sample = Sample::rollout(Ending::GRACEFUL);
        (sample.late, sample.takes) = (0.02, 0.03);
        sample.header.expectations.max_p99 = bound;
        let assessment = assess(&sample.history());
        assert_eq!(assessment.verdict, verdict, "{bound:?}: {:#?}", assessment.reasons);
    }
}

#[test]
fn another_process_that_answers_fails_nobody() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    sample.event(17.5, Event::Foreign { replica: Replica(4), holder: "nginx (pid 7)".into() });
    sample.fail(Failing::status(20.0, 500, 4));
    assert_eq!(assess(&sample.history()).verdict, Verdict::Inconclusive);
}

#[test]
fn a_loss_within_what_may_be_passes() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    sample.fail(Failing::refused(15.5, 0)).fail(Failing::refused(15.6, 0));
    for (most, verdict) in [(1, Verdict::Fail), (2, Verdict::Pass)] {
        sample.header.expectations.max_lost = most;
        assert_eq!(assess(&sample.history()).verdict, verdict, "{most}");
    }
}

#[test]
fn times_are_held_to_what_was_stated() {
    let cases: [(u64, f64, Verdict, &str); 3] = [
        (50, 0.002, Verdict::Pass, "no loss"),
        (50, 0.08, Verdict::Fail, "p99 during the disturbance was 80"),
        (90, 0.08, Verdict::Pass, "no loss"),
    ];
    for (bound, takes, verdict, words) in cases {
        let mut sample = Sample::rollout(Ending::GRACEFUL);
        sample.header.expectations.max_p99 = Some(Duration::from_millis(bound));
        sample.takes = takes;
        let assessment = assess(&sample.history());
        assert_eq!(assessment.verdict, verdict, "{:#?}", assessment.reasons);
        says(&assessment.reasons, words);
    }
    let mut short = Sample::rollout(Ending::GRACEFUL);
    short.header.expectations.max_p99 = Some(Duration::from_millis(50));
    short.events.retain(|(_, event)| *event != Event::Settled { drill: Drill::Rollout });
    short.event(14.5, Event::Settled { drill: Drill::Rollout });
    let assessment = assess(&short.history());
    says(&row(&assessment, Drill::Rollout).reasons, "p99 during the disturbance needs at least 100 answers");
    assert_eq!(assessment.verdict, Verdict::Inconclusive);
}

#[test]
fn thresholds_are_on_the_whole_trial() {
    for (threshold, verdict, words) in [
        ("p99<50ms", Verdict::Pass, "1 of 1 threshold holds"),
        ("p99<1ms", Verdict::Fail, "p99<1ms: 2.00ms"),
        ("p99.99<50ms", Verdict::Inconclusive, "needs at least"),
        ("lost_writes==0", Verdict::Inconclusive, "no ledger of writes"),
        ("nonsense", Verdict::Inconclusive, "the threshold \"nonsense\" is not a threshold"),
    ] {
        let mut sample = Sample::rollout(Ending::GRACEFUL);
        sample.header.expectations.thresholds.push(threshold.into());
        let assessment = assess(&sample.history());
        assert_eq!(assessment.verdict, verdict, "{threshold}: {:#?}", assessment.reasons);
        says(&assessment.reasons, words);
    }
}

#[test]
fn too_few_requests_tell_nothing() {
    let mut slow = Sample::rollout(Ending::GRACEFUL);
    slow.header.rate = 5.0;
    let assessment = assess(&slow.history());
    // 5 per second, half of them fresh, for a second each, over 3 replicas: 0.83 for each of 3 terminations.
    says(&row(&assessment, Drill::Rollout).reasons, "only 2.5 new connections would have met");
    says(&row(&assessment, Drill::Rollout).reasons, "raise --rate to at least 6");
    says(
        &row(&assessment, Drill::Baseline).reasons,
        "too few requests: 25 over kept connections, 25 over fresh connections",
    );
    assert_eq!(assessment.verdict, Verdict::Inconclusive);

    slow.header.rate = 7.0;
    assert_eq!(assess(&slow.history()).verdict, Verdict::Pass, "enough of both");

    let mut at_once = Sample::rollout(Ending::GRACEFUL);
    at_once.header.rate = 10.0;
    at_once.header.fresh = 0.05;
    says(&assess(&at_once.history()).reasons, "new connections would have met");
    (at_once.header.propagation_least, at_once.header.propagation_most) = (Duration::ZERO, Duration::ZERO);
    assert_eq!(assess(&at_once.history()).verdict, Verdict::Pass, "clients hear at once, so there is no race");
}

#[test]
fn a_target_that_never_answers_fails() {
    let mut sample = Sample::baseline();
    sample.answers.clear();
    sample.header.expectations.max_lost = 1_000;
    for n in 0..100 {
        sample.fail(Failing::status(2.0 + f64::from(n) * 0.09, 500, 0));
    }
    let assessment = assess(&sample.history());
    assert_eq!(assessment.verdict, Verdict::Fail);
    says(&assessment.reasons, "not one of 100 requests was answered as expected");
}

#[test]
fn a_baseline_that_loses_fails_and_is_not_blamed_on_a_later_drill() {
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    for n in 0..4 {
        sample.fail(Failing::status(3.0 + f64::from(n), 500, 0));
    }
    // The rollout takes 14 s to the baseline's 10 s: 5.6 would be like before, and 13 are not.
    for (count, own, verdict) in [(6, 0, Verdict::Inconclusive), (13, 13, Verdict::Fail)] {
        let mut more = sample.clone();
        for n in 0..count {
            more.fail(Failing::status(12.5 + f64::from(n), 500, 2));
        }
        let assessment = assess(&more.history());
        assert_eq!(assessment.verdict, Verdict::Fail);
        says(&assessment.reasons, "baseline: 4 of 1,00");
        says(&assessment.reasons, "were lost while nothing happens");
        let rollout = row(&assessment, Drill::Rollout);
        assert_eq!(rollout.verdict, verdict, "{:#?}", rollout.reasons);
        assert_eq!(rollout.fresh.lost, u64::try_from(count).unwrap(), "they are lost all the same");
        let unexplained = assessment.findings.iter().find(|finding| finding.cause == "unexplained").unwrap();
        assert_eq!(unexplained.count, 4 + own);
    }
}

#[test]
fn what_is_proven_to_be_a_drills_own_stays_its_own() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    sample.fail(Failing::refused(5.0, 0)).fail(Failing::refused(15.5, 0));
    let assessment = assess(&sample.history());
    assert_eq!(row(&assessment, Drill::Rollout).verdict, Verdict::Fail);
    assert!(causes(&assessment).contains(&("endpoint-removal-race", 1, 0)));
}

#[test]
fn a_write_without_an_answer_is_unknown_and_fails() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    sample.header.idempotent = false;
    sample.fail(Failing::cut(14.996, 0.014, FailureKind::Closed, ConnectionKind::Fresh, 0));
    let assessment = assess(&sample.history());
    assert_eq!((assessment.total.unknown, assessment.total.lost), (1, 0));
    assert_eq!(assessment.verdict, Verdict::Fail);
    says(&assessment.reasons, "nobody can know whether they were executed");
    says(&assessment.findings[0].evidence, "of 1 of them nobody can know whether they were executed");
    // What was never sent, and what was answered, is known.
    sample.failing = vec![Failing::refused(15.5, 0), Failing::status(15.5, 503, 1)];
    let assessment = assess(&sample.history());
    assert_eq!((assessment.total.unknown, assessment.total.lost), (0, 2));
}

#[test]
fn failures_that_were_only_counted_are_lost() {
    let mut history = Sample::rollout(Ending::AT_ONCE).history();
    let interval = history.intervals.iter_mut().find(|interval| interval.index == 155).unwrap();
    let (kind, phase, connection) = (FailureKind::Refused, Phase::Connect, ConnectionKind::Fresh);
    interval.counts.failed += 7;
    interval.counts.retried += 2;
    interval.failures.insert(FailureClass { kind, phase, status: None, connection }, 5);
    let assessment = assess(&history);
    let rollout = row(&assessment, Drill::Rollout);
    assert_eq!((rollout.fresh.lost, rollout.keep_alive.lost, rollout.keep_alive.retried), (5, 2, 2));
    assert_eq!(rollout.verdict, Verdict::Fail);
    says(&rollout.reasons, "7 of them were only counted");
    assert_eq!(causes(&assessment), [("unexplained", 7, 0)]);
}

#[test]
fn what_the_end_of_the_trial_cut_short_is_neither_lost_nor_answered() {
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    let before = assess(&sample.history()).total;
    sample.fail(Failing { kind: FailureKind::Unfinished, phase: Phase::Wait, ..Failing::refused(25.9, 3) });
    let assessment = assess(&sample.history());
    assert_eq!((assessment.total, assessment.verdict), (before, Verdict::Pass));
}

#[test]
fn a_request_belongs_to_the_drill_in_which_it_was_due() {
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    sample.fail(Failing { took: 3.0, kind: FailureKind::TimedOut, phase: Phase::Wait, ..Failing::refused(11.0, 0) });
    let assessment = assess(&sample.history());
    assert_eq!(row(&assessment, Drill::Baseline).fresh.lost, 1);
    assert_eq!(row(&assessment, Drill::Rollout).fresh.lost, 0);
}

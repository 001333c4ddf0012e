//! The drills that are only made when they are asked for: what proves them, and what they may lose.

use super::*;
use crate::{
    event::Reason,
    history::History,
    interval::{Interval, Lane},
};

/// Twice as much is asked from 14 s on, four times as much from 16 s on, and no more than before from 18 s on.
fn overload() -> Sample {
    let mut sample = Sample::baseline();
    let drill = Drill::Overload;
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 28.0).disturb(drill, 14.0, 25.0, None);
    sample.event(14.0, Event::Flooded { drill, rate: 200 }).event(16.0, Event::Flooded { drill, rate: 400 });
    sample.event(18.0, Event::FloodEnded { drill });
    sample
}

/// What became of what was added: so many good answers per tenth of a second, in each of the two steps.
fn flooded(sample: &Sample, good: [u64; 2], cpu: Duration) -> History {
    let mut history = sample.history();
    for (good, arrived, slots) in [(good[0], 10, 140..160), (good[1], 30, 160..180)] {
        let counts = Counts { arrived, begun: arrived, good, failed: arrived - good, ..Counts::default() };
        history.floods.extend(slots.map(|index| Interval { index, counts, cpu, ..Interval::default() }));
    }
    history
}

fn judged(history: &History, drill: Drill) -> (Verdict, Vec<String>, Result<String, String>) {
    let assessment = assess(history);
    let row = row(&assessment, drill);
    (row.verdict, row.reasons.clone(), row.happened.clone())
}

#[test]
fn who_is_asked_too_much_may_refuse_and_has_to_come_back() {
    let wait = |begun, took| Failing::cut(begun, took, FailureKind::TimedOut, ConnectionKind::Fresh, 1);
    let (lost, allowed, shed) = ((1, 0, 0), (0, 1, 0), (0, 0, 1));
    let cases = [
        ("refused with 503", Failing::status(15.0, 503, 1), shed),
        ("refused with 429", Failing::status(15.0, 429, 1), shed),
        ("refused with 503 a while after", Failing::status(20.0, 503, 1), shed),
        ("refused with 503 before", Failing::status(13.0, 503, 1), lost),
        ("an answer that is wrong", Failing::status(15.0, 500, 1), lost),
        ("no answer", wait(15.0, 5.0), allowed),
        ("no answer, though sent before", wait(13.0, 1.5), allowed),
        ("over before", wait(12.5, 1.0), lost),
        ("no connection", Failing::refused(17.9, 1), allowed),
        ("nobody there", Failing::nobody(17.9), allowed),
        ("while it comes back", Failing::refused(22.9, 1), allowed),
        ("though it had its time to come back", Failing::refused(23.1, 1), lost),
    ];
    for (what, failing, expected) in cases {
        let mut sample = overload();
        sample.fail(failing);
        let assessment = assess(&flooded(&sample, [10, 20], Duration::ZERO));
        let total = assessment.total;
        assert_eq!((total.lost, total.allowed, total.shed), expected, "{what}");
        let verdict = if expected == lost { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(assessment.verdict, verdict, "{what}: {:#?}", assessment.reasons);
        assert_eq!(total.ended, total.good + 1, "{what}");
    }
    let mut sample = overload();
    sample.fail(Failing::refused(24.2, 1));
    let (_, reasons, happened) = judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload);
    says(&reasons, "lost beyond what may be: the last of them was due 6.2 s after the flood, so it does not come back");
    assert!(happened.as_ref().is_ok_and(|words| words.ends_with("; did not come back")), "{happened:?}");
}

#[test]
fn how_much_a_target_does_is_in_the_proof() {
    let mut sample = overload();
    sample.fail(Failing::refused(18.4, 1));
    let said = |good, words: &str| {
        let (verdict, reasons, happened) = judged(&flooded(&sample, good, Duration::ZERO), Drill::Overload);
        assert_eq!(verdict, Verdict::Pass, "{reasons:#?}");
        assert_eq!(happened.unwrap(), format!("up to 400/s were asked for 4.0 s; {words}; came back after 0.4 s"));
        reasons
    };
    let collapses = |reasons: &[String]| reasons.iter().any(|reason| reason.contains("collapses"));
    assert!(!collapses(&said([10, 12], "peak 220/s at 400/s asked")));
    assert!(!collapses(&said([10, 4], "peak 200/s at 200/s asked; at 400/s still 140/s")));
    // The trial's own requests are answered all the same, so here it takes a bit to halve what is done.
    let history = |own: bool| {
        let mut history = flooded(&sample, [10, 0], Duration::ZERO);
        for interval in history.intervals.iter_mut().filter(|interval| own && (160..180).contains(&interval.index)) {
            interval.counts.good = 2;
        }
        history
    };
    assert!(!collapses(&judged(&history(false), Drill::Overload).1));
    let (verdict, reasons, _) = judged(&history(true), Drill::Overload);
    assert_eq!(verdict, Verdict::Pass, "a collapse alone is no failure");
    says(&reasons, "it collapses: of 400/s asked 20/s were answered, and 200/s at its peak");
}

#[test]
fn where_the_generator_was_the_limit_nothing_is_said_of_the_target() {
    let sample = overload();
    let (verdict, reasons, _) = judged(&flooded(&sample, [0, 0], Duration::from_millis(99)), Drill::Overload);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "at 200/s the generator itself was the limit (its thread was busy 99% of the time)");
    assert!(!reasons.iter().any(|reason| reason.contains("collapses")), "{reasons:#?}");

    let mut history = flooded(&sample, [10, 0], Duration::ZERO);
    for interval in history.floods.iter_mut().filter(|interval| interval.index >= 160) {
        interval.cpu = Duration::from_millis(99);
    }
    let (verdict, reasons, happened) = judged(&history, Drill::Overload);
    assert_eq!(verdict, Verdict::Inconclusive, "up to there it was not overloaded");
    says(&reasons, "what it does at 400/s and beyond is not known: the generator itself was the limit");
    says(
        &reasons,
        "all of 200/s was answered, so what it does with too much is not known; the generator can ask for no",
    );
    assert!(!reasons.iter().any(|reason| reason.contains("collapses") || reason.contains("--overload-to")));
    assert!(happened.unwrap().contains("200/s at 200/s asked: it was not overloaded"));
}

#[test]
fn who_was_not_overloaded_was_not_put_to_the_test() {
    let judged = |good| judged(&flooded(&overload(), good, Duration::ZERO), Drill::Overload);
    let (verdict, reasons, happened) = judged([10, 30]);
    assert_eq!((verdict, reasons.len()), (Verdict::Inconclusive, 1), "{reasons:#?}");
    says(
        &reasons,
        "all of 400/s was answered, so what it does with too much is not known; ask for more, such as --overload-to 1600",
    );
    assert!(happened.unwrap().contains("400/s at 400/s asked: it was not overloaded"));
    // A tenth may be chance. What is more was too much for it, at whichever step.
    assert_eq!(judged([8, 26]).0, Verdict::Inconclusive);
    assert_eq!(judged([10, 25]).0, Verdict::Pass);
    assert_eq!(judged([7, 30]).0, Verdict::Pass);
    // What it lost all the same it lost.
    let mut sample = overload();
    sample.fail(Failing::status(15.0, 500, 1));
    let lost = assess(&flooded(&sample, [10, 30], Duration::ZERO));
    assert_eq!(lost.verdict, Verdict::Fail);
}

#[test]
fn the_generators_lag_under_a_flood_is_no_doubt_and_its_lag_before_is() {
    for (index, expected) in [(150, Verdict::Pass), (125, Verdict::Inconclusive)] {
        let mut history = flooded(&overload(), [10, 20], Duration::ZERO);
        let mut lag = crate::histogram::Histogram::new();
        (0..100).for_each(|_| lag.record(Duration::from_secs(1)));
        history.intervals.iter_mut().find(|interval| interval.index == index).unwrap().send_lag = lag.pack();
        assert_eq!(judged(&history, Drill::Overload).0, expected, "{index}");
    }
}

#[test]
fn who_is_ended_for_having_too_much_to_do_fails() {
    let replica = Replica(1);
    let cases = [
        (Event::Signalled { replica, signal: Signal::Term, reason: Reason::Liveness }, "its liveness probe had a"),
        (Event::Signalled { replica, signal: Signal::Kill, reason: Reason::OutOfMemory }, "killed for its memory"),
        (Event::Signalled { replica, signal: Signal::Kill, reason: Reason::Startup }, "its startup probe had a"),
        (Event::Exited { replica, exit: Exit::Code(1) }, "a replica ended by itself while more was asked"),
    ];
    for (event, words) in cases {
        let mut sample = overload();
        sample.event(17.0, event.clone());
        let (verdict, reasons, _) = judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload);
        assert_eq!(verdict, Verdict::Fail, "{words}");
        says(&reasons, words);
        says(&reasons, "1 time, replica 1");
        // Before it, that was something else.
        for before in [5.0, 13.0] {
            let mut sample = overload();
            sample.event(before, event.clone());
            assert_eq!(
                judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload).0,
                Verdict::Pass,
                "{words}"
            );
        }
        // While it is to come back it has no more to do than usual, so that is told apart, and fails as well.
        let mut sample = overload();
        sample.event(20.5, event);
        let (verdict, reasons, _) = judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload);
        assert_eq!(verdict, Verdict::Fail, "{words}");
        says(&reasons, words.split(" while").next().unwrap());
        says(&reasons, "after it, when no more was asked than usual (up to 2.5 s later): 1 time, replica 1");
        assert!(!reasons.iter().any(|reason| reason.contains("while more was asked")), "{reasons:#?}");
    }
}

#[test]
fn restarts_under_load_are_a_finding_though_all_that_they_cost_may_be_lost() {
    let replica = Replica(1);
    let mut sample = overload();
    sample.header.deployment.template.liveness = Some(Probe::new(Check::Tcp { port: None }));
    let restart = |sample: &mut Sample, at: f64| {
        sample.event(at, Event::Signalled { replica, signal: Signal::Term, reason: Reason::Liveness });
        sample.event(at + 0.1, Event::Exited { replica, exit: Exit::Signal(15) });
        sample.event(at + 0.2, Event::Started { replica, restart: 1, pid: None });
        sample.event(at + 0.5, Event::ListenerUp { replica }).event(at + 0.5, Event::Ready { replica });
    };
    restart(&mut sample, 15.0);
    let found = |sample: &Sample| assess(&flooded(sample, [10, 20], Duration::ZERO));
    let proposed = |sample: &Sample| {
        let assessment = found(sample);
        crate::fix::proposal(&assessment, &sample.header.deployment).map(|proposal| (proposal.changes, proposal.drills))
    };
    let mended =
        vec![crate::change::Change::Patience(crate::deployment::ProbeKind::Liveness, Duration::from_secs(5), 12)];
    // With nothing lost by it, with what may be, and with what may not be.
    assert_eq!(causes(&found(&sample)), [("liveness-kill-under-load", 1, 0)]);
    sample.fail(Failing::refused(15.2, 1));
    let assessment = found(&sample);
    assert_eq!(causes(&assessment), [("liveness-kill-under-load", 1, 1)]);
    assert_eq!((assessment.findings[0].harm, assessment.findings[0].lost()), (diagnosis::Harm::Restarts, 0));
    says(&assessment.findings[0].evidence, "1 restart by it, at 15.00 s of the trial");
    assert_eq!(proposed(&sample), Some((mended, vec![Drill::Baseline, Drill::Overload])));
    sample.fail(Failing::refused(15.25, 1));
    restart(&mut sample, 16.5);
    assert_eq!(causes(&found(&sample)), [("liveness-kill-under-load", 2, 2)]);
    // Where nobody asked for more it is told in a note, and is no finding.
    let mut quiet = Sample::quiet();
    restart(&mut quiet, 15.0);
    assert_eq!(causes(&assess(&quiet.history())), []);
}

#[test]
fn a_flood_that_did_not_come_about_proves_nothing() {
    let whole = flooded(&overload(), [10, 20], Duration::ZERO);
    let without = |drops: fn(&Event) -> bool| {
        let mut history = whole.clone();
        history.events.retain(|(_, event)| !drops(event));
        judged(&history, Drill::Overload)
    };
    for (words, (verdict, reasons, _)) in [
        ("more was never asked", without(|event| matches!(event, Event::Flooded { .. }))),
        ("nothing shows that no more was asked", without(|event| matches!(event, Event::FloodEnded { .. }))),
        ("no request was added", judged(&History { floods: Vec::new(), ..whole.clone() }, Drill::Overload)),
    ] {
        assert_eq!(verdict, Verdict::Inconclusive, "{words}");
        says(&reasons, words);
    }
    // Whatever it does after it was not looked at.
    let mut history = whole;
    history.intervals.retain(|interval| !(225..280).contains(&interval.index));
    let (verdict, reasons, _) = judged(&history, Drill::Overload);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "only 0 requests ended after it had had its 5 s to come back");
}

#[test]
fn a_bound_on_times_holds_for_what_comes_after_a_flood() {
    let mut sample = overload();
    sample.header.expectations.max_p99 = Some(Duration::from_millis(20));
    for begun in 150..180 {
        let took = Failing::cut(f64::from(begun) / 10.0, 1.0, FailureKind::TimedOut, ConnectionKind::Fresh, 1);
        sample.fail(took);
    }
    let (verdict, reasons, _) = judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload);
    assert_eq!(verdict, Verdict::Pass, "{reasons:#?}");
    sample.takes = 0.05;
    let (verdict, reasons, _) = judged(&flooded(&sample, [10, 20], Duration::ZERO), Drill::Overload);
    assert_eq!(verdict, Verdict::Fail);
    says(&reasons, "p99 after it was");
}

/// A replica is deleted at 13 s; its replacement hangs from 13 s to 18 s.
fn slow_start() -> Sample {
    let mut sample = Sample::baseline();
    let (drill, replica) = (Drill::SlowStart, Replica(3));
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 24.0).disturb(drill, 13.0, 21.0, Some(0));
    sample.down(13.0, 0, Ending::GRACEFUL).view(14.0, &[1, 2]);
    sample.event(13.0, Event::Frozen { replica }).event(18.0, Event::Thawed { replica });
    sample.up(18.5, 3, 1, Release::Good).view(20.0, &[1, 2, 3]);
    for (at, event) in &mut sample.events {
        if matches!(event, Event::Created { replica: Replica(3), .. } | Event::Started { replica: Replica(3), .. }) {
            *at = super::at(13.0);
        }
    }
    sample
}

#[test]
fn a_replica_that_starts_slowly_is_waited_for() {
    let (verdict, reasons, happened) = judged(&slow_start().history(), Drill::SlowStart);
    assert_eq!(verdict, Verdict::Pass, "{reasons:#?}");
    assert_eq!(happened.unwrap(), "replica 3 did not run for 5.0 s as it started, and was available 1.0 s later");
    let mut lost = slow_start();
    lost.fail(Failing::refused(15.0, 3));
    assert_eq!(judged(&lost.history(), Drill::SlowStart).0, Verdict::Fail);

    let replica = Replica(3);
    for (reason, words) in [
        (Reason::Startup, "its startup probe had a replica restarted though it only started slowly"),
        (Reason::Liveness, "its liveness probe had a replica restarted though it only started slowly"),
    ] {
        let mut killed = slow_start();
        killed.event(16.0, Event::Signalled { replica, signal: Signal::Kill, reason });
        let (verdict, reasons, _) = judged(&killed.history(), Drill::SlowStart);
        assert_eq!(verdict, Verdict::Fail);
        says(&reasons, words);
        // Another one than the replacement does not start.
        let mut other = slow_start();
        other.event(16.0, Event::Signalled { replica: Replica(1), signal: Signal::Kill, reason });
        assert_eq!(judged(&other.history(), Drill::SlowStart).0, Verdict::Pass);
    }
    for (words, drops) in [
        (
            "nothing shows that a replacement of replica 0 hung",
            (|event| matches!(event, Event::Frozen { .. })) as fn(&Event) -> bool,
        ),
        ("nothing shows that replica 3 ran again", |event| matches!(event, Event::Thawed { .. })),
        ("replica 3 was never available after it", |event| matches!(event, Event::Available { replica: Replica(3) })),
    ] {
        let mut sample = slow_start();
        sample.events.retain(|(_, event)| !drops(event));
        let (verdict, reasons, _) = judged(&sample.history(), Drill::SlowStart);
        assert_eq!(verdict, Verdict::Inconclusive, "{words}");
        says(&reasons, words);
    }
}

/// The same, and its first process is ended by a probe at 16 s, while it hangs.
fn impatient(reason: Reason, startup: Option<Probe>, liveness: Option<Probe>) -> Sample {
    let mut sample = slow_start();
    let replica = Replica(3);
    let template = &mut sample.header.deployment.template;
    (template.startup, template.liveness) = (startup, liveness);
    sample.events.retain(|(_, event)| *event != Event::Thawed { replica });
    sample.event(16.0, Event::Signalled { replica, signal: Signal::Term, reason });
    sample.event(16.1, Event::Exited { replica, exit: Exit::Signal(9) }).event(16.1, Event::Thawed { replica });
    sample.event(16.2, Event::Started { replica, restart: 1, pid: None });
    sample
}

/// One that gives a start a second and two periods.
fn probe(seconds: u64) -> Probe {
    Probe {
        initial_delay: Duration::from_secs(1),
        period: Duration::from_secs(seconds),
        failure_threshold: 2,
        ..Probe::new(Check::Http { port: None, path: "/live".into(), headers: Vec::new(), tls: false })
    }
}

#[test]
fn a_probe_that_does_not_wait_for_a_start_is_found_and_mended() {
    use crate::{change::Change, deployment::ProbeKind, fix};
    let asks = probe(1).check;
    let second = Duration::from_secs(1);
    let cases = [
        // There is none: one comes that asks the same, for a minute.
        (
            Reason::Liveness,
            None,
            Some(probe(1)),
            Change::Startup(asks, second, 60),
            "livenessProbe allows about 3.00 s",
        ),
        (
            Reason::Startup,
            Some(probe(2)),
            None,
            Change::Patience(ProbeKind::Startup, second, 30),
            "startupProbe allows about 5.00 s",
        ),
        // The one that was asked first was content.
        (
            Reason::Liveness,
            Some(probe(2)),
            Some(probe(4)),
            Change::Patience(ProbeKind::Liveness, second, 15),
            "livenessProbe",
        ),
    ];
    for (reason, startup, liveness, change, words) in cases {
        let sample = impatient(reason, startup, liveness);
        let assessment = assess(&sample.history());
        assert_eq!(row(&assessment, Drill::SlowStart).verdict, Verdict::Fail, "{:#?}", assessment.reasons);
        assert_eq!(causes(&assessment), [("probe-kill-while-starting", 1, 0)]);
        let finding = &assessment.findings[0];
        assert_eq!((finding.confidence, finding.harm), (Confidence::Proven, diagnosis::Harm::Restarts));
        assert_eq!(finding.drills, BTreeSet::from([Drill::SlowStart]));
        says(&finding.evidence, "ended replica 3 3.00 s after its process had started, before it was ready");
        says(&finding.evidence, words);
        says(&finding.evidence, "the drill had held its start up for 3.00 s by then");
        says(&finding.evidence, "replica 3 was ready 6.00 s after it came to be");
        let proposal = fix::proposal(&assessment, &sample.header.deployment).unwrap();
        assert_eq!((proposal.changes, proposal.drills), (vec![change], vec![Drill::Baseline, Drill::SlowStart]));
    }
}

#[test]
fn a_start_of_more_than_half_a_minute_needs_more_than_one_and_a_broken_release_is_no_slow_start() {
    use crate::change::Change;
    let mut slow = impatient(Reason::Liveness, None, Some(probe(1)));
    for (at, event) in &mut slow.events {
        let of = matches!(event, Event::Ready { replica: Replica(3) } | Event::Available { replica: Replica(3) });
        *at = if of {
            super::at(53.5)
        } else if *at > super::at(18.6) {
            *at + Duration::from_secs(40)
        } else {
            *at
        };
    }
    slow.answers.last_mut().unwrap().1 = 64.0;
    let finding = &assess(&slow.history()).findings[0];
    assert_eq!(
        finding.changes.iter().map(Change::words).collect::<Vec<_>>(),
        ["a startup probe (GET /live) every 1 s with 81 failures"]
    );
    assert!(
        finding.mends.contains("periodSeconds 1 and failureThreshold 81: together 81.00 s or more"),
        "{}",
        finding.mends
    );
    let mut bad = impatient(Reason::Liveness, None, Some(probe(1)));
    for (_, event) in &mut bad.events {
        if let Event::Created { replica: Replica(3), release, .. } = event {
            *release = Release::Bad;
        }
    }
    assert_eq!(causes(&assess(&bad.history())), []);
}

/// From 3 replicas to 6 at 13 s, which clients see from 15 s on, and back at 25 s.
fn balance(rate: f64) -> Sample {
    let mut sample = Sample::baseline();
    sample.header.rate = rate;
    let drill = Drill::Balance;
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 30.0).disturb(drill, 13.0, 28.0, None);
    sample.event(13.0, Event::Scaled { from: 3, to: 6 });
    for replica in 3..6 {
        sample.up(13.0, replica, 1, Release::Good);
    }
    sample.view(14.8, &[0, 1, 2, 3]).view(15.0, &[0, 1, 2, 3, 4, 5]).event(25.0, Event::Scaled { from: 6, to: 3 });
    for replica in 3..6 {
        sample.down(25.0, replica, Ending::GRACEFUL);
    }
    sample.view(26.0, &[0, 1, 2]);
    sample
}

/// A history without what is in some lanes from 15 s on.
fn without(sample: &Sample, drops: impl Fn(&Lane) -> bool) -> History {
    let mut history = sample.history();
    for interval in history.intervals.iter_mut().filter(|interval| interval.index >= 150) {
        interval.lanes.retain(|(lane, _)| !drops(lane));
    }
    history
}

fn to(lane: &Lane, replicas: std::ops::Range<u32>) -> bool {
    replicas.into_iter().any(|replica| lane.endpoint == Some(address(replica)))
}

#[test]
fn new_replicas_take_their_share() {
    let (verdict, reasons, happened) = judged(&balance(200.0).history(), Drill::Balance);
    assert_eq!(verdict, Verdict::Pass, "{reasons:#?}");
    let words = happened.unwrap();
    assert!(
        words.starts_with("from 3 to 6 replicas, watched for 10.0 s; of 950 fresh requests each got 15"),
        "{words}"
    );
    assert!(words.contains("(fair: 158; by chance at least 119, p = 0.001 over all)"), "{words}");
    assert!(words.ends_with("of 950 over kept connections the new ones got 49.89%"), "{words}");
}

#[test]
fn a_new_replica_without_its_share_of_fresh_requests_fails() {
    let unlucky = |lane: &Lane| lane.connection == ConnectionKind::Fresh && to(lane, 4..5);
    let (verdict, reasons, _) = judged(&without(&balance(200.0), unlucky), Drill::Balance);
    assert_eq!(verdict, Verdict::Fail);
    says(&reasons, "replica 4 got 0 of");
    // An old one that gets less is no new one that does.
    let old = |lane: &Lane| lane.connection == ConnectionKind::Fresh && to(lane, 1..2);
    assert_eq!(judged(&without(&balance(200.0), old), Drill::Balance).0, Verdict::Pass);
    // Of so few requests one may get none.
    let few = judged(&balance(8.0).history(), Drill::Balance);
    assert_eq!(few.0, Verdict::Inconclusive, "{few:?}");
    says(&few.1, "a replica may get none by chance; raise --rate or --balance");
}

/// The same for 75 s, and only of clients that keep their connections.
fn long_balance() -> Sample {
    let mut sample = balance(200.0);
    for (at, _) in sample.events.iter_mut().filter(|(at, _)| *at >= super::at(25.0)) {
        *at = *at + Duration::from_secs(65);
    }
    sample.answers.last_mut().unwrap().1 = 95.0;
    sample.header.fresh = 0.0;
    sample
}

#[test]
fn clients_that_keep_their_connections_and_miss_the_new_replicas_are_told_and_fail_nobody() {
    let pinned = |lane: &Lane| lane.connection == ConnectionKind::Reused && to(lane, 3..6);
    let history = without(&balance(200.0), pinned);
    let (verdict, reasons, _) = judged(&history, Drill::Balance);
    assert_eq!((verdict, reasons.len()), (Verdict::Pass, 2), "{reasons:#?}");
    says(
        &reasons,
        "no failure, but to be known: clients that keep their connections did not reach the new replicas: new",
    );
    let assessment = assess(&history);
    assert_eq!(assessment.verdict, Verdict::Pass);
    let [finding] = &*assessment.findings else { panic!("{:#?}", assessment.findings) };
    assert_eq!((&*finding.cause, finding.confidence), ("no-rebalance-after-scale-up", Confidence::Possible));
    assert_eq!((finding.harm, finding.own), (diagnosis::Harm::Spread, false));
    assert_eq!(finding.drills, BTreeSet::from([Drill::Balance]));
    assert_eq!(finding.replicas, BTreeSet::from([Replica(3), Replica(4), Replica(5)]));
    says(&finding.evidence, "the new replicas 3, 4, 5 had 0 of");
    says(&finding.evidence, "0 kept connections were opened in that time");
    says(&finding.evidence, "an age of connections of up to a minute would not show in that: --balance 60s");
    assert!(finding.count > 200 && finding.mends.contains("keepalive_requests"), "{finding:#?}");

    // More than half of their share is enough.
    let one = |lane: &Lane| lane.connection == ConnectionKind::Reused && to(lane, 5..6);
    let history = without(&balance(200.0), one);
    let (verdict, reasons, _) = judged(&history, Drill::Balance);
    assert_eq!((verdict, reasons.len()), (Verdict::Pass, 1), "{reasons:#?}");
    assert_eq!(causes(&assess(&history)), []);
}

#[test]
fn where_all_clients_keep_their_connections_they_have_to_reach_the_new_replicas() {
    let kept =
        |sample: &Sample| without(sample, |lane: &Lane| lane.connection == ConnectionKind::Fresh || to(lane, 3..6));
    let (verdict, reasons, _) = judged(&kept(&long_balance()), Drill::Balance);
    assert_eq!(verdict, Verdict::Fail, "{reasons:#?}");
    says(&reasons, "clients that keep their connections did not reach the new replicas");
    assert!(!reasons.iter().any(|reason| reason.contains("no failure")), "{reasons:#?}");
    let finding = &assess(&kept(&long_balance())).findings[0];
    assert_eq!((&*finding.cause, finding.confidence), ("no-rebalance-after-scale-up", Confidence::Likely));
    // In less than a minute a maximum age would not show.
    let mut short = balance(200.0);
    short.header.fresh = 0.0;
    let (verdict, reasons, _) = judged(&kept(&short), Drill::Balance);
    assert_eq!(verdict, Verdict::Inconclusive, "{reasons:#?}");
    says(&reasons, "a maximum age of connections would not show in that: --balance 60s");

    // For twelve seconds of 75 they get theirs: of eight connections that may be chance, of eighty it is none.
    let partly = |connections: usize| {
        let mut sample = long_balance();
        sample.header.connections = connections;
        let mut history = kept(&sample);
        for (thinned, whole) in history.intervals.iter_mut().zip(sample.history().intervals) {
            if (160..280).contains(&whole.index) {
                thinned.lanes = whole.lanes;
            }
        }
        judged(&history, Drill::Balance)
    };
    let (verdict, reasons, _) = partly(8);
    assert_eq!(verdict, Verdict::Inconclusive, "{reasons:#?}");
    says(&reasons, "of 8 connections that may be chance: raise --connections");
    let (verdict, reasons, _) = partly(80);
    assert_eq!(verdict, Verdict::Fail, "{reasons:#?}");
}

#[test]
fn more_replicas_that_never_were_prove_nothing() {
    let mut sample = balance(200.0);
    sample.events.retain(|(_, event)| !matches!(event, Event::Scaled { from: 6, .. }));
    let (verdict, reasons, _) = judged(&sample.history(), Drill::Balance);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "nothing shows that there were more replicas, and then fewer");
    let mut sample = balance(200.0);
    sample.events.retain(|(_, event)| !matches!(event, Event::View { replicas } if replicas.len() == 6));
    says(&judged(&sample.history(), Drill::Balance).1, "clients saw 4 of 6 replicas");
}

/// The database is killed at 14 s, and is back at 17 s.
fn database() -> Sample {
    let mut sample = Sample::baseline();
    let drill = Drill::DatabaseRestart;
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 22.0).disturb(drill, 14.0, 18.0, None);
    sample.event(0.0, Event::DatabaseUp);
    sample.event(14.01, Event::DatabaseDown { exit: Some(Exit::Signal(9)) }).event(17.0, Event::DatabaseUp);
    sample
}

#[test]
fn a_database_that_restarts_costs_errors_only_while_it_is_away() {
    let happened = judged(&database().history(), Drill::DatabaseRestart).2;
    assert_eq!(happened.unwrap(), "the database died of SIGKILL, and took connections again after 3.0 s");
    for (what, failing, allowed) in [
        ("while it is away", Failing::status(15.0, 500, 1), true),
        ("in flight when it was killed", Failing::status(13.995, 503, 1), true),
        ("before", Failing::status(13.5, 503, 1), false),
        ("just after it was back", Failing::status(17.9, 503, 2), true),
        ("long after it was back", Failing::status(18.1, 500, 2), false),
        ("nobody there", Failing::nobody(16.0), true),
    ] {
        let mut sample = database();
        sample.fail(failing);
        let assessment = assess(&sample.history());
        let expected = if allowed { (0, 1, 0, Verdict::Pass) } else { (1, 0, 0, Verdict::Fail) };
        let Counted { lost, allowed, shed, .. } = assessment.total;
        assert_eq!((lost, allowed, shed, assessment.verdict), expected, "{what}: {:#?}", assessment.reasons);
    }
    for (words, drops) in [
        (
            "nothing shows that the database died",
            (|event| matches!(event, Event::DatabaseDown { .. })) as fn(&Event) -> bool,
        ),
        ("nothing shows that the database took connections again", |event| *event == Event::DatabaseUp),
        ("it never disturbed", |event| matches!(event, Event::Disturbed { .. })),
    ] {
        let mut sample = database();
        sample.events.retain(|(_, event)| !drops(event));
        let (verdict, reasons, _) = judged(&sample.history(), Drill::DatabaseRestart);
        assert_eq!(verdict, Verdict::Inconclusive, "{words}");
        says(&reasons, words);
    }
}

#[test]
fn a_bound_on_times_sees_a_replica_that_is_slow_once_clients_see_it() {
    // Clients see the replacement from 20 s on, and all is as it should be again from 19 s on.
    let cold = |ended: f64| {
        let mut sample = slow_start();
        sample.header.expectations.max_p99 = Some(Duration::from_millis(100));
        sample.slow = vec![(3, 20.0, 22.0, 0.3)];
        for (at, event) in &mut sample.events {
            if matches!(event, Event::Settled { .. }) {
                *at = super::at(19.0);
            } else if *event == (Event::DrillEnded { drill: Drill::SlowStart }) {
                *at = super::at(ended);
            }
        }
        sample.answers.last_mut().unwrap().1 = ended;
        judged(&sample.history(), Drill::SlowStart)
    };
    let (verdict, reasons, _) = cold(24.0);
    assert_eq!(verdict, Verdict::Fail);
    says(&reasons, "p99 after it was 300");
    assert_eq!(reasons.len(), 1, "{reasons:#?}");
    // One that is not looked at for long enough proves nothing.
    let (verdict, reasons, _) = cold(19.9);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "p99 after it needs at least 100 answers, there were");
    says(&reasons, "raise --after, or --rate");
}

#[test]
fn liveness_needs_that_more_is_asked_however_late() {
    let drill = Drill::Liveness;
    let mut sample = Sample::baseline();
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 28.0).disturb(drill, 14.0, 25.0, None);
    sample.event(14.0, Event::Flooded { drill, rate: 200 }).event(18.0, Event::FloodEnded { drill });
    let flood = |arrived: u64| {
        let mut history = sample.history();
        let counts = Counts { arrived, begun: arrived, good: arrived, ..Counts::default() };
        let cpu = Duration::from_millis(99);
        history.floods.extend((140..180).map(|index| Interval { index, counts, cpu, ..Interval::default() }));
        judged(&history, drill)
    };
    let (verdict, reasons, _) = flood(10);
    assert_eq!(verdict, Verdict::Pass, "{reasons:#?}");
    let (verdict, reasons, _) = flood(3);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "whether it was asked for more is not known");
}

#[test]
fn a_database_that_died_before_the_drill_is_no_proof_of_it() {
    let mut sample = database();
    sample.events.retain(|(when, event)| !matches!(event, Event::DatabaseDown { .. }) || *when < at(14.0));
    sample.event(5.0, Event::DatabaseDown { exit: Some(Exit::Signal(9)) }).event(6.0, Event::DatabaseUp);
    let (verdict, reasons, _) = judged(&sample.history(), Drill::DatabaseRestart);
    assert_eq!(verdict, Verdict::Inconclusive);
    says(&reasons, "nothing shows that the database died of SIGKILL");
}

//! Each drill: what proves it, and what it may lose.

use super::*;
use crate::event::Reason;

fn verdict(sample: &Sample, drill: Drill) -> (Verdict, Vec<String>) {
    let assessment = assess(&sample.history());
    let row = row(&assessment, drill);
    (row.verdict, row.reasons.clone())
}

#[test]
fn a_kill_may_lose_what_nobody_can_keep_and_no_more() {
    let reused = ConnectionKind::Reused;
    let cases = [
        ("in flight at the kill", Failing::cut(14.99, 0.011, FailureKind::Reset, reused, 1), true),
        ("recorded a little before it", Failing::cut(14.9, 0.07, FailureKind::Reset, reused, 1), true),
        ("over before it", Failing::cut(14.5, 0.1, FailureKind::Reset, reused, 1), false),
        ("to the dead replica", Failing::refused(15.3, 1), true),
        ("as its listener was up again", Failing::refused(15.44, 1), true),
        ("after its listener was up again", Failing::refused(15.5, 1), false),
        ("over an old connection", Failing::cut(15.7, 0.001, FailureKind::Closed, reused, 1), true),
        ("over a fresh one by then", Failing::cut(15.7, 0.001, FailureKind::Closed, ConnectionKind::Fresh, 1), false),
        ("to another replica", Failing::refused(15.1, 2), false),
        ("an answer that is an error", Failing::status(14.995, 500, 1), false),
        ("to nobody", Failing::nobody(15.1), false),
    ];
    for (what, failing, allowed) in cases {
        let mut sample = Sample::kill();
        sample.fail(failing);
        let assessment = assess(&sample.history());
        let expected = if allowed { (0, 1, Verdict::Pass) } else { (1, 0, Verdict::Fail) };
        let found = (assessment.total.lost, assessment.total.allowed, assessment.verdict);
        assert_eq!(found, expected, "{what}: {:#?}", assessment.reasons);
        assert_eq!(assessment.findings[0].cause == "killed", allowed, "{what}");
    }
}

#[test]
fn a_kill_allows_until_clients_have_heard_where_nothing_listens_again() {
    let mut sample = Sample::kill();
    sample.events.retain(|(_, event)| *event != Event::ListenerUp { replica: Replica(1) });
    sample.event(0.3, Event::ListenerUp { replica: Replica(1) });
    sample.fail(Failing::refused(15.9, 1));
    assert_eq!(assess(&sample.history()).total.allowed, 1);
    sample.failing = vec![Failing::refused(16.1, 1)];
    assert_eq!(assess(&sample.history()).total.lost, 1);
}

#[test]
fn an_old_connection_is_dead_for_no_longer_than_a_request_takes() {
    let mut sample = Sample::kill();
    sample.header.timeout = Duration::from_secs(1);
    for (begun, allowed) in [(15.9, 1), (16.1, 0)] {
        sample.failing = vec![Failing::cut(begun, 0.001, FailureKind::Closed, ConnectionKind::Reused, 1)];
        assert_eq!(assess(&sample.history()).total.allowed, allowed, "{begun}");
    }
}

#[test]
fn a_freeze_may_lose_what_was_sent_before_clients_heard() {
    let wait = |begun, took, connection, replica| Failing::cut(begun, took, FailureKind::TimedOut, connection, replica);
    let (fresh, reused) = (ConnectionKind::Fresh, ConnectionKind::Reused);
    let cases = [
        ("in flight", wait(14.99, 5.0, fresh, 1), true),
        ("before clients heard", wait(19.9, 5.0, fresh, 1), true),
        ("after they heard", wait(20.1, 5.0, fresh, 1), false),
        ("over an old connection", wait(22.0, 5.0, reused, 1), true),
        ("to another replica", wait(16.0, 5.0, fresh, 0), false),
        ("long before", wait(13.0, 1.0, fresh, 1), false),
    ];
    for (what, failing, allowed) in cases {
        let mut sample = Sample::freeze();
        sample.fail(failing);
        let assessment = assess(&sample.history());
        let expected = if allowed { (0, 1, Verdict::Pass) } else { (1, 0, Verdict::Fail) };
        let found = (assessment.total.lost, assessment.total.allowed, assessment.verdict);
        assert_eq!(found, expected, "{what}: {:#?}", assessment.reasons);
        assert_eq!(assessment.findings[0].cause == "hung", allowed, "{what}");
    }
}

#[test]
fn a_hung_replica_that_nothing_notices_breaks_the_promise() {
    let mut sample = Sample::freeze();
    sample.events.retain(|(when, event)| !matches!(event, Event::View { .. }) || *when < at(2.0));
    let (found, reasons) = verdict(&sample, Drill::Freeze);
    assert_eq!(found, Verdict::Fail);
    says(&reasons, "a hung replica stayed in the endpoints for the whole freeze of 10.0 s: readiness does not notice");

    // 10 s apart, 3 of them, a second for the last one: nobody could have noticed.
    let template = &mut sample.header.deployment.template;
    template.readiness = Some(Probe::new(Check::Tcp { port: None }));
    let (found, reasons) = verdict(&sample, Drill::Freeze);
    assert_eq!(found, Verdict::Inconclusive);
    says(&reasons, "33.0 s: use --freeze 34s");

    sample.header.deployment.template.readiness = None;
    let (found, reasons) = verdict(&sample, Drill::Freeze);
    assert_eq!(found, Verdict::Fail);
    says(&reasons, "there is no readiness probe");
}

#[test]
fn a_broken_release_must_not_get_requests() {
    let mut sample = Sample::baseline();
    sample.header.drills.push(Drill::BadRelease);
    let (bad, good) = (Revision(2), Revision(3));
    sample.drill(Drill::BadRelease, 12.0, 20.0).disturb(Drill::BadRelease, 13.0, 18.0, None);
    sample.event(13.0, Event::RolloutBegun { revision: bad, release: Release::Bad, back_to: None });
    sample.event(13.1, Event::Created { replica: Replica(3), revision: bad, release: Release::Bad });
    sample.event(13.1, Event::Placed { replica: Replica(3), address: address(3) });
    sample.event(16.0, Event::RolloutBegun { revision: good, release: Release::Good, back_to: Some(Revision(1)) });
    let (unproven, reasons) = verdict(&sample, Drill::BadRelease);
    assert_eq!(unproven, Verdict::Inconclusive);
    says(&reasons, "the rollback was never complete");

    sample.event(16.5, Event::RolloutDone { revision: good });
    assert_eq!(verdict(&sample, Drill::BadRelease).0, Verdict::Pass);

    sample.view(14.0, &[0, 1, 2, 3]).view(17.0, &[0, 1, 2]);
    let (exposed, reasons) = verdict(&sample, Drill::BadRelease);
    assert_eq!(exposed, Verdict::Fail);
    says(&reasons, "the broken release was given requests: clients saw replica 3");
}

fn terminate() -> Sample {
    let mut sample = Sample::baseline();
    sample.header.drills.push(Drill::Terminate);
    sample.drill(Drill::Terminate, 12.0, 20.0).disturb(Drill::Terminate, 13.0, 16.0, Some(0));
    sample.down(13.0, 0, Ending::GRACEFUL).view(14.0, &[1, 2]);
    sample.up(13.0, 3, 1, Release::Good).view(15.0, &[1, 2, 3]);
    sample
}

fn scale(down: bool) -> Sample {
    let mut sample = Sample::baseline();
    let drill = if down { Drill::ScaleDown } else { Drill::ScaleUp };
    sample.header.drills.push(drill);
    sample.drill(drill, 12.0, 20.0).disturb(drill, 13.0, 16.0, None);
    if down {
        sample.event(13.0, Event::Scaled { from: 3, to: 2 });
        sample.down(13.0, 0, Ending::GRACEFUL).view(14.0, &[1, 2]);
    } else {
        sample.event(13.0, Event::Scaled { from: 3, to: 4 });
        sample.up(13.0, 3, 1, Release::Good).view(14.5, &[0, 1, 2, 3]);
    }
    sample
}

#[test]
fn a_drill_that_did_not_happen_proves_nothing() {
    type Drops = fn(&Event) -> bool;
    let cases: Vec<(Sample, Drill, &str, Drops)> = vec![
        (Sample::rollout(Ending::GRACEFUL), Drill::Rollout, "no rollout began", |event| {
            matches!(event, Event::RolloutBegun { .. })
        }),
        (Sample::rollout(Ending::GRACEFUL), Drill::Rollout, "never complete", |event| {
            matches!(event, Event::RolloutDone { .. })
        }),
        (
            Sample::rollout(Ending::GRACEFUL),
            Drill::Rollout,
            "replica 1 served before the rollout, and did not",
            |event| matches!(event, Event::Terminating { replica: Replica(1), .. }),
        ),
        (
            Sample::rollout(Ending::GRACEFUL),
            Drill::Rollout,
            "replica 2 served before the rollout, and did not",
            |event| matches!(event, Event::Exited { replica: Replica(2), .. }),
        ),
        (terminate(), Drill::Terminate, "it never disturbed", |event| matches!(event, Event::Disturbed { .. })),
        (terminate(), Drill::Terminate, "replica 0 was never told", |event| matches!(event, Event::Terminating { .. })),
        (terminate(), Drill::Terminate, "replica 0 did not end", |event| matches!(event, Event::Exited { .. })),
        (terminate(), Drill::Terminate, "nothing took the place of replica 0", |event| {
            matches!(event, Event::Available { replica: Replica(3) })
        }),
        (Sample::kill(), Drill::Kill, "replica 1 was never sent SIGKILL", |event| {
            matches!(event, Event::Signalled { signal: Signal::Kill, .. })
        }),
        (Sample::kill(), Drill::Kill, "replica 1 did not die", |event| matches!(event, Event::Exited { .. })),
        (Sample::freeze(), Drill::Freeze, "nothing shows that replica 1 was frozen", |event| {
            matches!(event, Event::Frozen { .. })
        }),
        (Sample::freeze(), Drill::Freeze, "nothing shows that replica 1 ran again", |event| {
            matches!(event, Event::Thawed { .. })
        }),
        (scale(true), Drill::ScaleDown, "no replica ended by it", |event| matches!(event, Event::Gone { .. })),
        (
            scale(false),
            Drill::ScaleUp,
            "replica 3 became available, and never answered",
            |event| matches!(event, Event::View { replicas } if replicas.len() == 4),
        ),
    ];
    for (mut sample, drill, words, drops) in cases {
        let (whole, reasons) = verdict(&sample, drill);
        assert_eq!(whole, Verdict::Pass, "{drill}: {reasons:#?}");
        sample.events.retain(|(_, event)| !drops(event));
        let assessment = assess(&sample.history());
        let row = row(&assessment, drill);
        assert_eq!(row.verdict, Verdict::Inconclusive, "{words}");
        assert!(row.happened.as_ref().unwrap_err().contains(words), "{:?}", row.happened);
        says(&row.reasons, words);
    }
}

#[test]
fn a_drill_that_broke_is_inconclusive_unless_it_lost() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    sample.event(24.5, Event::DrillBroken { drill: Drill::Rollout, why: "it never settled".into() });
    let (found, reasons) = verdict(&sample, Drill::Rollout);
    assert_eq!(found, Verdict::Inconclusive);
    says(&reasons, "it never settled");
    sample.fail(Failing::refused(15.5, 0));
    assert_eq!(verdict(&sample, Drill::Rollout).0, Verdict::Fail);

    let mut cut = Sample::rollout(Ending::AT_ONCE);
    cut.events.retain(|(_, event)| *event != Event::DrillEnded { drill: Drill::Rollout });
    assert_eq!(verdict(&cut, Drill::Rollout).0, Verdict::Inconclusive);
    cut.fail(Failing::refused(15.5, 0));
    assert_eq!(verdict(&cut, Drill::Rollout).0, Verdict::Fail);
}

#[test]
fn the_trials_own_signals_are_no_drill() {
    let mut sample = Sample::kill();
    for (_, event) in &mut sample.events {
        if let Event::Signalled { reason, .. } = event {
            *reason = Reason::Liveness;
        }
    }
    assert_eq!(verdict(&sample, Drill::Kill).0, Verdict::Inconclusive);
}

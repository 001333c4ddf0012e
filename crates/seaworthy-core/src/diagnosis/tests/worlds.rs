//! What made-up worlds have shown to be taken for something else.

use std::time::Duration;

use crate::{
    assessment::{
        assess,
        sample::{Ending, Failing, Sample},
    },
    deployment::{Check, Hook, Share, Strategy},
    drill::Drill,
    event::{Event, Exit, Reason, Release, Replica, Revision, Signal},
    outcome::{ConnectionKind, FailureKind},
};

const FRESH: ConnectionKind = ConnectionKind::Fresh;
const REUSED: ConnectionKind = ConnectionKind::Reused;
const CLOSED: FailureKind = FailureKind::Closed;
const TIMED_OUT: FailureKind = FailureKind::TimedOut;

/// What is found, with the requests that each is about.
fn found(sample: &Sample) -> Vec<(String, u64)> {
    let findings = assess(&sample.history()).findings;
    let mut found: Vec<_> = findings.into_iter().map(|finding| (finding.cause, finding.count)).collect();
    found.sort();
    found
}

fn with(mut sample: Sample, failing: &[Failing]) -> Sample {
    sample.failing.extend_from_slice(failing);
    sample
}

#[track_caller]
fn finds(sample: &Sample, expected: &[(&str, u64)]) {
    let expected: Vec<_> = expected.iter().map(|(cause, count)| ((*cause).to_owned(), *count)).collect();
    assert_eq!(found(sample), expected);
}

fn of_kept(begun: f64, replica: u32, idle: f64) -> Failing {
    Failing { idle: Some(idle), ..Failing::cut(begun, 0.001, CLOSED, REUSED, replica) }
}

#[test]
fn a_drill_cuts_what_was_due_in_the_one_before_it() {
    finds(&with(Sample::kill(), &[Failing::cut(11.5, 3.5, CLOSED, FRESH, 1)]), &[("killed", 1)]);
    finds(&with(Sample::kill(), &[Failing::cut(11.5, 3.5, CLOSED, FRESH, 2)]), &[("unexplained", 1)]);
    // It is ready again at 17 s, so that a refusal at 15.2 s is of the kill, whenever the request was due.
    let refused = |begun: f64| Failing { late: begun - 11.5, ..Failing::refused(begun, 1) };
    finds(&with(Sample::kill(), &[refused(15.2)]), &[("killed", 1)]);
    finds(&with(Sample::kill(), &[refused(15.6)]), &[("unexplained", 1)]);
    finds(&with(Sample::freeze(), &[Failing::cut(11.5, 5.0, TIMED_OUT, FRESH, 1)]), &[("hung", 1)]);
    finds(&with(Sample::freeze(), &[Failing::cut(11.5, 13.6, CLOSED, FRESH, 1)]), &[("unexplained", 1)]);
}

#[test]
fn what_was_sent_again_lost_its_time_where_it_was_cut() {
    let first = Failing::cut(11.5, 3.5, CLOSED, REUSED, 1).retried();
    let again = Failing::cut(11.5, 5.0, TIMED_OUT, ConnectionKind::First, 2);
    finds(&with(Sample::kill(), &[first, again]), &[("killed", 2)]);
    finds(&with(Sample::freeze(), &[first, again]), &[("hung", 2)]);
    finds(&with(Sample::kill(), &[again]), &[("unexplained", 1)]);
    // It is not the new replica that is slow, to which it was sent again.
    let mut sample = with(Sample::quiet(), &[Failing::cut(14.0, 1.0, CLOSED, REUSED, 1).retried()]);
    sample.up(12.9, 3, 1, Release::Good).view(13.9, &[0, 1, 2, 3]);
    let late = Failing::cut(14.01, 5.0, TIMED_OUT, ConnectionKind::First, 3);
    finds(&with(sample.clone(), &[late]), &[("cold-start", 1), ("unexplained", 1)]);
    finds(&with(sample, &[Failing { begun: 14.0, ..late }]), &[("unexplained", 2)]);
}

#[test]
fn a_connection_that_was_used_since_was_not_broken_before() {
    finds(&with(Sample::kill(), &[of_kept(17.5, 1, 3.0)]), &[("killed", 1)]);
    finds(&with(Sample::kill(), &[of_kept(19.5, 1, 2.0)]), &[("keepalive-idle-race", 1)]);
    finds(&with(Sample::freeze(), &[of_kept(27.5, 1, 3.0)]), &[("hung", 1)]);
    finds(&with(Sample::freeze(), &[of_kept(29.0, 1, 2.0)]), &[("keepalive-idle-race", 1)]);
}

#[test]
fn a_process_that_was_started_again_is_new() {
    let mut sample = with(Sample::kill(), &[Failing::status(17.2, 503, 1), Failing::status(17.5, 503, 1)]);
    // It never answers well again, and the others do.
    sample.answers = vec![(2.0, 14.9)];
    finds(&sample, &[("traffic-before-ready", 2)]);
    sample.events.retain(|(_, event)| !matches!(event, Event::Started { restart: 1, .. }));
    finds(&sample, &[("unexplained", 2)]);
}

/// Replica 0 is away from 15 s on, 1 and 2 are restarted by their liveness probes, and nobody is left.
fn nobody_left(events: &[Event]) -> Sample {
    let mut sample = with(Sample::quiet(), &[Failing::nobody(15.5)]);
    for replica in (1..3).map(Replica) {
        let (signal, reason) = (Signal::Kill, Reason::Liveness);
        sample.event(14.5, Event::Signalled { replica, signal, reason });
        sample.event(14.5, Event::Exited { replica, exit: Exit::Signal(9) }).event(14.5, Event::Unready { replica });
        sample.event(14.6, Event::Started { replica, restart: 1, pid: None });
    }
    for event in events {
        sample.event(15.0, event.clone());
    }
    sample.endpoints(15.0, &[], &[]).view(15.2, &[]);
    sample
}

#[test]
fn where_nobody_is_left_for_two_reasons_both_stand() {
    let replica = Replica(0);
    let unready = Event::Unready { replica };
    let ended = |exit| Event::Exited { replica, exit };
    finds(&nobody_left(&[ended(Exit::Code(1)), unready.clone()]), &[("ambiguous:crash|liveness-kill-under-load", 1)]);
    // What the drill takes would be no loss, had the others been there.
    let (signal, reason) = (Signal::Kill, Reason::Drill);
    let killed = [Event::Signalled { replica, signal, reason }, ended(Exit::Signal(9)), unready.clone()];
    finds(&nobody_left(&killed), &[("liveness-kill-under-load", 1)]);
    // It runs, and its readiness probe fails.
    finds(&nobody_left(&[unready]), &[("liveness-kill-under-load", 1)]);
}

#[test]
fn who_is_ended_by_its_liveness_probe_has_not_only_turned_unready() {
    // All at once, unready a moment before they are told to end, and away for as long as their grace period.
    let mut sample = with(Sample::quiet(), &[Failing::nobody(16.5)]);
    for replica in (0..3).map(Replica) {
        sample.event(15.0, Event::Unready { replica });
        sample.event(15.000_3, Event::Signalled { replica, signal: Signal::Term, reason: Reason::Liveness });
        sample.event(17.0, Event::Exited { replica, exit: Exit::Signal(9) });
    }
    sample.endpoints(15.0, &[], &[]).view(15.2, &[]);
    finds(&sample, &[("liveness-kill-under-load", 1)]);
    sample.events.retain(|(_, event)| !matches!(event, Event::Signalled { .. } | Event::Exited { .. }));
    finds(&sample, &[("readiness-flap", 1)]);
}

#[test]
fn what_begins_long_after_sigterm_is_not_for_want_of_time() {
    let killed = Ending { pre_stop: 0.0, listens: 0.1, runs: 4.0, exit: Exit::Signal(9), killed: true };
    let mends = |begun: f64, took: f64| {
        let sample = with(Sample::rollout(killed), &[Failing::cut(begun, took, CLOSED, REUSED, 0)]);
        let assessment = assess(&sample.history());
        let finding =
            assessment.findings.into_iter().find(|finding| finding.cause == "grace-period-too-short").unwrap();
        (finding.mends, finding.changes.len())
    };
    let (early, changes) = mends(14.5, 4.51);
    assert!(early.starts_with("terminationGracePeriodSeconds above") && changes == 1, "{early}");
    let (late, changes) = mends(18.3, 0.71);
    assert!(late.contains("`Connection: close`") && changes == 0, "{late}");
}

/// All three replicas are told to end at 14 s. They serve until 16 s, and clients see them until 16.5 s, since they hear only
/// then of new ones that are ready from 15.5 s on.
fn all_at_once() -> Sample {
    let mut sample = Sample::baseline();
    sample.header.drills.push(Drill::Rollout);
    sample.header.deployment.strategy =
        Strategy::RollingUpdate { max_surge: Share::Count(0), max_unavailable: Share::Percent(100) };
    let (revision, release) = (Revision(2), Release::Good);
    sample.drill(Drill::Rollout, 12.0, 26.0).disturb(Drill::Rollout, 14.0, 24.0, None);
    sample.event(14.0, Event::RolloutBegun { revision, release, back_to: None });
    for replica in 0..3 {
        sample.down(14.0, replica, Ending { listens: 2.0, runs: 2.0, ..Ending::GRACEFUL });
        sample.up(15.0, replica + 3, 2, Release::Good);
    }
    sample.endpoints(14.0, &[], &[0, 1, 2]).endpoints(15.5, &[3, 4, 5], &[0, 1, 2]);
    sample.event(15.5, Event::RolloutDone { revision }).view(16.5, &[3, 4, 5]);
    sample
}

#[test]
fn clients_keep_to_replicas_that_end_for_want_of_others() {
    // They would have heard within a second that it leaves, had there been another.
    let sample = with(all_at_once(), &[Failing::refused(16.2, 0)]);
    finds(&sample, &[("rollout-capacity-dip", 1)]);
    let mut slower = sample.clone();
    slower.header.propagation_most = Duration::from_secs(3);
    finds(&slower, &[("endpoint-removal-race", 1)]);
    let mut staying = sample;
    staying.header.deployment.strategy = Strategy::default();
    finds(&staying, &[("endpoint-removal-race", 1)]);
}

#[test]
fn a_process_knows_nothing_of_its_end_while_a_hook_sleeps() {
    let sleeping = Ending { pre_stop: 2.0, ..Ending::GRACEFUL };
    let cut = [of_kept(12.5, 0, 0.6), of_kept(13.0, 1, 0.6), of_kept(13.5, 2, 0.6), of_kept(16.0, 0, 0.6)];
    let mut sample = with(Sample::rollout(sleeping), &cut);
    sample.header.deployment.template.pre_stop = Some(Hook::Sleep(Duration::from_secs(2)));
    finds(&sample, &[("keepalive-idle-race", 4)]);
    // One that it is asked for may tell it.
    let get = Check::Http { port: None, path: "/stop".into(), headers: Vec::new(), tls: false };
    sample.header.deployment.template.pre_stop = Some(Hook::Ask(get));
    finds(&sample, &[("keepalive-idle-race", 3), ("unexplained", 1)]);
}

#[test]
fn who_ignores_sigterm_closes_what_is_idle_for_too_long_as_before() {
    let ignoring = Ending { listens: 4.02, runs: 4.0, exit: Exit::Signal(9), killed: true, ..Ending::GRACEFUL };
    let cut = [of_kept(12.5, 0, 0.6), of_kept(13.0, 1, 0.6), of_kept(13.5, 2, 0.6), of_kept(16.0, 0, 0.6)];
    finds(&with(Sample::rollout(ignoring), &cut), &[("keepalive-idle-race", 4)]);
    let draining = Ending { listens: 1.0, ..ignoring };
    let two = [("keepalive-idle-race", 3), ("shutdown-closes-idle-keepalive", 1)];
    finds(&with(Sample::rollout(draining), &cut), &two);
    finds(&with(Sample::rollout(ignoring), &[of_kept(16.0, 0, 0.6)]), &[("shutdown-closes-idle-keepalive", 1)]);
}

#[test]
fn a_process_that_sigterm_ends_closes_nothing_by_itself() {
    let cut = [of_kept(15.001, 0, 0.6)];
    finds(&with(Sample::rollout(Ending::AT_ONCE), &cut), &[("exit-on-sigterm", 1)]);
    let handled = Ending { exit: Exit::Code(0), ..Ending::AT_ONCE };
    finds(&with(Sample::rollout(handled), &cut), &[("shutdown-closes-idle-keepalive", 1)]);
}

#[test]
fn one_that_hangs_is_no_measure_for_a_slow_one() {
    let mut sample = Sample::freeze();
    sample.events.retain(|(_, event)| !matches!(event, Event::View { .. }));
    sample.view(1.0, &[0, 1]).view(20.0, &[0]).view(26.5, &[0, 1]);
    sample.slow.push((0, 2.0, 30.0, 0.05));
    let hung = |n: u32| Failing::cut(15.0 + f64::from(n) / 20.0, 5.0, TIMED_OUT, FRESH, 1);
    sample.failing.extend((0..99).map(hung));
    let names: Vec<String> = found(&sample).into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(names, ["hung", "slow-replica"]);
}

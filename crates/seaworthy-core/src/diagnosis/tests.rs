//! The causes, each by a timeline in which it happens and by what changes it into another one.
//!
//! Of the catalogue's twenty timelines and their flips: 1 to 6, 9 to 11, 14, 16, 17, 18 and 20 are here, by their numbers;
//! 7, 8, 12, 13, 15 and 19 are in `tests/more.rs`. Those that one machine cannot have are left out: Ready replicas outside
//! the endpoints (flip of 9: a cluster's Service), a proxy's reload (flip of 6), a database that is replaced by its copy and
//! a page cache that a power cut loses (flips of 13), and what a pool's connection was before (flip of 12).

mod data;
pub(crate) mod gallery;
mod more;
mod numbers;
mod worlds;

use super::*;
use crate::drill::Drill;
use crate::{
    assessment::{
        assess,
        sample::{Ending, Failing, Sample, at},
    },
    deployment::Strategy,
    event::{Disposition, Event, Exit, Reason, Release, Replica, Revision, Signal},
    outcome::{ConnectionKind, FailureKind, Phase},
};

const FRESH: ConnectionKind = ConnectionKind::Fresh;
const REUSED: ConnectionKind = ConnectionKind::Reused;
const RESET: FailureKind = FailureKind::Reset;
const CLOSED: FailureKind = FailureKind::Closed;

/// The cause of the only failure of a trial.
#[track_caller]
fn cause(sample: &Sample) -> (String, Confidence) {
    let assessment = assess(&sample.history());
    let [finding] = assessment.findings.as_slice() else { panic!("{:#?}", assessment.findings) };
    assert!(!finding.title.is_empty() && !finding.mends.is_empty() && !finding.evidence.is_empty(), "{finding:#?}");
    assert_eq!(finding.own, finding.cause.starts_with("fp-"));
    assert_ne!(finding.confidence, Confidence::Confirmed, "only another trial can confirm");
    (finding.cause.clone(), finding.confidence)
}

type Change = fn(&mut Sample);

fn first(sample: &mut Sample) -> &mut Failing {
    &mut sample.failing[0]
}

/// A timeline with its cause, and what has to change for another one.
#[track_caller]
fn timeline(sample: &Sample, expected: &str, confidence: Confidence, flips: &[(&str, Change, &str)]) {
    assert_eq!(cause(sample), (expected.to_owned(), confidence));
    for (what, change, other) in flips {
        let mut flipped = sample.clone();
        change(&mut flipped);
        assert_eq!(cause(&flipped).0, *other, "{what}");
    }
}

fn drop_events(sample: &mut Sample, drops: fn(&Event) -> bool) {
    sample.events.retain(|(_, event)| !drops(event));
}

fn failing(mut sample: Sample, failing: Failing) -> Sample {
    sample.fail(failing);
    sample
}

#[test]
fn names_are_distinct() {
    let waiting = WAITING.iter().map(|waits| waits.id);
    let names: BTreeSet<&str> = rules().map(|rule| rule.id).chain(waiting).collect();
    assert_eq!(names.len(), rules().count() + WAITING.len());
}

#[test]
fn endpoint_removal_race() {
    // Timelines 1, 14 and 20.
    let sample = failing(Sample::rollout(Ending::AT_ONCE), Failing::refused(15.4, 0));
    timeline(
        &sample,
        "endpoint-removal-race",
        Confidence::Proven,
        &[
            (
                "it was never told to end: it crashed",
                |s| drop_events(s, |e| matches!(e, Event::Terminating { .. } | Event::Signalled { .. })),
                "crash",
            ),
            (
                "nothing ended",
                |s| {
                    drop_events(s, |e| {
                        matches!(e, Event::Terminating { .. } | Event::Signalled { .. } | Event::Exited { .. })
                    });
                },
                "unexplained",
            ),
            ("the connection timed out", |s| first(s).kind = FailureKind::TimedOut, "stale-endpoint-after-teardown"),
            ("long before SIGTERM", |s| first(s).begun = 14.5, "unexplained"),
            ("long after clients had heard", |s| first(s).begun = 16.5, "unexplained"),
            ("ten seconds after it was gone", |s| first(s).begun = 25.9, "unexplained"),
            ("it went to a replica that stays", |s| first(s).replica = Some(5), "unexplained"),
            ("there was no port", |s| first(s).kind = FailureKind::NoPort, "fp-ephemeral-ports"),
            ("there was no descriptor", |s| first(s).kind = FailureKind::NoDescriptor, "fp-fd-limit"),
            (
                "nothing could be used, and one is wanted",
                |s| {
                    s.header.deployment.replicas = 1;
                    s.endpoints(15.2, &[], &[]);
                },
                "single-replica-gap",
            ),
            (
                "nothing could be used, and the strategy is Recreate",
                |s| {
                    s.header.deployment.strategy = Strategy::Recreate;
                    s.endpoints(15.2, &[], &[]);
                },
                "recreate-gap",
            ),
        ],
    );
}

#[test]
fn a_listener_that_nobody_looked_at_is_only_likely() {
    let mut sample = failing(Sample::rollout(Ending::GRACEFUL), Failing::refused(15.4, 0));
    drop_events(&mut sample, |event| matches!(event, Event::ListenerDown { .. }));
    assert_eq!(cause(&sample), ("endpoint-removal-race".to_owned(), Confidence::Likely));
}

#[test]
fn one_that_was_sent_again_and_refused_then() {
    // It began before SIGTERM, on a connection that was closed under it.
    let sample = failing(Sample::rollout(Ending::AT_ONCE), Failing { took: 0.2, ..Failing::refused(14.9, 0) });
    assert_eq!(cause(&sample), ("endpoint-removal-race".to_owned(), Confidence::Proven));
}

#[test]
fn sigterm_ignored() {
    // Timeline 2: it serves until SIGKILL.
    let ending = Ending { pre_stop: 0.0, listens: 4.02, runs: 4.0, exit: Exit::Signal(9), killed: true };
    let cut = Failing::cut(17.7, 1.31, CLOSED, REUSED, 0);
    timeline(
        &failing(Sample::rollout(ending), cut),
        "sigterm-ignored",
        Confidence::Likely,
        &[
            (
                "it has a handler: it was draining with its listener open",
                |s| {
                    s.event(15.0, Event::Disposition { replica: Replica(0), of_sigterm: Disposition::Handled });
                },
                "grace-period-too-short",
            ),
            (
                "it closed its listener: it was draining",
                |s| {
                    drop_events(s, |e| *e == Event::ListenerDown { replica: Replica(0) });
                    s.event(16.0, Event::ListenerDown { replica: Replica(0) });
                },
                "grace-period-too-short",
            ),
            (
                "its preStop hook failed, which has no part in it",
                |s| {
                    let failed = Some("exit code 127".into());
                    s.event(15.0, Event::PreStopEnded { replica: Replica(0), failed });
                },
                "sigterm-ignored",
            ),
            (
                "SIGKILL was of a restart before it was told to end",
                |s| {
                    let (replica, signal, reason) = (Replica(0), Signal::Kill, Reason::GraceOver);
                    drop_events(s, |e| matches!(e, Event::Signalled { reason: Reason::GraceOver, .. }));
                    s.event(8.0, Event::Signalled { replica, signal, reason });
                },
                "shutdown-closes-idle-keepalive",
            ),
            ("it was over before SIGKILL", |s| first(s).took = 1.2, "shutdown-closes-idle-keepalive"),
        ],
    );
    let mut sample = failing(Sample::rollout(ending), cut);
    sample.event(15.0, Event::Disposition { replica: Replica(0), of_sigterm: Disposition::Ignored });
    assert_eq!(cause(&sample), ("sigterm-ignored".to_owned(), Confidence::Proven));
    let at_once = failing(Sample::rollout(Ending::AT_ONCE), Failing::cut(14.5, 0.51, CLOSED, REUSED, 0));
    assert_eq!(cause(&at_once).0, "exit-on-sigterm");
}

#[test]
fn grace_period_too_short() {
    // Timeline 3: a download that outlasts the grace period.
    let ending = Ending { pre_stop: 0.0, listens: 0.1, runs: 4.0, exit: Exit::Signal(9), killed: true };
    let cut = Failing { phase: Phase::Receive, ..Failing::cut(14.2, 4.81, CLOSED, FRESH, 0) };
    let sample = failing(Sample::rollout(ending), cut);
    timeline(
        &sample,
        "grace-period-too-short",
        Confidence::Proven,
        &[(
            "nobody told it to end",
            |s| drop_events(s, |e| matches!(e, Event::Terminating { .. } | Event::Signalled { .. })),
            "crash",
        )],
    );
    let mends = &assess(&sample.history()).findings[0].mends;
    assert!(mends.contains("it is 30.00 s, preStop is none") && mends.contains("had run for 4.81 s"), "{mends}");
}

#[test]
fn accept_queue_discard() {
    // Timeline 4: gunicorn's sync workers.
    let ending = Ending { listens: 0.9, runs: 0.9, ..Ending::GRACEFUL };
    timeline(
        &failing(Sample::rollout(ending), Failing::cut(15.1, 0.8, RESET, FRESH, 0)),
        "accept-queue-discard",
        Confidence::Likely,
        &[
            ("it was an old connection", |s| first(s).connection = REUSED, "shutdown-closes-idle-keepalive"),
            ("it was closed, so it had been read", |s| first(s).kind = CLOSED, "exit-on-sigterm"),
            ("it had begun before SIGTERM", |s| (first(s).begun, first(s).took) = (14.9, 1.0), "exit-on-sigterm"),
            (
                "it had begun before SIGTERM, and was reset long before the end",
                |s| (first(s).begun, first(s).took) = (14.9, 0.2),
                "accept-queue-discard",
            ),
            ("a part of the answer came", |s| first(s).phase = Phase::Receive, "exit-on-sigterm"),
            (
                "the process took its time",
                |s| {
                    for (when, event) in &mut s.events {
                        if *event == (Event::Exited { replica: Replica(0), exit: Exit::Code(0) }) {
                            *when = at(17.9);
                        }
                    }
                    (first(s).begun, first(s).took) = (14.9, 3.0);
                },
                "accept-queue-discard",
            ),
        ],
    );
}

#[test]
fn shutdown_closes_idle_keepalive() {
    // Timelines 5 and 17.
    let cut = Failing::cut(15.02, 0.004, CLOSED, REUSED, 0);
    timeline(
        &failing(Sample::rollout(Ending::GRACEFUL), cut),
        "shutdown-closes-idle-keepalive",
        Confidence::Likely,
        &[
            ("it was sent again", |s| first(s).retried = true, "shutdown-closes-idle-keepalive"),
            (
                "the preStop hook failed",
                |s| {
                    let failed = Some("no such file".into());
                    s.event(15.0, Event::PreStopEnded { replica: Replica(0), failed });
                },
                "prestop-failed",
            ),
            ("it had begun before SIGTERM", |s| (first(s).begun, first(s).took) = (14.7, 1.8), "exit-on-sigterm"),
            ("a second and more after the end", |s| first(s).begun = 17.7, "unexplained"),
            ("no replica ends", |s| drop_events(s, |e| matches!(e, Event::Terminating { .. })), "unexplained"),
        ],
    );
}

#[test]
fn exit_on_sigterm() {
    let cut = Failing::cut(14.6, 0.41, RESET, FRESH, 0);
    timeline(
        &failing(Sample::rollout(Ending::AT_ONCE), cut),
        "exit-on-sigterm",
        Confidence::Proven,
        &[
            ("it was over long before", |s| first(s).took = 0.2, "unexplained"),
            ("it went elsewhere", |s| first(s).replica = Some(1), "unexplained"),
            ("it timed out", |s| first(s).kind = FailureKind::TimedOut, "unexplained"),
        ],
    );
}

#[test]
fn prestop_failed() {
    let mut sample = failing(Sample::rollout(Ending::AT_ONCE), Failing::refused(15.4, 0));
    let failed = Some("exec: sleep: not found".into());
    sample.event(15.0, Event::PreStopEnded { replica: Replica(0), failed });
    timeline(
        &sample,
        "prestop-failed",
        Confidence::Likely,
        &[(
            "it went through",
            |s| {
                drop_events(s, |e| matches!(e, Event::PreStopEnded { .. }));
                s.event(15.0, Event::PreStopEnded { replica: Replica(0), failed: None });
            },
            "endpoint-removal-race",
        )],
    );
    let finding = &assess(&sample.history()).findings[0];
    assert!(finding.evidence.contains(&"the preStop hook of replica 0 failed: exec: sleep: not found".to_owned()));
}

#[test]
fn gaps() {
    // Timeline 9: the only replica is away.
    let mut sample = failing(Sample::rollout(Ending::GRACEFUL), Failing::nobody(15.5));
    sample.header.deployment.replicas = 1;
    timeline(
        &sample,
        "single-replica-gap",
        Confidence::Proven,
        &[
            ("Recreate in a rollout", |s| s.header.deployment.strategy = Strategy::Recreate, "recreate-gap"),
            (
                "Recreate without a rollout",
                |s| {
                    s.header.deployment.strategy = Strategy::Recreate;
                    drop_events(s, |e| matches!(e, Event::RolloutBegun { .. }));
                },
                "single-replica-gap",
            ),
            ("more are wanted", |s| s.header.deployment.replicas = 3, "unexplained"),
            (
                "only one is wanted by then",
                |s| {
                    s.header.deployment.replicas = 3;
                    s.event(15.0, Event::Scaled { from: 3, to: 1 });
                },
                "single-replica-gap",
            ),
        ],
    );
}

#[test]
fn bad_release_served() {
    // Timeline 10.
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    let (revision, release) = (Revision(2), Release::Bad);
    sample.event(14.0, Event::Created { replica: Replica(3), revision, release });
    sample.fail(Failing::status(16.0, 500, 3));
    timeline(
        &sample,
        "bad-release-served",
        Confidence::Proven,
        &[
            ("an old one failed", |s| first(s).replica = Some(1), "unexplained"),
            ("it was refused", |s| *first(s) = Failing::refused(16.0, 3), "bad-release-served"),
        ],
    );
}

#[test]
fn traffic_before_ready() {
    // Timeline 11: replica 3 is seen from 15 s on, and listens from 16 s on.
    let mut sample = failing(Sample::rollout(Ending::GRACEFUL), Failing::refused(15.5, 3));
    sample.header.deployment.template.readiness = None;
    drop_events(&mut sample, |event| *event == Event::ListenerUp { replica: Replica(3) });
    sample.event(16.0, Event::ListenerUp { replica: Replica(3) });
    timeline(
        &sample,
        "traffic-before-ready",
        Confidence::Proven,
        &[
            (
                "there is a readiness probe that lies",
                |s| {
                    s.header.deployment.template.readiness =
                        crate::assessment::sample::header(&[]).deployment.template.readiness;
                },
                "traffic-before-ready",
            ),
            (
                "it listened before",
                |s| {
                    s.event(15.2, Event::ListenerUp { replica: Replica(3) });
                },
                "unexplained",
            ),
            ("clients do not see it yet", |s| first(s).begun = 14.7, "unexplained"),
            ("it went to another one", |s| first(s).replica = Some(1), "unexplained"),
            ("errors until it answers", |s| *first(s) = Failing::status(15.0, 503, 3), "traffic-before-ready"),
            ("errors after it has answered", |s| *first(s) = Failing::status(17.0, 503, 3), "unexplained"),
        ],
    );
    let finding = &assess(&sample.history()).findings[0];
    assert!(finding.mends.contains("add a readinessProbe") && finding.mends.contains("1.00 s late"), "{finding:#?}");
}

/// A replica that ends by itself at 16 s, and listens again at 17 s.
fn crashing(failing: Failing) -> Sample {
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    let replica = Replica(2);
    sample.event(16.0, Event::Exited { replica, exit: Exit::Code(1) }).event(16.02, Event::ListenerDown { replica });
    sample.event(16.5, Event::Started { replica, restart: 1, pid: None }).event(17.0, Event::ListenerUp { replica });
    sample.fail(failing);
    sample
}

#[test]
fn crash() {
    // Timelines 7 and 8, as far as one can see from here why a process ended.
    timeline(
        &crashing(Failing::refused(16.3, 2)),
        "crash",
        Confidence::Proven,
        &[
            ("before it", |s| first(s).begun = 15.8, "unexplained"),
            ("after it was back", |s| first(s).begun = 17.2, "unexplained"),
            ("on another replica", |s| first(s).replica = Some(1), "unexplained"),
            (
                "its liveness probe made it",
                |s| {
                    let (replica, signal, reason) = (Replica(2), Signal::Term, Reason::Liveness);
                    s.event(15.9, Event::Signalled { replica, signal, reason });
                },
                "liveness-kill-under-load",
            ),
            ("what it had in flight", |s| *first(s) = Failing::cut(15.6, 0.41, CLOSED, FRESH, 2), "crash"),
            ("an old connection, used again", |s| *first(s) = Failing::cut(16.4, 0.001, CLOSED, REUSED, 2), "crash"),
            ("a new one, which cannot be", |s| *first(s) = Failing::cut(16.4, 0.001, CLOSED, FRESH, 2), "unexplained"),
        ],
    );
}

#[test]
fn where_the_replica_is_not_known_all_candidates_are_named() {
    // Timeline 16: one ends and another crashes in the same second.
    let mut sample = crashing(Failing { replica: None, ..Failing::refused(16.4, 0) });
    sample.event(15.9, Event::Terminating { replica: Replica(1), grace: std::time::Duration::from_secs(1) });
    sample.event(16.9, Event::View { replicas: vec![Replica(2), Replica(3)] });
    drop_events(&mut sample, |event| {
        matches!(event, Event::Terminating { replica: Replica(0 | 2), .. } | Event::Signalled { .. })
    });
    let (found, confidence) = cause(&sample);
    assert_eq!((&*found, confidence), ("ambiguous:crash|endpoint-removal-race", Confidence::Possible));
    let finding = &assess(&sample.history()).findings[0];
    assert!(finding.mends.contains("; or: "), "{}", finding.mends);
    first(&mut sample).replica = Some(2);
    assert_eq!(cause(&sample).0, "crash");
    let mut alone = crashing(Failing { replica: None, ..Failing::refused(16.4, 0) });
    drop_events(&mut alone, |event| matches!(event, Event::Terminating { .. }));
    assert_eq!(cause(&alone), ("crash".to_owned(), Confidence::Likely), "not proven to have been that one");
}

#[test]
fn a_late_generator_makes_its_own_time_outs() {
    // Timeline 18.
    let late = Failing { late: 0.4, ..Failing::cut(15.4, 1.0, FailureKind::TimedOut, FRESH, 0) };
    timeline(
        &failing(Sample::rollout(Ending::GRACEFUL), late),
        "fp-client-saturation",
        Confidence::Likely,
        &[
            ("it was on time", |s| first(s).late = 0.0, "unexplained"),
            ("late by less than a tenth", |s| first(s).late = 0.09, "unexplained"),
            (
                "another request was late, within a second",
                |s| {
                    first(s).late = 0.0;
                    s.fail(Failing { late: 0.4, ..Failing::cut(16.9, 0.3, FailureKind::TimedOut, FRESH, 0) });
                },
                "fp-client-saturation",
            ),
            ("it was reset, whoever was late", |s| first(s).kind = RESET, "accept-queue-discard"),
        ],
    );
}

#[test]
fn what_a_drill_does_on_purpose() {
    timeline(
        &failing(Sample::kill(), Failing::refused(15.2, 1)),
        "killed",
        Confidence::Proven,
        &[
            ("long after it was back", |s| first(s).begun = 16.0, "unexplained"),
            ("on another replica", |s| first(s).replica = Some(0), "unexplained"),
            ("sent again", |s| *first(s) = Failing::cut(15.2, 0.001, CLOSED, REUSED, 1).retried(), "killed"),
        ],
    );
    let hung = Failing::cut(16.0, 5.0, FailureKind::TimedOut, FRESH, 1);
    timeline(
        &failing(Sample::freeze(), hung),
        "hung",
        Confidence::Proven,
        &[
            ("after clients had heard", |s| first(s).begun = 20.5, "unexplained"),
            ("on another replica", |s| first(s).replica = Some(0), "unexplained"),
        ],
    );
    let evidence = &assess(&failing(Sample::freeze(), hung).history()).findings[0].evidence;
    assert!(evidence.contains(&"clients still connected to it for 5.00 s".to_owned()), "{evidence:#?}");
}

#[test]
fn findings_come_with_the_most_losses_first_and_the_tools_own_last() {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    for n in 0..5 {
        sample.fail(Failing { kind: FailureKind::NoPort, ..Failing::refused(15.1 + f64::from(n) * 0.1, 0) });
    }
    sample.fail(Failing::refused(15.5, 0)).fail(Failing::refused(18.5, 1));
    sample.fail(Failing::status(20.0, 500, 4));
    let findings = assess(&sample.history()).findings;
    let causes: Vec<(&str, u64)> = findings.iter().map(|found| (&*found.cause, found.count)).collect();
    assert_eq!(causes, [("endpoint-removal-race", 2), ("unexplained", 1), ("fp-ephemeral-ports", 5)]);
    assert_eq!(findings[0].replicas, BTreeSet::from([Replica(0), Replica(1)]));
    assert_eq!(findings[0].drills, BTreeSet::from([Drill::Rollout]));
}

//! Timelines of the causes that need a database, load, writes, or times.

use std::time::Duration;

use super::{
    super::{Confidence, rules},
    gallery::{every, harmed, scaled_up, signalled, timed_out, timeline},
};
use crate::{
    assessment::{
        assess,
        sample::{Ending, Failing, Sample, at},
    },
    audit::Harm,
    deployment::{Share, Strategy},
    diagnosis::Finding,
    event::{Event, Exit, Reason, Replica, Signal},
    outcome::{ConnectionKind, FailureKind, Phase},
    verdict::Verdict,
};

fn found(sample: &Sample) -> Vec<Finding> {
    assess(&sample.history()).findings
}

fn causes(sample: &Sample) -> Vec<String> {
    found(sample).into_iter().map(|finding| finding.cause).collect()
}

/// What is changed, how, and what is found then.
type Flip<'a> = (&'a str, fn(&mut Sample), &'a [&'a str]);

/// A cause's timeline, changed, with what is found then.
#[track_caller]
fn flips(cause: &str, flips: &[Flip<'_>]) {
    for (what, change, expected) in flips {
        let mut sample = timeline(cause);
        change(&mut sample);
        assert_eq!(causes(&sample), *expected, "{cause}: {what}");
    }
}

fn first(sample: &mut Sample) -> &mut Failing {
    &mut sample.failing[0]
}

fn drop_events(sample: &mut Sample, drops: fn(&Event) -> bool) {
    sample.events.retain(|(_, event)| !drops(event));
}

#[test]
fn each_cause_is_found_on_its_timeline_and_nothing_else_is() {
    for rule in rules() {
        let findings = found(&timeline(rule.id));
        let names: Vec<&str> = findings.iter().map(|finding| &*finding.cause).collect();
        let beside: &[&str] = if rule.id == "also-in-baseline" { &["unexplained"] } else { &[] };
        assert!(names.contains(&rule.id), "{}: {names:?}", rule.id);
        assert!(names.iter().all(|name| *name == rule.id || beside.contains(name)), "{}: {names:?}", rule.id);
        let finding = findings.iter().find(|finding| finding.cause == rule.id).unwrap();
        assert!(!finding.title.is_empty() && !finding.mends.is_empty() && !finding.evidence.is_empty(), "{finding:#?}");
    }
}

#[test]
fn every_entry_is_whole() {
    for rule in rules() {
        let entry = &rule.entry;
        for text in [entry.explains, entry.needs, entry.apart, entry.fix, entry.check] {
            assert!(text.ends_with('.') && !text.contains("  "), "{}: {text:?}", rule.id);
        }
        assert!(!rule.title.ends_with('.') && rule.title.chars().next().is_some_and(char::is_lowercase), "{}", rule.id);
        let sentences = entry.explains.matches(". ").count() + 1;
        assert!((1..=5).contains(&sentences), "{}: {sentences} sentences", rule.id);
        assert!(entry.source.iter().all(|source| source.contains(": https://")), "{}", rule.id);
    }
}

#[test]
fn what_is_asked_of_replicas_is_asked_together() {
    let parts = super::super::RULES.chunk_by(|one, other| one.asks == other.asks).count();
    assert_eq!(parts, 3, "before, of each replica, and after");
}

#[test]
fn memory_and_liveness() {
    // Timelines 7 and 8.
    flips(
        "oom-killed",
        &[
            ("refused until it listens again", |s| *first(s) = Failing::refused(16.9, 2), &["oom-killed"]),
            ("it listens again", |s| *first(s) = Failing::refused(17.2, 2), &["unexplained"]),
            ("before it was killed", |s| first(s).took = 0.2, &["unexplained"]),
            ("on another replica", |s| first(s).replica = Some(1), &["unexplained"]),
            ("it ended by itself", |s| drop_events(s, |e| matches!(e, Event::Signalled { .. })), &["crash"]),
        ],
    );
    flips(
        "liveness-kill-under-load",
        &[
            (
                "what it had in flight",
                |s| *first(s) = Failing::cut(15.6, 0.4, FailureKind::Closed, ConnectionKind::Fresh, 2),
                &["liveness-kill-under-load"],
            ),
            (
                "it had been frozen, and was restarted rightly",
                |s| {
                    s.event(14.0, Event::Frozen { replica: Replica(2) })
                        .event(15.0, Event::Thawed { replica: Replica(2) });
                },
                &["unexplained"],
            ),
            (
                "its startup probe did it",
                |s| {
                    drop_events(s, |e| matches!(e, Event::Signalled { .. }));
                    let (replica, signal, reason) = (Replica(2), Signal::Term, Reason::Startup);
                    s.event(15.9, Event::Signalled { replica, signal, reason });
                },
                &["unexplained"],
            ),
        ],
    );
    let changes = &found(&timeline("liveness-kill-under-load"))[0].changes;
    assert_eq!(
        changes.iter().map(crate::change::Change::words).collect::<Vec<_>>(),
        ["a liveness probe with a time-out of 5 s and 12 failures"]
    );
}

#[test]
fn a_database_that_restarts() {
    // Timeline 12.
    flips(
        "db-unavailable-window",
        &[
            ("it timed out meanwhile", |s| *first(s) = timed_out(13.5, 3.0, 1), &["db-unavailable-window"]),
            ("a second after", |s| first(s).begun = 14.9, &["db-unavailable-window"]),
            ("two seconds after: a connection from before", |s| first(s).begun = 16.1, &["stale-db-pool"]),
            ("long before", |s| first(s).begun = 12.1 - 0.2, &["unexplained"]),
            ("not the server's own error", |s| first(s).status = Some(404), &["unexplained"]),
            (
                "there is no database",
                |s| drop_events(s, |e| matches!(e, Event::DatabaseUp | Event::DatabaseDown { .. })),
                &["unexplained"],
            ),
        ],
    );
    flips(
        "stale-db-pool",
        &[
            (
                "the process is newer than the outage",
                |s| {
                    let replica = Replica(0);
                    s.event(15.0, Event::Exited { replica, exit: Exit::Code(0) });
                    s.event(15.1, Event::Started { replica, restart: 1, pid: None });
                },
                &["unexplained"],
            ),
            ("it was cut", |s| first(s).kind = FailureKind::Reset, &["unexplained"]),
        ],
    );
}

#[test]
fn nobody_left() {
    flips(
        "rollout-capacity-dip",
        &[
            (
                "there was somebody",
                |s| drop_events(s, |e| matches!(e, Event::Endpoints { endpoints } if endpoints.is_empty())),
                &["unexplained"],
            ),
            (
                "it may take two of three only",
                |s| {
                    let (max_surge, max_unavailable) = (Share::Count(0), Share::Count(2));
                    s.header.deployment.strategy = Strategy::RollingUpdate { max_surge, max_unavailable };
                },
                &["unexplained"],
            ),
            ("one is wanted", |s| s.header.deployment.replicas = 1, &["single-replica-gap"]),
            ("Recreate", |s| s.header.deployment.strategy = Strategy::Recreate, &["recreate-gap"]),
            ("no rollout", |s| drop_events(s, |e| matches!(e, Event::RolloutBegun { .. })), &["unexplained"]),
            (
                "its deadline is over",
                |s| {
                    s.event(15.3, Event::RolloutStuck { revision: crate::event::Revision(2) });
                },
                &["rollout-stuck"],
            ),
        ],
    );
}

#[test]
fn all_that_are_left_are_unready() {
    flips(
        "readiness-flap",
        &[
            (
                "one of them was told to end",
                |s| {
                    s.event(16.0, Event::Terminating { replica: Replica(1), grace: Duration::from_secs(30) });
                },
                &["unexplained"],
            ),
            (
                "one of them had ended",
                |s| {
                    s.event(14.9, Event::Exited { replica: Replica(1), exit: Exit::Code(1) });
                },
                &["unexplained"],
            ),
            (
                "its liveness probe had one of them restarted",
                |s| {
                    let (replica, signal, reason) = (Replica(1), Signal::Term, Reason::Liveness);
                    s.event(14.8, Event::Signalled { replica, signal, reason });
                    s.event(14.9, Event::Exited { replica, exit: Exit::Code(0) });
                },
                &["liveness-kill-under-load"],
            ),
            (
                "one of them was ready",
                |s| drop_events(s, |e| *e == Event::Unready { replica: Replica(1) }),
                &["unexplained"],
            ),
            (
                "the database was away",
                |s| {
                    s.event(0.5, Event::DatabaseUp).event(14.0, Event::DatabaseDown { exit: None });
                },
                &["dependency-readiness-collapse"],
            ),
        ],
    );
    flips(
        "dependency-readiness-collapse",
        &[(
            "the database was there",
            |s| drop_events(s, |e| matches!(e, Event::DatabaseDown { .. })),
            &["readiness-flap"],
        )],
    );
}

#[test]
fn releases_are_told_apart_by_who_fails() {
    flips(
        "bad-release-served",
        &[
            ("four errors say nothing", |s| s.failing.truncate(4), &["unexplained"]),
            (
                "the old release fails as well",
                |s| {
                    for n in 0..24 {
                        s.fail(Failing::status(15.2 + f64::from(n) * 0.1, 500, 1 + n % 2));
                    }
                },
                &["unexplained"],
            ),
            (
                "they are no errors of the server",
                |s| s.failing.iter_mut().for_each(|f| f.status = Some(404)),
                &["unexplained"],
            ),
        ],
    );
    flips(
        "incompatible-migration",
        &[
            ("four errors say nothing", |s| s.failing.truncate(4), &["unexplained"]),
            (
                "only one of the old ones fails",
                |s| s.failing.iter_mut().for_each(|f| f.replica = Some(2)),
                &["unexplained"],
            ),
            (
                "it failed before the rollout as well",
                |s| {
                    for n in 0..20 {
                        s.fail(Failing::status(9.0 + f64::from(n) * 0.2, 500, 1));
                    }
                },
                &["also-in-baseline", "unexplained"],
            ),
        ],
    );
    let few = found(&timeline("bad-release-served"));
    assert_eq!(few[0].confidence, Confidence::Proven);
}

#[test]
fn connections_that_wait() {
    flips(
        "accept-queue-overflow",
        &[
            (
                "connecting itself timed out",
                |s| (first(s).phase, first(s).connect) = (Phase::Connect, None),
                &["accept-queue-overflow"],
            ),
            ("it took as long as it likes", |s| first(s).connect = Some(2.2), &["unexplained"]),
            (
                "its listener was away",
                |s| {
                    s.event(16.0, Event::ListenerDown { replica: Replica(1) })
                        .event(17.0, Event::ListenerUp { replica: Replica(1) });
                },
                &["unexplained"],
            ),
            (
                "it was frozen",
                |s| {
                    s.event(15.5, Event::Frozen { replica: Replica(1) })
                        .event(16.0, Event::Thawed { replica: Replica(1) });
                },
                &["unexplained"],
            ),
            ("nobody knows where it went", |s| first(s).replica = None, &["unexplained"]),
        ],
    );
}

#[test]
fn overload() {
    flips(
        "overload-shedding",
        &[
            ("time-outs", |s| *first(s) = timed_out(16.0, 2.0, 1), &["overload-shedding"]),
            ("an error that sheds nothing", |s| first(s).status = Some(500), &["unexplained"]),
            ("long after the flood", |s| first(s).begun = 19.5, &["unexplained"]),
            ("before it", |s| first(s).begun = 14.5, &["unexplained"]),
        ],
    );
    // While replicas are missing: five on two replicas, and at no other time.
    let mut sample = Sample::kill();
    sample.endpoints(15.0, &[0, 2], &[]);
    for n in 0..6 {
        sample.fail(Failing::status(15.2 + f64::from(n) * 0.1, 503, n % 2 * 2));
    }
    let shed = found(&sample);
    assert_eq!((&*shed[0].cause, shed[0].confidence), ("overload-shedding", Confidence::Possible));
    let mut elsewhere = sample.clone();
    elsewhere.fail(Failing::status(18.0, 503, 0));
    assert_eq!(causes(&elsewhere), ["unexplained"], "also while all were there");
    sample.failing.iter_mut().for_each(|failing| failing.replica = Some(0));
    assert_eq!(causes(&sample), ["unexplained"], "on one replica only");
}

#[test]
fn idle_connections() {
    // Timeline 6.
    flips(
        "keepalive-idle-race",
        &[
            (
                "idle times all over",
                |s| {
                    for (failing, idle) in s.failing.iter_mut().zip([1.3, 2.6, 4.1, 9.0]) {
                        failing.idle = Some(idle);
                    }
                },
                &["unexplained"],
            ),
            (
                "nobody knows for how long",
                |s| s.failing.iter_mut().for_each(|failing| failing.idle = None),
                &["unexplained"],
            ),
            (
                "fresh ones",
                |s| s.failing.iter_mut().for_each(|failing| failing.connection = ConnectionKind::Fresh),
                &["unexplained"],
            ),
            (
                "half of them near one value",
                |s| {
                    let more = [1.1, 2.6, 9.0, 12.0].map(|idle| Failing { idle: Some(idle), ..s.failing[0] });
                    s.failing.extend(more);
                },
                &["unexplained"],
            ),
            ("one alone, near a common time", |s| s.failing.truncate(1), &["keepalive-idle-race"]),
            (
                "one alone",
                |s| {
                    s.failing.truncate(1);
                    first(s).idle = Some(1.3);
                },
                &["unexplained"],
            ),
            (
                "the process ended as they were used",
                |s| {
                    let replica = Replica(1);
                    s.event(13.9, Event::Exited { replica, exit: Exit::Code(0) });
                    s.failing.truncate(1);
                },
                &["crash"],
            ),
        ],
    );
    let (all, mut one) = (timeline("keepalive-idle-race"), timeline("keepalive-idle-race"));
    one.failing.truncate(1);
    assert_eq!((found(&all)[0].confidence, found(&one)[0].confidence), (Confidence::Likely, Confidence::Possible));
}

#[test]
fn frames_bodies_and_words() {
    flips(
        "h2-goaway-race",
        &[
            (
                "a stream that an ending server refused",
                |s| first(s).kind = FailureKind::RefusedStream,
                &["h2-goaway-race"],
            ),
            (
                "one that a server refused that goes on",
                |s| (first(s).kind, first(s).replica) = (FailureKind::RefusedStream, Some(5)),
                &["unexplained"],
            ),
        ],
    );
    flips("error-with-success-status", &[("the status says it", |s| first(s).status = Some(404), &["unexplained"])]);
    flips(
        "tls-cert-expired",
        &[("other words", |s| first(s).detail = Some("received fatal alert: BadCertificate"), &["tls-failure"])],
    );
    flips(
        "force-delete",
        &[
            (
                "with a grace period",
                |s| {
                    for (_, event) in &mut s.events {
                        if let Event::Terminating { grace, .. } = event {
                            *grace = Duration::from_secs(30);
                        }
                    }
                },
                &["accept-queue-discard"],
            ),
            ("on another replica", |s| first(s).replica = Some(1), &["unexplained"]),
        ],
    );
    // Flip of timeline 20.
    flips(
        "stale-endpoint-after-teardown",
        &[
            (
                "half a minute later",
                |s| (first(s).begun, first(s).took) = (25.0, 0.9),
                &["stale-endpoint-after-teardown"],
            ),
            ("before SIGTERM", |s| first(s).begun = 14.2, &["unexplained"]),
            ("it had connected", |s| first(s).phase = Phase::Wait, &["unexplained"]),
        ],
    );
    // Timeline 19.
    flips("unknown-outcome-write", &[("it may be sent again", |s| s.header.idempotent = true, &["unexplained"])]);
}

#[test]
fn who_is_not_known_is_asked_of_those_that_began_or_ended() {
    let mut sample =
        signalled(Signal::Kill, Reason::OutOfMemory, Failing { replica: None, ..Failing::refused(16.3, 0) });
    let known = found(&sample);
    assert_eq!((&*known[0].cause, known[0].confidence), ("oom-killed", Confidence::Likely));
    // Timeline 16: another one ends in the same second.
    sample.event(16.0, Event::Terminating { replica: Replica(1), grace: Duration::from_secs(30) });
    sample.event(16.1, Event::ListenerDown { replica: Replica(1) }).view(17.0, &[0, 2]);
    assert_eq!(causes(&sample), ["ambiguous:endpoint-removal-race|oom-killed"]);
    assert!(found(&sample)[0].changes.is_empty(), "nobody knows which of them would show anything");
}

#[test]
fn writes() {
    // Timeline 13.
    let lost = |sample: Sample, of: Vec<(f64, u32)>| harmed(sample, Harm::Lost, of.into_iter());
    let tail: Vec<(f64, u32)> = every(14.2, 14.9, 7, 1).collect();
    assert_eq!(causes(&lost(Sample::quiet(), tail.clone())), ["lost-writes-unexplained"], "no process ended");
    let mut spread = tail.clone();
    spread.extend(every(3.0, 8.0, 7, 1));
    assert_eq!(causes(&lost(Sample::kill(), spread)), ["lost-writes-unexplained"], "not only the last ones");
    assert_eq!(
        causes(&lost(Sample::kill(), every(14.2, 14.9, 7, 0).collect())),
        ["lost-writes-unexplained"],
        "another replica ended"
    );
    // The database and a replica end in the same second.
    let mut both = Sample::kill();
    both.event(0.5, Event::DatabaseUp).event(15.1, Event::DatabaseDown { exit: None });
    let both = lost(both, tail);
    assert_eq!(causes(&both), ["ambiguous:ack-before-persist|non-durable-commit"]);
    // The whole database is gone, whoever had acknowledged it.
    let mut database = Sample::quiet();
    database
        .event(0.5, Event::DatabaseUp)
        .event(16.0, Event::DatabaseDown { exit: None })
        .event(18.0, Event::DatabaseUp);
    let all: Vec<(f64, u32)> = (0..100).map(|n| (2.1 + f64::from(n) * 0.138, n % 3)).collect();
    assert_eq!(causes(&lost(database, all)), ["ephemeral-db-storage"]);
    let found = found(&timeline("ack-before-persist"));
    assert_eq!((found[0].count, found[0].lost()), (7, 0), "writes are no requests");
    assert!(
        found[0]
            .evidence
            .iter()
            .any(|line| line.contains("replica 1 had acknowledged 7 of them, 0.20 s to 0.80 s before")),
        "{:#?}",
        found[0].evidence
    );
}

#[test]
fn slow_starts_and_slow_replicas() {
    flips(
        "cold-start",
        &[
            (
                "all are slow at that time",
                |s| {
                    s.slow =
                        vec![(0, 14.5, 18.0, 0.3), (1, 14.5, 18.0, 0.3), (2, 14.5, 18.0, 0.3), (3, 14.5, 18.0, 0.3)];
                },
                &[],
            ),
            ("only a little", |s| s.slow.iter_mut().for_each(|slow| slow.3 = 0.015), &[]),
            ("one of three starts", |s| (s.answers, s.slow) = (vec![(2.0, 40.0)], s.slow[..1].to_vec()), &[]),
        ],
    );
    flips(
        "slow-replica",
        &[
            ("twice as slow", |s| s.slow[0].3 = 0.004, &[]),
            ("for half of the time", |s| (s.slow[0].1, s.slow[0].2) = (14.0, 99.0), &[]),
            ("two of three", |s| s.slow.push((2, 0.0, 99.0, 0.06)), &[]),
            ("for a few seconds only", |s| s.answers = vec![(2.0, 12.0)], &[]),
        ],
    );
    assert_eq!(assess(&timeline("slow-replica").history()).verdict, assess(&Sample::quiet().history()).verdict);
    // Time-outs of a new replica that nobody else has.
    let mut sample = Sample::rollout(Ending::GRACEFUL);
    sample.fail(timed_out(15.2, 2.0, 3));
    assert_eq!(causes(&sample), ["cold-start"]);
    sample.fail(timed_out(15.3, 2.0, 1));
    assert_eq!(causes(&sample), ["unexplained"]);
}

#[test]
fn load_that_is_not_where_it_should_be() {
    flips(
        "connection-pinning",
        &[
            ("it is not slow", |s| s.slow.clear(), &[]),
            ("its share is fair", |s| s.kept = vec![0, 1, 2], &["slow-replica"]),
            ("four connections may fall so by chance", |s| s.header.connections = 4, &[]),
        ],
    );
    flips(
        "no-rebalance-after-scale-up",
        &[
            ("ten connections may fall so by chance", |s| s.header.connections = 10, &[]),
            ("it gets its share", |s| s.kept.push(3), &[]),
            ("it was not added for the load", |s| drop_events(s, |e| matches!(e, Event::Scaled { .. })), &[]),
            ("it was not watched for long enough", |s| s.answers = vec![(2.0, 60.0)], &[]),
        ],
    );
    assert!(causes(&scaled_up()).is_empty());
}

#[test]
fn a_healthy_trial_has_no_finding() {
    for sample in
        [Sample::baseline(), Sample::quiet(), Sample::rollout(Ending::GRACEFUL), Sample::kill(), Sample::freeze()]
    {
        let assessment = assess(&sample.history());
        assert!(assessment.findings.is_empty(), "{:#?}", assessment.findings);
        assert_ne!(assessment.verdict, Verdict::Fail);
    }
    assert_eq!(at(1.0).nanos(), 1_000_000_000);
}

//! The drill that breaks the way to one replica: what proves it, what it may lose, and what it must not cost.

use super::*;
use crate::{
    interval::{Gauges, Recorder},
    network::Break,
    outcome::{Outcome, Phases},
};

type Change = fn(&mut Sample);

const FRESH: ConnectionKind = ConnectionKind::Fresh;
const REUSED: ConnectionKind = ConnectionKind::Reused;

fn timed_out(begun: f64, took: f64, connection: ConnectionKind, replica: u32) -> Failing {
    Failing::cut(begun, took, FailureKind::TimedOut, connection, replica)
}

fn failing(failing: Failing) -> Sample {
    let mut sample = Sample::network();
    sample.fail(failing);
    sample
}

#[test]
fn a_path_that_breaks_costs_what_goes_over_it_until_tcp_has_sent_again() {
    let cases = [
        ("opened while it is broken", timed_out(16.0, 5.0, FRESH, 1), true),
        ("in flight when it broke", timed_out(14.9, 5.0, REUSED, 1), true),
        ("over before it broke", timed_out(13.0, 1.9, REUSED, 1), false),
        ("to another replica", timed_out(16.0, 5.0, FRESH, 2), false),
        ("to nobody", Failing::nobody(16.0), false),
        ("refused: something came back", Failing::refused(16.0, 1), false),
        ("a wrong answer: something came back", Failing::status(16.0, 503, 1), false),
        ("a wrong body", Failing::cut(16.0, 0.1, FailureKind::Body, FRESH, 1), false),
        ("opened when it was whole again", timed_out(19.1, 2.0, FRESH, 1), false),
        ("opened when it was whole again, and kept", timed_out(19.1, 2.0, ConnectionKind::First, 1), false),
        ("over one from before", timed_out(19.1, 4.0, REUSED, 1), true),
        ("reset: the other side had given up", Failing::cut(19.2, 0.1, FailureKind::Reset, REUSED, 1), true),
        ("closed: the other side had given up", Failing::cut(19.2, 0.1, FailureKind::Closed, REUSED, 1), true),
        // Broken for 4 s: well again after 5 s, at 24 s.
        ("it had just no time to recover", timed_out(18.9, 5.1, FRESH, 1), true),
        ("it had its time to recover", timed_out(18.9, 5.2, FRESH, 1), false),
        ("a kept one that had its time to recover", timed_out(24.1, 0.5, REUSED, 1), false),
        ("hung since the first break, into the second", timed_out(18.0, 10.0, FRESH, 1), false),
        ("sent over the second", timed_out(27.0, 5.0, FRESH, 1), true),
        ("long after the second", timed_out(36.0, 1.0, REUSED, 1), false),
    ];
    for (what, fails, allowed) in cases {
        let assessment = assess(&failing(fails).history());
        let expected = if allowed { (0, 1, Verdict::Pass) } else { (1, 0, Verdict::Fail) };
        let Counted { lost, allowed, .. } = assessment.total;
        assert_eq!((lost, allowed, assessment.verdict), expected, "{what}: {:#?}", assessment.reasons);
        let found: Vec<&str> = assessment.findings.iter().map(|finding| finding.cause.as_str()).collect();
        assert_eq!(found == ["network-partition"], expected.1 == 1, "{what}: {found:?}");
    }
}

#[test]
fn what_the_packets_prove_is_said() {
    let assessment = assess(&Sample::network().history());
    assert_eq!(assessment.verdict, Verdict::Pass, "{:#?}", assessment.reasons);
    let happened = row(&assessment, Drill::Network).happened.clone();
    let proof =
        "between clients and replica 1, partition for 4.0 s: 1,234 packets dropped; loss for 4.0 s: 56 packets dropped";
    assert_eq!(happened.as_deref(), Ok(proof));
}

#[test]
fn a_way_that_was_not_seen_broken_and_whole_again_proves_nothing() {
    let changes: [(&str, Change); 5] = [
        ("not one packet between clients and replica 1 was dropped", |sample| {
            for (_, event) in &mut sample.events {
                if let Event::NetworkHealed { dropped, how: Break::Loss, .. } = event {
                    *dropped = 0;
                }
            }
        }),
        ("nothing shows that the way to replica 1 was whole again after the loss", |sample| {
            sample.events.retain(|(_, event)| !matches!(event, Event::NetworkHealed { how: Break::Loss, .. }));
        }),
        ("nothing shows that the way to replica 1 was broken", |sample| {
            sample.events.retain(|(_, event)| !matches!(event, Event::NetworkBroken { .. }));
        }),
        ("it never disturbed", |sample| {
            sample.events.retain(|(_, event)| !matches!(event, Event::Disturbed { .. }));
        }),
        ("nothing shows that the way to replica 0 was broken", |sample| {
            for (_, event) in &mut sample.events {
                if let Event::Disturbed { replica, .. } = event {
                    *replica = Some(Replica(0));
                }
            }
        }),
    ];
    for (words, change) in changes {
        let mut sample = Sample::network();
        change(&mut sample);
        let assessment = assess(&sample.history());
        let row = row(&assessment, Drill::Network);
        assert_eq!(row.verdict, Verdict::Inconclusive, "{words}");
        assert!(row.reasons.iter().any(|reason| reason.contains(words)), "{words}: {:#?}", row.reasons);
    }
}

#[test]
fn no_replica_may_end_of_it() {
    let mut sample = Sample::network();
    let (replica, exit) = (Replica(2), Exit::Code(1));
    sample.event(17.0, Event::Exited { replica, exit });
    sample.event(17.1, Event::Started { replica, restart: 1, pid: None });
    let assessment = assess(&sample.history());
    assert_eq!(assessment.verdict, Verdict::Fail);
    let reasons = &row(&assessment, Drill::Network).reasons;
    assert_eq!(reasons[0], "replica 2 ended, though only the way of clients to one replica was broken");
    // One that ended before has nothing to do with it.
    let mut before = Sample::network();
    before.event(5.0, Event::Exited { replica, exit });
    before.event(5.1, Event::Started { replica, restart: 1, pid: None });
    assert_eq!(row(&assess(&before.history()), Drill::Network).verdict, Verdict::Pass);
}

/// Three connections that took a second to open, as after a first packet that nobody heard.
fn slow_to_open(done: f64, replica: u32) -> History {
    let mut history = Sample::network().history();
    let mut recorder = Recorder::new(0);
    for _ in 0..3 {
        recorder.counts().arrived += 1;
        recorder.ended(Outcome {
            due: at(done - 1.01),
            queued: Duration::ZERO,
            begun: at(done - 1.01),
            done: at(done),
            endpoint: Some(address(replica)),
            connection: FRESH,
            idle: None,
            phases: Phases { connect: Some(Duration::from_secs(1)), ..Phases::default() },
            end: Ok(200),
            bytes: 13,
        });
    }
    let mut interval = recorder.take(Moment::START, Gauges::default(), Duration::ZERO);
    interval.index = at(done).nanos() / 100_000_000;
    history.intervals.push(interval);
    history
}

#[test]
fn who_waits_for_dropped_packets_waits_for_no_queue() {
    for (done, replica, expected) in [(17.0, 1, None), (20.0, 1, None), (17.0, 2, Some("accept-queue-overflow"))] {
        let assessment = assess(&slow_to_open(done, replica));
        let found = assessment.findings.first().map(|finding| finding.cause.as_str());
        assert_eq!(found, expected, "replica {replica} at {done} s");
    }
}

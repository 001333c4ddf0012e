//! Whatever a history says, it is judged, and what is missing never passes.

use proptest::prelude::*;

use super::*;
use crate::{
    event::{Endpoint, Reason},
    network::Break,
};

fn event() -> impl Strategy<Value = Event> {
    let replica = || (0..4_u32).prop_map(Replica);
    let drill = || (0..Drill::ALL.len()).prop_map(|n| Drill::ALL[n]);
    let signal = prop::sample::select(vec![Signal::Term, Signal::Kill, Signal::Stop, Signal::Cont]);
    let reason = prop::sample::select(vec![Reason::Termination, Reason::GraceOver, Reason::Drill, Reason::Liveness]);
    let release = || prop::sample::select(vec![Release::Good, Release::Bad]);
    prop_oneof![
        drill().prop_map(|drill| Event::DrillBegun { drill }),
        drill().prop_map(|drill| Event::DrillEnded { drill }),
        drill().prop_map(|drill| Event::Settled { drill }),
        drill().prop_map(|drill| Event::DrillBroken { drill, why: "it was".into() }),
        (drill(), prop::option::of(replica())).prop_map(|(drill, replica)| Event::Disturbed { drill, replica }),
        (release(), prop::bool::ANY).prop_map(|(release, back)| Event::RolloutBegun {
            revision: Revision(2),
            release,
            back_to: back.then_some(Revision(1)),
        }),
        Just(Event::RolloutDone { revision: Revision(2) }),
        (0..4_u32, 0..4_u32).prop_map(|(from, to)| Event::Scaled { from, to }),
        (replica(), release()).prop_map(|(replica, release)| Event::Created {
            replica,
            revision: Revision(1),
            release
        }),
        replica().prop_map(|replica| Event::Placed { replica, address: address(replica.0) }),
        replica().prop_map(|replica| Event::Started { replica, restart: 0, pid: None }),
        replica().prop_map(|replica| Event::Ready { replica }),
        replica().prop_map(|replica| Event::Unready { replica }),
        replica().prop_map(|replica| Event::Available { replica }),
        replica().prop_map(|replica| Event::Terminating { replica, grace: Duration::from_secs(1) }),
        (replica(), prop::option::of("[a-z]{3}")).prop_map(|(replica, failed)| Event::PreStopEnded { replica, failed }),
        (replica(), signal, reason).prop_map(|(replica, signal, reason)| Event::Signalled { replica, signal, reason }),
        (replica(), 0..20_i32).prop_map(|(replica, signal)| Event::Exited { replica, exit: Exit::Signal(signal) }),
        replica().prop_map(|replica| Event::Gone { replica }),
        replica().prop_map(|replica| Event::Frozen { replica }),
        replica().prop_map(|replica| Event::Thawed { replica }),
        replica().prop_map(|replica| Event::NetworkBroken { replica, how: Break::Partition }),
        (replica(), 0..4_u64).prop_map(|(replica, dropped)| Event::NetworkHealed {
            replica,
            how: Break::Loss,
            dropped
        }),
        replica().prop_map(|replica| Event::ListenerUp { replica }),
        replica().prop_map(|replica| Event::ListenerDown { replica }),
        prop::collection::vec(replica(), 0..4).prop_map(|replicas| Event::View { replicas }),
        prop::collection::vec((replica(), prop::bool::ANY), 0..4).prop_map(|endpoints| Event::Endpoints {
            endpoints: endpoints
                .into_iter()
                .map(|(replica, ready)| Endpoint { replica, ready, serving: true, terminating: !ready })
                .collect()
        }),
        (drill(), 0..4_u32).prop_map(|(drill, rate)| Event::Flooded { drill, rate: rate * 200 }),
        drill().prop_map(|drill| Event::FloodEnded { drill }),
        Just(Event::DatabaseUp),
        Just(Event::DatabaseDown { exit: Some(Exit::Signal(9)) }),
        Just(Event::Interrupted),
    ]
}

fn failing() -> impl Strategy<Value = Failing> {
    let kind = prop::sample::select(FailureKind::ALL.to_vec());
    let phase = prop::sample::select(vec![Phase::Queue, Phase::Connect, Phase::Wait, Phase::Receive]);
    let connection = prop::sample::select(ConnectionKind::ALL.to_vec());
    let status = prop::option::of(prop::sample::select(vec![200_u16, 500, 503]));
    let to = prop::option::of(0..5_u32);
    (0.1..40.0_f64, 0.0..6.0_f64, kind, phase, status, connection, to, prop::bool::ANY).prop_map(
        |(begun, took, kind, phase, status, connection, replica, retried)| Failing {
            begun,
            took,
            kind,
            phase,
            status,
            connection,
            replica,
            retried,
            ..Failing::refused(begun, 0)
        },
    )
}

fn base(which: usize) -> Sample {
    match which {
        0 => Sample::rollout(Ending::AT_ONCE),
        1 => Sample::kill(),
        2 => Sample::freeze(),
        _ => Sample { events: Vec::new(), ..Sample::new(&[Drill::Rollout]) },
    }
}

/// Histories with things in them that may not have been.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    let extra = prop::collection::vec((0.0..40.0_f64, event()), 0..25);
    let failing = prop::collection::vec(failing(), 0..25);
    (0..4_usize, extra, failing, prop::bool::ANY, prop::bool::weighted(0.8)).prop_map(
        |(which, extra, failing, unsorted, footer)| {
            let mut sample = base(which);
            sample.header.rate = 20.0;
            sample.failing = failing;
            sample.footer = sample.footer.filter(|_| footer);
            let mut history = sample.history();
            history.events.extend(extra.into_iter().map(|(seconds, event)| (at(seconds), event)));
            if !unsorted {
                history.events.sort_by_key(|(at, _)| *at);
            }
            history
        },
    )
}

/// What holds of every assessment.
fn check(history: &History, assessment: &Assessment) -> Result<(), TestCaseError> {
    for counted in assessment.drills.iter().flat_map(|row| [row.keep_alive, row.fresh]).chain([assessment.total]) {
        prop_assert_eq!(counted.good + counted.lost + counted.allowed + counted.unknown + counted.shed, counted.ended);
    }
    let passed = assessment.verdict == Verdict::Pass;
    let most = history.header.expectations.max_lost;
    for row in &assessment.drills {
        prop_assert!(row.verdict != Verdict::Unjudged && !row.reasons.is_empty());
        let lost = row.keep_alive.lost + row.fresh.lost;
        prop_assert!(row.verdict != Verdict::Pass || lost <= most && row.happened.is_ok(), "{:#?}", row);
        prop_assert!(!passed || row.verdict == Verdict::Pass);
    }
    prop_assert!(!assessment.reasons.is_empty() && assessment.verdict != Verdict::Unjudged);
    let whole = history.footer.is_some() && assessment.missing.is_empty() && !assessment.interrupted;
    prop_assert!(!passed || whole && !assessment.drills.is_empty());
    // Each loss has its cause, and each is in a group.
    let lost = assessment.total.lost;
    let open = |count: u64, allowed: u64| count - allowed;
    let found: u64 =
        assessment.findings.iter().filter(|found| !found.own).map(|found| open(found.count, found.allowed)).sum();
    let own: u64 = assessment.findings.iter().filter(|found| found.own).map(|found| found.count).sum();
    let grouped: u64 = assessment.groups.iter().map(|group| open(group.count, group.allowed)).sum();
    prop_assert!(grouped >= lost && found + own >= lost, "{} {} {}", lost, found, grouped);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_history_is_judged(
        which in 0..4_usize,
        extra in prop::collection::vec((0.0..40.0_f64, event()), 0..25),
        failing in prop::collection::vec(failing(), 0..25),
        dropped in prop::collection::vec(0..200_usize, 0..4),
        unsorted in prop::bool::ANY,
        footer in prop::bool::weighted(0.8),
        idempotent in prop::bool::ANY,
        max_lost in 0..3_u64,
    ) {
        let mut sample = base(which);
        // Fewer answers are judged sooner.
        sample.header.rate = 20.0;
        sample.header.idempotent = idempotent;
        sample.header.expectations.max_lost = max_lost;
        sample.failing = failing;
        if !footer {
            sample.footer = None;
        }
        let mut history = sample.history();
        history.events.extend(extra.into_iter().map(|(seconds, event)| (at(seconds), event)));
        for place in dropped {
            if place < history.events.len() {
                history.events.swap_remove(place);
            }
        }
        if !unsorted {
            history.events.sort_by_key(|(at, _)| *at);
        }
        let assessment = assess(&history);
        check(&history, &assessment)?;
    }
}

#[test]
fn numbers_that_make_no_sense_do_not_pass() {
    for (rate, fresh) in [(f64::NAN, 0.5), (0.0, 0.5), (-1.0, 0.5), (f64::INFINITY, f64::NAN)] {
        let mut history = Sample::rollout(Ending::GRACEFUL).history();
        (history.header.rate, history.header.fresh) = (rate, fresh);
        let assessment = assess(&history);
        assert_ne!(assessment.verdict, Verdict::Pass, "{rate} {fresh}");
    }
    let mut empty = Sample::new(&[]).history();
    (empty.events, empty.intervals, empty.footer) = (Vec::new(), Vec::new(), Some(Footer::default()));
    assert_eq!(assess(&empty).verdict, Verdict::Inconclusive);
}

#[test]
fn counts_without_failures_whole_add_up() {
    let mut history = Sample::baseline().history();
    let counts = Counts { failed: 3, ..Counts::default() };
    history.intervals.push(crate::interval::Interval { index: 50, counts, ..Default::default() });
    history.intervals.push(crate::interval::Interval { index: 5_000, counts, ..Default::default() });
    let assessment = assess(&history);
    assert_eq!(assessment.total.lost, 3, "those after the last drill belong to none");
    let groups: BTreeMap<_, _> = assessment.groups.iter().map(|group| (group.cause.clone(), group.count)).collect();
    assert_eq!(groups, BTreeMap::from([("unexplained".to_owned(), 3)]));
}

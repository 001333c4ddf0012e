use std::net::SocketAddr;

use proptest::{option, prelude::*};

use super::*;
use crate::{
    audit::{Harm, Harmed},
    change::Change,
    deployment::{Check, Hook, Probe, ProbeKind, Share, Strategy as Rollout, Template},
    interval::{Counts, Gauges, Recorder},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    sample::{answer, answers, failure},
};

pub(crate) mod events;
mod files;
mod forged;

pub(crate) fn header() -> Header {
    let check =
        Check::Http { port: None, path: "/ready?a=1".into(), headers: vec![("x".into(), "1".into())], tls: true };
    Header {
        tool_version: "0.1.0".into(),
        began: "2026-07-01T12:00:00.25Z".into(),
        command: "seaworthy trial".into(),
        target: "gunicorn app:app \"with\nlines\"".into(),
        platform: "local".into(),
        machine: "2 CPUs".into(),
        seed: u64::MAX,
        deployment: Deployment {
            replicas: 3,
            strategy: Rollout::RollingUpdate { max_surge: Share::Count(1), max_unavailable: Share::Percent(25) },
            min_ready: Duration::from_millis(500),
            progress_deadline: Duration::from_mins(10),
            revision_history: 10,
            template: Template {
                startup: None,
                readiness: Some(Probe::new(check)),
                liveness: Some(Probe { grace: Some(Duration::from_secs(1)), ..Probe::new(Check::Tcp { port: None }) }),
                pre_stop: Some(Hook::Sleep(Duration::from_secs(5))),
                grace: Duration::from_secs(30),
            },
        },
        assumptions: vec!["readiness: a GET of / is answered".into()],
        drills: Drill::DEFAULT.to_vec(),
        propagation_least: Duration::from_millis(100),
        propagation_most: Duration::from_secs(1),
        rate: 100.0 / 3.0,
        fresh: 0.2,
        connections: 8,
        request: "GET /".into(),
        idempotent: true,
        expected: "2xx or 3xx".into(),
        timeout: Duration::from_secs(5),
        expectations: Expectations {
            client_retries: Some("2 on=timeout".parse().unwrap()),
            max_lost: 2,
            max_p99: Some(Duration::from_millis(250)),
            thresholds: vec!["p99<1s".into()],
        },
        writes: true,
        tried: Some(Again {
            of: "2026-07-01T11:00:00Z".into(),
            rounds: vec![
                vec![Change::PreStopSleep(Duration::from_secs(5)), Change::Replicas(3)],
                vec![
                    Change::Grace(Duration::from_secs(35)),
                    Change::RollingUpdate,
                    Change::MinReady(Duration::from_millis(500)),
                    Change::Path(ProbeKind::Readiness, "/ready".into()),
                    Change::Patience(ProbeKind::Liveness, Duration::from_secs(3), 5),
                    Change::Without(ProbeKind::Startup),
                ],
            ],
        }),
    }
}

fn footer() -> Footer {
    Footer {
        duration: Duration::from_millis(90_123),
        not_sent: 3,
        unfinished: 1,
        generator: Generator {
            threads: 2,
            cpu: Duration::from_nanos(1_234_567_891),
            busy_for: Duration::from_secs(90),
            time_wait: None,
            descriptors: Some((41, 1_024)),
            ports: Some((5, 28_232)),
            backlog: 7,
        },
        interrupted: true,
    }
}

/// A history with something of everything.
fn history() -> History {
    let mut recorder = Recorder::new(1).keep_answers(true);
    recorder.counts().arrived = 101;
    recorder.waited(Duration::from_millis(3));
    for outcome in answers(99) {
        recorder.ended(outcome);
    }
    recorder.ended(failure(99, 5_000_000, Phase::Wait, FailureKind::TimedOut, "late\u{1b}[31m"));
    recorder.retried(failure(98, 90, Phase::Wait, FailureKind::Closed, "closed"));
    let first = recorder.take(
        Moment::from_nanos(200_000_000),
        Gauges { open: 3, in_flight: 2, waiting: 1 },
        Duration::from_millis(4),
    );
    recorder.ended(Outcome { endpoint: None, ..answer(210, 900) });
    let second = recorder.take(Moment::from_nanos(300_000_000), Gauges::default(), Duration::ZERO);
    History {
        header: header(),
        events: events::all(),
        floods: vec![second.clone()],
        intervals: vec![first, second],
        audit: Some(audit()),
        footer: Some(footer()),
    }
}

#[test]
fn a_history_is_read_as_it_was_written() {
    let history = history();
    assert!(!history.intervals[0].answers.is_empty() && !history.intervals[0].whole.is_empty());
    let file = lines::all(&history);
    assert_eq!(file.lines().count(), 2 + history.events.len() + 2 + 1 + 1);
    assert_eq!(lines::read(file.lines()), Ok(history));
}

#[test]
fn all_intervals_together_are_what_thresholds_are_judged_against() {
    let recording = history().recording();
    assert_eq!((recording.counts.good, recording.failed(), recording.counts.retried), (100, 1, 1));
    assert_eq!(recording.response_times().count(), 101);
    assert_eq!((recording.not_sent, recording.unfinished), (3, 1));
    assert_eq!(recording.whole.len(), 2);
}

fn audit() -> Audit {
    let harmed = Harmed {
        key: "k1".to_owned(),
        id: Some("7".to_owned()),
        harm: Harm::Lost,
        acknowledged: Moment::from_nanos(5),
        endpoint: Some(([127, 0, 0, 1], 8080).into()),
        read: "404".to_owned(),
    };
    Audit {
        acknowledged: 3,
        kept: 2,
        lost: 1,
        harmed: vec![harmed],
        settings: vec!["a".to_owned()],
        ..Audit::default()
    }
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![0..2_000_000_000_u64, any::<u64>()].prop_map(Moment::from_nanos)
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![0..2_000_000_u64, any::<u64>()].prop_map(Duration::from_nanos)
}

fn address() -> impl Strategy<Value = Option<SocketAddr>> {
    option::of(prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u16; 8], u16)>().prop_map(SocketAddr::from),
    ])
}

fn failed() -> impl Strategy<Value = Failure> {
    let detail = option::of(any::<String>().prop_map(String::into_boxed_str));
    (prop::sample::select(&Phase::ALL), prop::sample::select(&FailureKind::ALL), any::<Option<u16>>(), detail)
        .prop_map(|(phase, kind, status, detail)| Failure { phase, kind, status, detail })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let end = prop_oneof![any::<u16>().prop_map(Ok), failed().prop_map(Err)];
    let phases = (option::of(time()), option::of(time()), option::of(time()), option::of(time()))
        .prop_map(|(dns, connect, tls, first_byte)| Phases { dns, connect, tls, first_byte });
    let kind = prop::sample::select(&ConnectionKind::ALL);
    let used = (kind, option::of(time()));
    (moment(), time(), moment(), moment(), address(), used, phases, end, 0..1_000_000_u64).prop_map(
        |(due, queued, begun, done, endpoint, (connection, idle), phases, end, bytes)| Outcome {
            due,
            queued,
            begun,
            done,
            endpoint,
            connection,
            idle,
            phases,
            end,
            bytes,
        },
    )
}

fn counts() -> impl Strategy<Value = Counts> {
    any::<[u32; 10]>().prop_map(|counts| {
        let [arrived, begun, good, failed, retried, queued, opened, closed_idle, bytes, unframed] =
            counts.map(u64::from);
        Counts { arrived, begun, good, failed, retried, queued, opened, closed_idle, bytes, unframed }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_interval_is_read_as_it_was_written(
        outcomes in proptest::collection::vec((outcome(), any::<bool>()), 0..30),
        waited in option::of(time()),
        counts in option::of(counts()),
        gauges in any::<(u32, u32, u32)>(),
        (index, thread, cpu) in (moment(), any::<usize>(), time()),
        keep: bool,
    ) {
        let mut recorder = Recorder::new(thread).keep_answers(keep);
        let _first = recorder.take(index, Gauges::default(), Duration::ZERO);
        for (outcome, retried) in outcomes {
            if retried && outcome.end.is_err() { recorder.retried(outcome) } else { recorder.ended(outcome) }
        }
        if let Some(time) = waited {
            recorder.waited(time);
        }
        let (open, in_flight, waiting) = (gauges.0.into(), gauges.1.into(), gauges.2.into());
        let mut interval = recorder.take(index, Gauges { open, in_flight, waiting }, cpu);
        // What is said twice has to be the same, twice.
        let Counts { good, failed, retried, .. } = interval.counts;
        interval.counts = Counts { good, failed, retried, ..counts.unwrap_or(interval.counts) };
        let mut reader = lines::Reader::default();
        reader.line(&lines::header(&header())).unwrap();
        reader.line(&lines::interval(&interval)).unwrap();
        let history = reader.finish().unwrap();
        prop_assert_eq!(&history.intervals, &vec![interval]);
        let _recording = history.recording();
    }
}

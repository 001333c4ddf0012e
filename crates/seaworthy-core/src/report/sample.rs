//! Whole runs for the tests of reports: one for each verdict.

use std::time::Duration;

use super::{Description, Report};
use crate::{
    generator::Generator,
    interval::{Gauges, Recorder},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    recording::Recording,
    sample::{answer, failure, record, refused},
    threshold::Threshold,
    time::Moment,
    verdict::{Evidence, Judgement, Writes, judge},
};

/// Everything that a report borrows.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) description: Description,
    pub(super) recording: Recording,
    pub(super) generator: Generator,
    pub(super) writes: Option<Writes>,
    pub(super) judgement: Judgement,
}

impl Run {
    fn of(description: Description, recording: Recording, generator: Generator, thresholds: &[&str]) -> Self {
        Self::with_writes(description, recording, generator, None, thresholds)
    }

    fn with_writes(
        description: Description,
        recording: Recording,
        generator: Generator,
        writes: Option<Writes>,
        thresholds: &[&str],
    ) -> Self {
        let thresholds: Vec<Threshold> = thresholds.iter().map(|text| text.parse().unwrap()).collect();
        let evidence = Evidence {
            recording: &recording,
            duration: description.duration,
            generator: &generator,
            closed_loop: description.closed_loop,
            interrupted: description.interrupted,
            writes: writes.as_ref(),
        };
        let judgement = judge(&evidence, &thresholds);
        Self { description, recording, generator, writes, judgement }
    }

    pub(super) fn report(&self) -> Report<'_> {
        Report {
            run: &self.description,
            recording: &self.recording,
            generator: &self.generator,
            writes: self.writes.as_ref(),
            judgement: &self.judgement,
        }
    }
}

fn description(profile: &str, seconds: u64) -> Description {
    Description {
        tool_version: "0.1.0".into(),
        command: "seaworthy load -q 1000 -z 15s http://127.0.0.1:8080/".into(),
        target: "http://127.0.0.1:8080/".into(),
        scenario: "GET /".into(),
        profile: profile.into(),
        closed_loop: false,
        seed: 7,
        protocol: "HTTP/1.1".into(),
        connections: "10 kept, at most 1,000, 5% of requests on one of their own".into(),
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        expected: "2xx or 3xx, with a body like that of the first".into(),
        began: "2026-07-01T12:00:00.25Z".into(),
        unix_began: Duration::from_millis(1_782_907_200_250),
        duration: Duration::from_secs(seconds),
        elapsed: Duration::from_millis(seconds * 1_000 + 412),
        interrupted: false,
        machine: "2 CPUs, Linux 6.12".into(),
    }
}

fn generator() -> Generator {
    Generator {
        threads: 1,
        cpu: Duration::from_millis(1_210),
        busy_for: Duration::from_secs(15),
        time_wait: Some(748),
        descriptors: Some((41, 1_048_576)),
        ports: Some((760, 28_232)),
        backlog: 0,
    }
}

/// Between 0.4 ms and 8 ms, most of them near the lower end, and the same in every run.
fn took_us(n: u64) -> u64 {
    let spread = n.wrapping_mul(2_654_435_761) % 1_000;
    400 + spread / 2 + if spread > 980 { (spread - 980) * 380 } else { 0 }
}

/// One in twenty over a connection of its own, the rest over ten that are kept.
fn over_connections(n: u64, outcome: Outcome) -> Outcome {
    let opened = Phases {
        dns: None,
        connect: Some(Duration::from_micros(90 + n % 40)),
        tls: None,
        first_byte: outcome.phases.first_byte,
    };
    match n {
        0..10 => Outcome { connection: ConnectionKind::First, phases: opened, ..outcome },
        n if n % 20 == 19 => Outcome { connection: ConnectionKind::Fresh, phases: opened, ..outcome },
        _ => outcome,
    }
}

/// Everything well.
pub(super) fn passed() -> Run {
    let outcomes = (0..15_000).map(|n| over_connections(n, answer(n, took_us(n)))).collect();
    let mut recording = record(outcomes);
    recording.counts.opened = 760;
    Run::of(description("1,000/s for 15s, evenly spaced", 15), recording, generator(), &["p99<50ms", "failed<0.1%"])
}

/// A rolling update that went wrong in several ways.
pub(super) fn failed() -> Run {
    let become_of = |n: u64| {
        let outcome = match n {
            3_200..3_900 if n % 20 == 19 => {
                failure(n, 110, Phase::Connect, FailureKind::Refused, "Connection refused (os error 111)")
            }
            3_200..3_450 if n.is_multiple_of(10) => {
                failure(n, 700, Phase::Wait, FailureKind::Reset, "Connection reset by peer (os error 104)")
            }
            3_400..3_420 => failure(n, 5_000_000, Phase::Wait, FailureKind::TimedOut, ""),
            8_000..8_120 => refused(n, 900, 503),
            _ => answer(n, took_us(n)),
        };
        let endpoint = Some(([127, 0, 0, 1 + u8::from(n.is_multiple_of(2))], 8080).into());
        over_connections(n, Outcome { endpoint, ..outcome })
    };
    let mut recording = record((0..15_000).map(become_of).collect());
    recording.counts.opened = 790;
    recording.counts.closed_idle = 9;
    recording.counts.unframed = 12;
    again(&mut recording);
    let writes =
        Writes { acknowledged: 4_980, unknown: 25, refused: 41, kept: 4_978, unverified: 2, ..Writes::default() };
    let description = Description {
        scenario: "users: create, read, change, list, delete".into(),
        ..description("1,000/s for 15s, evenly spaced", 15)
    };
    let thresholds = ["p99<50ms", "failed<0.1%", "rate>900", "p99.9<250ms", "lost_writes==0"];
    Run::with_writes(description, recording, generator(), Some(writes), &thresholds)
}

/// Two attempts that were made again.
fn again(recording: &mut Recording) {
    let mut recorder = Recorder::new(1);
    for n in [3_210, 3_220] {
        recorder.retried(failure(n, 80, Phase::Wait, FailureKind::Closed, "closed before any byte"));
    }
    recording.add(recorder.take(Moment::START, Gauges::default(), Duration::ZERO));
}

/// A generator that could not keep up, and too few answers.
pub(super) fn inconclusive() -> Run {
    let late = |n: u64| {
        let outcome = answer(n * 10, 30_000 + took_us(n));
        Outcome { begun: outcome.due + Duration::from_micros(23_000 + n), queued: Duration::ZERO, ..outcome }
    };
    let mut recording = record((0..488).map(late).collect());
    recording.not_sent = 12;
    recording.counts.arrived += 12;
    recording.counts.opened = 10;
    let generator = Generator { backlog: 3, ports: None, ..generator() };
    let description = Description { interrupted: true, ..description("100/s for 15s, evenly spaced", 5) };
    Run::of(description, recording, generator, &["p99<50ms", "p99.9<1s"])
}

/// As fast as it goes, and nothing stated.
pub(super) fn unjudged() -> Run {
    let mut outcomes: Vec<Outcome> = (0..2_000).map(|n| answer(n, took_us(n))).collect();
    for outcome in &mut outcomes {
        outcome.begun = outcome.due;
    }
    let mut recording = record(outcomes);
    recording.counts.opened = 32;
    let description = Description { closed_loop: true, ..description("as fast as 32 connections go", 2) };
    Run::of(description, recording, generator(), &[])
}

/// A run whose only failure says this.
pub(super) fn saying(detail: &str) -> Run {
    let mut outcomes: Vec<Outcome> = (0..20).map(|n| answer(n, took_us(n))).collect();
    let failure = Failure::detailed(Phase::Receive, FailureKind::Malformed, detail);
    outcomes.push(Outcome { end: Err(failure), ..answer(20, 900) });
    let writes = Writes { acknowledged: 3, lost: 1, kept: 2, lost_examples: vec![detail.into()], ..Writes::default() };
    let description = Description {
        target: detail.into(),
        expected: detail.into(),
        machine: detail.into(),
        ..description(detail, 1)
    };
    Run::with_writes(description, record(outcomes), generator(), Some(writes), &["failed==0"])
}

/// A run in which nothing happened.
pub(super) fn empty() -> Run {
    Run::of(description("0/s for 1s", 1), Recording::default(), Generator::default(), &["p99<1s", "rate>1"])
}

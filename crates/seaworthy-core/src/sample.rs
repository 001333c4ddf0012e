//! Runs for tests to judge and to report.

use std::time::Duration;

use crate::{
    interval::{Gauges, INTERVAL, Recorder},
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    recording::Recording,
    time::Moment,
};

/// A good answer over a reused connection, sent 20 us after it was due.
pub(crate) fn answer(due_ms: u64, took_us: u64) -> Outcome {
    let due = Moment::from_nanos(due_ms * 1_000_000);
    Outcome {
        idle: None,
        due,
        queued: Duration::ZERO,
        begun: due + Duration::from_micros(20),
        done: due + Duration::from_micros(took_us),
        endpoint: Some(([127, 0, 0, 1], 8080).into()),
        connection: ConnectionKind::Reused,
        phases: Phases { first_byte: Some(Duration::from_micros(took_us / 2)), ..Phases::default() },
        end: Ok(200),
        bytes: 13,
    }
}

/// A request that failed.
pub(crate) fn failure(due_ms: u64, took_us: u64, phase: Phase, kind: FailureKind, detail: &str) -> Outcome {
    let failure = Failure { phase, kind, status: None, detail: Some(detail.into()) };
    Outcome { end: Err(failure), bytes: 0, ..answer(due_ms, took_us) }
}

/// An answer with a status that was not expected.
pub(crate) fn refused(due_ms: u64, took_us: u64, status: u16) -> Outcome {
    let failure = Failure { status: Some(status), ..Failure::new(Phase::Receive, FailureKind::Status) };
    Outcome { end: Err(failure), ..answer(due_ms, took_us) }
}

/// As many answers, a millisecond apart, that took from 1 ms to 2 ms.
pub(crate) fn answers(count: u64) -> Vec<Outcome> {
    (0..count).map(|n| answer(n, 1_000 + n % 100 * 10)).collect()
}

/// What a generator with one thread records of them.
pub(crate) fn record(mut outcomes: Vec<Outcome>) -> Recording {
    outcomes.sort_by_key(|outcome| outcome.done);
    let mut recording = Recording::default();
    let mut recorder = Recorder::new(0);
    let gauges = Gauges { open: 10, in_flight: 2, waiting: 0 };
    let interval = u64::try_from(INTERVAL.as_nanos()).unwrap();
    for outcome in outcomes {
        if outcome.done.nanos() / interval > recorder.index() {
            recording.add(recorder.take(outcome.done, gauges, Duration::from_millis(5)));
        }
        recorder.counts().arrived += 1;
        recorder.counts().begun += 1;
        if !outcome.queued.is_zero() {
            recorder.waited(outcome.queued);
        }
        recorder.ended(outcome);
    }
    recording.add(recorder.take(Moment::START, Gauges::default(), Duration::from_millis(5)));
    recording
}

//! Everything, for programs: a versioned document, described by `docs/load.schema.json`.
//!
//! Every time has its unit in its key. A quantile that there were too few times to tell is null, as in every form of
//! the report, and so is what there was nothing of.

mod document;

use std::time::Duration;

use self::document::{
    Attempt, Counts, Detail, Document, Failures, Generator, Lane, Metrics, Run, SCHEMA, Slot, Threshold, Times, Used,
    Writes,
};
use super::{Description, Report, summary};
use crate::{
    generator,
    histogram::Histogram,
    interval::FailedAttempt,
    outcome::{Failure, FailureKind},
    recording::Recording,
    time::Moment,
};

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    // Neither a key that is not text nor a type that refuses is in it.
    let mut json = serde_json::to_string_pretty(&document(report)).expect("a document of plain values");
    json.push('\n');
    json
}

fn document<'a>(report: &Report<'a>) -> Document<'a> {
    let recording = report.recording;
    let all = recording.times(|_| true);
    Document {
        schema: SCHEMA,
        tool_version: &report.run.tool_version,
        verdict: report.judgement.verdict.label(),
        headline: summary::headline(report),
        reasons: &report.judgement.reasons,
        thresholds: thresholds(report),
        run: run(report.run),
        metrics: metrics(report),
        counts: counts(recording),
        service_ms: times(&recording.service_times()),
        first_byte_ms: times(&all.first_byte),
        dns_ms: times(&all.dns),
        connect_ms: times(&all.connect),
        tls_ms: times(&all.tls),
        queue_ms: times(&recording.queue_time),
        statuses: &recording.statuses,
        lanes: lanes(recording),
        failures: failures(recording),
        failed_attempts: recording.whole.iter().filter_map(attempt).collect(),
        failures_not_kept: recording.not_whole,
        timeline: timeline(recording),
        generator: generator(report),
        writes: writes(report),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

fn at_ms(moment: Moment) -> f64 {
    ms(moment.since_start())
}

fn times(of: &Histogram) -> Times {
    let told = |millionths: u32| {
        let time = of.quantile(f64::from(millionths) / 1e6).filter(|_| of.resolves(millionths));
        time.map(ms)
    };
    let [p50, p75, p90, p95, p99, p99_9] = summary::QUANTILES.map(|(millionths, _)| told(millionths));
    Times {
        count: of.count(),
        min: of.min().map(ms),
        mean: of.mean().map(ms),
        p50,
        p75,
        p90,
        p95,
        p99,
        p99_9,
        max: of.max().map(ms),
    }
}

fn thresholds<'a>(report: &Report<'a>) -> Vec<Threshold<'a>> {
    let judged = report.judgement.thresholds.iter().map(|judged| Threshold {
        threshold: judged.threshold.to_string(),
        judgement: judged.judgement.label(),
        measured: judged.measured.as_deref(),
        why: judged.why.as_deref(),
    });
    judged.collect()
}

fn run(run: &Description) -> Run<'_> {
    Run {
        command: &run.command,
        target: &run.target,
        scenario: &run.scenario,
        profile: &run.profile,
        closed_loop: run.closed_loop,
        seed: run.seed.to_string(),
        protocol: &run.protocol,
        connections: &run.connections,
        timeout_ms: ms(run.timeout),
        connect_timeout_ms: ms(run.connect_timeout),
        expected: &run.expected,
        began: &run.began,
        unix_began_ms: ms(run.unix_began),
        duration_ms: ms(run.duration),
        elapsed_ms: ms(run.elapsed),
        interrupted: run.interrupted,
        machine: &run.machine,
    }
}

fn metrics(report: &Report<'_>) -> Metrics {
    let (good, ended) = (report.recording.counts.good as f64, report.recording.ended() as f64);
    let seconds = Some(report.run.duration.as_secs_f64()).filter(|seconds| *seconds > 0.0);
    Metrics {
        success_rate: (ended > 0.0).then(|| good / ended),
        requests_per_second: seconds.map(|seconds| ended / seconds),
        good_per_second: seconds.map(|seconds| good / seconds),
        latency_ms: times(&report.recording.response_times()),
    }
}

fn counts(recording: &Recording) -> Counts {
    let counts = &recording.counts;
    Counts {
        arrived: counts.arrived,
        begun: counts.begun,
        good: counts.good,
        failed: recording.failed(),
        cut_short: recording.cut_short(),
        not_sent: recording.not_sent,
        retried: counts.retried,
        queued: counts.queued,
        opened: counts.opened,
        closed_idle: counts.closed_idle,
        bytes: counts.bytes,
        unframed: counts.unframed,
    }
}

fn lanes(recording: &Recording) -> Vec<Lane> {
    let lanes = recording.lanes.iter().map(|(lane, of)| {
        let (mut latency, mut service) = (of.response.clone(), of.service.clone());
        latency.merge(&of.timed_out);
        service.merge(&of.timed_out);
        Lane {
            endpoint: lane.endpoint.map(|endpoint| endpoint.to_string()),
            connection: lane.connection.label(),
            good: of.response.count(),
            timed_out: of.timed_out.count(),
            failed: of.failed.count(),
            latency_ms: times(&latency),
            service_ms: times(&service),
        }
    });
    lanes.collect()
}

fn failures(recording: &Recording) -> Vec<Failures<'_>> {
    let failures = recording.failures.iter().map(|(class, count)| {
        let failure = Failure { phase: class.phase, kind: class.kind, status: class.status, detail: None };
        let details = recording.words.iter().filter(|((of, _), _)| of == class);
        Failures {
            kind: class.kind.label(),
            phase: class.phase.label(),
            status: class.status,
            connection: class.connection.label(),
            count: *count,
            words: failure.words(),
            details: details.map(|((_, text), count)| Detail { text, count: *count }).collect(),
        }
    });
    failures.collect()
}

fn attempt(attempt: &FailedAttempt) -> Option<Attempt<'_>> {
    let FailedAttempt { outcome, retried } = attempt;
    let failure = outcome.end.as_ref().err()?;
    Some(Attempt {
        due_ms: at_ms(outcome.due),
        queued_ms: ms(outcome.queued),
        begun_ms: at_ms(outcome.begun),
        done_ms: at_ms(outcome.done),
        dns_ms: outcome.phases.dns.map(ms),
        connect_ms: outcome.phases.connect.map(ms),
        tls_ms: outcome.phases.tls.map(ms),
        first_byte_ms: outcome.phases.first_byte.map(ms),
        endpoint: outcome.endpoint.map(|endpoint| endpoint.to_string()),
        connection: outcome.connection.label(),
        kind: failure.kind.label(),
        phase: failure.phase.label(),
        status: failure.status,
        detail: failure.detail.as_deref(),
        retried: *retried,
    })
}

fn timeline(recording: &Recording) -> Vec<Slot> {
    let length = recording.slot_length();
    let slots = recording.timeline().map(|(begin, slot)| {
        let response = times(&slot.response_times());
        Slot {
            begin_ms: at_ms(begin),
            length_ms: ms(length),
            arrived: slot.counts.arrived,
            begun: slot.counts.begun,
            good: slot.counts.good,
            failed: slot.failures_that(|class| class.kind != FailureKind::Unfinished),
            open: slot.gauges.open,
            in_flight: slot.gauges.in_flight,
            waiting: slot.gauges.waiting,
            p50_ms: response.p50,
            p99_ms: response.p99,
            max_ms: response.max,
        }
    });
    slots.collect()
}

fn generator(report: &Report<'_>) -> Generator {
    let generator = report.generator;
    let limits = generator::limits(generator, report.recording, report.run.closed_loop);
    let used = |(used, of)| Used { used, of };
    Generator {
        threads: generator.threads,
        cpu_ms: ms(generator.cpu),
        busy_for_ms: ms(generator.busy_for),
        busy: generator.busy(),
        send_lag_ms: times(&report.recording.send_lag),
        time_wait: generator.time_wait,
        descriptors: generator.descriptors.map(used),
        ports: generator.ports.map(used),
        backlog: generator.backlog,
        limits: limits.into_iter().map(|limit| limit.text).collect(),
    }
}

fn writes<'a>(report: &Report<'a>) -> Option<Writes<'a>> {
    let writes = report.writes?;
    Some(Writes {
        acknowledged: writes.acknowledged,
        unknown: writes.unknown,
        recovered: writes.recovered,
        refused: writes.refused,
        kept: writes.kept,
        lost: writes.lost,
        stale: writes.stale,
        unverified: writes.unverified,
        duplicated: writes.duplicated,
        lost_examples: &writes.lost_examples,
    })
}

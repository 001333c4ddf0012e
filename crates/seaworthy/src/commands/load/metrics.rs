//! What a scraper is told: Prometheus' text format, version 0.0.4.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use seaworthy_core::{histogram::Histogram, interval::Gauges, recording::Recording};

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The bounds of the histograms' buckets, in microseconds.
const BUCKETS: [u64; 19] = [
    250, 500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Everything that is told of a run so far.
pub(crate) fn text(recording: &Recording, gauges: Gauges) -> String {
    let mut out = Exposition::default();
    let counts = recording.counts;
    out.family("seaworthy_load_arrivals_total", "counter", "Requests that became due");
    out.sample("seaworthy_load_arrivals_total", "", counts.arrived);
    out.family("seaworthy_load_requests_total", "counter", "Requests that ended, by what became of them");
    out.sample("seaworthy_load_requests_total", r#"result="good""#, counts.good);
    out.sample("seaworthy_load_requests_total", r#"result="failed""#, counts.failed);
    out.family(
        "seaworthy_load_failures_total",
        "counter",
        "Failed requests, by what happened and how far they had come",
    );
    for ((kind, phase), count) in failures(recording) {
        out.sample("seaworthy_load_failures_total", &format!(r#"kind="{kind}",phase="{phase}""#), count);
    }
    out.family("seaworthy_load_retried_total", "counter", "Requests sent again, as HTTP allows");
    out.sample("seaworthy_load_retried_total", "", counts.retried);
    out.family("seaworthy_load_not_sent_total", "counter", "Requests that were due and never sent");
    out.sample("seaworthy_load_not_sent_total", "", recording.not_sent);
    let times = recording.times(|_| true);
    let mut response = times.response;
    response.merge(&times.timed_out);
    out.histogram("seaworthy_load_response_seconds", "From when a request was due until it was answered", &response);
    let mut service = times.service;
    service.merge(&times.timed_out);
    out.histogram("seaworthy_load_service_seconds", "From when a request was sent until it was answered", &service);
    for (name, help, value) in [
        ("seaworthy_load_connections", "Open connections", gauges.open),
        ("seaworthy_load_in_flight", "Requests being worked on", gauges.in_flight),
        ("seaworthy_load_waiting", "Requests that wait for a free connection", gauges.waiting),
    ] {
        out.family(name, "gauge", help);
        out.sample(name, "", value);
    }
    let name = "seaworthy_load_send_lag_seconds";
    out.family(name, "gauge", "How late the generator itself began requests");
    for (quantile, lag) in [
        ("0.5", recording.send_lag.quantile(0.5)),
        ("0.99", recording.send_lag.quantile(0.99)),
        ("1", recording.send_lag.max()),
    ] {
        out.sample(name, &format!(r#"quantile="{quantile}""#), lag.unwrap_or_default().as_secs_f64());
    }
    out.family("seaworthy_load_cpu_seconds_total", "counter", "CPU time of the threads that send");
    out.sample("seaworthy_load_cpu_seconds_total", "", recording.cpu.as_secs_f64());
    out.0
}

/// Over all kinds of connections, and all statuses.
fn failures(recording: &Recording) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut sums = BTreeMap::new();
    for (class, count) in &recording.failures {
        *sums.entry((class.kind.label(), class.phase.label())).or_default() += count;
    }
    sums
}

/// Text that grows by families and their samples. Writing to it cannot fail.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _infallible = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }

    fn histogram(&mut self, name: &str, help: &str, times: &Histogram) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for micros in BUCKETS {
            let bound = Duration::from_micros(micros);
            let within = times.count() - times.count_above(bound);
            self.sample(&bucket, &format!(r#"le="{}""#, bound.as_secs_f64()), within);
        }
        self.sample(&bucket, r#"le="+Inf""#, times.count());
        let sum = times.mean().unwrap_or_default().as_secs_f64() * times.count() as f64;
        self.sample(&format!("{name}_sum"), "", sum);
        self.sample(&format!("{name}_count"), "", times.count());
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_core::{
        interval::Recorder,
        outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
        time::Moment,
    };

    use super::*;

    #[test]
    fn a_run_as_a_scraper_sees_it() {
        let mut recorder = Recorder::new(0);
        let mut recording = Recording::default();
        recording.not_sent = 7;
        recorder.counts().arrived = 11;
        let refused = Failure::new(Phase::Connect, FailureKind::Refused);
        for (millis, end) in [(1, Ok(200)), (40, Ok(200)), (1, Err(refused))] {
            recorder.ended(Outcome {
                due: Moment::START,
                queued: Duration::ZERO,
                begun: Moment::START,
                done: Moment::from(Duration::from_millis(millis)),
                endpoint: None,
                connection: ConnectionKind::Reused,
                idle: None,
                phases: Phases::default(),
                end,
                bytes: 0,
            });
        }
        recording.add(recorder.take(Moment::from(Duration::from_millis(100)), Gauges::default(), Duration::ZERO));
        let text = text(&recording, Gauges { open: 3, in_flight: 2, waiting: 1 });
        for line in [
            "# TYPE seaworthy_load_requests_total counter",
            "seaworthy_load_arrivals_total 11",
            r#"seaworthy_load_requests_total{result="good"} 2"#,
            r#"seaworthy_load_requests_total{result="failed"} 1"#,
            r#"seaworthy_load_failures_total{kind="refused",phase="connect"} 1"#,
            "seaworthy_load_not_sent_total 7",
            "# TYPE seaworthy_load_response_seconds histogram",
            r#"seaworthy_load_response_seconds_bucket{le="0.0005"} 0"#,
            r#"seaworthy_load_response_seconds_bucket{le="0.002"} 1"#,
            r#"seaworthy_load_response_seconds_bucket{le="+Inf"} 2"#,
            "seaworthy_load_response_seconds_count 2",
            "seaworthy_load_service_seconds_count 2",
            "seaworthy_load_connections 3",
            "seaworthy_load_in_flight 2",
            "# TYPE seaworthy_load_send_lag_seconds gauge",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        let sum = text.lines().find_map(|line| line.strip_prefix("seaworthy_load_response_seconds_sum ")).unwrap();
        assert!((sum.parse::<f64>().unwrap() - 0.041).abs() < 0.000_1, "{sum}");
    }
}

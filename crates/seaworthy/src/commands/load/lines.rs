//! A second of a run in a line, for where there is no terminal.

use std::time::Duration;

use jiff::Timestamp;
use seaworthy_core::{interval::Gauges, text};

use super::live::Second;

/// For a pod's log: `2026-07-22T12:00:01Z 50 requests, 50 good, 0 failed, p50 1.53ms, p99 3.10ms`.
pub(crate) fn log(now: Timestamp, second: &Second) -> String {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    format!(
        "{now} {}, {} good, {} failed, p50 {}, p99 {}",
        text::counted(second.counts.arrived.max(second.counts.begun), "request"),
        text::thousands(second.counts.good),
        text::thousands(second.counts.failed),
        time(second.quantile(0.5)),
        time(second.quantile(0.99)),
    )
}

/// For whoever watches a pipe: `12s: 998/s sent, p50 1.53ms, p99 3.10ms, 0 failed, 10 connections`.
pub(crate) fn progress(second: &Second, gauges: Gauges) -> String {
    format!(
        "{}: {}/s sent, p50 {}, p99 {}, {} failed, {}",
        text::long_time(Duration::from_secs(second.index + 1)),
        text::thousands(second.counts.begun),
        time(second.quantile(0.5)),
        time(second.quantile(0.99)),
        text::thousands(second.counts.failed),
        text::counted(gauges.open, "connection"),
    )
}

fn time(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), text::time)
}

/// Whether there is a line for this second: for each of the first minute, then for each tenth.
pub(crate) const fn is_told(index: u64) -> bool {
    index < 60 || (index + 1).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use seaworthy_core::{
        interval::Recorder,
        outcome::{ConnectionKind, Outcome, Phases},
        time::Moment,
    };

    use super::*;
    use crate::commands::load::live::Live;

    #[test]
    fn a_second_in_a_line() {
        let (mut live, mut recorder) = (Live::default(), Recorder::new(0));
        for millis in [2, 4] {
            recorder.counts().arrived += 1;
            recorder.counts().begun += 1;
            recorder.ended(Outcome {
                due: Moment::START,
                queued: Duration::ZERO,
                begun: Moment::START,
                done: Moment::from(Duration::from_millis(millis)),
                endpoint: None,
                connection: ConnectionKind::Reused,
                idle: None,
                phases: Phases::default(),
                end: Ok(200),
                bytes: 0,
            });
        }
        let gauges = Gauges { open: 1, in_flight: 0, waiting: 0 };
        live.add(&recorder.take(Moment::from(Duration::from_millis(100)), gauges, Duration::ZERO));
        let second = live.second(0).unwrap();
        let now: Timestamp = "2026-07-22T12:00:01.5Z".parse().unwrap();
        let line = "2026-07-22T12:00:01Z 2 requests, 2 good, 0 failed, p50 2.00ms, p99 4.00ms";
        assert_eq!(log(now, second), line);
        let line = "1s: 2/s sent, p50 2.00ms, p99 4.00ms, 0 failed, 1 connection";
        assert_eq!(progress(second, gauges), line);
    }

    #[test]
    fn lines_get_rarer() {
        let told: Vec<u64> = (55..95).filter(|index| is_told(*index)).collect();
        assert_eq!(told, [55, 56, 57, 58, 59, 69, 79, 89]);
    }
}

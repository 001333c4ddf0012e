//! What the live view and the metrics show: values, taken at one moment.

use std::time::Duration;

use seaworthy_core::{
    histogram::Histogram,
    interval::{FailureClass, Gauges},
    outcome::{ConnectionKind, Failure, FailureKind},
    recording::Recording,
    time::Moment,
};
use seaworthy_load::plan::Pace;

use super::{
    live::{Live, RECENT},
    pace::Paced,
};

/// The rows of the latency histogram.
const ROWS: usize = 6;

/// A run at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// What is sent, in a line.
    pub(crate) title: String,
    pub(crate) elapsed: Duration,
    /// For how long it was asked to run.
    pub(crate) duration: Option<Duration>,
    /// How many requests it was asked for, at most.
    pub(crate) limit: Option<u64>,
    /// Whether no more is sent, and what is open is waited for.
    pub(crate) stopping: bool,
    /// The rate that is asked for at the moment; nothing in a closed loop.
    pub(crate) asked: Option<f64>,
    /// Requests begun in the last second.
    pub(crate) got: u64,
    pub(crate) good: u64,
    pub(crate) failed: u64,
    pub(crate) retried: u64,
    pub(crate) gauges: Gauges,
    /// Response times of the last seconds, and of the whole run.
    pub(crate) recent: Ladder,
    pub(crate) whole: Ladder,
    /// Requests begun in each of the last seconds, and the 99th percentile of their response times.
    pub(crate) seconds: Vec<(u64, Option<Duration>)>,
    pub(crate) histogram: Vec<Bar>,
    /// Failures in words, the last seen first.
    pub(crate) failures: Vec<(String, u64)>,
    pub(crate) send_lag: Option<Duration>,
    /// CPU that the generator used in the last second, as a share of one processor.
    pub(crate) cpu: f64,
}

/// Percentiles that people look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ladder {
    pub(crate) p50: Option<Duration>,
    pub(crate) p90: Option<Duration>,
    pub(crate) p99: Option<Duration>,
    pub(crate) p999: Option<Duration>,
    pub(crate) max: Option<Duration>,
}

impl Ladder {
    fn of(times: &Histogram) -> Self {
        Self {
            p50: times.quantile(0.5),
            p90: times.quantile(0.9),
            p99: times.quantile(0.99),
            p999: times.quantile(0.999),
            max: times.max(),
        }
    }
}

/// A row of a histogram: how many were within a bound and above the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Nothing for the row of all that is longer.
    pub(crate) up_to: Option<Duration>,
    pub(crate) count: u64,
}

/// Looks at a run.
pub(crate) fn take(
    title: &str,
    paced: &Paced,
    live: &Live,
    recording: &Recording,
    elapsed: Duration,
    stopping: bool,
) -> Snapshot {
    let (recent, whole) = live.times();
    let (last, cpu) = live.whole_seconds().next_back().map(|second| (second.counts, second.cpu)).unwrap_or_default();
    let asked = match &paced.pace {
        Pace::Open { profile, .. } => Some(profile.rate_at(Moment::from(elapsed)).as_per_second()),
        Pace::Closed { .. } => None,
    };
    Snapshot {
        title: title.to_owned(),
        elapsed,
        duration: paced.duration,
        limit: paced.limit,
        stopping,
        asked,
        got: last.begun,
        good: recording.counts.good,
        failed: recording.counts.failed,
        retried: recording.counts.retried,
        gauges: live.gauges(),
        recent: Ladder::of(&recent),
        whole: Ladder::of(&whole),
        seconds: live.whole_seconds().map(|second| (second.counts.begun, second.p99())).collect(),
        histogram: bars(&whole),
        failures: live.failures().iter().take(RECENT).map(|(class, seen)| (words(*class), seen.count)).collect(),
        send_lag: recording.send_lag.quantile(0.99),
        cpu: cpu.as_secs_f64(),
    }
}

/// A class of failures in a line.
pub(crate) fn words(class: FailureClass) -> String {
    let failure = Failure { phase: class.phase, kind: class.kind, status: class.status, detail: None };
    let over = match (class.kind, class.connection) {
        (FailureKind::Closed | FailureKind::Reset, ConnectionKind::Reused) => ", on a connection used before",
        (FailureKind::Closed | FailureKind::Reset, ConnectionKind::Fresh | ConnectionKind::First) => {
            ", on a new connection"
        }
        _ => "",
    };
    format!("{}{over}", failure.words())
}

/// A histogram in a few rows, whose bounds are round: 1, 2 or 5 of something.
fn bars(times: &Histogram) -> Vec<Bar> {
    let (Some(min), Some(max)) = (times.min(), times.max()) else { return Vec::new() };
    let bounds: Vec<Duration> =
        (1..12_u32).flat_map(|power| [1, 2, 5].map(|digit| Duration::from_nanos(digit * 10_u64.pow(power)))).collect();
    let at = |time: Duration| bounds.iter().position(|bound| *bound >= time).unwrap_or(bounds.len() - 1);
    let mut below = 0;
    let mut bars: Vec<Bar> = bounds[at(min)..=at(max)]
        .iter()
        .map(|bound| {
            let up_to_here = times.count() - times.count_above(*bound);
            let count = up_to_here - below;
            below = up_to_here;
            Bar { up_to: Some(*bound), count }
        })
        .collect();
    // Whatever lies beyond the last bound, within the resolution, belongs to its row.
    if let Some(last) = bars.last_mut() {
        last.count += times.count() - below;
    }
    while bars.len() > ROWS {
        // The end with less in it is joined with its neighbour.
        let ends = (bars.first().map(|bar| bar.count), bars.last().map(|bar| bar.count));
        if ends.0 <= ends.1 {
            let first = bars.remove(0);
            bars[0].count += first.count;
        } else {
            let last = bars.pop().map_or(0, |bar| bar.count);
            if let Some(bar) = bars.last_mut() {
                *bar = Bar { up_to: None, count: bar.count + last };
            }
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(millis: &[u64]) -> Histogram {
        let mut times = Histogram::new();
        for one in millis {
            times.record(Duration::from_millis(*one));
        }
        times
    }

    #[test]
    fn rows_have_round_bounds() {
        let bar = |millis: u64, count| Bar { up_to: Some(Duration::from_millis(millis)), count };
        assert_eq!(bars(&of(&[1, 2, 2, 3, 9])), [bar(1, 1), bar(2, 2), bar(5, 1), bar(10, 1)]);
        assert_eq!(bars(&of(&[])), []);
    }

    #[test]
    fn a_long_tail_is_one_row() {
        let mut times = of(&[3; 100]);
        times.merge(&of(&[1, 400, 900, 2000, 9000]));
        let rows = bars(&times);
        assert_eq!(rows.len(), ROWS);
        assert_eq!(rows.last().map(|row| row.up_to), Some(None));
    }

    proptest! {
        #[test]
        fn every_time_is_in_one_row(nanos in proptest::collection::vec(0..2_000_000_000_000_u64, 1..50)) {
            let mut times = Histogram::new();
            for one in &nanos {
                times.record(Duration::from_nanos(*one));
            }
            let rows = bars(&times);
            prop_assert!(rows.len() <= ROWS);
            prop_assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), times.count());
        }
    }
}

//! Distributions of times: recorded in nanoseconds, merged exactly, packed small.

use std::{fmt, time::Duration};

use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};

use crate::time::nanos;

mod packed;

pub use packed::{Packed, Unpackable};

/// Times below this are not told apart, in nanoseconds.
const LOWEST: u64 = 1_000;

/// Where a new one ends, in nanoseconds; it grows when it has to.
const HIGHEST_AT_FIRST: u64 = 4_000_000;

/// The longest time that is told apart from longer ones: a day.
const HIGHEST: u64 = 86_400 * 1_000_000_000;

/// Significant decimal digits: values are within 0.1 %.
const DIGITS: u8 = 3;

/// A distribution of times, within 0.1 % or half a microsecond, up to a day.
///
/// What is asked of merged histograms is what would be asked of one that had recorded everything: they are never
/// averaged.
#[derive(Clone)]
pub struct Histogram(hdrhistogram::Histogram<u64>);

impl Histogram {
    /// An empty one.
    pub fn new() -> Self {
        // The bounds are constants that a test has tried.
        let mut counts =
            hdrhistogram::Histogram::new_with_bounds(LOWEST, HIGHEST_AT_FIRST, DIGITS).expect("bounds that fit");
        counts.auto(true);
        Self(counts)
    }

    /// Adds one time.
    pub fn record(&mut self, time: Duration) {
        // Up to the highest value it grows.
        self.0.record(nanos(time).min(HIGHEST)).expect("one that grows");
    }

    /// Adds as many of one time.
    fn add(&mut self, nanos: u64, count: u64) {
        // Up to the highest value it grows.
        self.0.record_n(nanos.min(HIGHEST), count).expect("one that grows");
    }

    /// Adds everything that another has recorded.
    pub fn merge(&mut self, other: &Self) {
        // It grows by itself, and both are bounded by the same highest value.
        self.0.add(&other.0).expect("one that grows");
    }

    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything, but keeps its memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// The time that a share of all (0 to 1) did not exceed; nothing if there is none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        // A value stands for its bucket, but never for more than the longest that there was.
        (!self.is_empty()).then(|| Duration::from_nanos(self.0.value_at_quantile(share).min(self.0.max())))
    }

    /// Whether there are enough times to tell a quantile, in millionths: at least one beyond it.
    pub fn resolves(&self, millionths: u32) -> bool {
        let beyond = u64::from(1_000_000_u32.saturating_sub(millionths));
        self.count().saturating_mul(beyond) >= 1_000_000
    }

    /// The longest time, within the resolution.
    pub fn max(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_nanos(self.0.max()))
    }

    /// The shortest time, within the resolution.
    pub fn min(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_nanos(self.0.min()))
    }

    /// The mean.
    pub fn mean(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_secs_f64(self.0.mean() / 1e9))
    }

    /// How many times lie above a bound, within the resolution.
    pub fn count_above(&self, bound: Duration) -> u64 {
        self.count() - self.0.count_between(0, nanos(bound))
    }

    /// The same in the fewest bytes, to be kept or sent.
    pub fn pack(&self) -> Packed {
        if self.is_empty() {
            return Packed::default();
        }
        let mut bytes = Vec::new();
        // Writing to memory does not fail, and a histogram that exists fits into memory.
        V2Serializer::new().serialize(&self.0, &mut bytes).expect("memory to write to");
        Packed::trusted(bytes)
    }

    /// What bytes that were packed hold.
    fn unpacked(bytes: &[u8]) -> Option<Self> {
        Deserializer::new().deserialize(&mut &*bytes).ok().map(Self)
    }

    pub(crate) const fn inner(&self) -> &hdrhistogram::Histogram<u64> {
        &self.0
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Histogram of {} up to {:?}", self.count(), self.max())
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(nanos: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for nanos in nanos {
            histogram.record(Duration::from_nanos(*nanos));
        }
        histogram
    }

    #[test]
    fn an_empty_one_knows_nothing() {
        let empty = Histogram::new();
        assert_eq!((empty.quantile(0.5), empty.max(), empty.mean(), empty.count()), (None, None, None, 0));
        assert!(empty.pack().is_empty());
    }

    #[test]
    fn a_quantile_is_told_by_times_beyond_it() {
        for (count, millionths, resolves) in
            [(0, 500_000, false), (1, 500_000, false), (2, 500_000, true), (99, 990_000, false), (100, 990_000, true)]
        {
            assert_eq!(of(&vec![1_000; count]).resolves(millionths), resolves, "{count} {millionths}");
        }
    }

    #[test]
    fn more_than_a_day_is_a_day() {
        let long = of(&[u64::MAX]);
        let max = long.max().unwrap().as_secs_f64();
        assert!((max / 86_400.0 - 1.0).abs() < 0.001, "{max}");
    }

    proptest! {
        #[test]
        fn merging_is_recording_everything_in_one(a: Vec<u64>, b: Vec<u64>) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }

        #[test]
        fn packing_loses_nothing(values in proptest::collection::vec(0..100_000_000_000_u64, 0..50)) {
            let histogram = of(&values);
            let mut unpacked = Histogram::new();
            histogram.pack().add_to(&mut unpacked);
            prop_assert_eq!(unpacked, histogram);
        }

        #[test]
        fn quantiles_are_within_a_thousandth(
            mut values in proptest::collection::vec(1_000..10_000_000_000_u64, 1..200),
            share in 0.0..=1.0_f64,
        ) {
            values.sort_unstable();
            let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let truth = values[rank - 1] as f64;
            let said = of(&values).quantile(share).unwrap().as_nanos() as f64;
            prop_assert!((said - truth).abs() <= truth * 0.001 + 512.0, "{} for {}", said, truth);
        }
    }
}

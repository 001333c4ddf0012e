//! Distributions of times in few numbers: eight steps to each doubling.
//!
//! A trial has millions of packed histograms, and unpacking each into a whole one takes more time than a diagnosis has.
//! Whether something takes several times as long is told by less.

use std::time::Duration;

use crate::histogram::Packed;

/// Steps to each doubling, as a power of two.
const FINE: u32 = 3;

const STEPS: usize = 512;

/// A distribution of times, within an eighth.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    counts: Box<[u32; STEPS]>,
    count: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { counts: Box::new([0; STEPS]), count: 0 }
    }
}

impl Sketch {
    /// How many times are in it.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Adds what is packed.
    pub(super) fn add(&mut self, packed: &Packed) {
        each(packed, |nanos, count| {
            if let Some(known) = self.counts.get_mut(step(nanos)) {
                *known = known.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                self.count += count;
            }
        });
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.count = 0;
    }

    /// Adds what another holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (known, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *known = known.saturating_add(*more);
        }
        self.count += other.count;
    }

    /// The median; without what another holds, which is a part of it.
    pub(super) fn median_without(&self, part: &Self) -> Option<Duration> {
        let all = self.count.checked_sub(part.count).filter(|all| *all > 0)?;
        let mut below = 0_u64;
        for (step, (known, less)) in self.counts.iter().zip(part.counts.iter()).enumerate() {
            below += u64::from(known.saturating_sub(*less));
            if below * 2 >= all {
                return Some(Duration::from_nanos(time(step)));
            }
        }
        None
    }

    /// The median.
    pub(super) fn median(&self) -> Option<Duration> {
        self.median_without(&Self::default())
    }

    /// The longest time that is packed, within a thousandth.
    pub(super) fn most(packed: &Packed) -> Option<Duration> {
        let mut most = None;
        each(packed, |nanos, _| most = Some(Duration::from_nanos(nanos)));
        most
    }
}

/// Each time that is packed, with its count, the shortest first.
pub(super) fn each(packed: &Packed, take: impl FnMut(u64, u64)) {
    packed.each(take);
}

/// The place of a time in a sketch.
fn step(nanos: u64) -> usize {
    let nanos = nanos.max(1 << FINE);
    let doubling = nanos.ilog2();
    let fine = nanos >> (doubling - FINE) & ((1 << FINE) - 1);
    usize::try_from(u64::from(doubling) << FINE | fine).unwrap_or(STEPS)
}

/// The time in the middle of a place.
fn time(step: usize) -> u64 {
    let step = step as u64;
    let (doubling, fine) = (step >> FINE, step & ((1 << FINE) - 1));
    let begin = (1_u64 << doubling.min(62)) / (1 << FINE) * ((1 << FINE) + fine);
    begin + ((1_u64 << doubling.min(62)) >> (FINE + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::Histogram;

    fn packed(nanos: &[u64]) -> Packed {
        let mut histogram = Histogram::new();
        for nanos in nanos {
            histogram.record(Duration::from_nanos(*nanos));
        }
        histogram.pack()
    }

    proptest! {
        #[test]
        fn it_says_what_the_whole_histogram_says(mut nanos in proptest::collection::vec(1_000..80_000_000_000_000_u64, 1..60)) {
            let packed = packed(&nanos);
            let mut sketch = Sketch::default();
            sketch.add(&packed);
            nanos.sort_unstable();
            prop_assert_eq!(sketch.count(), nanos.len() as u64);
            let middle = nanos[(nanos.len() - 1) / 2] as f64;
            let median = sketch.median().unwrap().as_nanos() as f64;
            prop_assert!((median / middle - 1.0).abs() < 0.13, "{} for {}", median, middle);
            let (last, most) = (nanos[nanos.len() - 1] as f64, Sketch::most(&packed).unwrap().as_nanos() as f64);
            prop_assert!(most >= last - 512.0 && most <= last * 1.002 + 512.0, "{} for {}", most, last);
        }
    }

    #[test]
    fn a_part_is_taken_away_again() {
        let (mut all, mut part) = (Sketch::default(), Sketch::default());
        part.add(&packed(&[9_000_000; 9]));
        all.add(&packed(&[1_000_000; 3]));
        all.merge(&part);
        assert!(all.median().unwrap() > Duration::from_millis(8));
        assert!(all.median_without(&part).unwrap() < Duration::from_micros(1_130));
        assert_eq!(part.median_without(&part), None);
        assert_eq!((Sketch::most(&Packed::default()), Sketch::default().median()), (None, None));
    }
}

//! Axes: where a value is, and which values are marked.

use std::time::Duration;

/// Marks of a time axis have one of these distances, in seconds.
const STEPS: [f64; 21] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0,
    3_600.0, 7_200.0, 21_600.0,
];

/// Times whose logarithms are marked: a decade each, in nanoseconds, from a microsecond to a day and more.
const DECADES: [f64; 12] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// What a longest time has to be of a shortest, so that only their logarithms can be read beside each other.
const WIDE: f64 = 30.0;

/// Where values are between two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    log: bool,
}

impl Axis {
    /// Seconds since the start.
    pub(super) fn time(end: Duration) -> Self {
        Self { from: 0.0, to: end.as_secs_f64().max(0.1), log: false }
    }

    /// Numbers from 0 on, the highest of them with some room above.
    pub(super) fn count(most: f64) -> Self {
        let most = if most.is_finite() { most.max(1.0) } else { 1.0 };
        let step = step(most, 3);
        Self { from: 0.0, to: (most / step).ceil() * step, log: false }
    }

    /// Times from the shortest to the longest, in nanoseconds: by their logarithms where these are far apart.
    pub(super) fn latency(shortest: Duration, longest: Duration) -> Self {
        let (least, most) = (shortest.as_nanos() as f64, longest.as_nanos() as f64);
        if most <= least.max(1e3) * WIDE {
            // The marks are of a unit that the longest has.
            let (from, step) = (0.0, step(most.max(1e3), 3));
            return Self { from, to: (most.max(1e3) / step).ceil() * step, log: false };
        }
        let from = round_times().take_while(|time| *time <= least).last().unwrap_or(1e3);
        let to = round_times().find(|time| *time >= most).unwrap_or(5e14);
        Self { from, to, log: true }
    }

    /// Where a value is: 0 at the begin, 1 at the end, and never outside.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.log {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Whether it has logarithms.
    pub(super) const fn is_log(&self) -> bool {
        self.log
    }

    /// Round values from end to end: about three of counts and times, each decade of logarithms.
    pub(super) fn marks(&self) -> Vec<f64> {
        if self.log {
            let all: Vec<f64> = round_times().filter(|time| (self.from..=self.to).contains(time)).collect();
            // Of more than three decades only the decades.
            let decades = |time: &&f64| DECADES.contains(time);
            let many = all.iter().filter(decades).count() > 2;
            return all.iter().filter(|time| !many || decades(time)).copied().collect();
        }
        self.multiples(step(self.to, 3))
    }

    /// The same of seconds, of which there may be about so many.
    pub(super) fn seconds(&self, most: f64) -> Vec<f64> {
        let fits = |step: &&f64| self.to / **step <= most;
        let days = (self.to / most / 86_400.0).ceil() * 86_400.0;
        self.multiples(STEPS.iter().find(fits).copied().unwrap_or(days))
    }

    fn multiples(&self, step: f64) -> Vec<f64> {
        // A bit beyond the end is a matter of the last bit.
        (0..1_000_u32).map(|n| f64::from(n) * step).take_while(|mark| *mark <= self.to * (1.0 + 1e-9)).collect()
    }
}

/// 1, 2 or 5 times a power of ten, so that about so many of them are in a number.
fn step(most: f64, parts: u32) -> f64 {
    let wanted = most / f64::from(parts);
    let mut step = 1.0;
    while step * 10.0 <= wanted {
        step *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0].map(|of| step * of).into_iter().find(|step| *step >= wanted).unwrap_or(step)
}

/// 1, 2 and 5 of each decade.
fn round_times() -> impl Iterator<Item = f64> {
    DECADES.iter().flat_map(|decade| [1.0, 2.0, 5.0].map(|of| decade * of))
}

/// A moment as an axis and a title have it: `12.3 s`, `4:05`, `1:02:03`.
pub(super) fn clock(at: Duration) -> String {
    let (seconds, millis) = (at.as_secs(), at.subsec_millis());
    let fraction = match millis {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match seconds {
        0..120 => format!("{seconds}{fraction} s"),
        120..3_600 => format!("{}:{:02}{fraction}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}{fraction}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60),
    }
}

/// A mark of a time axis, in seconds.
pub(super) fn mark(seconds: f64) -> String {
    clock(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A mark of a latency axis, in nanoseconds, without digits that say nothing.
pub(super) fn latency(nanos: f64) -> String {
    let (value, unit) = match nanos {
        n if n <= 0.0 => return "0".to_owned(),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", super::build::number(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1, 1.5, 2, 3, 5, 6 or 9 times a power of ten, or a multiple of a minute.
    fn is_round(value: f64) -> bool {
        let mut digits = value;
        while digits >= 10.0 {
            digits /= 10.0;
        }
        while digits > 0.0 && digits < 1.0 {
            digits *= 10.0;
        }
        let near = |of: f64| (digits * 100.0 / of - (digits * 100.0 / of).round()).abs() < 1e-6;
        value == 0.0 || near(50.0) || (value / 60.0 - (value / 60.0).round()).abs() < 1e-6 || near(10.0)
    }

    proptest! {
        #[test]
        fn marks_are_round_in_range_and_few(most in 0.0..1e9_f64, least_ns in 1_u64..10_000_000_000, times in 1.0..1e6_f64) {
            let longest = Duration::from_nanos(least_ns).mul_f64(times).min(Duration::from_hours(24));
            for axis in [Axis::count(most), Axis::latency(Duration::from_nanos(least_ns), longest)] {
                let marks = axis.marks();
                prop_assert!((2..=12).contains(&marks.len()), "{:?}: {:?}", axis, marks);
                for mark in &marks {
                    prop_assert!(*mark >= axis.from && *mark <= axis.to * 1.000_001 && is_round(*mark), "{:?}: {}", axis, mark);
                }
                prop_assert!(marks.is_sorted());
            }
        }

        #[test]
        fn times_have_their_place(millis in 1_u64..100_000_000, at in 0.0..2.0_f64) {
            let end = Duration::from_millis(millis);
            let axis = Axis::time(end);
            let marks = axis.seconds(12.0);
            prop_assert!((1..=13).contains(&marks.len()), "{:?}", marks);
            prop_assert!(marks.iter().all(|mark| *mark <= axis.to * 1.000_001 && is_round(*mark)), "{:?}", marks);
            let place = axis.place(end.as_secs_f64() * at);
            prop_assert!((0.0..=1.0).contains(&place));
        }

        #[test]
        fn what_is_longer_is_further(one in 1_000_u64..10_000_000_000, other in 1_000_u64..10_000_000_000) {
            let (least, most) = (one.min(other), one.max(other));
            let axis = Axis::latency(Duration::from_nanos(least), Duration::from_nanos(most));
            prop_assert!(axis.place(least as f64) <= axis.place(most as f64));
            prop_assert!(axis.place(least as f64) >= 0.0 && axis.place(most as f64) <= 1.0);
        }
    }

    #[test]
    fn times_that_are_far_apart_have_logarithms() {
        let of = |least, most| Axis::latency(Duration::from_micros(least), Duration::from_micros(most));
        assert!(of(400, 5_000_000).is_log() && !of(400, 8_000).is_log());
        let shown: Vec<String> = of(400, 4_900_000).marks().into_iter().map(latency).collect();
        assert_eq!(shown, ["1 ms", "10 ms", "100 ms", "1 s"]);
        let shown: Vec<String> = of(400, 8_000).marks().into_iter().map(latency).collect();
        assert_eq!(shown, ["0", "5 ms", "10 ms"]);
    }

    #[test]
    fn moments_are_read_at_a_glance() {
        for (millis, shown) in [
            (0, "0 s"),
            (1_500, "1.5 s"),
            (119_999, "119.999 s"),
            (120_000, "2:00"),
            (605_250, "10:05.25"),
            (3_723_000, "1:02:03"),
        ] {
            assert_eq!(clock(Duration::from_millis(millis)), shown);
        }
    }
}

//! The schedule: when each request is due, whatever became of the ones before it.
//!
//! An open-loop schedule is a function of a profile, a spacing and a seed. It knows nothing of answers, so a
//! slow target cannot slow it down.

use std::{fmt, str::FromStr, time::Duration};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::{text, time::Moment};

/// Arrivals per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The highest rate that can be asked for, per second.
    pub const MOST: f64 = 10_000_000.0;

    /// Per second: at least 0, at most [`Rate::MOST`].
    pub fn per_second(rate: f64) -> Option<Self> {
        (0.0..=Self::MOST).contains(&rate).then_some(Self(rate))
    }

    /// Per second.
    pub const fn as_per_second(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", text::number(self.0))
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    /// `500`, `500/s`, `2k/s`, `30/1m`, `0.5/s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "is not a rate; give one such as 500, 500/s or 30/1m, at most 10,000,000 a second";
        let (count, per) = text.split_once('/').unwrap_or((text, "1s"));
        let (count, factor) = match count.trim().strip_suffix(['k', 'K']) {
            Some(thousands) => (thousands, 1000.0),
            None => (count, 1.0),
        };
        let count: f64 = count.trim().parse().map_err(|_not_a_number| WANTED)?;
        let per = Some(per.trim()).filter(|per| !per.is_empty()).ok_or(WANTED)?;
        // `30/m` is thirty in one minute.
        let per =
            if per.starts_with(|first: char| first.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let seconds = text::duration(&per).ok_or(WANTED)?.as_secs_f64();
        Self::per_second(count * factor / seconds).ok_or(WANTED)
    }
}

/// A part of a profile: from one rate to another, in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// The rate at its beginning.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
    /// How long it takes; a last stage may have no end.
    pub duration: Option<Duration>,
}

/// How the rate goes over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    stages: Vec<Stage>,
}

impl Profile {
    /// One rate, for so long or without end.
    pub fn constant(rate: Rate, duration: Option<Duration>) -> Self {
        Self { stages: vec![Stage { from: rate, to: rate, duration }] }
    }

    /// How long it takes, unless it has no end.
    pub fn duration(&self) -> Option<Duration> {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    /// Its highest rate.
    pub fn peak(&self) -> Rate {
        self.stages.iter().flat_map(|stage| [stage.from, stage.to]).fold(Rate(0.0), |a, b| if b > a { b } else { a })
    }

    /// The rate that is asked for at a moment.
    pub fn rate_at(&self, at: Moment) -> Rate {
        let mut begin = 0.0;
        let at = at.since_start().as_secs_f64();
        for stage in &self.stages {
            let Some(duration) = stage.duration else { return stage.from };
            let duration = duration.as_secs_f64();
            if at < begin + duration {
                return Rate(stage.from.0 + (stage.to.0 - stage.from.0) * (at - begin) / duration);
            }
            begin += duration;
        }
        Rate(0.0)
    }

    /// When each of its requests is due.
    pub fn arrivals(&self, spacing: Spacing, seed: u64) -> Arrivals {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let next = match spacing {
            Spacing::Even => 0.0,
            Spacing::Poisson => exponential(&mut random),
        };
        Arrivals { stages: self.stages.clone().into_iter(), stage: None, begun: (0.0, 0.0), next, spacing, random }
    }
}

impl FromStr for Profile {
    type Err = String;

    /// Stages with commas between them: `100 for 30s, 100..1000 for 1m, 1000 for 10s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let stage = |part: &str| {
            let wanted = || format!("has no stage in {part:?}; stages are such as 100 for 30s, or 100..1000 for 1m");
            let (rates, duration) = part.split_once(" for ").ok_or_else(wanted)?;
            let duration = text::duration(duration.trim()).filter(|duration| !duration.is_zero()).ok_or_else(wanted)?;
            let (from, to) = rates.split_once("..").unwrap_or((rates, rates));
            let rate = |text: &str| text.trim().parse().map_err(|_not_a_rate| wanted());
            Ok::<_, String>(Stage { from: rate(from)?, to: rate(to)?, duration: Some(duration) })
        };
        let stages = text.split(',').map(str::trim).map(stage).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { stages })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Stage { from, to, duration }) in self.stages.iter().enumerate() {
            if n > 0 {
                write!(f, ", ")?;
            }
            if from == to {
                write!(f, "{from}")?;
            } else {
                write!(f, "{}..{to}", text::number(from.0))?;
            }
            if let Some(duration) = duration {
                write!(f, " for {}", text::long_time(*duration))?;
            }
        }
        Ok(())
    }
}

/// How arrivals are spread within a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// The same time between any two.
    Even,
    /// As independent users arrive: times between them are exponential.
    Poisson,
}

/// The due times of a profile's requests, in order.
#[derive(Clone, Debug)]
pub struct Arrivals {
    stages: std::vec::IntoIter<Stage>,
    stage: Option<Stage>,
    /// Where the stage began: in seconds, and in arrivals expected until then.
    begun: (f64, f64),
    /// How many arrivals are expected until the next one.
    next: f64,
    spacing: Spacing,
    random: Pcg64Mcg,
}

impl Iterator for Arrivals {
    type Item = Moment;

    fn next(&mut self) -> Option<Moment> {
        loop {
            let Some(stage) = self.stage else {
                self.stage = Some(self.stages.next()?);
                continue;
            };
            let into_stage = self.next - self.begun.1;
            if let Some(seconds) = time_of(&stage, into_stage) {
                self.next += match self.spacing {
                    Spacing::Even => 1.0,
                    Spacing::Poisson => exponential(&mut self.random),
                };
                return Some(Duration::try_from_secs_f64(self.begun.0 + seconds).unwrap_or(Duration::MAX).into());
            }
            let duration = stage.duration?.as_secs_f64();
            self.begun.0 += duration;
            self.begun.1 += f64::midpoint(stage.from.0, stage.to.0) * duration;
            self.stage = None;
        }
    }
}

/// When in a stage, in seconds, this many arrivals are expected to have come; nothing if that is after its end.
///
/// With rate `a + st` they are `at + st²/2`; this is the inverse, in the form that also holds for `s = 0`.
fn time_of(stage: &Stage, arrivals: f64) -> Option<f64> {
    let (from, to) = (stage.from.0, stage.to.0);
    let Some(duration) = stage.duration else { return (from > 0.0).then(|| arrivals / from) };
    let duration = duration.as_secs_f64();
    // One of rounding's own size before the end is the end: 1000/s for 15 s are 15,000 and not 15,001.
    if arrivals >= f64::midpoint(from, to) * duration - 1e-6 {
        return None;
    }
    let slope = (to - from) / duration;
    let root = (from * from + 2.0 * slope * arrivals).max(0.0).sqrt();
    Some(if arrivals <= 0.0 { 0.0 } else { 2.0 * arrivals / (from + root) })
}

/// A time between two arrivals of rate one, as independent arrivals have it.
fn exponential(random: &mut Pcg64Mcg) -> f64 {
    let uniform: f64 = random.random();
    // `1 - u` is never zero.
    -(1.0 - uniform).ln()
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due(profile: &str) -> Vec<Moment> {
        profile.parse::<Profile>().unwrap().arrivals(Spacing::Even, 1).collect()
    }

    #[test]
    fn rates_as_people_write_them() {
        for (text, rate) in
            [("500", 500.0), ("500/s", 500.0), ("30/1m", 0.5), ("30/m", 0.5), ("2k", 2000.0), ("50/100ms", 500.0)]
        {
            assert_eq!(text.parse::<Rate>().map(Rate::as_per_second), Ok(rate), "{text}");
        }
        for text in ["", "-1", "fast", "5/", "5/0s", "nan", "inf", "1e9", "500/s/s", "/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_constant_rate_is_exact() {
        let due = due("1000 for 15s");
        assert_eq!(due.len(), 15_000);
        for (n, due) in due.iter().enumerate() {
            assert_eq!(due.nanos(), n as u64 * 1_000_000);
        }
    }

    #[test]
    fn steps_follow_one_another() {
        let due = due("2 for 1s, 0 for 2s, 4 for 1s");
        let millis: Vec<u128> = due.iter().map(|due| due.since_start().as_millis()).collect();
        assert_eq!(millis, [0, 500, 3000, 3250, 3500, 3750]);
    }

    #[test]
    fn a_ramp_has_its_area() {
        let due = due("0..100 for 10s, 100..0 for 10s");
        assert_eq!(due.len(), 1000);
        let first_half = due.iter().filter(|due| due.since_start() < Duration::from_secs(5)).count();
        assert_eq!(first_half, 125);
    }

    #[test]
    fn a_rate_of_nothing_without_end_ends() {
        let nothing = Profile::constant(Rate(0.0), None);
        assert_eq!(nothing.arrivals(Spacing::Even, 1).next(), None);
    }

    #[test]
    fn poisson_arrivals_are_as_irregular_as_independent_ones() {
        let profile: Profile = "1000 for 100s".parse().unwrap();
        let mut per_second = vec![0_f64; 100];
        for due in profile.arrivals(Spacing::Poisson, 7) {
            per_second[due.since_start().as_secs() as usize] += 1.0;
        }
        let mean = per_second.iter().sum::<f64>() / 100.0;
        let variance = per_second.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 99.0;
        // Six standard errors around what a Poisson process has: mean and variance 1000.
        assert!((mean - 1000.0).abs() < 19.0, "{mean}");
        assert!((variance - 1000.0).abs() < 850.0, "{variance}");
    }

    #[test]
    fn profiles_are_shown_as_they_are_written() {
        for text in ["100/s for 30s", "100..1,000/s for 1m", "5/s for 1m30s, 0.5/s for 2s"] {
            let shown = text.replace(',', "").replace("/s 0", "/s, 0").replace("30s 0", "30s, 0");
            assert_eq!(shown.parse::<Profile>().unwrap().to_string(), text);
        }
        for text in ["", "100", "100 for", "100 for 0s", "1..2..3 for 5s", "100 for 5s,"] {
            assert!(text.parse::<Profile>().is_err(), "{text}");
        }
    }

    fn stages() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
        proptest::collection::vec((0..500_u32, 0..500_u32, 1..4000_u32), 1..5)
    }

    proptest! {
        #[test]
        fn due_times_never_go_back_and_stay_inside(stages in stages(), seed: u64, poisson: bool) {
            let stages: Vec<Stage> = stages
                .into_iter()
                .map(|(from, to, millis)| Stage {
                    from: Rate(from.into()),
                    to: Rate(to.into()),
                    duration: Some(Duration::from_millis(millis.into())),
                })
                .collect();
            let area: f64 = stages
                .iter()
                .map(|stage| f64::midpoint(stage.from.0, stage.to.0) * stage.duration.unwrap().as_secs_f64())
                .sum();
            let profile = Profile { stages };
            let end = Moment::from(profile.duration().unwrap());
            let spacing = if poisson { Spacing::Poisson } else { Spacing::Even };
            let due: Vec<Moment> = profile.arrivals(spacing, seed).collect();
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|due| *due <= end));
            if !poisson {
                prop_assert!((due.len() as f64 - area).abs() <= 1.0, "{} of {area}", due.len());
            }
            prop_assert_eq!(due, profile.arrivals(spacing, seed).collect::<Vec<_>>());
        }
    }
}

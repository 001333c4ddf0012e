//! When requests are sent, and for how long.

use std::{num::NonZero, thread, time::Duration};

use seaworthy_core::{
    arrivals::{Profile, Rate, Spacing},
    text,
};
use seaworthy_load::plan::Pace;

use crate::{
    cli::Failure,
    settings::{self, Source, Values},
};

/// For how long, unless something says so.
const DURATION: Duration = Duration::from_secs(10);

/// Arrivals per second that one thread is good for.
const PER_THREAD: f64 = 30_000.0;

/// More than any machine has a use for.
const MOST_THREADS: usize = 1_024;

/// When requests are sent, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Paced {
    pub(crate) pace: Pace,
    /// For how long, unless it goes on until it is stopped or until its last request.
    pub(crate) duration: Option<Duration>,
    /// How many requests at most.
    pub(crate) limit: Option<u64>,
}

impl Paced {
    /// Whether requests are sent as fast as answers come.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.pace, Pace::Closed { .. })
    }

    /// Whether it ends by itself.
    pub(crate) const fn ends(&self) -> bool {
        self.duration.is_some() || self.limit.is_some()
    }

    /// The highest rate that is asked for.
    pub(crate) fn peak(&self) -> Option<Rate> {
        match &self.pace {
            Pace::Open { profile, .. } => Some(profile.peak()),
            Pace::Closed { .. } => None,
        }
    }

    /// What is asked: `1,000/s for 15s, evenly spaced`, or `as fast as 32 connections go`.
    pub(crate) fn words(&self, connections: usize) -> String {
        let words = match &self.pace {
            Pace::Open { profile, spacing, .. } => {
                let spaced = match spacing {
                    Spacing::Even => "evenly spaced",
                    Spacing::Poisson => "Poisson",
                };
                format!("{profile}, {spaced}")
            }
            Pace::Closed { duration, .. } => {
                let connections = text::counted(connections as u64, "connection");
                let how_long = duration.map(|time| format!(" for {}", text::long_time(time))).unwrap_or_default();
                let verb = if connections.ends_with('s') { "go" } else { "goes" };
                format!("as fast as {connections} {verb}{how_long}")
            }
        };
        match self.limit {
            Some(limit) => format!("{words}, at most {}", text::counted(limit, "request")),
            None => words,
        }
    }
}

/// Which of the settings says when requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rate,
    Stages,
    Max,
}

/// What was asked for. `forever`: where nothing says for how long, until it is stopped.
pub(crate) fn pace(values: &Values<'_>, forever: bool) -> Result<Paced, Failure> {
    let by = by(values)?;
    let limit = values.optional("requests", count)?;
    let given = values.given("duration").filter(|given| !given.text.is_empty());
    let duration = given.map(|given| given.parse(some_time)).transpose()?;
    let else_duration = (limit.is_none() && !forever).then_some(DURATION);
    let spacing = values.parse("spacing", |text| match text {
        "even" => Ok(Spacing::Even),
        "poisson" => Ok(Spacing::Poisson),
        _ => Err("is neither; give even or poisson"),
    })?;
    let (pace, duration) = match by {
        By::Max => {
            if values.source("spacing") == Some(Source::Flag) {
                return Err(Failure::usage("--spacing goes with a rate, and --max has none; leave one of them out"));
            }
            let duration = duration.or(else_duration);
            (Pace::Closed { duration, limit }, duration)
        }
        By::Stages => {
            if values.source("duration") == Some(Source::Flag) {
                return Err(Failure::usage("--stages say how long they take; leave --duration out"));
            }
            let profile: Profile = values.parse("stages", str::parse)?;
            let duration = profile.duration();
            (Pace::Open { profile, spacing, limit }, duration)
        }
        By::Rate => {
            let duration = duration.or(else_duration);
            let profile = Profile::constant(values.parse("rate", str::parse)?, duration);
            (Pace::Open { profile, spacing, limit }, duration)
        }
    };
    let paced = Paced { pace, duration, limit };
    if paced.peak().is_some_and(|rate| rate.as_per_second() <= 0.0) {
        let flag = if by == By::Stages { "--stages" } else { "--rate" };
        return Err(Failure::usage(format!("{flag}: nothing would be sent; give a rate above 0")));
    }
    Ok(paced)
}

/// A flag counts more than a variable; two of the same kind contradict each other.
fn by(values: &Values<'_>) -> Result<By, Failure> {
    let max = if values.switch("max")? { values.source("max") } else { None };
    let given = [(By::Max, max), (By::Stages, values.source("stages")), (By::Rate, values.source("rate"))];
    for source in [Source::Flag, Source::Variable] {
        let mut of_it = given.iter().filter(|(_, from)| *from == Some(source)).map(|(by, _)| *by);
        match (of_it.next(), of_it.next()) {
            (Some(by), None) => return Ok(by),
            (Some(By::Max), Some(other)) => {
                let other = if other == By::Stages { "--stages" } else { "--rate" };
                return Err(Failure::usage(format!("--max goes as fast as it can; leave out {other}, or --max")));
            }
            (Some(_), Some(_)) => return Err(Failure::usage("--stages say the rate; leave out --rate, or --stages")),
            (None, _) => {}
        }
    }
    Ok(By::Rate)
}

fn some_time(text: &str) -> Result<Duration, &'static str> {
    match settings::duration(text) {
        Ok(Duration::ZERO) => Err("is no time at all; give one such as 30s"),
        read => read,
    }
}

/// `500`, `10k`, `2m`, `1.5k`.
fn count(text: &str) -> Result<u64, &'static str> {
    const WANTED: &str = "is not a number of requests; give one such as 500, 10k or 2m";
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(thousands) => (thousands, 1_000),
        None => text.strip_suffix(['m', 'M']).map_or((text, 1), |millions| (millions, 1_000_000)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let whole = number(whole).and_then(|whole| whole.checked_mul(factor)).ok_or(WANTED)?;
    let part = if fraction.is_empty() {
        if digits.contains('.') { None } else { Some(0) }
    } else {
        let scale = u32::try_from(fraction.len()).ok().and_then(|digits| 10_u64.checked_pow(digits)).ok_or(WANTED)?;
        number(fraction)
            .and_then(|part| part.checked_mul(factor))
            .filter(|part| part % scale == 0)
            .map(|part| part / scale)
    };
    part.and_then(|part| whole.checked_add(part)).filter(|count| *count > 0).ok_or(WANTED)
}

/// Threads that send. `connections` is the most that there can be.
pub(crate) fn threads(values: &Values<'_>, paced: &Paced, connections: usize) -> Result<NonZero<usize>, Failure> {
    let given = values.optional("threads", |text| match text.parse::<NonZero<usize>>() {
        Ok(threads) if threads.get() > MOST_THREADS => Err(format!("are too many; give at most {MOST_THREADS}")),
        Ok(threads) if threads.get() <= connections => Ok(threads),
        Ok(_) => Err(format!("are more than connections, of which there are {connections}; give fewer")),
        Err(_error) => Err("is not a whole number of at least 1".to_owned()),
    })?;
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let fitting = paced.peak().map_or(processors, |rate| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates have a bound")]
        let threads = (rate.as_per_second() / PER_THREAD).ceil() as usize;
        threads.min(processors)
    });
    Ok(given.unwrap_or_else(|| NonZero::new(fitting.min(connections)).unwrap_or(NonZero::<usize>::MIN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::{command, flags::SETTINGS};

    fn paced(line: &[&str], environment: &[(&str, &str)], forever: bool) -> Result<Paced, String> {
        let matches = command().try_get_matches_from([&["load"], line].concat()).unwrap();
        let lookup =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        pace(&Values::new(SETTINGS, &matches, &lookup), forever).map_err(|failure| failure.message)
    }

    #[test]
    fn paces_as_people_ask_for_them() {
        for (line, words) in [
            (&[] as &[&str], "50/s for 10s, evenly spaced"),
            (&["-q", "30/1m", "-z", "1m"], "0.5/s for 1m, evenly spaced"),
            (&["--qps", "2k", "-n", "10k"], "2,000/s, evenly spaced, at most 10,000 requests"),
            (&["-n", "1.5k", "-z", "5"], "50/s for 5s, evenly spaced, at most 1,500 requests"),
            (&["--stages", "1..9 for 5s", "--spacing", "poisson"], "1..9/s for 5s, Poisson"),
            (&["--max"], "as fast as 7 connections go for 10s"),
            (&["--max", "-n", "2m"], "as fast as 7 connections go, at most 2,000,000 requests"),
        ] {
            assert_eq!(paced(line, &[], false).unwrap().words(7), words, "{line:?}");
        }
        let forever = paced(&[], &[("REQUESTS_PER_SECOND", "200")], true).unwrap();
        assert_eq!((forever.words(1), forever.ends()), ("200/s, evenly spaced".into(), false));
        let flag_first = paced(&["--max"], &[("REQUESTS_PER_SECOND", "200")], true).unwrap();
        assert!(flag_first.is_closed() && !flag_first.ends());
    }

    #[test]
    fn what_contradicts_itself_says_so() {
        for (line, says) in [
            (&["--max", "--rate", "5"] as &[&str], "leave out --rate, or --max"),
            (&["--max", "--stages", "5 for 5s"], "leave out --stages"),
            (&["--rate", "5", "--stages", "5 for 5s"], "leave out --rate, or --stages"),
            (&["--stages", "5 for 5s", "-z", "5s"], "leave --duration out"),
            (&["--max", "--spacing", "even"], "--spacing goes with a rate"),
            (&["--rate", "0"], "nothing would be sent"),
            (&["--rate", "fast"], "--rate: \"fast\" is not a rate; give one such as"),
            (&["--stages", "0 for 5s"], "nothing would be sent"),
            (&["--stages", "5"], "--stages: \"5\" has no stage in \"5\""),
            (&["--spacing", "wide"], "give even or poisson"),
            (&["-z", "0"], "is no time at all"),
            (&["-z", "soon"], "--duration: \"soon\" is not a duration"),
            (&["-n", "0"], "is not a number of requests"),
            (&["-n", "many"], "is not a number of requests"),
        ] {
            let error = paced(line, &[], false).unwrap_err();
            assert!(error.contains(says) && error.lines().count() == 1, "{line:?}: {error}");
        }
    }

    #[test]
    fn counts_are_exact() {
        for (text, number) in [("1", 1), ("10k", 10_000), ("2m", 2_000_000), ("1.5K", 1_500), ("0.001k", 1)] {
            assert_eq!(count(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "0",
            "k",
            "-1",
            "+1",
            "1.",
            ".5k",
            "1.5",
            "0.0001k",
            "1e3",
            "99999999999999999999",
            "9999999999999999m",
        ] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}

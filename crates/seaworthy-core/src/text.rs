//! Numbers and times as people read and write them.

use std::time::Duration;

/// `5s`, `500ms`, `1m30s`, `2h`; a bare number is seconds. At most a year.
pub fn duration(text: &str) -> Option<Duration> {
    const YEAR: f64 = 365.0 * 86_400.0;
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok()?;
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            // Only a number that stands alone goes without its unit.
            "" if after.is_empty() && seconds == 0.0 && rest.len() == text.trim().len() => 1.0,
            _ => return None,
        };
        seconds += number * unit;
        rest = after.trim_start();
    }
    (seconds <= YEAR).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// A measured time, with three digits: `412us`, `1.53ms`, `2.08s`.
pub fn time(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    let (value, unit) = match nanos {
        n if n < 1e3 => return format!("{n:.0}ns"),
        n if n < 999_500.0 => (n / 1e3, "us"),
        n if n < 999_500_000.0 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{unit}")
}

/// A time that somebody chose: `1m30s`, `500ms`, `10s`.
pub fn long_time(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if nanos != 0 {
        return if seconds == 0 { time(duration) } else { format!("{}s", duration.as_secs_f64()) };
    }
    let parts = [(seconds / 3600, "h"), (seconds % 3600 / 60, "m"), (seconds % 60, "s")];
    let shown: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if shown.is_empty() { "0s".into() } else { shown.concat() }
}

/// `1,234,567`.
pub fn thousands(count: u64) -> String {
    grouped(&count.to_string())
}

/// `1,234,567.5`: a number that need not be whole.
pub fn number(number: f64) -> String {
    let shown = number.to_string();
    let (whole, fraction) = shown.split_once('.').map_or((&*shown, None), |(whole, rest)| (whole, Some(rest)));
    let whole = grouped(whole);
    fraction.map_or_else(|| whole.clone(), |fraction| format!("{whole}.{fraction}"))
}

fn grouped(digits: &str) -> String {
    let mut shown = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `12.5k`, `3.1M`: four characters or so, for where there is no room.
pub fn short(number: f64) -> String {
    match number {
        n if n < 9.95 && n.fract() != 0.0 => format!("{n:.1}"),
        n if n < 9_999.5 => format!("{n:.0}"),
        n if n < 999_500.0 => format!("{:.1}k", n / 1e3),
        n => format!("{:.1}M", n / 1e6),
    }
}

/// A share as a percentage that does not round a loss away: `0%`, `0.004%`, `12.5%`, `100%`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0%".into();
    }
    if part == whole {
        return "100%".into();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    // Neither "0.00%" where something was lost, nor "100.00%" where something is missing.
    let digits = (2..9).find(|digits| {
        let shown: f64 = format!("{percent:.digits$}").parse().unwrap_or(0.0);
        shown > 0.0 && shown < 100.0
    });
    let shown = format!("{percent:.*}", digits.unwrap_or(9));
    format!("{}%", shown.trim_end_matches('0').trim_end_matches('.'))
}

/// `1.2 MB`: decimal units.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        n if n < 1e3 => format!("{n:.0} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n if n < 1e9 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.1} GB", n / 1e9),
    }
}

/// `1 request`, `2 requests`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, nanos) in [
            ("5", 5_000_000_000),
            ("0", 0),
            ("0.25", 250_000_000),
            ("500ms", 500_000_000),
            ("1m30s", 90_000_000_000),
            ("2 h", 7_200_000_000_000),
            ("150us", 150_000),
            ("1h 5ns", 3_600_000_000_005),
        ] {
            assert_eq!(duration(text).map(|d| d.as_nanos()), Some(nanos), "{text}");
        }
        for text in ["", " ", "-1", "-5s", "5 bananas", "inf", "nan", "1e300", "400d", "s", "1m30", "5s5", "."] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_three_digits() {
        for (nanos, shown) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (412_300, "412us"),
            (999_499, "999us"),
            (999_600, "1.00ms"),
            (15_340_000, "15.3ms"),
            (99_960_000, "100ms"),
            (2_081_000_000, "2.08s"),
            (61_000_000_000, "61.0s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanos)), shown);
        }
    }

    #[test]
    fn a_share_never_rounds_a_loss_away() {
        for (part, whole, shown) in [
            (0, 10, "0%"),
            (10, 10, "100%"),
            (1, 8, "12.5%"),
            (1, 3, "33.33%"),
            (4, 100_000, "0.004%"),
            (1, 10_000_000, "0.00001%"),
            (9_999_999, 10_000_000, "99.99999%"),
            (0, 0, "0%"),
        ] {
            assert_eq!(percent(part, whole), shown);
        }
    }

    #[test]
    fn numbers_with_their_thousands() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(counted(1200, "request"), "1,200 requests");
        assert_eq!(short(12_540.0), "12.5k");
        assert_eq!(bytes(1_234_567), "1.2 MB");
    }
}

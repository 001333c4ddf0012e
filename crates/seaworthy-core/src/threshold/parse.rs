//! Reading thresholds, those of k6 included.

use std::{str::FromStr, time::Duration};

use super::{Bound, Counted, Op, Since, Statistic, Threshold};
use crate::text;

const WANTED: &str = "is not a threshold; give one such as p99<50ms, failed<0.1% or rate>900";

impl FromStr for Threshold {
    type Err = String;

    /// `p99<50ms`, `http_req_duration: p(95) < 200`, `failed<0.1%`, `rate>900`, `lost_writes==0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (what, op, value) = split(&text)?;
        if let Some(bound) = counted(what, op, value).or_else(|| failed(what, op, value)) {
            return bound.map(Self);
        }
        if what == "rate" {
            let bound = value.parse().map_err(|wanted: &str| format!("has a rate that {wanted}"))?;
            return Ok(Self(Bound::Rate { op, bound }));
        }
        time(what, op, value).map(Self)
    }
}

fn split(text: &str) -> Result<(&str, Op, &str), String> {
    let at = text.find(['<', '>', '=', '!']).ok_or(WANTED)?;
    let (what, rest) = text.split_at_checked(at).ok_or(WANTED)?;
    let ops = [("<=", Op::AtMost), (">=", Op::AtLeast), ("==", Op::Equal), ("<", Op::Less), (">", Op::More)];
    let found = ops.iter().find_map(|(sign, op)| Some((*op, rest.strip_prefix(sign)?)));
    let (op, value) = found.ok_or("compares with something other than <, <=, >, >= or ==")?;
    if what.is_empty() || value.is_empty() { Err(WANTED.into()) } else { Ok((what, op, value)) }
}

/// Counts, other than that of failures, which may also be a share.
fn counted(what: &str, op: Op, value: &str) -> Option<Result<Bound, String>> {
    let of = Counted::ALL.into_iter().find(|of| *of != Counted::Failed && of.label() == what)?;
    let bound = value.parse().map_err(|_not_whole| format!("needs a whole number: {what}{}5", op.label()));
    Some(bound.map(|bound| Bound::Count { of, op, bound }))
}

/// `failed<0.1%`, `failed<5`, and k6's `http_req_failed:rate<0.001`.
fn failed(what: &str, op: Op, value: &str) -> Option<Result<Bound, String>> {
    let as_k6 = match what {
        "failed" => false,
        "http_req_failed" | "http_req_failed:rate" => true,
        _ => return None,
    };
    let sign = op.label();
    let percent = |percent: f64| {
        (0.0..=100.0)
            .contains(&percent)
            .then_some(Bound::FailedShare { op, percent })
            .ok_or_else(|| format!("needs a share from 0% to 100%: failed{sign}0.1%"))
    };
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let bound = match (value.strip_suffix('%').map(number), value.parse(), number(value)) {
        (Some(Some(given)), _, _) => percent(given),
        (None, _, Some(ratio)) if as_k6 => percent(of_ratio(ratio)),
        (None, Ok(bound), _) => Ok(Bound::Count { of: Counted::Failed, op, bound }),
        (None, _, Some(ratio)) if (0.0..1.0).contains(&ratio) => {
            Err(format!("is a bare fraction; write failed{sign}{}%", of_ratio(ratio)))
        }
        _ => Err(format!("needs a percentage or a whole count: failed{sign}0.1% or failed{sign}5")),
    };
    Some(bound)
}

/// In percent; 0.07 is 7 % and not 7.000000000000001 %.
fn of_ratio(ratio: f64) -> f64 {
    (ratio * 1e11).round() / 1e9
}

fn time(what: &str, op: Op, value: &str) -> Result<Bound, String> {
    let metrics = [
        ("http_req_duration", Since::Due, true),
        ("response", Since::Due, false),
        ("service", Since::Begun, false),
        ("", Since::Due, false),
    ];
    let named = metrics.iter().find_map(|(name, since, as_k6)| Some((what.strip_prefix(name)?, *since, *as_k6)));
    let (measure, since, as_k6) = named.ok_or(WANTED)?;
    let measure = measure.strip_prefix(':').unwrap_or(measure);
    let statistic = statistic(measure)?;
    if op == Op::Equal {
        return Err(format!("asks for an exact time, which no run has; write {measure}<{value}"));
    }
    let bound = match value.parse::<f64>() {
        // k6 counts in milliseconds, and says so nowhere in a threshold.
        Ok(millis) if as_k6 => Duration::try_from_secs_f64(millis / 1e3).ok(),
        Ok(_no_unit) => return Err(format!("needs a unit (us, ms or s): {measure}{}{value}ms", op.label())),
        Err(_with_unit) => text::duration(value),
    };
    let bound =
        bound.ok_or_else(|| format!("needs a time with its unit (us, ms or s): {measure}{}50ms", op.label()))?;
    Ok(Bound::Time { since, statistic, op, bound })
}

fn statistic(measure: &str) -> Result<Statistic, String> {
    match measure {
        "med" => Ok(Statistic::Quantile(500_000)),
        "avg" | "mean" => Ok(Statistic::Mean),
        "min" => Ok(Statistic::Min),
        "max" => Ok(Statistic::Max),
        _ => {
            let quantile = measure.strip_prefix('p').ok_or(WANTED)?;
            let inner = quantile.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            millionths(inner.unwrap_or(quantile))
                .map(Statistic::Quantile)
                .ok_or_else(|| "needs a percentile between p0.0001 and p99.9999; or write min or max".into())
        }
    }
}

/// `99.9` percent are 999,000 millionths. Of digits, so that it is exact.
fn millionths(percent: &str) -> Option<u32> {
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 3 || fraction.len() > 4 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<4}").parse().ok()?;
    Some(whole * 10_000 + fraction).filter(|millionths| (1..1_000_000).contains(millionths))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thresholds_as_people_write_them() {
        for (text, shown) in [
            ("p99<50ms", "p99<50ms"),
            (" p ( 95 ) <= 1.5 s ", "p95<=1.5s"),
            ("p99.9 < 150us", "p99.9<150us"),
            ("med<20ms", "p50<20ms"),
            ("mean<20ms", "avg<20ms"),
            ("avg<20ms", "avg<20ms"),
            ("min>=1ms", "min>=1ms"),
            ("max<1m30s", "max<90s"),
            ("response: p99<50ms", "p99<50ms"),
            ("response p99<50ms", "p99<50ms"),
            ("service: p99<50ms", "service:p99<50ms"),
            ("http_req_duration: p(99)<250", "p99<250ms"),
            ("http_req_duration:p(99)<250ms", "p99<250ms"),
            ("failed<0.1%", "failed<0.1%"),
            ("failed < 1", "failed<1"),
            ("failed==0", "failed==0"),
            ("failed==0%", "failed==0%"),
            ("http_req_failed: rate<0.01", "failed<1%"),
            ("http_req_failed:rate<0.07", "failed<7%"),
            ("http_req_failed:rate<=0", "failed<=0%"),
            ("rate>900", "rate>900"),
            ("rate>=2k/s", "rate>=2000"),
            ("not_sent==0", "not_sent==0"),
            ("retried<10", "retried<10"),
            ("lost_writes==0", "lost_writes==0"),
            ("unknown_writes<=5", "unknown_writes<=5"),
        ] {
            assert_eq!(
                text.parse::<Threshold>().map(|threshold| threshold.to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn errors_say_what_would_do() {
        for (text, error) in [
            ("", WANTED),
            ("fast", WANTED),
            ("p99", WANTED),
            ("p99<", WANTED),
            ("<50ms", WANTED),
            ("latency<50ms", WANTED),
            ("p99=50ms", "compares with something other than <, <=, >, >= or =="),
            ("p99!=50ms", "compares with something other than <, <=, >, >= or =="),
            ("p99<50", "needs a unit (us, ms or s): p99<50ms"),
            ("p(95)<200", "needs a unit (us, ms or s): p(95)<200ms"),
            ("p99<fast", "needs a time with its unit (us, ms or s): p99<50ms"),
            ("p99<-5ms", "needs a time with its unit (us, ms or s): p99<50ms"),
            ("p99==50ms", "asks for an exact time, which no run has; write p99<50ms"),
            ("p100<50ms", "needs a percentile between p0.0001 and p99.9999; or write min or max"),
            ("p(95<50ms", "needs a percentile between p0.0001 and p99.9999; or write min or max"),
            ("failed<0.01", "is a bare fraction; write failed<1%"),
            ("failed<1.5", "needs a percentage or a whole count: failed<0.1% or failed<5"),
            ("failed<101%", "needs a share from 0% to 100%: failed<0.1%"),
            ("failed<many", "needs a percentage or a whole count: failed<0.1% or failed<5"),
            ("http_req_failed:rate<5", "needs a share from 0% to 100%: failed<0.1%"),
            ("lost_writes<0.5", "needs a whole number: lost_writes<5"),
            ("not_sent==1%", "needs a whole number: not_sent==5"),
            (
                "rate>fast",
                "has a rate that is not a rate; give one such as 500, 500/s or 30/1m, at most 10,000,000 a second",
            ),
        ] {
            assert_eq!(text.parse::<Threshold>(), Err(error.into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read(
            what in "(service:)?p[0-9]{1,2}(\\.[0-9]{1,4})?|max|failed|rate|retried",
            op in "<|<=|>|>=",
            value in "[0-9]{1,4}(\\.[0-9]{1,3})?",
            unit in "|%|us|ms|s",
        ) {
            if let Ok(threshold) = format!("{what}{op}{value}{unit}").parse::<Threshold>() {
                prop_assert_eq!(threshold.to_string().parse(), Ok(threshold));
            }
        }

        #[test]
        fn nothing_makes_it_panic(text: String) {
            let _whatever = text.parse::<Threshold>();
        }
    }
}

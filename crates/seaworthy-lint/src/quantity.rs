//! Numbers as manifests write them.

use std::time::Duration;

/// Thousandths of a CPU: `500m`, `0.5`, `2`.
///
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub(crate) fn millicores(text: &str) -> Option<u64> {
    if let Some(milli) = text.strip_suffix('m') {
        return milli.parse().ok();
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = format!("{part:0<3}").get(..3)?.parse::<u64>().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths)
}

/// How many of so many a number or percentage is, rounded up or down: `1`, `25%`.
pub(crate) fn share(text: &str, of: i64, up: bool) -> Option<i64> {
    let Some(percent) = text.strip_suffix('%') else { return text.parse().ok() };
    let hundredths = percent.parse::<i64>().ok()?.checked_mul(of)?;
    Some(hundredths.checked_add(if up { 99 } else { 0 })?.div_euclid(100))
}

/// Whole seconds, rounded up.
pub(crate) fn rounded_up(seconds: f64) -> i64 {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_add(i64::from(time.subsec_nanos() > 0))
}

/// Seconds: `30`, `30s`, `1m30s`, `500ms`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    if let Ok(plain) = text.parse::<u32>() {
        return Some(f64::from(plain));
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let scale = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_kubernetes_reads_them() {
        for (text, milli) in
            [("500m", Some(500)), ("0.5", Some(500)), ("2", Some(2000)), ("x", None), ("-1", None), ("", None)]
        {
            assert_eq!(millicores(text), milli, "{text}");
        }
        for (text, of, up, count) in [
            ("25%", 3, false, Some(0)),
            ("25%", 4, false, Some(1)),
            ("25%", 3, true, Some(1)),
            ("2", 9, true, Some(2)),
            ("x%", 1, true, None),
        ] {
            assert_eq!(share(text, of, up), count, "{text} of {of}");
        }
        for (text, expected) in [
            ("30", Some(30.0)),
            ("1m30s", Some(90.0)),
            ("500ms", Some(0.5)),
            ("5", Some(5.0)),
            ("5x", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}

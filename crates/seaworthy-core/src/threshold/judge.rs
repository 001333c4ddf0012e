//! Judging thresholds against what was measured.

use std::time::Duration;

use super::{Bound, Counted, Holds, Judged, Measured, Op, Since, Statistic, Threshold};
use crate::{
    arrivals::Rate,
    histogram::Histogram,
    text::{counted, percent, thousands, time},
};

/// The share of a bound that the generator's own lag may take before it, and not the target, may be to blame.
const MOST_LAG: f64 = 0.1;

/// What one came to: what was measured, whether it holds, and why that cannot be known.
type Found = (Option<String>, Holds, Option<String>);

impl Threshold {
    /// Judges it.
    ///
    /// Response times count from when a request was due, so they contain the generator's own lag. A pass is safe from
    /// it: without the lag times were shorter still. A failure is not: where the lag at the same place takes more than
    /// a tenth of the bound, and the service times alone would hold it, it is inconclusive. (With `>` it is the other
    /// way round.)
    ///
    /// A quantile that holds needs at least one time beyond it to be told from the maximum of too few; one that is
    /// exceeded by what there is needs no more. Where nothing was measured nothing holds.
    pub fn judge(&self, measured: &Measured<'_>) -> Judged {
        let (shown, judgement, why) = match &self.0 {
            Bound::Time { since, statistic, op, bound } => judge_time(measured, *since, *statistic, *op, *bound),
            Bound::FailedShare { op, percent } => judge_share(measured, *op, *percent),
            Bound::Rate { op, bound } => judge_rate(measured, *op, *bound),
            Bound::Count { of, op, bound } => judge_count(measured, *of, *op, *bound),
        };
        Judged { threshold: self.clone(), measured: shown, judgement, why }
    }
}

const fn holds(holds: bool) -> Holds {
    if holds { Holds::Pass } else { Holds::Fail }
}

fn nothing(why: &str) -> Found {
    (None, Holds::Inconclusive, Some(why.to_owned()))
}

fn judge_time(measured: &Measured<'_>, since: Since, statistic: Statistic, op: Op, bound: Duration) -> Found {
    let recording = measured.recording;
    let times = match since {
        Since::Due => recording.response_times(),
        Since::Begun => recording.service_times(),
    };
    let Some(took) = statistic.of(&times) else { return nothing("there was no answer to measure") };
    let held = op.holds(&took, &bound);
    let shown = Some(telling(&time(took), crate::text::duration, &took, &bound, op));
    if let Statistic::Quantile(millionths) = statistic
        && held
        && !times.resolves(millionths)
    {
        return (shown, Holds::Inconclusive, Some(too_few(&times, statistic, millionths)));
    }
    if since == Since::Due
        && let Some(service) = statistic.of(&recording.service_times())
        && let Some(lag) = statistic.of(&recording.send_lag)
        && op.holds(&service, &bound) != held
        && lag.as_secs_f64() > bound.as_secs_f64() * MOST_LAG
    {
        let why = format!(
            "the generator itself may be to blame: it began requests late ({statistic} {}), and from then on they \
             took {}",
            time(lag),
            time(service),
        );
        return (shown, Holds::Inconclusive, Some(why));
    }
    (shown, holds(held), None)
}

fn too_few(times: &Histogram, statistic: Statistic, millionths: u32) -> String {
    let needed = 1_000_000_u64.div_ceil(u64::from(1_000_000 - millionths));
    let were = if times.count() == 1 { "was" } else { "were" };
    format!("{statistic} needs at least {}, there {were} {}", counted(needed, "answer"), thousands(times.count()))
}

/// What is shown of a value, unless its rounding would tell another story than its judgement: then all of its digits.
fn telling<T: PartialOrd + std::fmt::Debug>(
    shown: &str,
    read: impl Fn(&str) -> Option<T>,
    value: &T,
    bound: &T,
    op: Op,
) -> String {
    let agrees = read(shown).is_some_and(|read| op.holds(&read, bound) == op.holds(value, bound));
    if agrees { shown.to_owned() } else { format!("{value:?}").replace('µ', "u") }
}

fn judge_share(measured: &Measured<'_>, op: Op, bound: f64) -> Found {
    let (failed, ended) = (measured.recording.failed(), measured.recording.ended());
    if ended == 0 {
        return nothing("no request ended");
    }
    let shown = format!("{} ({} of {})", percent(failed, ended), thousands(failed), thousands(ended));
    // What was never sent or never ended may have become a failure or not.
    let open = measured.recording.cut_short() + measured.recording.not_sent;
    let share = |failed: u64| failed as f64 * 100.0 / (ended + open) as f64;
    let (least, most) = (op.holds(&share(failed), &bound), op.holds(&share(failed + open), &bound));
    if least != most {
        let why = format!(
            "{} never sent or cut short: between {:.1}% and {:.1}%",
            counted(open, "request"),
            share(failed),
            share(failed + open)
        );
        return (Some(shown), Holds::Inconclusive, Some(why));
    }
    (Some(shown), holds(least), None)
}

fn judge_rate(measured: &Measured<'_>, op: Op, bound: Rate) -> Found {
    if measured.recording.ended() == 0 || measured.duration.is_zero() {
        return nothing("no request ended");
    }
    let rate = measured.recording.counts.good as f64 / measured.duration.as_secs_f64();
    let bound = bound.as_per_second();
    let shown = telling(&format!("{rate:.1}"), |shown| shown.parse().ok(), &rate, &bound, op);
    let shown = shown.parse().map_or(shown, crate::text::number);
    (Some(format!("{shown}/s")), holds(op.holds(&rate, &bound)), None)
}

fn judge_count(measured: &Measured<'_>, of: Counted, op: Op, bound: u64) -> Found {
    const NO_LEDGER: &str = "no ledger of writes was kept: only a scenario that writes has one";
    let recording = measured.recording;
    let count = match of {
        Counted::Failed | Counted::Retried if recording.ended() == 0 => return nothing("no request ended"),
        Counted::Failed => recording.failed(),
        Counted::NotSent if recording.counts.arrived == 0 && recording.not_sent == 0 => {
            return nothing("no request was due");
        }
        Counted::NotSent => recording.not_sent,
        Counted::Retried => recording.counts.retried,
        Counted::LostWrites | Counted::UnknownWrites => {
            let Some(writes) = measured.writes else { return nothing(NO_LEDGER) };
            if of == Counted::UnknownWrites {
                writes.unknown
            } else if op.holds(&writes.lost, &bound) == op.holds(&(writes.lost + writes.unverified), &bound) {
                writes.lost
            } else {
                let why = format!("{} could not be read back", counted(writes.unverified, "write"));
                return (Some(thousands(writes.lost)), Holds::Inconclusive, Some(why));
            }
        }
    };
    (Some(thousands(count)), holds(op.holds(&count, &bound)), None)
}

#[cfg(test)]
mod tests;

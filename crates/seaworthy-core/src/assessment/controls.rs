//! The baseline as a control: what is lost while nothing is done is not a drill's doing.

use std::collections::{BTreeMap, BTreeSet};

use super::{counting::Tally, windows::Window};
use crate::{
    diagnosis::{Cause, Confidence, Failed, Fate},
    drill::Drill,
    interval::FailureClass,
};

/// Less likely than this by chance, and it is the drill's own.
const CHANCE: f64 = 0.01;

/// Where a failure counts against a drill, its class.
fn class(failed: &Failed<'_>) -> Option<FailureClass> {
    let (kind, phase, status) = (failed.failure.kind, failed.failure.phase, failed.failure.status);
    let connection = failed.outcome.connection;
    (failed.fate == Fate::Lost).then_some(FailureClass { kind, phase, status, connection })
}

/// A failure, the window that it belongs to, and its cause.
pub(super) type Judged<'a> = (usize, Failed<'a>, Cause);

/// Gives to the baseline what is no more than its own: says how many that are, by window.
///
/// What is proven to come of a drill's own doing cannot have come of what also happens without it, so it stays.
pub(super) fn attribute(windows: &[Window<'_>], tallies: &[Tally], judged: &mut [Judged<'_>]) -> Vec<u64> {
    let is_baseline = |place: usize| windows.get(place).is_some_and(|window| window.drill == Drill::Baseline);
    let took = |place: usize| windows.get(place).map_or(0.0, |window| window.until.since(window.begun).as_secs_f64());
    let mut counts: BTreeMap<(usize, FailureClass), u64> = BTreeMap::new();
    for (place, failed, cause) in judged.iter() {
        if let Some(class) = class(failed).filter(|_| is_baseline(*place) || cause.confidence < Confidence::Proven) {
            *counts.entry((*place, class)).or_default() += 1;
        }
    }
    for (place, tally) in tallies.iter().enumerate() {
        for (class, _, count) in &tally.unseen {
            *counts.entry((place, *class)).or_default() += count;
        }
    }
    let baseline: f64 = (0..windows.len()).filter(|place| is_baseline(*place)).map(took).sum();
    let in_baseline = |class: FailureClass| -> u64 {
        counts.iter().filter(|((place, of), _)| is_baseline(*place) && *of == class).map(|(_, count)| count).sum()
    };
    let by_chance = |place: usize, class: FailureClass, count: u64| {
        let expected = in_baseline(class) as f64 * took(place) / baseline;
        expected.is_finite() && expected > 0.0 && poisson_tail(count, expected) >= CHANCE
    };
    let drills = counts.iter().filter(|((place, _), _)| !is_baseline(*place));
    let forgiven: Vec<(usize, FailureClass, u64)> = drills
        .filter(|((place, class), count)| by_chance(*place, *class, **count))
        .map(|((place, class), count)| (*place, *class, *count))
        .collect();
    // What explains it while nothing is done explains it in the drill, too.
    let explained: BTreeSet<(FailureClass, String)> = judged
        .iter()
        .filter(|(place, _, cause)| is_baseline(*place) && *cause != Cause::unexplained())
        .filter_map(|(_, failed, cause)| Some((class(failed)?, cause.id.clone())))
        .collect();
    for (place, failed, cause) in judged.iter_mut().filter(|(_, _, cause)| cause.confidence < Confidence::Proven) {
        if let Some(class) = class(failed)
            && !explained.contains(&(class, cause.id.clone()))
            && forgiven.iter().any(|(of, forgiven, _)| of == place && *forgiven == class)
        {
            *cause = Cause::in_baseline();
        }
    }
    let of = |place: usize| forgiven.iter().filter(|(of, ..)| *of == place).map(|(_, _, count)| count).sum();
    (0..windows.len()).map(of).collect()
}

/// How likely as many or more are where so many are expected, by the Poisson distribution.
pub(super) fn poisson_tail(count: u64, expected: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    // Beyond this the terms are too small to be added up, and the normal distribution is near enough: its 99 % point
    // decides, so only on which side of it the count lies has to be right.
    if expected > 500.0 {
        let far = (count as f64 - 0.5 - expected) / expected.sqrt();
        return if far > 2.326 { 0.0 } else { 1.0 };
    }
    let mut term = (-expected).exp();
    let mut below = term;
    for n in 1..count {
        term *= expected / n as f64;
        below += term;
        if term == 0.0 {
            break;
        }
    }
    (1.0 - below).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excess_is_told_from_chance() {
        for (count, expected, tail) in
            [(0, 2.0, 1.0), (1, 2.0, 0.865), (5, 2.0, 0.0527), (7, 2.0, 0.0045), (10, 0.5, 0.0), (3, 3.0, 0.577)]
        {
            let found = poisson_tail(count, expected);
            assert!((found - tail).abs() < 0.001, "{count} of {expected}: {found}");
        }
        assert!(poisson_tail(1_000, 1_000.0) >= CHANCE);
        assert!(poisson_tail(1_100, 1_000.0) < CHANCE);
    }
}

//! The verdict on a run: thresholds, acknowledged writes and the generator's own health together.

use std::time::Duration;

use crate::{
    generator::{self, Generator, LimitKind},
    recording::Recording,
    text,
    threshold::{Holds, Judged, Measured, Threshold, WriteCounts},
};

/// The verdict on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What was stated holds.
    Pass,
    /// It does not.
    Fail,
    /// Nobody can know from this run. Never a pass.
    Inconclusive,
    /// Nothing was stated.
    Unjudged,
}

impl Verdict {
    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Unjudged => "unjudged",
        }
    }
}

/// What became of writes: what was answered at the time, and what was there afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Answered with success.
    pub acknowledged: u64,
    /// Without an answer: nobody can know whether they were executed.
    pub unknown: u64,
    /// Of those, the ones that were found afterwards: executed.
    pub recovered: u64,
    /// Certainly not executed, or refused by the service.
    pub refused: u64,
    /// Acknowledged, and there afterwards.
    pub kept: u64,
    /// Acknowledged, and not there afterwards.
    pub lost: u64,
    /// Acknowledged, not there when first read, and there later.
    pub stale: u64,
    /// Acknowledged, but could not be read back.
    pub unverified: u64,
    /// Sent once, and there more often.
    pub duplicated: u64,
    /// Some that were lost, in words.
    pub lost_examples: Vec<String>,
}

/// What a verdict is on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was seen.
    pub recording: &'a Recording,
    /// From the start to the last arrival due, or the stop. Rates are over it.
    pub duration: Duration,
    /// The generator's own health.
    pub generator: &'a Generator,
    /// Whether requests were sent as fast as answers came, and not when they were due.
    pub closed_loop: bool,
    /// Whether the run was cut short by whoever started it.
    pub interrupted: bool,
    /// Writes, where a ledger was kept.
    pub writes: Option<&'a Writes>,
}

/// A verdict, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, a line each.
    pub reasons: Vec<String>,
    /// Each threshold with what was measured.
    pub thresholds: Vec<Judged>,
}

/// Judges a run.
///
/// A write that is lost, or there twice, is a failure whatever else there was. Otherwise a generator that was itself the limit makes every other
/// statement on the target doubtful, so it comes first; then whether there was anything to judge; then what was stated.
/// Arrivals that found no free connection only spoil what would pass: it is a target that hangs that makes them, and
/// that must not hide its failure.
pub fn judge(evidence: &Evidence<'_>, thresholds: &[Threshold]) -> Judgement {
    let measured = Measured {
        recording: evidence.recording,
        duration: evidence.duration,
        writes: evidence.writes.map(|writes| WriteCounts {
            lost: writes.lost,
            unknown: writes.unknown,
            unverified: writes.unverified,
        }),
    };
    let thresholds: Vec<Judged> = thresholds.iter().map(|threshold| threshold.judge(&measured)).collect();
    let found = lost(evidence)
        .or_else(|| limited(evidence, |kind| kind != LimitKind::Connections))
        .or_else(|| nothing_seen(evidence))
        .or_else(|| nothing_good(evidence))
        .or_else(|| thresholds_that(&thresholds, Holds::Fail, Verdict::Fail))
        .or_else(|| limited(evidence, |kind| kind == LimitKind::Connections))
        .or_else(|| thresholds_that(&thresholds, Holds::Inconclusive, Verdict::Inconclusive))
        .or_else(|| unverified(evidence));
    let (verdict, mut reasons) = found.unwrap_or_else(|| nothing_against(evidence, &thresholds));
    if evidence.interrupted {
        let after = text::time(evidence.duration);
        reasons.push(format!("it was interrupted after {after}: only what was seen until then is judged"));
    }
    Judgement { verdict, reasons, thresholds }
}

/// A verdict with its reasons, where there is cause for it.
type Found = Option<(Verdict, Vec<String>)>;

fn lost(evidence: &Evidence<'_>) -> Found {
    let writes = evidence.writes.filter(|writes| writes.lost > 0 || writes.duplicated > 0)?;
    let mut reasons = Vec::new();
    if writes.lost > 0 {
        let of = text::counted(writes.acknowledged, "acknowledged write");
        reasons.push(format!("{} of {of} lost", text::thousands(writes.lost)));
    }
    if writes.duplicated > 0 {
        let were = if writes.duplicated == 1 { "was sent once, and is" } else { "were sent once, and are" };
        reasons.push(format!("{} {were} there more often", text::counted(writes.duplicated, "write")));
    }
    reasons.extend(writes.lost_examples.iter().map(|example| format!("lost: {example}")));
    Some((Verdict::Fail, reasons))
}

fn limited(evidence: &Evidence<'_>, counts: impl Fn(LimitKind) -> bool) -> Found {
    let limits = generator::limits(evidence.generator, evidence.recording, evidence.closed_loop);
    let counting = limits.into_iter().filter(|limit| counts(limit.kind));
    let reasons: Vec<String> =
        counting.map(|limit| format!("the generator limited the result: {}", limit.text)).collect();
    (!reasons.is_empty()).then_some((Verdict::Inconclusive, reasons))
}

fn nothing_seen(evidence: &Evidence<'_>) -> Found {
    let recording = evidence.recording;
    let reason = match (recording.ended(), recording.counts.arrived) {
        (0, 0) => "no request was due",
        (0, _) => "no request ended",
        _ => return None,
    };
    Some((Verdict::Inconclusive, vec![reason.to_owned()]))
}

fn nothing_good(evidence: &Evidence<'_>) -> Found {
    let recording = evidence.recording;
    (recording.counts.good == 0).then(|| {
        let requests = text::counted(recording.ended(), "request");
        (Verdict::Fail, vec![format!("not one of {requests} was answered as expected")])
    })
}

fn thresholds_that(thresholds: &[Judged], came_to: Holds, verdict: Verdict) -> Found {
    let those = thresholds.iter().filter(|judged| judged.judgement == came_to);
    let reasons: Vec<String> = those.map(Judged::words).collect();
    (!reasons.is_empty()).then_some((verdict, reasons))
}

fn unverified(evidence: &Evidence<'_>) -> Found {
    let writes = evidence.writes.filter(|writes| writes.unverified > 0 || writes.acknowledged == 0)?;
    let reason = if writes.acknowledged == 0 {
        "not one write was acknowledged: nothing is known of their keeping".to_owned()
    } else {
        format!(
            "{} of {} could not be read back: whether they were kept is not known",
            text::thousands(writes.unverified),
            text::counted(writes.acknowledged, "acknowledged write"),
        )
    };
    Some((Verdict::Inconclusive, vec![reason]))
}

fn nothing_against(evidence: &Evidence<'_>, thresholds: &[Judged]) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    if !thresholds.is_empty() {
        reasons.push(hold(thresholds));
    }
    if let Some(writes) = evidence.writes {
        let writes = text::counted(writes.acknowledged, "acknowledged write");
        reasons.push(format!("all of {writes} were read back"));
    }
    if reasons.is_empty() {
        return (Verdict::Unjudged, vec!["no threshold was given: nothing was judged".to_owned()]);
    }
    (Verdict::Pass, reasons)
}

/// How many thresholds hold, in words.
pub(crate) fn hold(thresholds: &[Judged]) -> String {
    let holding = thresholds.iter().filter(|judged| judged.judgement == Holds::Pass).count();
    let hold = if thresholds.len() == 1 { "threshold holds" } else { "thresholds hold" };
    format!("{holding} of {} {hold}", thresholds.len())
}

#[cfg(test)]
mod tests;

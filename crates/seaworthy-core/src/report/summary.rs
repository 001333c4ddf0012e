//! What several forms of the report say in the same words: the headline, and failures by their class.

use std::{collections::BTreeMap, time::Duration};

use super::Report;
use crate::{
    generator::{self, LimitKind},
    interval::{FailedAttempt, FailureClass},
    outcome::{ConnectionKind, Failure},
    recording::Recording,
    text::{counted, thousands},
    threshold::Holds,
    verdict::{self, Verdict},
};

/// Quantiles that are reported, in millionths, with their names.
pub(super) const QUANTILES: [(u32, &str); 6] =
    [(500_000, "p50"), (750_000, "p75"), (900_000, "p90"), (950_000, "p95"), (990_000, "p99"), (999_000, "p99.9")];

/// The verdict in a word for people.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Unjudged => "MEASURED",
    }
}

/// What the verdict stands on, in a line: `15,000 requests, none failed, 2 of 2 thresholds hold`.
pub(super) fn headline(report: &Report<'_>) -> String {
    let recording = report.recording;
    let failed = match recording.failed() {
        0 => "none failed".to_owned(),
        failed => format!("{} failed", thousands(failed)),
    };
    let mut said = vec![counted(recording.ended(), "request")];
    if recording.ended() > 0 {
        said.push(failed);
    }
    if recording.cut_short() > 0 {
        said.push(format!("{} cut short", thousands(recording.cut_short())));
    }
    let because = because(report);
    if recording.not_sent > 0 && !because.ends_with("never sent") {
        said.push(format!("{} never sent", thousands(recording.not_sent)));
    }
    said.push(because);
    if report.run.interrupted {
        said.push("interrupted".to_owned());
    }
    said.join(", ")
}

fn because(report: &Report<'_>) -> String {
    let (recording, thresholds) = (report.recording, &report.judgement.thresholds);
    let limits = generator::limits(report.generator, recording, report.run.closed_loop);
    let that = |holds: Holds, words: &str| {
        let those = thresholds.iter().filter(|judged| judged.judgement == holds).count();
        (those > 0).then(|| format!("{those} of {} {words}", counted(thresholds.len() as u64, "threshold")))
    };
    let lost = report.writes.map_or(0, |writes| writes.lost);
    let twice = report.writes.map_or(0, |writes| writes.duplicated);
    match report.judgement.verdict {
        Verdict::Pass if thresholds.is_empty() => "all acknowledged writes kept".to_owned(),
        Verdict::Pass => verdict::hold(thresholds),
        Verdict::Fail if lost > 0 => format!("{} lost", counted(lost, "acknowledged write")),
        Verdict::Fail if twice > 0 => format!("{} there more than once", counted(twice, "write")),
        Verdict::Fail if recording.counts.good == 0 => "not one good answer".to_owned(),
        Verdict::Fail => that(Holds::Fail, "failed").unwrap_or_default(),
        // Which may be the target's doing.
        Verdict::Inconclusive
            if limits.iter().all(|limit| limit.kind == LimitKind::Connections) && !limits.is_empty() =>
        {
            format!("{} never sent", thousands(recording.not_sent))
        }
        Verdict::Inconclusive if !limits.is_empty() => "generator was the limit".to_owned(),
        Verdict::Inconclusive if recording.ended() == 0 => "nothing to judge".to_owned(),
        Verdict::Inconclusive => {
            that(Holds::Inconclusive, "undecided").unwrap_or_else(|| "not all writes could be read back".to_owned())
        }
        Verdict::Unjudged => "no threshold was given".to_owned(),
    }
}

/// Failures of one class.
#[derive(Clone, Debug)]
pub(super) struct Failures<'a> {
    /// What happened, in words.
    pub(super) words: String,
    /// Over what.
    pub(super) connection: ConnectionKind,
    /// How many.
    pub(super) count: u64,
    /// The error's own words that were seen most often.
    pub(super) detail: Option<&'a str>,
    /// When: `due from 3.2s to 3.9s`.
    pub(super) when: Option<String>,
}

/// Failures by their class, the most frequent first.
pub(super) fn failures<'a>(report: &Report<'a>) -> Vec<Failures<'a>> {
    let recording = report.recording;
    let (due, ended) = (when_due(recording), when_ended(recording));
    let mut found: Vec<Failures<'a>> = recording
        .failures
        .iter()
        .map(|(class, count)| {
            let failure = Failure { phase: class.phase, kind: class.kind, status: class.status, detail: None };
            let details = recording.words.iter().filter(|((of, _), _)| of == class);
            Failures {
                words: failure.words(),
                connection: class.connection,
                count: *count,
                detail: details.max_by_key(|(_, count)| **count).map(|((_, detail), _)| &**detail),
                when: due
                    .get(class)
                    .filter(|span| span.count == *count)
                    .map(|span| span.words("due"))
                    .or_else(|| ended.get(class).map(|span| span.words("ended"))),
            }
        })
        .collect();
    found.sort_by_key(|failures| std::cmp::Reverse(failures.count));
    found
}

/// From when until when there were failures, since the start.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: Duration,
    last: Duration,
    count: u64,
}

impl Span {
    fn words(self, what: &str) -> String {
        let [first, last] = [self.first, self.last].map(|at| format!("{:.1}s", at.as_secs_f64()));
        if first == last { format!("{what} at {first}") } else { format!("{what} from {first} to {last}") }
    }
}

/// When failures that were kept whole were due. It tells more than when they ended: a time-out ends long after its
/// cause.
fn when_due(recording: &Recording) -> BTreeMap<FailureClass, Span> {
    let mut spans = BTreeMap::new();
    for FailedAttempt { outcome, retried: _ } in recording.whole.iter().filter(|attempt| !attempt.retried) {
        let Err(failure) = &outcome.end else { continue };
        let class = FailureClass {
            kind: failure.kind,
            phase: failure.phase,
            status: failure.status,
            connection: outcome.connection,
        };
        let due = outcome.due.since_start();
        let span = spans.entry(class).or_insert(Span { first: due, last: due, count: 0 });
        *span = Span { first: span.first.min(due), last: span.last.max(due), count: span.count + 1 };
    }
    spans
}

/// When failures ended, those included that were not kept; as fine as the timeline.
fn when_ended(recording: &Recording) -> BTreeMap<FailureClass, Span> {
    let mut spans = BTreeMap::<FailureClass, Span>::new();
    for (begin, slot) in recording.timeline() {
        let begin = begin.since_start();
        for (class, count) in &slot.failures {
            let span = spans.entry(*class).or_insert(Span { first: begin, last: begin, count: 0 });
            span.last = begin + recording.slot_length();
            span.count += count;
        }
    }
    spans
}

/// Text from elsewhere in one line: no control characters, no runs of spaces, at most so many characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if is_printed(c) { c } else { ' ' }).collect();
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(3)).collect();
    kept + "..."
}

/// Whether a character neither controls a terminal nor turns the direction of what follows.
fn is_printed(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

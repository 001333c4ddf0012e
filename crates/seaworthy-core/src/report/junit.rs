//! JUnit's XML for pipelines: a suite for the run, a case for each thing that it was held to.
//!
//! What failed is a `failure`, what is inconclusive an `error`: both make a pipeline red, and they can be told apart.

use std::time::Duration;

use super::{
    Report,
    summary::{headline, one_line, word},
};
use crate::{generator, threshold::Holds};

/// What a case came to.
#[derive(Clone, Debug)]
pub(super) enum End {
    Passed,
    Failed(String),
    Inconclusive(String),
}

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    let mut cases = vec![kept_up(report), answered(report)];
    cases.extend(report.judgement.thresholds.iter().map(|judged| {
        let end = match judged.judgement {
            Holds::Pass => End::Passed,
            Holds::Fail => End::Failed(judged.words()),
            Holds::Inconclusive => End::Inconclusive(judged.words()),
        };
        (judged.threshold.to_string(), end)
    }));
    cases.extend(writes(report));
    let verdict = format!("{}  {}", word(report.judgement.verdict), headline(report));
    let said = [verdict].into_iter().chain(report.judgement.reasons.iter().cloned()).collect();
    let name = format!("load on {}", report.run.target);
    Suite { class: "seaworthy.load", name, began: &report.run.began, took: report.run.elapsed, cases, said }.xml()
}

/// A suite of cases.
#[derive(Debug)]
pub(super) struct Suite<'a> {
    /// What all of its cases are of.
    pub(super) class: &'static str,
    /// Its name.
    pub(super) name: String,
    /// When it began: RFC 3339, UTC.
    pub(super) began: &'a str,
    /// How long it took.
    pub(super) took: Duration,
    /// Names, and what they came to.
    pub(super) cases: Vec<(String, End)>,
    /// What was printed, a line each.
    pub(super) said: Vec<String>,
}

impl Suite<'_> {
    /// The document.
    pub(super) fn xml(&self) -> String {
        let Self { class, name, began, took, cases, said } = self;
        let count = |of: fn(&End) -> bool| cases.iter().filter(|(_, end)| of(end)).count();
        let counts = format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\"",
            cases.len(),
            count(|end| matches!(end, End::Failed(_))),
            count(|end| matches!(end, End::Inconclusive(_))),
            took.as_secs_f64(),
        );
        let (name, began) = (escaped(name), escaped(began));
        let cases: String = cases.iter().map(|(name, end)| case(class, name, end)).collect();
        let said: Vec<String> = said.iter().map(|line| escaped(line)).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"{name}\" \
         timestamp=\"{began}\" {counts}>\n{cases}    <system-out>{}</system-out>\n  </testsuite>\n</testsuites>\n",
            said.join("\n"),
        )
    }
}

fn case(class: &str, name: &str, end: &End) -> String {
    let name = escaped(name);
    let open = format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"");
    match end {
        End::Passed => format!("{open}/>\n"),
        End::Failed(why) => format!("{open}>\n      <failure message=\"{}\"/>\n    </testcase>\n", escaped(why)),
        End::Inconclusive(why) => {
            format!("{open}>\n      <error type=\"inconclusive\" message=\"{}\"/>\n    </testcase>\n", escaped(why))
        }
    }
}

fn kept_up(report: &Report<'_>) -> (String, End) {
    let limits = generator::limits(report.generator, report.recording, report.run.closed_loop);
    let texts: Vec<String> = limits.into_iter().map(|limit| limit.text).collect();
    let end = if texts.is_empty() { End::Passed } else { End::Inconclusive(texts.join("; ")) };
    ("the generator kept up".to_owned(), end)
}

fn answered(report: &Report<'_>) -> (String, End) {
    let recording = report.recording;
    let end = match (recording.counts.good, recording.ended()) {
        (0, 0) => End::Inconclusive("no request ended".to_owned()),
        (0, ended) => End::Failed(format!("not one of {ended} requests was answered as expected")),
        _ => End::Passed,
    };
    ("answered".to_owned(), end)
}

fn writes(report: &Report<'_>) -> Option<(String, End)> {
    let writes = report.writes?;
    let of = writes.acknowledged;
    let end = if writes.lost > 0 {
        let examples = writes.lost_examples.join(", ");
        let which = if examples.is_empty() { String::new() } else { format!(": {examples}") };
        End::Failed(format!("{} of {of} acknowledged writes lost{which}", writes.lost))
    } else if writes.duplicated > 0 {
        End::Failed(format!("{} writes were sent once, and are there more often", writes.duplicated))
    } else if of == 0 {
        End::Inconclusive("not one write was acknowledged".to_owned())
    } else if writes.unverified > 0 {
        End::Inconclusive(format!("{} of {of} acknowledged writes could not be read back", writes.unverified))
    } else {
        End::Passed
    };
    Some(("acknowledged writes are kept".to_owned(), end))
}

/// In an attribute or between tags, in one line. Characters that XML does not have are gone.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text, usize::MAX).chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&apos;",
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

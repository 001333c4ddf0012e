//! JUnit's XML for pipelines: a suite for the run, a case for each thing that it was held to.
//!
//! What failed is a `failure`, what is inconclusive an `error`: both make a pipeline red, and they can be told apart.

use super::{
    Report,
    summary::{headline, one_line, word},
};
use crate::{generator, threshold::Holds};

/// What a case came to.
#[derive(Clone, Debug)]
enum End {
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
    let count = |of: fn(&End) -> bool| cases.iter().filter(|(_, end)| of(end)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\"",
        cases.len(),
        count(|end| matches!(end, End::Failed(_))),
        count(|end| matches!(end, End::Inconclusive(_))),
        report.run.elapsed.as_secs_f64(),
    );
    let name = escaped(&format!("load on {}", report.run.target));
    let began = escaped(&report.run.began);
    let cases: String = cases.iter().map(|(name, end)| case(name, end)).collect();
    let verdict = format!("{}  {}", word(report.judgement.verdict), headline(report));
    let reasons = report.judgement.reasons.iter().map(String::as_str);
    let said: Vec<String> = [&*verdict].into_iter().chain(reasons).map(escaped).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"{name}\" \
         timestamp=\"{began}\" {counts}>\n{cases}    <system-out>{}</system-out>\n  </testsuite>\n</testsuites>\n",
        said.join("\n"),
    )
}

fn case(name: &str, end: &End) -> String {
    let name = escaped(name);
    let open = format!("    <testcase classname=\"seaworthy.load\" name=\"{name}\" time=\"0\"");
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

//! What became of requests in the text report: statuses, failures with when and over what, and what none of them means.

use super::layout::Page;
use crate::{
    report::{
        Report,
        summary::{self, Failures, one_line},
    },
    text::{counted, percent, thousands},
};

/// Classes of failures that are shown.
const MOST_CLASSES: usize = 12;

/// Characters of an error's own words that are shown.
const MOST_DETAIL: usize = 200;

/// Good answers by their status.
pub(super) fn statuses(page: &mut Page, report: &Report<'_>) {
    let recording = report.recording;
    if !recording.statuses.is_empty() {
        let statuses: Vec<String> =
            recording.statuses.iter().map(|(status, count)| format!("{} with {status}", thousands(*count))).collect();
        page.field("good answers", &statuses.join(", "));
    }
    if recording.counts.unframed > 0 {
        let text = format!(
            "{} had no length: where such a body was cut off, nobody can see it",
            thousands(recording.counts.unframed),
        );
        page.field("", &text);
    }
}

/// Failures by their class.
pub(super) fn failures(page: &mut Page, report: &Report<'_>) {
    let recording = report.recording;
    let (failed, ended) = (recording.failed(), recording.ended());
    if failed == 0 && ended > 0 {
        let text = format!(
            "none seen in {}: the true share is at most {} at 95% confidence, if they are independent",
            thousands(ended),
            percent(3.min(ended), ended),
        );
        page.field("failures", &text);
    } else if ended > 0 {
        let text = format!("{} of {} ({})", thousands(failed), counted(ended, "request"), percent(failed, ended));
        page.field("failures", &text);
    }
    let classes = summary::failures(report);
    for class in classes.iter().take(MOST_CLASSES) {
        page.field(&format!("{:>12}", thousands(class.count)), &words(class));
    }
    if classes.len() > MOST_CLASSES {
        let rest: u64 = classes.iter().skip(MOST_CLASSES).map(|class| class.count).sum();
        let more = counted((classes.len() - MOST_CLASSES) as u64, "other kind");
        page.field(&format!("{:>12}", thousands(rest)), &format!("of {more}"));
    }
    if recording.counts.retried > 0 {
        let text = format!(
            "{} sent again, since a reused connection closed before any byte of an answer; not every client does",
            counted(recording.counts.retried, "request"),
        );
        page.field("retried", &text);
    }
}

fn words(class: &Failures<'_>) -> String {
    let connection = format!("{} connection", class.connection.label());
    let parts = [Some(&class.words), Some(&connection), class.when.as_ref()];
    let words = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    match class.detail.map(|detail| one_line(detail, MOST_DETAIL)) {
        Some(detail) if !detail.is_empty() => format!("{words}: {detail}"),
        _ => words,
    }
}

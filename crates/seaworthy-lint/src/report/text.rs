//! For people.

use std::fmt::Write as _;

use seaworthy_core::text::counted;

use crate::{Report, Severity};

/// Columns of a line.
const WIDTH: usize = 100;

/// All of it, the last line the sum.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for unreadable in &report.unreadable {
        line(&mut out, 0, &format!("{}:{}: {}", unreadable.source, unreadable.line, unreadable.problem));
    }
    for finding in &report.findings {
        let (place, label) = (&finding.place, finding.severity.label());
        line(&mut out, 0, &format!("{}:{}: {label}: {} in {}", place.source, place.line, finding.cause, place.object));
        line(&mut out, 4, &finding.what);
        line(&mut out, 4, &format!("mend: {}", finding.fix));
    }
    for allowed in &report.allowed {
        let place = &allowed.finding.place;
        line(
            &mut out,
            0,
            &format!(
                "{}:{}: allowed: {}, because {}",
                place.source, place.line, allowed.finding.cause, allowed.because
            ),
        );
    }
    for note in &report.notes {
        line(&mut out, 0, note);
    }
    line(&mut out, 0, &sum(report));
    out
}

/// `3 predictions (2 errors, 1 warning) in 14 objects of 2 files`.
fn sum(report: &Report) -> String {
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let mut sum = if report.findings.is_empty() {
        "nothing is predicted to be lost".to_owned()
    } else {
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        format!(
            "{} ({}, {})",
            counted(errors + warnings, "prediction"),
            counted(errors, "error"),
            counted(warnings, "warning")
        )
    };
    let (objects, sources) = (counted(report.objects as u64, "object"), counted(report.sources as u64, "file"));
    let _infallible = write!(sum, " in {objects} of {sources}");
    if !report.allowed.is_empty() {
        let _infallible = write!(sum, ", {} allowed", report.allowed.len());
    }
    if !report.unreadable.is_empty() {
        let _infallible = write!(sum, "; {} could not be read", counted(report.unreadable.len() as u64, "file"));
    } else if report.findings.is_empty() {
        sum.push_str("; only a trial can show that it is so");
    } else {
        sum.push_str("; `seaworthy causes NAME` tells more of each, and a trial proves it");
    }
    sum
}

/// A paragraph, broken between words.
fn line(out: &mut String, indent: usize, text: &str) {
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.chars().count() > WIDTH {
            out.push('\n');
            column = 0;
        }
        let before = if column == 0 {
            if out.ends_with('\n') && indent == 0 && !text.starts_with(word) { 4 } else { indent }
        } else {
            1
        };
        out.extend(std::iter::repeat_n(' ', before));
        out.push_str(word);
        column += before + word.chars().count();
    }
    out.push('\n');
}

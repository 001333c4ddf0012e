//! For people.

use std::{collections::BTreeSet, fmt::Write as _};

use seaworthy_core::text::counted;

use crate::{Report, Severity};

/// Columns of a line.
const WIDTH: usize = 100;

/// All of it, the last line the sum.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for unreadable in &report.unreadable {
        line(&mut out, 0, &format!("{}: {}", whole(&unreadable.source, unreadable.line), unreadable.problem));
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
    for ignored in &report.ignored {
        line(&mut out, 0, &format!("{}: {}", whole(&ignored.source, ignored.line), ignored.why));
    }
    for note in &report.notes {
        line(&mut out, 0, note);
    }
    line(&mut out, 0, &sum(report));
    out
}

/// A source, or a line of it.
fn whole(source: &str, line: Option<usize>) -> String {
    line.map_or_else(|| source.to_owned(), |line| format!("{source}:{line}"))
}

/// `3 predictions (2 errors, 1 warning) in 14 objects of 2 files`.
fn sum(report: &Report) -> String {
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let unread: BTreeSet<&str> = report.unreadable.iter().map(|unreadable| &*unreadable.source).collect();
    let unread = counted(unread.len() as u64, "file");
    if report.objects == 0 {
        return format!("no Kubernetes object was read, so nothing can be predicted; {unread} could not be read");
    }
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
        let _infallible = write!(sum, "; {unread} could not be read");
    } else if report.findings.is_empty() {
        sum.push_str("; only a trial can show that it is so");
    } else {
        sum.push_str("; `seaworthy causes NAME` tells more of each, and a trial proves it");
    }
    sum
}

/// A paragraph, broken between words. A break or a control character in it (a file's name may have one) is spelled out: what
/// begins a line is ours alone.
fn line(out: &mut String, indent: usize, text: &str) {
    let spell = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let text = &*text.chars().map(spell).collect::<String>();
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_a_break_forges_no_line() {
        let report = crate::lint(&[crate::Source { name: "a\nb.yaml:1: error: \u{1b}[2J", text: "" }]);
        let told = super::text(&report);
        assert!(told.starts_with("a\\nb.yaml:1: error: \\u{1b}[2J: is empty"), "{told}");
        assert!(told.lines().all(|line| !line.starts_with("b.yaml")), "{told}");
    }
}

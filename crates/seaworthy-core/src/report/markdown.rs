//! Markdown for GitHub's step summaries: the verdict, thresholds, percentiles and failures.

use std::{fmt::Write as _, time::Duration};

use super::{
    Report,
    summary::{QUANTILES, failures, headline, one_line, word},
};
use crate::{
    histogram::Histogram,
    text::{thousands, time},
    threshold::Holds,
};

/// Failures that are listed.
const MOST_CLASSES: usize = 20;

/// Characters of a cell.
const MOST_CELL: usize = 300;

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    let run = report.run;
    let mut markdown = format!("## {}: {}\n\n", word(report.judgement.verdict), headline(report));
    for reason in &report.judgement.reasons {
        line(&mut markdown, &format!("- {}", escaped(reason)));
    }
    let asked = format!("\n{}, against {} ({}).", escaped(&run.profile), escaped(&run.target), escaped(&run.protocol));
    line(&mut markdown, &asked);
    if run.closed_loop {
        line(&mut markdown, "A closed loop: its times hide the waiting while the target stalls.");
    }
    thresholds(&mut markdown, report);
    percentiles(&mut markdown, report);
    table_of_failures(&mut markdown, report);
    if let Some(writes) = report.writes {
        let ledger = format!(
            "\n{} writes acknowledged: {} kept, {} lost, {} not read back; {} without an answer, {} refused.",
            thousands(writes.acknowledged),
            thousands(writes.kept),
            thousands(writes.lost),
            thousands(writes.unverified),
            thousands(writes.unknown),
            thousands(writes.refused),
        );
        line(&mut markdown, &ledger);
    }
    markdown
}

/// Adds a line.
pub(super) fn line(markdown: &mut String, line: &str) {
    let written = writeln!(markdown, "{line}");
    debug_assert!(written.is_ok(), "a string takes what is written to it");
}

fn thresholds(markdown: &mut String, report: &Report<'_>) {
    if report.judgement.thresholds.is_empty() {
        return;
    }
    line(markdown, "\n| threshold | measured | |\n| --- | --- | --- |");
    for judged in &report.judgement.thresholds {
        let came_to = match judged.judgement {
            Holds::Pass => "ok",
            Holds::Fail => "**failed**",
            Holds::Inconclusive => "inconclusive",
        };
        let measured = judged.measured.as_deref().unwrap_or("-");
        let why = judged.why.as_ref().map_or_else(String::new, |why| format!(": {}", escaped(why)));
        let threshold = escaped(&judged.threshold.to_string());
        line(markdown, &format!("| {threshold} | {} | {came_to}{why} |", escaped(measured)));
    }
}

fn percentiles(markdown: &mut String, report: &Report<'_>) {
    let (response, service) = (report.recording.response_times(), report.recording.service_times());
    if response.is_empty() {
        return;
    }
    line(markdown, "\n| | response, from due | service, from sent |\n| --- | ---: | ---: |");
    let cell = |of: Option<Duration>| of.map_or_else(|| "-".to_owned(), time);
    let mut row = |name: &str, of: &dyn Fn(&Histogram) -> Option<Duration>| {
        line(markdown, &format!("| {name} | {} | {} |", cell(of(&response)), cell(of(&service))));
    };
    row("min", &Histogram::min);
    for (millionths, name) in QUANTILES {
        let of = |times: &Histogram| times.quantile(f64::from(millionths) / 1e6).filter(|_| times.resolves(millionths));
        row(name, &of);
    }
    row("max", &Histogram::max);
}

fn table_of_failures(markdown: &mut String, report: &Report<'_>) {
    let classes = failures(report);
    if classes.is_empty() {
        return;
    }
    line(markdown, "\n| failures | what | connection | when | most often |\n| ---: | --- | --- | --- | --- |");
    for class in classes.iter().take(MOST_CLASSES) {
        let row = format!(
            "| {} | {} | {} | {} | {} |",
            thousands(class.count),
            escaped(&class.words),
            class.connection.label(),
            class.when.as_deref().unwrap_or_default(),
            escaped(class.detail.unwrap_or_default()),
        );
        line(markdown, &row);
    }
    if classes.len() > MOST_CLASSES {
        let rest: u64 = classes.iter().skip(MOST_CLASSES).map(|class| class.count).sum();
        line(markdown, &format!("| {} | others | | | |", thousands(rest)));
    }
}

/// In one line, as text and never as Markdown, HTML or the end of a cell.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text, MOST_CELL).chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '|' | '`' | '\\' | '*' | '_' | '[' | ']' | '#' | '~' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

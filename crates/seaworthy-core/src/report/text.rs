//! The report for people: plain text of at most 78 columns, its first line the verdict.

mod failures;
pub(in crate::report) mod health;
pub(super) mod layout;
mod times;

use self::layout::Page;
use super::{
    Report,
    summary::{headline, word},
};
use crate::{
    text::{bytes, counted, long_time, number, thousands, time},
    threshold::{Holds, Judged},
    verdict::Writes,
};

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    let mut page = Page::default();
    page.head(word(report.judgement.verdict), &headline(report));
    page.gap();
    asked(&mut page, report);
    page.gap();
    got(&mut page, report);
    times::ladder(&mut page, report);
    times::shape(&mut page, report);
    times::by_connection(&mut page, report);
    times::by_endpoint(&mut page, report);
    times::phases(&mut page, report);
    page.gap();
    failures::statuses(&mut page, report);
    failures::failures(&mut page, report);
    if let Some(ledger) = report.writes {
        writes(&mut page, ledger);
    }
    page.gap();
    health::generator(&mut page, report);
    thresholds(&mut page, &report.judgement.thresholds);
    page.gap();
    for (n, reason) in report.judgement.reasons.iter().enumerate() {
        page.field(if n == 0 { report.judgement.verdict.label() } else { "" }, reason);
    }
    page.text()
}

fn asked(page: &mut Page, report: &Report<'_>) {
    let run = report.run;
    page.field("target", &format!("{}, {}", run.target, run.protocol));
    if !run.scenario.is_empty() {
        page.field("scenario", &run.scenario);
    }
    page.field("asked", &run.profile);
    page.field("connections", &run.connections);
    page.field("good is", &run.expected);
    page.field(
        "time-outs",
        &format!("{} a request, {} to connect", long_time(run.timeout), long_time(run.connect_timeout)),
    );
    page.field("from", &run.machine);
    page.field("began", &format!("{}, seed {}, seaworthy {}", run.began, run.seed, run.tool_version));
}

fn got(page: &mut Page, report: &Report<'_>) {
    let (recording, run) = (report.recording, report.run);
    let counts = &recording.counts;
    let sent = match (recording.not_sent, counts.begun) {
        (0, begun) if begun >= counts.arrived => "all sent".to_owned(),
        (0, begun) => format!("{} sent", thousands(begun)),
        (missing, begun) => format!("{} sent, {} never sent", thousands(begun), thousands(missing)),
    };
    let got = if run.closed_loop {
        format!("{} in {}", counted(counts.begun, "request"), time(run.duration))
    } else if counts.arrived == 0 {
        format!("no arrivals in {}", time(run.duration))
    } else {
        format!("{} in {}, {sent}", counted(counts.arrived, "arrival"), time(run.duration))
    };
    page.field("got", &got);
    let seconds = run.duration.as_secs_f64();
    if seconds > 0.0 && counts.begun > 0 {
        let good = number((counts.good as f64 / seconds * 10.0).round() / 10.0);
        page.field("", &format!("{good} good answers/s; {} received", bytes(counts.bytes)));
    }
    let opened = counted(counts.opened, "connection");
    let connections = match counts.closed_idle {
        0 => format!("{opened} opened"),
        closed => format!("{opened} opened, {} closed by the server while idle", thousands(closed)),
    };
    page.field("", &connections);
    let cut_short = recording.cut_short();
    if cut_short > 0 {
        page.field("", &format!("{} still open at the end, and not judged", counted(cut_short, "request")));
    }
    if run.interrupted {
        page.field("", "interrupted before its end");
    }
    if run.closed_loop {
        let warning = "A closed loop sends when an answer has come: while the target stalls nothing is sent, so these \
                       times hide the waiting. Use a rate to see it.";
        page.field("beware", warning);
    }
}

fn writes(page: &mut Page, writes: &Writes) {
    page.gap();
    for (n, line) in ledger(writes).iter().enumerate() {
        page.field(if n == 0 { "writes" } else { "" }, line);
    }
}

/// What became of the writes, a line each.
pub(in crate::report) fn ledger(writes: &Writes) -> Vec<String> {
    let Writes { acknowledged, unknown, recovered, refused, kept, lost, stale, unverified, duplicated, lost_examples } =
        writes;
    let unread = match unverified {
        0 => String::new(),
        unread => format!(", {} not read back", thousands(*unread)),
    };
    let mut lines = vec![format!(
        "{} acknowledged: {} kept, {} lost{unread}",
        counted(*acknowledged, "write"),
        thousands(*kept),
        thousands(*lost),
    )];
    if *unknown > 0 {
        let found =
            if *recovered > 0 { format!("; {} there afterwards", thousands(*recovered)) } else { String::new() };
        lines.push(format!("{} without an answer: neither lost nor kept{found}", thousands(*unknown)));
    }
    if *stale > 0 {
        lines.push(format!("{} not there when first read, and there later", thousands(*stale)));
    }
    if *duplicated > 0 {
        lines.push(format!("{} sent once, and there more often", thousands(*duplicated)));
    }
    if *refused > 0 {
        lines.push(format!("{} refused or never executed", thousands(*refused)));
    }
    lines.extend(lost_examples.iter().map(|example| format!("lost: {example}")));
    lines
}

/// What was stated, and what it came to.
pub(in crate::report) fn thresholds(page: &mut Page, thresholds: &[Judged]) {
    if thresholds.is_empty() {
        return;
    }
    page.gap();
    page.line("thresholds");
    for judged in thresholds {
        let came_to = match judged.judgement {
            Holds::Pass => "ok",
            Holds::Fail => "FAILED",
            Holds::Inconclusive => "undecided",
        };
        page.field(&format!("  {came_to}"), &judged.words());
    }
}

#[cfg(test)]
mod tests;

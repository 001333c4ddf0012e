//! Markdown for a pull request: the verdict, the drills, what to mend, and the rest folded away.

use super::{TrialReport, proof, words, writes};
use crate::{
    assessment::{Percentiles, Row},
    change::fragment,
    report::markdown::{escaped, line},
    text::{thousands, time},
    threshold::Holds,
    verdict::Verdict,
};

/// Groups of failures that are listed.
const MOST_GROUPS: usize = 30;

/// The report in this form.
pub(super) fn render(report: &TrialReport<'_>) -> String {
    let assessment = report.assessment;
    let mut markdown = format!("## {}: {}\n", words::word(assessment.verdict), escaped(&words::headline(report)));
    if assessment.verdict != Verdict::Pass && !assessment.reasons.is_empty() {
        line(&mut markdown, "");
        assessment.reasons.iter().for_each(|reason| line(&mut markdown, &format!("- {}", escaped(reason))));
    }
    drills(&mut markdown, report);
    written(&mut markdown, report);
    findings(&mut markdown, report);
    proven(&mut markdown, report);
    thresholds(&mut markdown, report);
    line(&mut markdown, &format!("\n{}", escaped(&words::conclusion(report))));
    details(&mut markdown, report);
    markdown
}

fn drills(markdown: &mut String, report: &TrialReport<'_>) {
    line(
        markdown,
        "\n| drill | verdict | lost: kept | lost: fresh | allowed | retried | shed | unknown | recovery |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    );
    for row in &report.assessment.drills {
        let Row { keep_alive, fresh, .. } = row;
        let counts = [
            keep_alive.lost,
            fresh.lost,
            keep_alive.allowed + fresh.allowed,
            keep_alive.retried + fresh.retried,
            keep_alive.shed + fresh.shed,
            keep_alive.unknown + fresh.unknown,
        ];
        let counts = counts.map(thousands).join(" | ");
        let recovery = row.recovery.map_or_else(|| "-".to_owned(), time);
        let verdict =
            if row.verdict == Verdict::Pass { "pass".to_owned() } else { format!("**{}**", row.verdict.label()) };
        let row = format!("| **{}**: {} | {verdict} | {counts} | {recovery} |", row.drill, row.drill.promise());
        line(markdown, &row);
    }
    for drill in &report.assessment.missing {
        line(markdown, &format!("| **{drill}**: {} | **not run** | | | | | | | |", drill.promise()));
    }
}

fn written(markdown: &mut String, report: &TrialReport<'_>) {
    let Some(writes) = &report.assessment.writes else { return };
    line(markdown, "\n**Writes**\n");
    for said in writes::lines(writes) {
        line(markdown, &format!("- {}", escaped(&said)));
    }
}

fn findings(markdown: &mut String, report: &TrialReport<'_>) {
    for finding in &report.assessment.findings {
        line(markdown, &format!("\n### {}\n\n{}\n", escaped(&words::finding(finding)), escaped(&finding.title)));
        finding.evidence.iter().for_each(|seen| line(markdown, &format!("- {}", escaped(seen))));
        line(markdown, &format!("\n**Mends it:** {}", escaped(&finding.mends)));
        if let Some(more) = words::more(finding) {
            line(markdown, &format!("\n**More:** {}", escaped(&more)));
        }
    }
}

fn proven(markdown: &mut String, report: &TrialReport<'_>) {
    if let Some(tried) = &report.assessment.tried {
        line(markdown, &format!("\n### Tried\n\n{}\n", escaped(&proof::tried(tried))));
        for round in proof::rounds(tried) {
            line(markdown, &format!("- {}", escaped(&round)));
        }
        tried.causes.iter().for_each(|cause| line(markdown, &format!("- {}", escaped(&proof::compared(cause)))));
        line(markdown, &format!("\n```yaml\n{}```", fragment(&tried.changes)));
    }
    if let Some(replay) = &report.assessment.replay {
        line(markdown, &format!("\n**A client's own retries:** {}", escaped(&proof::replay(replay))));
    }
}

fn thresholds(markdown: &mut String, report: &TrialReport<'_>) {
    if report.assessment.thresholds.is_empty() {
        return;
    }
    line(markdown, "\n| threshold | measured | |\n| --- | --- | --- |");
    for judged in &report.assessment.thresholds {
        let came_to = match judged.judgement {
            Holds::Pass => "ok",
            Holds::Fail => "**failed**",
            Holds::Inconclusive => "inconclusive",
        };
        let threshold = escaped(&judged.threshold.to_string());
        let measured = escaped(judged.measured.as_deref().unwrap_or("-"));
        let why = judged.why.as_ref().map_or_else(String::new, |why| format!(": {}", escaped(why)));
        line(markdown, &format!("| {threshold} | {measured} | {came_to}{why} |"));
    }
}

fn details(markdown: &mut String, report: &TrialReport<'_>) {
    line(markdown, "\n<details><summary>Response times, failures, and how it was run</summary>\n");
    line(markdown, "| drill | when | requests | p50 | p99 | max |\n| --- | --- | ---: | ---: | ---: | ---: |");
    for row in &report.assessment.drills {
        for (when, times) in ["before", "during", "after"].into_iter().zip(&row.times) {
            let Percentiles { count, p50, p99, max } = times;
            let cells = [p50, p99, max].map(|of| of.map_or_else(|| "-".to_owned(), time)).join(" | ");
            line(markdown, &format!("| {} | {when} | {} | {cells} |", row.drill, thousands(*count)));
        }
    }
    let groups = &report.assessment.groups;
    if !groups.is_empty() {
        line(markdown, "\n| failures | what |\n| ---: | --- |");
    }
    for group in groups.iter().take(MOST_GROUPS) {
        line(markdown, &format!("| {} | {} |", thousands(group.count), escaped(&words::group(group))));
    }
    if groups.len() > MOST_GROUPS {
        let rest: u64 = groups.iter().skip(MOST_GROUPS).map(|group| group.count).sum();
        line(markdown, &format!("| {} | others |", thousands(rest)));
    }
    for row in report.assessment.drills.iter().filter(|row| row.verdict != Verdict::Pass) {
        for (n, reason) in words::reasons(report, row).into_iter().enumerate() {
            line(markdown, &format!("{}- {}: {}", if n == 0 { "\n" } else { "" }, row.drill, escaped(reason)));
        }
    }
    line(markdown, &format!("\n- run: {}", escaped(&words::how(report))));
    for note in words::notes(report) {
        line(markdown, &format!("- note: {}", escaped(&note)));
    }
    report.header.assumptions.iter().for_each(|assumed| line(markdown, &format!("- assumed: {}", escaped(assumed))));
    line(markdown, &format!("- from: {}\n\n</details>", escaped(&report.header.machine)));
}

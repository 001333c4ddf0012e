//! The report for people: plain text of at most 78 columns, its first and its last line the verdict.

pub(super) mod table;

use super::{TrialReport, proof, words, writes};
use crate::{
    change::fragment,
    report::text::{layout::Page, thresholds},
    text::{counted, thousands},
    verdict::Verdict,
};

/// Groups of failures that are shown.
const MOST_GROUPS: usize = 6;

/// Before the text of a label.
const LABEL: usize = 9;

/// Lines of evidence that are shown of a finding.
const MOST_EVIDENCE: usize = 6;

/// The report in this form.
pub(super) fn render(report: &TrialReport<'_>) -> String {
    let mut page = Page::default();
    page.hanging(&format!("{}  ", words::word(report.assessment.verdict)), 2, &words::headline(report));
    table::drills(&mut page, report);
    why(&mut page, report);
    written(&mut page, report);
    findings(&mut page, report);
    proof(&mut page, report);
    // What they are put down to comes first.
    failures(&mut page, report);
    thresholds(&mut page, &report.assessment.thresholds);
    page.gap();
    how(&mut page, report);
    page.hanging("", 2, &words::conclusion(report));
    page.text()
}

/// What keeps it from passing.
fn why(page: &mut Page, report: &TrialReport<'_>) {
    let assessment = report.assessment;
    if assessment.verdict == Verdict::Pass {
        return;
    }
    page.gap();
    for (n, reason) in assessment.reasons.iter().enumerate() {
        page.field(if n == 0 { "why" } else { "" }, reason);
    }
    for row in assessment.drills.iter().filter(|row| row.verdict != Verdict::Pass) {
        for (n, reason) in words::reasons(report, row).into_iter().enumerate() {
            page.field(&if n == 0 { format!("  {}", row.drill) } else { String::new() }, reason);
        }
    }
}

fn failures(page: &mut Page, report: &TrialReport<'_>) {
    let groups = &report.assessment.groups;
    if groups.is_empty() {
        return;
    }
    page.gap();
    page.line("failures");
    for group in groups.iter().take(MOST_GROUPS) {
        page.hanging(&format!("{:>7}  ", thousands(group.count)), LABEL, &words::group(group));
    }
    if let Some(rest) = groups.get(MOST_GROUPS..).filter(|rest| !rest.is_empty()) {
        let of: u64 = rest.iter().map(|group| group.count).sum();
        let kinds = counted(rest.len() as u64, "more kind");
        page.hanging(&format!("{:>7}  ", thousands(of)), LABEL, &format!("of {kinds}, in the JSON report"));
    }
}

fn written(page: &mut Page, report: &TrialReport<'_>) {
    let Some(writes) = &report.assessment.writes else { return };
    page.gap();
    for (n, line) in writes::lines(writes).iter().enumerate() {
        labelled(page, if n == 0 { "writes" } else { "" }, line);
    }
}

fn findings(page: &mut Page, report: &TrialReport<'_>) {
    for finding in &report.assessment.findings {
        page.gap();
        labelled(page, "finding", &words::finding(finding));
        labelled(page, "", &finding.title);
        for (n, line) in finding.evidence.iter().take(MOST_EVIDENCE).enumerate() {
            labelled(page, if n == 0 { "seen" } else { "" }, line);
        }
        let more = finding.evidence.len().saturating_sub(MOST_EVIDENCE);
        if more > 0 {
            labelled(page, "", &format!("and {} in the JSON report", counted(more as u64, "more line")));
        }
        if !finding.mends.is_empty() {
            labelled(page, "mends", &finding.mends);
        }
        if let Some(more) = words::more(finding) {
            labelled(page, "more", &more);
        }
    }
}

fn proof(page: &mut Page, report: &TrialReport<'_>) {
    let (tried, replay) = (&report.assessment.tried, &report.assessment.replay);
    if let Some(tried) = tried {
        page.gap();
        labelled(page, "tried", &proof::tried(tried));
        for round in proof::rounds(tried) {
            labelled(page, "", &round);
        }
        for compared in &tried.causes {
            labelled(page, "", &proof::compared(compared));
        }
        for reason in tried.reasons.iter().filter(|_| tried.verdict != Verdict::Pass) {
            labelled(page, "", reason);
        }
        for (n, line) in fragment(&tried.changes).lines().enumerate() {
            page.line(&format!("{:LABEL$}{line}", if n == 0 { "paste" } else { "" }));
        }
    }
    if let Some(replay) = replay {
        page.gap();
        labelled(page, "retries", &proof::replay(replay));
    }
}

fn how(page: &mut Page, report: &TrialReport<'_>) {
    labelled(page, "run", &words::how(report));
    for (n, assumed) in report.header.assumptions.iter().enumerate() {
        labelled(page, if n == 0 { "assumed" } else { "" }, assumed);
    }
    for (n, note) in words::notes(report).iter().enumerate() {
        labelled(page, if n == 0 { "note" } else { "" }, note);
    }
    labelled(page, "from", &report.header.machine);
}

fn labelled(page: &mut Page, label: &str, text: &str) {
    page.hanging(&format!("{label:LABEL$}"), LABEL, text);
}

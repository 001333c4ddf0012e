//! JUnit's XML for pipelines: a suite for the trial, a case for each drill and each threshold.

use super::{TrialReport, words, writes};
use crate::{
    assessment::{Row, Writes},
    report::junit::{End, Suite},
    threshold::Holds,
    verdict::Verdict,
};

/// The report in this form.
pub(super) fn render(report: &TrialReport<'_>) -> String {
    let assessment = report.assessment;
    let mut cases: Vec<(String, End)> =
        assessment.drills.iter().map(|row| (row.drill.label().to_owned(), drill(report, row))).collect();
    cases.extend(assessment.missing.iter().map(|drill| {
        let why = report.partial().map_or_else(String::new, |partial| format!(": {partial}"));
        (drill.label().to_owned(), End::Inconclusive(format!("it never began{why}")))
    }));
    cases.extend(assessment.thresholds.iter().map(|judged| {
        let end = match judged.judgement {
            Holds::Pass => End::Passed,
            Holds::Fail => End::Failed(judged.words()),
            Holds::Inconclusive => End::Inconclusive(judged.words()),
        };
        (judged.threshold.to_string(), end)
    }));
    cases.extend(assessment.writes.as_ref().map(|judged| ("writes".to_owned(), written(judged))));
    cases.extend(whole(report, &cases));
    let mut said = vec![format!("{}  {}", words::word(assessment.verdict), words::headline(report))];
    said.extend(assessment.reasons.iter().cloned());
    said.extend(assessment.writes.iter().flat_map(writes::lines));
    for finding in &assessment.findings {
        said.push(words::finding(finding));
        said.push(format!("  {}", finding.title));
        said.extend(finding.evidence.iter().map(|seen| format!("  seen: {seen}")));
        said.push(format!("  mends: {}", finding.mends));
        said.extend(words::more(finding).map(|more| format!("  more: {more}")));
    }
    said.push(words::conclusion(report));
    let name = format!("trial of {}", report.header.target);
    Suite { class: "seaworthy.trial", name, began: &report.header.began, took: report.took(), cases, said }.xml()
}

fn drill(report: &TrialReport<'_>, row: &Row) -> End {
    let finding = words::blamed(report).find(|finding| finding.drills.contains(&row.drill));
    let why = || {
        let reason = row.reasons.first().or_else(|| row.happened.as_ref().err());
        let said = reason.cloned().unwrap_or_else(|| row.drill.promise().to_owned());
        finding.map_or_else(|| said.clone(), |finding| format!("{said}: {}, {}", finding.cause, finding.title))
    };
    match row.verdict {
        Verdict::Pass => End::Passed,
        Verdict::Fail => End::Failed(why()),
        Verdict::Inconclusive | Verdict::Unjudged => End::Inconclusive(why()),
    }
}

fn written(writes: &Writes) -> End {
    match writes.verdict() {
        Verdict::Pass => End::Passed,
        Verdict::Fail => End::Failed(writes.failures.join("; ")),
        Verdict::Inconclusive | Verdict::Unjudged => End::Inconclusive(writes.doubts.join("; ")),
    }
}

/// What no drill and no threshold says must not be green, either.
fn whole(report: &TrialReport<'_>, cases: &[(String, End)]) -> Option<(String, End)> {
    let red = cases.iter().any(|(_, end)| match end {
        End::Passed => false,
        End::Failed(_) | End::Inconclusive(_) => true,
    });
    let end = match report.assessment.verdict {
        Verdict::Pass => return None,
        Verdict::Fail | Verdict::Inconclusive | Verdict::Unjudged if red => return None,
        Verdict::Fail => End::Failed(words::headline(report)),
        Verdict::Inconclusive | Verdict::Unjudged => End::Inconclusive(words::headline(report)),
    };
    Some(("the trial".to_owned(), end))
}

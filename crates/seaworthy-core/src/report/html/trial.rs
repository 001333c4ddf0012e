//! The page of a trial.

pub(super) mod findings;
mod tables;

pub(super) use self::tables::{bins, drills};
use super::{
    build::Html,
    chart, document, facts,
    parts::{self, Cell, section},
    picture::{Axes, Picture},
};
use crate::{
    assessment::Group,
    report::trial::{TrialReport, proof, words, writes},
    text::thousands,
    threshold::{Holds, Judged},
    verdict::Verdict,
};

/// Groups of failures that are listed.
const MOST_GROUPS: usize = 100;

/// The page.
pub(super) fn page(report: &TrialReport<'_>) -> String {
    let picture = Picture::of_trial(report);
    let axes = Axes::of(&[&picture]);
    let title = format!("{}: {}", words::word(report.assessment.verdict), report.header.target);
    document(&title, |html| {
        top(html, report);
        html.tag("main").holds(|html| {
            section(html, "Drills", |html| drills(html, report, ""));
            section(html, "What happened", |html| chart::draw(html, &picture, &axes, "", "the trial"));
            section(html, "Findings", |html| findings::all(html, report, &picture, ""));
            written(html, report);
            tried(html, report);
            thresholds(html, &report.assessment.thresholds);
            failures(html, report);
            noted(html, report);
            section(html, "To make it again", |html| repeat(html, report));
            section(html, "In numbers", |html| tables::numbers(html, report, &picture));
        });
        html.tag("footer").text(&words::conclusion(report));
    })
}

/// The verdict, and what was done.
fn top(html: &mut Html, report: &TrialReport<'_>) {
    let assessment = report.assessment;
    let reasons: &[String] = if assessment.verdict == Verdict::Pass { &[] } else { &assessment.reasons };
    let headline = words::headline(report);
    let reasons = parts::unsaid(&headline, reasons);
    let texts = [words::word(assessment.verdict), &headline, &words::how(report)];
    parts::verdict(html, assessment.verdict, texts, &reasons);
}

fn written(html: &mut Html, report: &TrialReport<'_>) {
    if let Some(of) = &report.assessment.writes {
        section(html, "Writes", |html| {
            let lines = [of.failures.clone(), of.doubts.clone(), writes::lines(of)].concat();
            parts::list(html, &lines);
        });
    }
}

fn tried(html: &mut Html, report: &TrialReport<'_>) {
    let (tried, replay) = (&report.assessment.tried, &report.assessment.replay);
    if let Some(tried) = tried {
        section(html, "Tried", |html| {
            html.tag("p").text(&proof::tried(tried));
            let compared = tried.causes.iter().map(proof::compared);
            parts::list(html, &proof::rounds(tried).into_iter().chain(compared).collect::<Vec<_>>());
            html.tag("pre").with("tabindex", "0").holds(|html| {
                html.tag("code").text(crate::change::fragment(&tried.changes).trim_end());
            });
        });
    }
    if let Some(replay) = replay {
        section(html, "A client's own retries", |html| html.tag("p").text(&proof::replay(replay)));
    }
}

/// What had to hold over the whole of it.
pub(super) fn thresholds(html: &mut Html, all: &[Judged]) {
    if all.is_empty() {
        return;
    }
    let row = |judged: &Judged| {
        let (verdict, word) = match judged.judgement {
            Holds::Pass => (Verdict::Pass, "holds"),
            Holds::Fail => (Verdict::Fail, "failed"),
            Holds::Inconclusive => (Verdict::Inconclusive, "undecided"),
        };
        let measured = Cell::Number(judged.measured.clone().unwrap_or_else(|| "-".to_owned()));
        let why = Cell::text(judged.why.clone().unwrap_or_default());
        (judged.threshold.to_string(), vec![measured, Cell::Came(verdict, word.to_owned()), why])
    };
    section(html, "Thresholds", |html| {
        let rows: Vec<_> = all.iter().map(row).collect();
        parts::table(html, "thresholds", &["threshold", "measured", "came to", "why"], &rows);
    });
}

fn failures(html: &mut Html, report: &TrialReport<'_>) {
    let groups = &report.assessment.groups;
    if groups.is_empty() {
        return;
    }
    section(html, "Failures", |html| {
        let row = |group: &Group| (thousands(group.count), vec![Cell::text(words::group(group))]);
        let mut rows: Vec<_> = groups.iter().take(MOST_GROUPS).map(row).collect();
        let rest: u64 = groups.iter().skip(MOST_GROUPS).map(|group| group.count).sum();
        if rest > 0 {
            rows.push((thousands(rest), vec![Cell::text("others, in the JSON report")]));
        }
        parts::table(html, "failures", &["failures", "what, where and when (cause)"], &rows);
    });
}

fn noted(html: &mut Html, report: &TrialReport<'_>) {
    let notes = words::notes(report);
    if !notes.is_empty() {
        section(html, "Notes", |html| parts::list(html, &notes));
    }
}

fn repeat(html: &mut Html, report: &TrialReport<'_>) {
    let all: Vec<_> = facts::of(report).into_iter().map(|fact| (fact.name, fact.lines)).collect();
    parts::facts(html, &all);
}

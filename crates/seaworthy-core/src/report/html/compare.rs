//! Two trials beside each other: before and after a change.

use std::collections::BTreeSet;

use super::{
    build::Html,
    chart, document, facts,
    parts::{self, Cell, section, table},
    picture::{Axes, Picture},
    trial::{drills, findings},
};
use crate::{
    assessment::{Assessment, Row},
    diagnosis::Finding,
    drill::Drill,
    report::trial::{TrialReport, words},
    text::thousands,
    verdict::Verdict,
};

/// What the two are called.
const NAMES: [&str; 2] = ["before", "after"];

/// Before the names of what can be linked to.
const PREFIXES: [&str; 2] = ["a-", "b-"];

/// The page: the first one is what was before.
pub fn compare(reports: [&TrialReport<'_>; 2]) -> String {
    let pictures = reports.map(Picture::of_trial);
    let [first, second] = &pictures;
    let axes = Axes::of(&[first, second]);
    let [before, after] = reports.map(|report| words::word(report.assessment.verdict));
    document(&format!("{before} before, {after} after: {}", reports[1].header.target), |html| {
        html.tag("header").holds(|html| {
            html.tag("h1").text("Before and after");
            for (report, name) in reports.into_iter().zip(NAMES) {
                let assessment = report.assessment;
                let headline = format!("{name}: {}", words::headline(report));
                verdict(html, assessment.verdict, words::word(assessment.verdict), &headline);
            }
        });
        html.tag("main").holds(|html| {
            section(html, "What differs", |html| differs(html, reports));
            section(html, "In numbers", |html| numbers(html, reports));
            section(html, "Causes", |html| causes(html, reports));
            for ((picture, prefix), name) in pictures.iter().zip(PREFIXES).zip(NAMES) {
                section(html, &format!("What happened {name}"), |html| {
                    html.class("p", "muted").text("Both charts have the same axes.");
                    chart::draw(html, picture, &axes, prefix, name);
                });
            }
            for (((report, picture), prefix), name) in reports.into_iter().zip(&pictures).zip(PREFIXES).zip(NAMES) {
                section(html, &format!("Drills {name}"), |html| drills(html, report, name));
                section(html, &format!("Findings {name}"), |html| findings::all(html, report, picture, prefix));
            }
            section(html, "To make them again", |html| settings(html, reports));
        });
        let [before, after] = reports.map(words::conclusion);
        html.tag("footer").holds(|html| {
            html.tag("p").text(&format!("before: {before}"));
            html.tag("p").text(&format!("after: {after}"));
        });
    })
}

fn verdict(html: &mut Html, verdict: Verdict, word: &str, headline: &str) {
    html.class("div", parts::tone(verdict)).holds(|html| {
        parts::sign(html, verdict, "22");
        html.tag("div").holds(|html| {
            html.class("p", "word").text(word);
            html.tag("p").text(headline);
        });
    });
}

/// What makes them unlike, so that a difference of numbers may be one of trials and not of targets.
fn differs(html: &mut Html, reports: [&TrialReport<'_>; 2]) {
    let [first, second] = reports.map(facts::of);
    let pairs = || first.iter().zip(&second).filter(|(one, other)| one.lines != other.lines);
    let said = |(one, other): (&facts::Fact, &facts::Fact)| {
        format!("{}: {}, then {}", one.name, one.lines.join("; "), other.lines.join("; "))
    };
    let unlike: Vec<String> = pairs().filter(|(one, _)| one.unlike).map(said).collect();
    let rules: Vec<String> = pairs().filter(|(one, _)| one.name == "rules").map(said).collect();
    if unlike.is_empty() {
        html.tag("p").text("Both were made in the same way: target, drills, seed, rate and what they were held to.");
    } else {
        let warning = "These trials are unlike, so their numbers may differ for these reasons alone:";
        html.class("p", "came v-open").text(warning);
        parts::list(html, &unlike);
    }
    if rules.is_empty() {
        html.tag("p").text("The target had the same rules.");
    } else {
        parts::list(html, &rules);
    }
}

/// Numbers of both, with their differences.
fn numbers(html: &mut Html, reports: [&TrialReport<'_>; 2]) {
    let [first, second] = reports.map(|report| report.assessment);
    let count = |name: &str, of: fn(&Assessment) -> u64| {
        let (one, other) = (of(first), of(second));
        (name.to_owned(), vec![Cell::Number(thousands(one)), Cell::Number(thousands(other)), difference(one, other)])
    };
    let mut rows = vec![
        count("requests", |of| of.total.ended),
        count("lost", |of| of.total.lost),
        count("lost as allowed", |of| of.total.allowed),
        count("sent again", |of| of.total.retried),
        count("shed", |of| of.total.shed),
        count("unknown", |of| of.total.unknown),
        count("terminations", |of| of.terminations),
    ];
    // What is nothing in both tells nothing.
    rows.retain(|(name, _)| match &**name {
        "sent again" => first.total.retried + second.total.retried > 0,
        "shed" => first.total.shed + second.total.shed > 0,
        "unknown" => first.total.unknown + second.total.unknown > 0,
        _ => true,
    });
    table(html, "all drills together", &["all drills", "before", "after", "difference"], &rows);
    let names: BTreeSet<Drill> = [first, second].iter().flat_map(|of| &of.drills).map(|row| row.drill).collect();
    let rows: Vec<_> = names.into_iter().map(|drill| by_drill(drill, first, second)).collect();
    let heads = ["drill", "before", "after", "lost before", "lost after", "difference", "p99 before", "p99 after"];
    table(html, "by drill", &heads, &rows);
    let note = "Times in ms, of the disturbance, or of all of a drill that has none. A few requests more or less may be chance; \
                seaworthy trial --try-fix holds them to that.";
    html.class("p", "muted").text(note);
}

fn by_drill(drill: Drill, first: &Assessment, second: &Assessment) -> (String, Vec<Cell>) {
    let rows = [first, second].map(|of| of.drills.iter().find(|row| row.drill == drill));
    let lost = |row: &Row| row.keep_alive.lost + row.fresh.lost;
    let came = rows.map(|row| {
        row.map_or_else(|| Cell::text("not run"), |row| Cell::Came(row.verdict, row.verdict.label().to_owned()))
    });
    let counts = rows.map(|row| row.map(lost));
    let shown = counts.map(|count| Cell::harm(count.map_or_else(|| "-".to_owned(), thousands)));
    let apart = match counts {
        [Some(one), Some(other)] => difference(one, other),
        _ => Cell::Number("-".to_owned()),
    };
    let p99 = rows.map(|row| Cell::Number(row.map_or_else(|| "-".to_owned(), p99)));
    let cells = came.into_iter().chain(shown).chain([apart]).chain(p99).collect();
    (drill.label().to_owned(), cells)
}

fn p99(row: &Row) -> String {
    let [before, during, _] = &row.times;
    words::millis(if row.disturbed.is_some() { during.p99 } else { before.p99 })
}

fn difference(one: u64, other: u64) -> Cell {
    Cell::Number(match other.abs_diff(one) {
        0 => "=".to_owned(),
        by if other > one => format!("+{}", thousands(by)),
        by => format!("\u{2212}{}", thousands(by)),
    })
}

/// Causes that are gone, that are new, and that are still there.
fn causes(html: &mut Html, reports: [&TrialReport<'_>; 2]) {
    let [first, second] = reports.map(|report| &report.assessment.findings);
    let find = |of: &[Finding], cause: &str| of.iter().position(|finding| finding.cause == cause);
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for finding in first {
        let word = if find(second, &finding.cause).is_some() { "still there" } else { "gone" };
        rows.push(cause(finding, word, reports));
    }
    rows.extend(second.iter().filter(|new| find(first, &new.cause).is_none()).map(|new| cause(new, "new", reports)));
    if rows.is_empty() {
        html.class("p", "muted").text("Nothing was found in either of them.");
    } else {
        table(html, "causes", &["cause", "now", "before", "after"], &rows);
    }
}

fn cause(finding: &Finding, word: &str, reports: [&TrialReport<'_>; 2]) -> (String, Vec<Cell>) {
    let of = |report: &TrialReport<'_>| {
        let there = report.assessment.findings.iter().find(|other| other.cause == finding.cause);
        // Without the name, which is in the first column.
        let said = there.map(words::finding);
        let short = said
            .map(|said| said.split_once(" (").map_or_else(|| said.clone(), |(_, rest)| rest.replacen("):", ":", 1)));
        Cell::text(short.unwrap_or_else(|| "-".to_owned()))
    };
    let [before, after] = reports.map(of);
    (words::cause(&finding.cause), vec![Cell::text(word), before, after])
}

fn settings(html: &mut Html, reports: [&TrialReport<'_>; 2]) {
    let [first, second] = reports.map(facts::of);
    let rows: Vec<_> = first
        .into_iter()
        .zip(second)
        .map(|(one, other)| {
            let same = if one.lines == other.lines { "yes" } else { "no" };
            (one.name.to_owned(), vec![Cell::Texts(one.lines), Cell::Texts(other.lines), Cell::text(same)])
        })
        .collect();
    table(html, "settings", &["setting", "before", "after", "same"], &rows);
}

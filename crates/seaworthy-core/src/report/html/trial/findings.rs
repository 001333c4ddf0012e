//! The findings: what, why, where in the chart, what mends it, and how sure it is.

use crate::{
    change::fragment,
    diagnosis::Finding,
    report::{
        html::{
            build::Html,
            chart::evidence::{anchor, drawn, place},
            parts,
            picture::{Evidence, Picture},
        },
        trial::{TrialReport, words},
    },
    text::counted,
};

/// Places that are linked to; all of them are in the chart.
const MOST_LINKS: usize = 12;

/// All of them, in their order.
pub(in crate::report::html) fn all(html: &mut Html, report: &TrialReport<'_>, picture: &Picture, prefix: &str) {
    let findings = &report.assessment.findings;
    if findings.is_empty() {
        html.class("p", "muted").text("Nothing was found: no request failed for a cause that has to be named.");
    }
    for (number, (finding, evidence)) in (1..).zip(findings.iter().zip(&picture.findings)) {
        one(html, finding, evidence, number, prefix);
    }
}

fn one(html: &mut Html, finding: &Finding, evidence: &Evidence, number: usize, prefix: &str) {
    let class = if evidence.mild { "finding mild" } else { "finding" };
    html.class("article", class).with("id", format!("{prefix}f{number}")).holds(|html| {
        html.tag("h3").holds(|html| {
            html.class("span", "number").text(&number.to_string());
            html.text(&words::finding(finding));
        });
        html.tag("p").text(&finding.title);
        html.class("dl", "facts").holds(|html| {
            fact(html, "seen", |html| parts::list(html, &finding.evidence));
            fact(html, "where", |html| places(html, evidence, number, prefix));
            fact(html, "how sure", |html| html.text(finding.confidence.label()));
            if !finding.mends.is_empty() {
                fact(html, "mends it", |html| html.text(&finding.mends));
            }
            if !finding.changes.is_empty() {
                fact(html, "to paste", |html| {
                    html.tag("pre")
                        .with("tabindex", "0")
                        .with("role", "region")
                        .with("aria-label", format!("manifest of finding {number}"))
                        .holds(|html| html.tag("code").text(fragment(&finding.changes).trim_end()));
                });
            }
            servers(html, finding);
            if let Some(more) = words::more(finding) {
                fact(html, "more", |html| html.tag("code").text(&more));
            }
        });
    });
}

fn fact(html: &mut Html, name: &str, inside: impl FnOnce(&mut Html)) {
    html.tag("dt").text(name);
    html.tag("dd").holds(inside);
}

/// Links to its marks in the chart.
fn places(html: &mut Html, evidence: &Evidence, number: usize, prefix: &str) {
    for (n, spot) in drawn(&evidence.spots).take(MOST_LINKS) {
        if n > 1 {
            html.text("; ");
        }
        html.tag("a").with("href", format!("#{}", anchor(prefix, number, n))).text(&place(spot));
    }
    let more = evidence.spots.len().saturating_sub(MOST_LINKS);
    if more > 0 {
        html.text(&format!("; and {} in the chart", counted(more as u64, "more place")));
    }
}

/// The line that mends it, by server.
fn servers(html: &mut Html, finding: &Finding) {
    let lines: Vec<String> = finding
        .rules()
        .iter()
        .flat_map(|rule| rule.entry.servers)
        .map(|(server, line)| format!("{server}: {line}"))
        .collect();
    if !lines.is_empty() {
        fact(html, "by server", |html| {
            parts::folded(html, &counted(lines.len() as u64, "server"), |html| parts::list(html, &lines));
        });
    }
}

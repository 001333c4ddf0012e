//! For programs.

use serde_json::{Value, json as value};

use crate::{Finding, Report};

/// Names the form of the document.
const SCHEMA: &str = "seaworthy.lint/1";

/// All of it as one JSON document, with a line break at its end.
pub fn json(report: &Report) -> String {
    let document = value!({
        "schema": SCHEMA,
        "sources": report.sources,
        "objects": report.objects,
        "predictions": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "allowed": report.allowed.iter().map(|allowed| {
            let mut one = finding(&allowed.finding);
            one["because"] = Value::from(allowed.because.as_str());
            one
        }).collect::<Vec<_>>(),
        "notes": report.notes,
        "ignored": report.ignored.iter().map(|ignored| value!({
            "source": ignored.source, "line": ignored.line, "why": ignored.why,
        })).collect::<Vec<_>>(),
        "unreadable": report.unreadable.iter().map(|unreadable| value!({
            "source": unreadable.source, "line": unreadable.line, "problem": unreadable.problem,
        })).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(finding: &Finding) -> Value {
    value!({
        "cause": finding.cause,
        "severity": finding.severity.label(),
        "source": finding.place.source,
        "line": finding.place.line,
        "object": finding.place.object,
        "what": finding.what,
        "fix": finding.fix,
    })
}

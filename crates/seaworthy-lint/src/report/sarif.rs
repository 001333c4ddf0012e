//! For code hosts: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeSet;

use seaworthy_core::report::trial::causes::{self, Known};
use serde_json::{Value, json};

use crate::{Finding, Report};

/// All of it as one SARIF log, with a line break at its end. Predictions that are accepted are suppressed.
pub fn sarif(report: &Report, version: &str) -> String {
    let found = report.findings.iter().map(|finding| result(finding, None));
    let allowed = report.allowed.iter().map(|allowed| result(&allowed.finding, Some(&allowed.because)));
    let all = report.findings.iter().chain(report.allowed.iter().map(|allowed| &allowed.finding));
    let causes: BTreeSet<&str> = all.map(|finding| finding.cause).collect();
    let notifications: Vec<Value> = report
        .unreadable
        .iter()
        .map(|unreadable| {
            json!({
                "level": "error",
                "message": {"text": unreadable.problem},
                "locations": [location(&unreadable.source, unreadable.line)],
            })
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "seaworthy lint",
                "semanticVersion": version,
                "rules": causes.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": report.unreadable.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": found.chain(allowed).collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

fn rule(cause: &str) -> Value {
    let title = match causes::named(cause) {
        Some(Known::Found(rule)) => rule.title,
        Some(Known::Waiting(waits)) => waits.title,
        None => cause,
    };
    json!({"id": cause, "shortDescription": {"text": title}, "help": {"text": format!("seaworthy causes {cause}")}})
}

fn result(finding: &Finding, because: Option<&str>) -> Value {
    let mut result = json!({
        "ruleId": finding.cause,
        "level": finding.severity.label(),
        "message": {"text": format!("Prediction, in {}: {}. Mend: {}", finding.place.object, finding.what, finding.fix)},
        "locations": [location(&finding.place.source, finding.place.line)],
    });
    if let Some(because) = because {
        result["suppressions"] = json!([{"kind": "inSource", "justification": because}]);
    }
    result
}

fn location(source: &str, line: usize) -> Value {
    json!({"physicalLocation": {"artifactLocation": {"uri": source}, "region": {"startLine": line.max(1)}}})
}

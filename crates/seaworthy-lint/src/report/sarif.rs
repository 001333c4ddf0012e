//! For code hosts: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::{collections::BTreeSet, fmt::Write as _};

use seaworthy_core::report::trial::causes::{self, Known};
use serde_json::{Value, json};

use crate::{Finding, Report};

/// All of it as one SARIF log, with a line break at its end. Predictions that are accepted are suppressed.
pub fn sarif(report: &Report, version: &str) -> String {
    let found = report.findings.iter().map(|finding| result(finding, None));
    let allowed = report.allowed.iter().map(|allowed| result(&allowed.finding, Some(&allowed.because)));
    let all = report.findings.iter().chain(report.allowed.iter().map(|allowed| &allowed.finding));
    let causes: BTreeSet<&str> = all.map(|finding| finding.cause).collect();
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
                "toolExecutionNotifications": notifications(report),
            }],
            "results": found.chain(allowed).collect::<Vec<_>>(),
        }],
    });
    format!("{document:#}\n")
}

/// What is to be said of the run itself.
fn notifications(report: &Report) -> Vec<Value> {
    let about = |level: &str, source: &str, line: Option<usize>, text: &str| json!({"level": level, "message": {"text": text}, "locations": [location(source, line)]});
    let unreadable = report.unreadable.iter().map(|it| about("error", &it.source, it.line, &it.problem));
    let ignored = report.ignored.iter().map(|it| about("note", &it.source, it.line, &it.why));
    let notes = report.notes.iter().map(|note| json!({"level": "note", "message": {"text": note}}));
    unreadable.chain(ignored).chain(notes).collect()
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
        "locations": [location(&finding.place.source, Some(finding.place.line))],
    });
    if let Some(because) = because {
        result["suppressions"] = json!([{"kind": "inSource", "justification": because}]);
    }
    result
}

fn location(source: &str, line: Option<usize>) -> Value {
    // A code host takes no result without a file, and `-` is none.
    let artifact = if source == "-" {
        json!({"uri": "stdin", "description": {"text": "standard input; --stdin-filename says which file it stands for"}})
    } else {
        json!({"uri": uri(source)})
    };
    let mut physical = json!({"artifactLocation": artifact});
    if let Some(line) = line {
        physical["region"] = json!({"startLine": line.max(1)});
    }
    json!({"physicalLocation": physical})
}

/// A path as a URI reference (RFC 3986, 2.1 and 4.2): relative ones stay so, without the `./` that some begin with.
fn uri(path: &str) -> String {
    let (scheme, mut path) = if path.starts_with('/') { ("file://", path) } else { ("", path) };
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    let mut uri = scheme.to_owned();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            // A colon, too: what stands before one would be a scheme.
            other => {
                let _infallible = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_or_noted_is_a_notification() {
        let object = "apiVersion: v1\nkind: ConfigMap # seaworthy: allow recreate-gap because of that\n---\na: 1\n";
        let report = crate::lint(&[crate::Source { name: "-", text: object }]);
        let log: Value = serde_json::from_str(&sarif(&report, "0")).unwrap();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], true);
        let [ignored, note] = invocation["toolExecutionNotifications"].as_array().unwrap().as_slice() else {
            panic!("{log}")
        };
        let place = &ignored["locations"][0]["physicalLocation"];
        assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&json!("stdin"), &json!(4)));
        assert_eq!((ignored["level"].as_str(), note["level"].as_str()), (Some("note"), Some("note")));
        assert!(note["message"]["text"].as_str().unwrap().contains("-:2: recreate-gap is allowed"), "{note}");
    }

    #[test]
    fn a_path_is_a_reference_whatever_is_in_it() {
        for (path, expected) in [
            ("deploy/web.yaml", "deploy/web.yaml"),
            ("./deploy/web.yaml", "deploy/web.yaml"),
            (".//./web.yaml", "web.yaml"),
            ("../web-1_2~3.yaml", "../web-1_2~3.yaml"),
            ("/srv/my app/web.yaml", "file:///srv/my%20app/web.yaml"),
            ("c:web.yaml", "c%3Aweb.yaml"),
            ("100%#?[1].yaml", "100%25%23%3F%5B1%5D.yaml"),
            ("über/a\nb.yaml", "%C3%BCber/a%0Ab.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}

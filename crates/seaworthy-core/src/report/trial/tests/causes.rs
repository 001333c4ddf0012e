//! The registry of causes as it is read: in an entry, in the docs, and in the findings of each form of a report.

use super::*;
use crate::{
    diagnosis::{WAITING, rules, tests::gallery},
    report::trial::causes::{self, Known},
};

/// A failed trial with a finding of each cause.
fn every_cause() -> Sample {
    let mut sample = sample::failed();
    (sample.assessment.findings, sample.assessment.thresholds) = (gallery::findings(), vec![]);
    sample
}

/// From the first place of a text to the next of another.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_at(text.find(from).unwrap());
    rest.rsplit_once(to).unwrap().0.trim_end()
}

/// Line by line, so that a difference is seen.
#[track_caller]
fn assert_reads(shown: &str, expected: &str) {
    for (n, (shown, expected)) in shown.lines().zip(expected.lines()).enumerate() {
        assert_eq!(shown, expected, "line {}", n + 1);
    }
    assert_eq!(shown.lines().count(), expected.lines().count());
}

#[test]
fn findings_at_a_terminal() {
    let shown = TrialFormat::Text.render(&every_cause().report());
    assert!(shown.lines().all(|line| line.chars().count() <= WIDTH));
    assert_reads(part(&shown, "finding  ", "\nfailures\n"), include_str!("causes.txt"));
}

#[test]
fn findings_for_programs() {
    let sample = every_cause();
    let findings = serde_json::to_string_pretty(&json(&sample)["findings"]).unwrap();
    schema::assert_valid_by(SCHEMA, &TrialFormat::Json.render(&sample.report()));
    assert_reads(&findings, include_str!("causes.json"));
}

#[test]
fn findings_in_a_pull_request() {
    let shown = TrialFormat::Markdown.render(&every_cause().report());
    assert_reads(part(&shown, "### ", "\nnot seaworthy"), include_str!("causes.md"));
}

#[test]
fn findings_in_a_pipeline() {
    let shown = TrialFormat::Junit.render(&every_cause().report());
    xml::assert_well_formed(&shown);
    assert_reads(part(&shown, "fp-ephemeral-ports (proven)", "\nnot seaworthy"), include_str!("causes.xml.txt"));
}

#[test]
fn the_docs_are_what_the_registry_says() {
    assert_reads(&causes::markdown(), include_str!("../../../../../../docs/causes.md"));
}

#[test]
fn every_cause_has_an_entry() {
    let list = causes::list();
    let names = rules().map(|rule| rule.id).chain(WAITING.iter().map(|waits| waits.id));
    for name in names {
        assert!(list.lines().any(|line| line.trim() == name), "{name}");
        let entry = causes::entry(causes::named(name).unwrap());
        assert!(entry.starts_with(&format!("{name}\n")), "{entry}");
        let mut lines = entry.lines().chain(list.lines()).filter(|line| !line.contains("https://"));
        assert!(lines.all(|line| line.chars().count() <= WIDTH && line.trim_end() == line), "{entry}");
    }
    let known = causes::named("endpoint-removal-race").unwrap();
    assert!(matches!(known, Known::Found(rule) if causes::entry(known).contains(rule.entry.servers[0].0)));
    assert!(causes::entry(causes::named("node-lost").unwrap()).contains("waits for several nodes"));
}

#[test]
fn programs_read_all_or_some() {
    let read = |of: &[Known]| -> Value { serde_json::from_str(&causes::json(of)).unwrap() };
    let all = read(&[]);
    assert_eq!(all["schema"], "seaworthy.causes/1");
    assert_eq!(all["causes"].as_array().unwrap().len(), rules().count() + WAITING.len());
    let one = read(&[causes::named("crash").unwrap(), causes::named("node-lost").unwrap()]);
    assert_eq!((&one["causes"][0]["id"], &one["causes"][0]["waits_for"]), (&"crash".into(), &Value::Null));
    assert_eq!((&one["causes"][1]["waits_for"], &one["causes"][1]["fix"]), (&"several nodes".into(), &Value::Null));
}

#[test]
fn a_name_that_there_is_not_has_near_ones() {
    for (name, nearest) in [
        ("crsh", "crash"),
        ("endpoint-removal", "endpoint-removal-race"),
        ("oom", "oom-killed"),
        ("sigterm_ignored", "sigterm-ignored"),
        ("node-los", "node-lost"),
    ] {
        assert!(causes::named(name).is_none());
        assert_eq!(causes::nearest(name)[0], nearest, "{name}");
    }
    assert_eq!(causes::nearest(&"x".repeat(100_000)).len(), 3);
}

use proptest::prelude::*;
use serde_json::Value;

use super::{sample::Sample, *};
use crate::report::{
    tests::{schema, xml},
    text::layout::WIDTH,
};

mod causes;
mod text;

const SCHEMA: &str = include_str!("../../../../../docs/trial.schema.json");

fn all() -> [Sample; 6] {
    [
        sample::spotless(),
        sample::passed(),
        sample::failed(),
        sample::tried(),
        sample::inconclusive(),
        sample::interrupted(),
    ]
}

fn json(sample: &Sample) -> Value {
    serde_json::from_str(&TrialFormat::Json.render(&sample.report())).unwrap()
}

#[test]
fn a_files_ending_says_its_form() {
    for (name, format) in [
        ("trial.txt", TrialFormat::Text),
        ("out/trial.JSON", TrialFormat::Json),
        ("a.b.xml", TrialFormat::Junit),
        ("summary.md", TrialFormat::Markdown),
        ("trial.html", TrialFormat::Html),
    ] {
        assert_eq!(TrialFormat::by_ending(name), Ok(format), "{name}");
    }
    for (name, error) in [
        ("trial", "has no known ending; give .html, .json, .xml (JUnit), .md or .txt"),
        ("trial.csv", "has no known ending; give .html, .json, .xml (JUnit), .md or .txt"),
    ] {
        assert_eq!(TrialFormat::by_ending(name), Err(error.into()), "{name}");
    }
}

#[test]
fn the_document_is_as_its_schema_says() {
    for sample in all() {
        schema::assert_valid_by(SCHEMA, &TrialFormat::Json.render(&sample.report()));
    }
    // Only of what is there can be said that the schema has nothing else.
    schema::assert_complete_by(SCHEMA, &TrialFormat::Json.render(&sample::tried().report()));
}

#[test]
fn every_key_of_the_document_is_described() {
    fn check(part: &Value, path: &str) {
        for (name, part) in part["properties"].as_object().into_iter().flatten() {
            let said = part["description"].as_str().unwrap_or_default();
            assert!(said.ends_with('.'), "{path}.{name}: {said}");
            check(part, &format!("{path}.{name}"));
        }
        if part["items"].is_object() {
            check(&part["items"], &format!("{path}[]"));
        }
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    check(&schema, "document");
    schema["$defs"].as_object().unwrap().iter().for_each(|(name, part)| check(part, name));
    let listed =
        |name: &str| schema["$defs"][name]["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    assert!(listed("drill").eq(crate::drill::Drill::ALL.iter().map(|drill| drill.label())));
    assert!(listed("kind").eq(crate::outcome::FailureKind::ALL.iter().map(|kind| kind.label())));
    assert!(listed("phase").eq(crate::outcome::Phase::ALL.iter().map(|phase| phase.label())));
}

#[test]
fn the_document_counts_exactly() {
    let document = json(&sample::failed());
    assert_eq!(document["schema"], "seaworthy.trial/1");
    assert_eq!(document["verdict"], "fail");
    assert_eq!(document["trial"]["seed"], "7");
    assert_eq!(document["trial"]["timeout_ms"], 5_000.0);
    assert_eq!(document["deployment"]["max_surge"], "1");
    assert_eq!(document["deployment"]["max_unavailable"], "25%");
    // Headers may hold secrets.
    assert_eq!(document["deployment"]["readiness"]["check"], "GET /ready?a=1 over TLS with x");
    assert_eq!((&document["total"]["lost"], &document["total"]["ended"]), (&37.into(), &13_480.into()));
    let rollout = &document["drills"][1];
    assert_eq!(rollout["promise"], "a rolling update has no downtime");
    assert_eq!((&rollout["keep_alive"]["lost"], &rollout["fresh"]["lost"]), (&3.into(), &31.into()));
    assert_eq!((&rollout["begin_ms"], &rollout["disturbed_ms"]), (&14_000.0.into(), &16_000.0.into()));
    assert_eq!((&rollout["settled_ms"], &rollout["end_ms"]), (&23_500.0.into(), &26_000.0.into()));
    assert_eq!(rollout["recovery_ms"], 1_234.0);
    assert_eq!(rollout["during_ms"]["max"], 30_000.0);
    assert_eq!(document["groups"].as_array().unwrap().len(), 9);
    assert_eq!(document["groups"][0]["cause"], "endpoint-removal-race");
    assert_eq!(document["findings"][1]["confidence"], "proven");
    assert_eq!(document["generator"]["ports"]["of"], 28_232);
    assert_eq!(document["complete"], true);
}

#[test]
fn the_timeline_has_what_happened_and_not_each_probe() {
    let events = json(&sample::failed())["events"].clone();
    let told: Vec<String> = events
        .as_array()
        .unwrap()
        .iter()
        .take(5)
        .map(|event| format!("{} {}", event["at_ms"], event["words"]))
        .collect();
    assert_eq!(
        told,
        [
            "1900.0 \"all replicas are available: the trial can begin\"",
            "2000.0 \"baseline begins\"",
            "14000.0 \"baseline ends\"",
            "14000.0 \"rollout begins\"",
            "16000.0 \"rollout disturbs: replica 2\"",
        ],
    );
    let mut sample = sample::failed();
    sample.history.events = crate::history::tests::events::all();
    let document = json(&sample);
    let names: Vec<&str> =
        document["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    // All but a probe, the endpoints and the view of them.
    assert_eq!(names.len(), sample.history.events.len() - 3);
    assert!(names.contains(&"pre_stop_ended") && !names.contains(&"probed"), "{names:?}");
    schema::assert_valid_by(SCHEMA, &TrialFormat::Json.render(&sample.report()));
}

#[test]
fn a_history_that_was_cut_off_is_partial() {
    let mut sample = sample::spotless();
    sample.history.footer = None;
    let document = json(&sample);
    assert_eq!((&document["complete"], &document["generator"]), (&false.into(), &Value::Null));
    schema::assert_valid_by(SCHEMA, &TrialFormat::Json.render(&sample.report()));
    assert!(TrialFormat::Text.render(&sample.report()).lines().next().unwrap().contains("cut off: partial; "));
}

#[test]
fn a_pipeline_has_a_case_for_each_drill_and_threshold() {
    let junit = TrialFormat::Junit.render(&sample::failed().report());
    assert!(junit.contains(r#"<testsuites tests="12" failures="4" errors="1" time="98.000">"#), "{junit}");
    assert!(junit.contains(r#"<testcase classname="seaworthy.trial" name="baseline" time="0"/>"#), "{junit}");
    let failure = r#"<failure message="34 requests were lost, and none may be: endpoint-removal-race, Clients still"#;
    assert!(junit.contains(failure), "{junit}");
    assert!(junit.contains(r#"<failure message="p99&lt;50ms: 61.2ms"/>"#), "{junit}");
    assert!(junit.contains(r#"<failure message="2 of 1,204 acknowledged writes are gone"/>"#), "{junit}");
    let junit = TrialFormat::Junit.render(&sample::interrupted().report());
    assert!(junit.contains(r#"<testsuites tests="8" failures="0" errors="6""#), "{junit}");
    let error = r#"<error type="inconclusive" message="it never began: interrupted: partial"/>"#;
    assert_eq!(junit.matches(error).count(), 5, "{junit}");
    let green = TrialFormat::Junit.render(&sample::passed().report());
    assert!(green.contains(r#"<testsuites tests="8" failures="0" errors="0""#), "{green}");
    for sample in all() {
        xml::assert_well_formed(&TrialFormat::Junit.render(&sample.report()));
    }
}

#[test]
fn a_pipeline_is_red_where_no_drill_says_why() {
    let mut sample = sample::spotless();
    sample.assessment.verdict = crate::verdict::Verdict::Inconclusive;
    sample.assessment.reasons = vec!["the generator was late".into()];
    let junit = TrialFormat::Junit.render(&sample.report());
    assert!(junit.contains(r#"tests="9" failures="0" errors="1""#), "{junit}");
    assert!(junit.contains(r#"name="the trial" time="0">"#), "{junit}");
}

#[test]
fn a_pull_request_reads_what_to_mend() {
    let markdown = TrialFormat::Markdown.render(&sample::failed().report());
    let first = "## NOT SEAWORTHY: 2 of 1,204 acknowledged writes are gone; 37 of 13,480 requests lost: \
                 endpoint-removal-race and 1 more\n";
    assert!(markdown.starts_with(first), "{markdown}");
    for line in [
        "| **rollout**: a rolling update has no downtime | **fail** | 3 | 31 | 0 | 12 | 0 | 0 | 1.23s |",
        "| **baseline**: requests are answered while nothing happens | pass | 0 | 0 | 0 | 0 | 0 | 0 | - |",
        "### endpoint-removal-race (likely): 31 lost in rollout",
        "**Mends it:** Keep serving after SIGTERM until clients have heard of it: a preStop sleep of 5 s or more, or a \
         drain in the process.",
        "| p99&lt;50ms | 61.2ms | **failed** |",
        "| rollout | during | 1,200 | 712us | 8.64ms | 30.0s |",
        "- rollout: p99 was 1.20s, above 250ms",
        "- 4 unknown: 2 were executed, 1 was not, of the rest nothing is known; 5 refused, or never sent",
        "</details>",
    ] {
        assert!(markdown.lines().any(|shown| shown == line), "{line}\n{markdown}");
    }
    let markdown = TrialFormat::Markdown.render(&sample::spotless().report());
    assert!(markdown.contains("\nseaworthy: nothing lost in 13,480 requests, 9 terminations; &lt; 0.023% (95%)"));
    assert!(!markdown.contains("###"), "{markdown}");
}

#[test]
fn no_text_ends_a_cell() {
    let markdown = TrialFormat::Markdown.render(&sample::saying("a | b`<script>").report());
    assert!(markdown.contains(r"a \| b\`&lt;script&gt;") && !markdown.contains("a | b"), "{markdown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_a_target_says_is_text(said in "(?s).{0,40}|[<>&\"'|`\\\\\\]\\[\\x00-\\x1f\u{fffe}\u{202e}]{0,20}|[a-z]{200}") {
        let sample = sample::saying(&said);
        let report = sample.report();
        xml::assert_well_formed(&TrialFormat::Junit.render(&report));
        schema::assert_valid_by(SCHEMA, &TrialFormat::Json.render(&report));
        let shown = TrialFormat::Text.render(&report);
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert!(!shown.contains(sample::TURNING));
        prop_assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
        let markdown = TrialFormat::Markdown.render(&report);
        // Its own two tags, which begin and end.
        prop_assert_eq!(markdown.matches('<').count(), 4, "{}", markdown);
        prop_assert_eq!(TrialFormat::Json.render(&report), TrialFormat::Json.render(&report));
    }
}

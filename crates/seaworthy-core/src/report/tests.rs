use proptest::prelude::*;

use super::*;

pub(super) mod schema;
pub(super) mod xml;

#[test]
fn a_files_ending_says_its_form() {
    for (name, format) in [
        ("report.txt", Format::Text),
        ("out/report.JSON", Format::Json),
        ("a.b.csv", Format::Csv),
        ("junit.xml", Format::Junit),
        ("summary.md", Format::Markdown),
        ("times.hlog", Format::Hlog),
        ("report.html", Format::Html),
        ("REPORT.HTM", Format::Html),
    ] {
        assert_eq!(by_ending(name), Ok(format), "{name}");
    }
    for (name, error) in [
        ("report", "has no known ending; give .html, .json, .csv, .xml (JUnit), .md, .hlog or .txt"),
        ("report.pdf", "has no known ending; give .html, .json, .csv, .xml (JUnit), .md, .hlog or .txt"),
    ] {
        assert_eq!(by_ending(name), Err(error.into()), "{name}");
    }
}

#[test]
fn the_timeline_has_a_row_for_each_slot() {
    let run = sample::failed();
    let csv = csv::render(&run.report());
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1 + run.recording.timeline().count());
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let sum = |column: &str| -> u64 {
        let column = rows[0].iter().position(|name| *name == column).unwrap();
        rows.iter().skip(1).map(|row| row[column].parse::<u64>().unwrap()).sum()
    };
    assert_eq!((sum("good"), sum("failed"), sum("retried")), (14_803, 197, 2));
}

#[test]
fn the_step_summary_is_markdown() {
    let markdown = markdown::render(&sample::failed().report());
    assert!(markdown.starts_with("## FAIL: 15,000 requests, 197 failed, 2 of 5 thresholds failed\n\n- failed&lt;0.1%"));
    assert!(markdown.contains("\n| failed&lt;0.1% | 1.31% (197 of 15,000) | **failed** |\n"), "{markdown}");
    let row = "\n| 35 | connection refused | fresh | due from 3.2s to 3.9s | Connection refused (os error 111) |\n";
    assert!(markdown.contains(row), "{markdown}");
}

#[test]
fn a_pipeline_tells_failures_from_what_is_inconclusive() {
    let junit = junit::render(&sample::failed().report());
    assert!(junit.contains(r#"<testsuites tests="8" failures="2" errors="2" time="15.412">"#), "{junit}");
    assert!(junit.contains(r#"name="the generator kept up" time="0"/>"#), "{junit}");
    let failure = r#"<failure message="p99.9&lt;250ms: 5.00s"/>"#;
    assert!(junit.contains(failure), "{junit}");
    let error = r#"<error type="inconclusive" message="2 of 4980 acknowledged writes could not be read back"/>"#;
    assert!(junit.contains(error), "{junit}");
    let inconclusive = junit::render(&sample::inconclusive().report());
    assert!(inconclusive.contains(r#"<error type="inconclusive" message="it was late"#), "{inconclusive}");
}

#[test]
fn other_tools_read_the_log() {
    use hdrhistogram::{
        Histogram,
        serialization::{
            Deserializer,
            interval_log::{IntervalLogIterator, LogEntry},
        },
    };
    let run = sample::failed();
    let log = hlog::render(&run.report());
    let mut response = Histogram::<u64>::new(3).unwrap();
    let mut service = 0;
    let mut lines = 0;
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        match entry.unwrap() {
            LogEntry::StartTime(at) | LogEntry::BaseTime(at) => assert_eq!(at, run.description.unix_began),
            LogEntry::Interval(interval) => {
                use base64_of_tests::decoded;
                let bytes = decoded(interval.encoded_histogram());
                let times: Histogram<u64> = Deserializer::new().deserialize(&mut &*bytes).unwrap();
                assert!((interval.max() - times.max() as f64 / 1e6).abs() < 0.001);
                assert!(interval.start_timestamp() <= Duration::from_secs(15));
                lines += 1;
                match interval.tag().unwrap().as_str() {
                    "response" => response.add(times).unwrap(),
                    "service" => service += times.len(),
                    _ => {}
                }
            }
        }
    }
    let times = run.recording.times(|_| true);
    assert!(lines > 300, "{lines}");
    assert!(!times.timed_out.is_empty());
    // Time-outs are in them, as in every other form of the report.
    let all = run.recording.response_times();
    assert_eq!((response.len(), service), (all.count(), run.recording.service_times().count()));
    assert_eq!(Some(Duration::from_nanos(response.max())), all.max());
}

mod base64_of_tests {
    /// The bytes that base64 text stands for.
    pub(super) fn decoded(text: &str) -> Vec<u8> {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for byte in text.bytes().filter(|byte| *byte != b'=') {
            let digit = DIGITS.iter().position(|digit| *digit == byte).unwrap();
            bits = bits << 6 | u32::try_from(digit).unwrap();
            held += 6;
            if held >= 8 {
                held -= 8;
                bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
            }
        }
        bytes
    }
}

#[test]
fn the_document_is_as_its_schema_says() {
    for run in [sample::passed(), sample::failed(), sample::inconclusive(), sample::unjudged(), sample::empty()] {
        schema::assert_valid(&json::render(&run.report()));
    }
    // Only of what is there can be said that the schema has nothing else.
    schema::assert_complete(&json::render(&sample::failed().report()));
}

#[test]
fn the_document_counts_exactly() {
    let document: serde_json::Value = serde_json::from_str(&json::render(&sample::failed().report())).unwrap();
    assert_eq!(document["schema"], "seaworthy.load/1");
    assert_eq!(document["verdict"], "fail");
    assert_eq!(document["counts"]["failed"], 197);
    assert_eq!(document["statuses"]["200"], 14_803);
    assert_eq!(document["failed_attempts"].as_array().unwrap().len(), 199);
    assert_eq!(document["failures_not_kept"], 0);
    assert_eq!(document["metrics"]["latency_ms"]["count"], 14_820);
    let millis = document["metrics"]["latency_ms"]["max"].as_f64().unwrap();
    assert!((millis - 5_000.0).abs() < 5.0, "{millis}");
    assert_eq!(document["writes"]["unverified"], 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_server_says_is_text(detail in "(?s).{0,40}|[<>&\"'|`\\\\\\]\\[\\x00-\\x1f\u{fffe}\u{202e}]{0,20}") {
        let run = sample::saying(&detail);
        let report = run.report();
        xml::assert_well_formed(&junit::render(&report));
        schema::assert_valid(&json::render(&report));
        let markdown = markdown::render(&report);
        for row in markdown.lines().filter(|line| line.starts_with("| 1 |")) {
            prop_assert_eq!(row.replace("\\\\", "").replace("\\|", "").matches('|').count(), 6, "{}", row);
        }
        let columns = |row: &str| row.matches(',').count();
        let csv = csv::render(&report);
        prop_assert!(csv.lines().all(|row| columns(row) == 16));
    }
}

//! What somebody at a terminal reads.

use super::*;

fn lines(sample: &Sample) -> Vec<String> {
    TrialFormat::Text.render(&sample.report()).lines().map(str::to_owned).collect()
}

/// Compares line by line, so that a difference is seen.
fn assert_reads(sample: &Sample, expected: &str) {
    let shown = lines(sample);
    for (n, (shown, expected)) in shown.iter().zip(expected.lines()).enumerate() {
        assert_eq!(shown, expected, "line {}", n + 1);
    }
    assert_eq!(shown.len(), expected.lines().count());
}

#[test]
fn a_pass() {
    assert_reads(&sample::spotless(), include_str!("pass.txt"));
}

#[test]
fn a_pass_with_losses_that_the_kill_allows() {
    assert_reads(&sample::passed(), include_str!("allowed.txt"));
}

#[test]
fn a_failure() {
    assert_reads(&sample::failed(), include_str!("fail.txt"));
}

#[test]
fn a_failure_with_what_was_tried() {
    assert_reads(&sample::tried(), include_str!("tried.txt"));
}

#[test]
fn an_inconclusive_one() {
    assert_reads(&sample::inconclusive(), include_str!("inconclusive.txt"));
}

#[test]
fn an_interrupted_one() {
    assert_reads(&sample::interrupted(), include_str!("interrupted.txt"));
}

#[test]
fn a_pass_is_about_one_screen() {
    assert!(lines(&sample::passed()).len() <= 28);
    for sample in all() {
        for line in lines(&sample) {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn the_first_and_the_last_words_are_the_verdict() {
    for (sample, first, last) in [
        (sample::spotless(), "SEAWORTHY  nothing lost in 13,480 requests, 9 replicas ended", "seaworthy: "),
        (
            sample::failed(),
            "NOT SEAWORTHY  37 of 13,480 requests lost: endpoint-removal-race and 1 more",
            "not seaworthy: ",
        ),
        (sample::inconclusive(), "INCONCLUSIVE  freeze: the disturbance did not happen", "inconclusive: "),
    ] {
        let shown = lines(&sample);
        assert_eq!(shown[0], first);
        assert!(shown.iter().rfind(|line| !line.starts_with(' ')).unwrap().starts_with(last), "{shown:#?}");
    }
}

#[test]
fn a_pass_claims_no_more_than_was_seen() {
    for (bound, shown) in [(0.000_222, "0.023%"), (0.3, "30%"), (0.01, "1.0%"), (0.000_003, "0.00030%")] {
        assert_eq!(words::share(bound), shown);
    }
}

#[test]
fn times_have_four_characters() {
    for (micros, shown) in [
        (1, "0.00"),
        (650, "0.65"),
        (9_994, "9.99"),
        (9_996, "10.0"),
        (99_960, "100"),
        (9_999_000, "9999"),
        (30_000_000, "30s"),
    ] {
        assert_eq!(words::millis(Some(Duration::from_micros(micros))), shown);
    }
}

#[test]
fn many_groups_end_in_a_count() {
    let shown = lines(&sample::failed());
    assert!(shown.contains(&"      3  of 3 more kinds, in the JSON report".to_owned()), "{shown:#?}");
}

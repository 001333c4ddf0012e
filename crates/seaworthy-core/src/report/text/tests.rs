use proptest::prelude::*;

use super::{super::sample, layout::WIDTH, render};

/// Compares line by line, so that a difference is seen.
fn assert_reads(shown: &str, expected: &str) {
    for (n, (shown, expected)) in shown.lines().zip(expected.lines()).enumerate() {
        assert_eq!(shown, expected, "line {}", n + 1);
    }
    assert_eq!(shown.lines().count(), expected.lines().count());
}

fn assert_fits(shown: &str) {
    for line in shown.lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn a_pass() {
    assert_reads(&render(&sample::passed().report()), include_str!("tests/pass.txt"));
}

#[test]
fn a_failure_of_several_kinds() {
    assert_reads(&render(&sample::failed().report()), include_str!("tests/fail.txt"));
}

#[test]
fn an_inconclusive_one() {
    assert_reads(&render(&sample::inconclusive().report()), include_str!("tests/inconclusive.txt"));
}

#[test]
fn one_without_thresholds() {
    assert_reads(&render(&sample::unjudged().report()), include_str!("tests/unjudged.txt"));
}

#[test]
fn nothing_is_wider_than_a_terminal() {
    for run in [
        sample::passed(),
        sample::failed(),
        sample::inconclusive(),
        sample::unjudged(),
        sample::empty(),
        sample::saying(&"long".repeat(300)),
    ] {
        assert_fits(&render(&run.report()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_server_says_fits(detail: String) {
        let shown = render(&sample::saying(&detail).report());
        assert_fits(&shown);
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    }
}

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
            "NOT SEAWORTHY  2 of 1,204 acknowledged writes are gone; 37 of 13,480 requests",
            "not seaworthy: 2 of 1,204 acknowledged writes are gone; 37 requests lost",
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
fn the_widest_table_fits() {
    for count in [0, 1, 17, 999, 1_234_567, 987_654_321] {
        for places in 0..64_u32 {
            let mut sample = sample::failed();
            for row in &mut sample.assessment.drills {
                let of = |place: u32| if places >> place & 1 == 1 { count } else { 0 };
                row.keep_alive.lost = of(0);
                row.fresh.lost = of(1);
                row.fresh.allowed = of(2);
                row.fresh.retried = of(3);
                row.fresh.shed = of(4);
                row.fresh.unknown = of(5);
                row.times[1].max = Some(Duration::from_hours(10));
            }
            for line in lines(&sample) {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }
}

#[test]
fn what_mends_it_comes_before_the_long_list_of_what_was_lost() {
    let shown = lines(&sample::failed());
    let place = |label: &str| shown.iter().position(|line| line.starts_with(label)).unwrap();
    assert!(place("finding  ") < place("failures") && place("writes  ") < place("finding  "));
}

#[test]
fn many_groups_end_in_a_count() {
    let shown = lines(&sample::failed());
    assert!(shown.contains(&"      3  of 3 more kinds, in the JSON report".to_owned()), "{shown:#?}");
}

#[test]
fn writes_that_are_gone_are_said_before_requests_and_mended_before_them() {
    let mut sample = sample::failed();
    let mut gone = sample.assessment.findings[0].clone();
    (gone.cause, gone.harm, gone.count) = ("non-durable-commit".to_owned(), crate::diagnosis::Harm::Writes, 2);
    sample.assessment.findings.push(gone);
    sample.assessment.total.lost = 3;
    let said = |sample: &Sample| {
        let shown = lines(sample);
        shown.iter().rfind(|line| !line.starts_with(' ')).unwrap().clone()
    };
    let writes = sample.assessment.writes.as_mut().unwrap();
    writes.failures = vec!["2 of 9 writes are gone".to_owned()];
    assert_eq!(said(&sample), "not seaworthy: 2 of 9 writes are gone; 3 requests lost");
    // Nothing else was lost.
    sample.assessment.drills.iter_mut().for_each(|row| (row.keep_alive.lost, row.fresh.lost) = (0, 0));
    assert_eq!(said(&sample), "not seaworthy: 2 of 9 writes are gone; mend non-durable-commit first");
    let markdown = TrialFormat::Markdown.render(&sample.report());
    assert!(
        markdown.contains("\nnot seaworthy: 2 of 9 writes are gone; mend non-durable-commit first\n"),
        "{markdown}"
    );
    let junit = TrialFormat::Junit.render(&sample.report());
    assert!(junit.contains("not seaworthy: 2 of 9 writes are gone; mend non-durable-commit first"), "{junit}");
}

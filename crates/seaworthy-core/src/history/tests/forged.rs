//! Histories that were changed, and those that no trial wrote.

use super::*;
use crate::{
    assessment::{
        Assessment, assess,
        sample::{Ending, Sample},
    },
    verdict::Verdict,
};

/// One that was recorded of a rollout without a loss, whose writes were followed.
fn passing() -> History {
    let mut history = Sample::rollout(Ending::GRACEFUL).history();
    history.header.writes = true;
    history.audit =
        Some(Audit { acknowledged: 300, kept: 300, first: Some(Moment::from_nanos(1)), ..Audit::default() });
    history
}

/// What is claimed where it passes.
fn claims(of: &Assessment) -> String {
    format!("{:?} {:?} {:?} {}", of.reasons, of.drills, of.writes, of.terminations)
}

#[test]
fn a_history_that_nobody_changed_passes() {
    let history = passing();
    let again = lines::read(lines::all(&history).lines()).unwrap();
    assert_eq!(again, history);
    assert_eq!(assess(&again).verdict, Verdict::Pass, "{:?}", assess(&again).reasons);
}

/// Whether a file says no more than the original.
fn says_no_more(file: &[&str], original: &str) -> Result<(), String> {
    let Ok(history) = lines::read(file) else { return Ok(()) };
    let assessment = assess(&history);
    if assessment.verdict != Verdict::Pass || claims(&assessment) == original {
        return Ok(());
    }
    Err(format!("{:?}", assessment.reasons))
}

#[test]
fn no_line_can_be_taken_out_or_repeated_unnoticed() {
    let history = passing();
    let file = lines::all(&history);
    let all: Vec<&str> = file.lines().collect();
    for n in 0..all.len() {
        let mut without = all.clone();
        without.remove(n);
        let mut twice = all.clone();
        twice.insert(n, all[n]);
        for changed in [without, twice] {
            let read = lines::read(&changed);
            let is_cut = read.as_ref().is_ok_and(|history| history.footer.is_none());
            assert!(read.is_err() || is_cut && assess(&read.unwrap()).verdict == Verdict::Inconclusive, "{}", all[n]);
        }
    }
}

#[test]
fn each_forgery_is_told() {
    let history = history();
    let file = lines::all(&history);
    let footer = lines::footer(&footer(), &Records::of(&history));
    let replaced = |from: &str, to: &str| {
        assert!(file.contains(from), "{from}");
        file.replacen(from, to, 1)
    };
    let interval = lines::interval(&history.intervals[0]);
    let ready = lines::event(history.events[1].0, &history.events[1].1);
    let left_out = |line: &str| replaced(&format!("{line}\n"), "");
    let without = |key: &str| {
        let mut line: serde_json::Value = serde_json::from_str(&interval).unwrap();
        assert!(line.as_object_mut().unwrap().remove(key).is_some());
        replaced(&interval, &line.to_string())
    };
    let last = history.events.last().unwrap().0.nanos();
    let events = history.events.len();
    let one_less = format!("it says that {events} events came before it, and {} did", events - 1);
    for (file, says) in [
        (without("failures"), "it counts other failures than it has"),
        (without("statuses"), "it counts other good answers than it has"),
        (without("lanes"), "it counts other good answers than it has"),
        (replaced("\"failed\":1,", "\"failed\":0,"), "it counts other failures than it has"),
        (replaced("\"good\":99,", "\"good\":98,"), "it counts other good answers than it has"),
        (replaced("\"retried\":1,", "\"retried\":0,"), "it has more failures whole than it counts"),
        (left_out(&ready), one_less.as_str()),
        (left_out(&interval), "it says that 2 intervals came before it, and 1 did"),
        (left_out(&lines::flood(&history.floods[0])), "it says that 1 floods came before it, and 0 did"),
        (left_out(&lines::audit(&audit())), "it says that 1 audits came before it, and 0 did"),
        (
            left_out(&lines::audit(&audit())).replace("\"audits\":1", "\"audits\":0"),
            "the writes were followed, and what became of them is missing",
        ),
        (replaced(&footer, &lines_without(&footer, "records")), "missing field `records`"),
        (replaced(&interval, &format!("{interval}\n{interval}")), "it is the interval before it once more"),
        (
            replaced(&interval, &format!("{}\n{interval}", interval.replace("\"index\":0", "\"index\":9"))),
            "it is an earlier interval than the one before it",
        ),
        (replaced("\"index\":2,", "\"index\":18446744073709551615,"), "an interval before it is long after the end"),
        (replaced("\"index\":2,", "\"index\":1600,"), "an interval before it is long after the end"),
        (replaced(&format!("\"at\":{last}"), "\"at\":1"), "it happened before the event before it"),
        (replaced("\"duration\":90123000000", "\"duration\":90123000000000000"), "no trial takes so long"),
        (replaced("\"kept\":2", "\"kept\":3"), "is not what was acknowledged"),
        (replaced("\"unverified\":0", "\"unverified\":1"), "is not what was acknowledged"),
        (replaced("\"recovered\":0", "\"recovered\":1"), "it knows of more writes without an answer than there were"),
        (
            replaced("\"harm\":\"lost\"", "\"harm\":\"duplicated\""),
            "it names more writes that came to harm than it counts",
        ),
    ] {
        let error = lines::read(file.lines()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

fn lines_without(line: &str, key: &str) -> String {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(line.as_object_mut().unwrap().remove(key).is_some());
    line.to_string()
}

#[test]
fn no_trial_has_such_a_header() {
    type Alter = fn(&mut Header, Duration);
    let century = Duration::from_hours(101 * 365 * 24);
    let changes: [(Alter, &str); 16] = [
        (|of, _| of.rate = 0.0, "no trial has a rate of 0e0"),
        (|of, _| of.rate = -1.0, "no trial has a rate of -1e0"),
        (|of, _| of.rate = 1e300, "no trial has a rate of 1e300"),
        (|of, _| of.rate = f64::NAN, "invalid type: null"),
        (|of, _| of.fresh = 1.5, "no share of requests is 1.5e0"),
        (|of, _| of.fresh = -0.5, "no share of requests is -5e-1"),
        (|of, _| of.deployment.replicas = 0, "no trial runs 0 replicas"),
        (|of, _| of.deployment.replicas = u32::MAX, "no trial runs 4294967295 replicas"),
        (|of, _| of.propagation_least = Duration::from_secs(2), "its propagation takes longer at least than at most"),
        (|of, long| of.propagation_most = long, "longer than a century"),
        (|of, long| of.timeout = long, "longer than a century"),
        (|of, long| of.deployment.min_ready = long, "longer than a century"),
        (|of, long| of.deployment.template.grace = long, "longer than a century"),
        (|of, long| of.deployment.template.readiness.as_mut().unwrap().period = long, "longer than a century"),
        (|of, long| of.deployment.template.pre_stop = Some(Hook::Sleep(long)), "longer than a century"),
        (|of, long| of.expectations.max_p99 = Some(long), "longer than a century"),
    ];
    for (change, says) in changes {
        let mut changed = header();
        change(&mut changed, century);
        let error = lines::read([lines::header(&changed)]).unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && error.contains(says) && !error.contains('\n'), "{says}: {error}");
    }
}

#[test]
fn a_thread_that_was_late_hands_over_two_of_a_tenth_of_a_second() {
    let first = Interval { index: 3, counts: Counts { arrived: 2, ..Counts::default() }, ..Interval::default() };
    let second = Interval { counts: Counts { arrived: 1, ..Counts::default() }, ..first.clone() };
    let idle = Interval { index: 4, ..Interval::default() };
    let other = Interval { thread: 1, ..first.clone() };
    let all = [first, second, idle.clone(), idle, other];
    let file: Vec<String> = [lines::header(&header())].into_iter().chain(all.iter().map(lines::interval)).collect();
    assert_eq!(lines::read(file).map(|history| history.intervals.len()), Ok(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_lines_that_change_places_never_say_more(one: prop::sample::Index, other: prop::sample::Index) {
        let history = passing();
        let file = lines::all(&history);
        let mut all: Vec<&str> = file.lines().collect();
        let (one, other) = (one.index(all.len()), other.index(all.len()));
        all.swap(one, other);
        let said = says_no_more(&all, &claims(&assess(&history)));
        prop_assert!(said.is_ok(), "{one} and {other}: {said:?}");
    }
}

#[test]
fn neighbours_that_change_places_never_say_more() {
    let history = passing();
    let file = lines::all(&history);
    let original = claims(&assess(&history));
    let all: Vec<&str> = file.lines().collect();
    for n in 1..all.len() {
        let mut swapped = all.clone();
        swapped.swap(n - 1, n);
        let said = says_no_more(&swapped, &original);
        assert!(said.is_ok(), "{}: {said:?}", all[n]);
    }
}

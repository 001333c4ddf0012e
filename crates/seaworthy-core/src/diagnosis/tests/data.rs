//! Writes and databases: what tells the last from everything, and what is claimed of it.

use std::time::Duration;

use super::{
    gallery::{acknowledged, every, harmed, timeline},
    *,
};
use crate::{
    assessment::sample::Failing,
    audit::{Audit, Harm},
};

/// The database is away from one moment to another.
fn restarted(mut sample: Sample, from: f64, to: f64) -> Sample {
    let exit = Some(Exit::Signal(9));
    sample.event(0.5, Event::DatabaseUp).event(from, Event::DatabaseDown { exit }).event(to, Event::DatabaseUp);
    sample
}

/// Lost writes beside a database that is away from 16 s to 19 s.
fn lost(of: Vec<(f64, u32)>) -> Sample {
    harmed(restarted(Sample::quiet(), 16.0, 19.0), Harm::Lost, of.into_iter())
}

fn findings(sample: &Sample) -> Vec<Finding> {
    assess(&sample.history()).findings
}

/// All causes of a trial, with how sure they are and how many writes they are about.
fn causes(sample: &Sample) -> Vec<(String, Confidence, u64)> {
    findings(sample).into_iter().map(|finding| (finding.cause, finding.confidence, finding.count)).collect()
}

#[track_caller]
fn says(sample: &Sample, words: &str) {
    let evidence = findings(sample).iter().map(|finding| finding.evidence.join("\n")).collect::<Vec<_>>().join("\n");
    assert!(evidence.contains(words), "{words}: {evidence}");
}

/// What all three replicas acknowledged in turn from one moment to another, ten a second.
fn all(from: f64, to: f64) -> Vec<(f64, u32)> {
    let each = u32::try_from(Duration::from_secs_f64(to - from).as_millis() / 300).unwrap();
    (0..3).flat_map(|replica| every(from + 0.1 * f64::from(replica), to, each, replica)).collect()
}

#[test]
fn a_database_that_loses_its_last_seconds_is_not_durable_however_many_they_are() {
    for (seconds, count) in [(0.5, 3), (2.0, 18), (5.0, 48), (11.0, 108)] {
        let sample = lost(all(15.95 - seconds, 15.95));
        let [(cause, confidence, lost)] = &*causes(&sample) else { panic!("{seconds}: {:#?}", findings(&sample)) };
        assert_eq!((&**cause, *confidence), ("non-durable-commit", Confidence::Likely), "{seconds}");
        assert!(*lost >= count, "{seconds}: {lost}");
        says(&sample, "that had been acknowledged before those are there");
    }
}

#[test]
fn what_is_kept_before_tells_the_last_from_everything() {
    // From the first write on.
    let everything = lost(all(2.0, 15.95));
    assert_eq!(causes(&everything)[0].0, "ephemeral-db-storage");
    says(&everything, "nothing that had been acknowledged before it ended is there");
    // Nobody knows what was there before.
    let mut unknown = lost(all(11.0, 15.95));
    unknown.audit.as_mut().unwrap().timeline.clear();
    let both = "ambiguous:ephemeral-db-storage|non-durable-commit";
    assert_eq!((&*causes(&unknown)[0].0, causes(&unknown)[0].1), (both, Confidence::Possible));
    says(&unknown, "too few are there from before");
    // Here and there.
    let spread = lost(every(4.0, 15.9, 12, 1).collect());
    assert_eq!(causes(&spread)[0].0, "lost-writes-unexplained");
    says(&spread, "others that were acknowledged in the same time are there");
    // All of what came first, while the rest is there.
    assert_eq!(causes(&lost(all(2.0, 9.0)))[0].0, "lost-writes-unexplained");
}

#[test]
fn more_than_are_kept_by_name_are_still_all_of_one_cause() {
    let mut sample = lost(all(2.0, 15.95));
    let audit = sample.audit.as_mut().unwrap();
    audit.harmed.truncate(30);
    let lost = audit.lost;
    assert_eq!(causes(&sample), [("ephemeral-db-storage".to_owned(), Confidence::Likely, lost)]);
}

#[test]
fn who_acknowledges_without_a_database_is_to_blame_for_it() {
    let meanwhile = lost(all(17.0, 18.5));
    assert_eq!((&*causes(&meanwhile)[0].0, causes(&meanwhile)[0].1), ("ack-before-persist", Confidence::Likely));
    says(&meanwhile, "acknowledged while the database was away");
    let mut tail = lost(all(13.0, 15.95));
    assert_eq!(causes(&tail)[0].0, "non-durable-commit");
    tail.audit.as_mut().unwrap().timeline[0].slots.push((175, 1, 0));
    assert_eq!(causes(&tail)[0].0, "ambiguous:ack-before-persist|non-durable-commit");
}

#[test]
fn each_restart_of_a_database_is_judged_by_what_was_acknowledged_since_the_one_before() {
    let mut sample = restarted(Sample::quiet(), 10.0, 11.0);
    sample.event(16.0, Event::DatabaseDown { exit: None }).event(19.0, Event::DatabaseUp);
    // The second start was with a volume.
    let both: Vec<(f64, u32)> = all(2.0, 9.95).into_iter().chain(all(15.0, 15.95)).collect();
    let sample = harmed(sample, Harm::Lost, both.into_iter());
    let mut found: Vec<String> = causes(&sample).into_iter().map(|(cause, ..)| cause).collect();
    found.sort_unstable();
    assert!(found.iter().any(|cause| cause == "ephemeral-db-storage"), "{found:?}");
    assert!(found.iter().any(|cause| cause.contains("non-durable-commit")), "{found:?}");
}

#[test]
fn a_replica_that_took_all_it_had_and_one_of_which_too_little_is_known() {
    let tail = |timeline: Option<_>| {
        let mut sample = harmed(Sample::kill(), Harm::Lost, every(14.2, 14.9, 7, 1));
        if let Some(timeline) = timeline {
            sample.audit.as_mut().unwrap().timeline = timeline;
        }
        causes(&sample)[0].clone()
    };
    assert_eq!(tail(None), ("ack-before-persist".to_owned(), Confidence::Likely, 7));
    let nothing = acknowledged(&[]).into_iter().take(1).collect();
    let (cause, confidence, _) = tail(Some(nothing));
    assert_eq!((&*cause, confidence), ("ambiguous:ack-before-persist|ephemeral-db-storage", Confidence::Possible));
}

#[test]
fn what_several_causes_share_is_only_possible() {
    for cause in ["stale-replica-read", "retry-duplicate-write"] {
        assert_eq!(findings(&timeline(cause))[0].confidence, Confidence::Possible, "{cause}");
    }
    // It is known that nobody sent it twice from here.
    let twice = timeline("retry-duplicate-write");
    says(&twice, "this tool never sends a write again");
    assert!(!findings(&twice)[0].evidence.iter().any(|line| line.contains("null run")));
    let quiet = harmed(Sample::kill(), Harm::Duplicated, every(3.0, 4.0, 3, 1));
    says(&quiet, "3 of them were written in the null run, where nothing was disturbed");
    assert!(findings(&quiet)[0].mends.contains("look whether the handler itself does"), "{:#?}", findings(&quiet));
}

#[test]
fn lost_writes_are_told_before_lost_requests() {
    let mut sample = lost(all(13.0, 15.95));
    for n in 0..50 {
        sample.fail(Failing::status(16.5 + 0.01 * f64::from(n), 500, n % 3));
    }
    let found = causes(&sample);
    assert!(found[0].0.contains("non-durable-commit") && found.len() > 1, "{found:?}");
    // One that is only late is no harm.
    let mut late = harmed(Sample::quiet(), Harm::Stale, every(14.0, 15.0, 3, 0));
    late.fail(Failing::status(16.5, 500, 0));
    assert_eq!(causes(&late).last().unwrap().0, "stale-replica-read");
}

#[test]
fn a_pool_that_never_heals_is_one_all_the_same() {
    let mut sample = restarted(Sample::quiet(), 13.0, 14.0);
    // No good answer from any of them after the database went.
    sample.answers = vec![(2.0, 12.9)];
    for n in 0..100 {
        sample.fail(Failing::status(15.1 + 0.1 * f64::from(n), 500, n % 3));
    }
    let found = findings(&sample);
    let [pool] = &*found else { panic!("{found:#?}") };
    assert_eq!((&*pool.cause, pool.confidence, pool.count), ("stale-db-pool", Confidence::Possible, 100));
    says(&sample, "replica 0, replica 1, replica 2 gave no good answer any more: still failing when the drill ended");
    says(&sample, "a schema that is gone with the database would look alike");
    // One that never answered is not one whose connections died.
    sample.answers = vec![];
    assert_eq!(causes(&sample)[0].0, "unexplained");
}

#[test]
fn unknown_writes_are_told_with_what_became_of_them() {
    let mut sample = timeline("unknown-outcome-write");
    sample.audit =
        Some(Audit { acknowledged: 9, kept: 9, unknown: 3, recovered: 2, not_executed: 1, ..Audit::default() });
    says(&sample, "of 3 unknown writes in all, 2 had been executed and 1 had not");
}

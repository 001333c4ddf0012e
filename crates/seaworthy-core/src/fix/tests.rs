use super::*;
use crate::assessment::{
    assess,
    sample::{Ending, Failing, Sample},
};

const SLEEP: Change = Change::PreStopSleep(Duration::from_secs(2));

/// What a rollout came to that lost so many to the race, with what would mend it.
fn lost(count: u32) -> Assessment {
    let mut sample = Sample::rollout(Ending::AT_ONCE);
    for n in 0..count {
        sample.fail(Failing::refused(15.1 + f64::from(n) / 100.0, 0));
    }
    let mut assessment = assess(&sample.history());
    for finding in &mut assessment.findings {
        finding.changes = vec![SLEEP];
    }
    assessment
}

fn deployment() -> Deployment {
    Sample::rollout(Ending::AT_ONCE).history().header.deployment
}

fn proof(before: &Assessment, after: &Assessment) -> Vec<(u64, u64, Proof)> {
    let proposal = proposal(before, &deployment()).unwrap();
    compare(before, after, &proposal).causes.into_iter().map(|one| (one.before, one.after, one.proof)).collect()
}

#[test]
fn what_is_to_mend_the_findings_is_proposed_with_their_drills() {
    let proposal = proposal(&lost(6), &deployment()).unwrap();
    let (changes, rounds) = (vec![SLEEP], vec![vec![SLEEP]]);
    assert_eq!(proposal, Proposal { changes, rounds, drills: vec![Drill::Baseline, Drill::Rollout] });
    assert_eq!(super::proposal(&lost(0), &deployment()), None);
    // What is so already is no change.
    let mut changed = deployment();
    SLEEP.apply(&mut changed);
    assert_eq!(super::proposal(&lost(6), &changed), None);
}

#[test]
fn a_sleep_that_leaves_no_room_in_the_grace_period_brings_its_own() {
    let mut short = deployment();
    short.template.grace = Duration::from_secs(4);
    let proposal = proposal(&lost(6), &short).unwrap();
    assert_eq!(proposal.changes, [SLEEP, Change::Grace(Duration::from_secs(7))]);
}

#[test]
fn a_cause_that_goes_away_with_its_change_is_confirmed() {
    let mut before = lost(8);
    assert_eq!(proof(&before, &lost(0)), [(8, 0, Proof::Confirmed)]);
    let tried = compare(&before, &lost(0), &proposal(&before, &deployment()).unwrap());
    assert_eq!(tried.lost, (8, 0));
    confirm(&mut before, &tried);
    assert_eq!(before.findings[0].confidence, Confidence::Confirmed);
}

#[test]
fn nothing_else_is_confirmed() {
    assert_eq!(proof(&lost(4), &lost(0)), [(4, 0, Proof::TooFew)]);
    assert_eq!(proof(&lost(2), &lost(1)), [(2, 1, Proof::Unclear)]);
    assert_eq!(proof(&lost(20), &lost(2)), [(20, 2, Proof::Fewer)]);
    assert_eq!(proof(&lost(40), &lost(40)), [(40, 40, Proof::Stays)]);
    let mut unaimed = lost(8);
    unaimed.findings[0].cause = "another".to_owned();
    let mut both = lost(8);
    both.findings.push(Finding { changes: Vec::new(), ..unaimed.findings[0].clone() });
    assert_eq!(proof(&both, &lost(0)), [(8, 0, Proof::NotAimedAt), (8, 0, Proof::Confirmed)]);
    assert_eq!(proof(&lost(8), &unaimed), [(0, 8, Proof::New), (8, 0, Proof::Confirmed)]);
    unaimed.findings[0].count = 1;
    assert_eq!(proof(&lost(8), &unaimed)[0].2, Proof::Unclear);
    let mut broken = lost(0);
    broken.drills[0].happened = Err("it did not".to_owned());
    assert_eq!(proof(&lost(8), &broken), [(8, 0, Proof::Incomparable)]);
    broken.drills.clear();
    assert_eq!(proof(&lost(8), &broken), [(8, 0, Proof::Incomparable)]);
    let mut before = lost(4);
    let tried = compare(&before, &lost(0), &proposal(&before, &deployment()).unwrap());
    confirm(&mut before, &tried);
    assert_ne!(before.findings[0].confidence, Confidence::Confirmed);
}

#[test]
fn what_the_changes_bring_to_light_is_tried_in_further_rounds() {
    let first = proposal(&lost(6), &deployment()).unwrap();
    let mut changed = deployment();
    SLEEP.apply(&mut changed);
    // The same again is nothing new, whether it is so already or goes less far.
    assert_eq!(further(&first, &lost(6), &changed), None);
    assert_eq!(further(&first, &lost(0), &changed), None);
    let found = |change: &Change| {
        let mut found = lost(6);
        found.findings[0].changes = vec![change.clone()];
        found
    };
    assert_eq!(further(&first, &found(&Change::PreStopSleep(Duration::from_secs(1))), &changed), None);
    let grace = Change::Grace(Duration::from_secs(40));
    let second = further(&first, &found(&grace), &changed).unwrap();
    assert_eq!(second.changes, [SLEEP, grace.clone()]);
    assert_eq!(second.rounds, [vec![SLEEP], vec![grace.clone()]]);
    assert_eq!(second.drills, first.drills);
    // What goes further takes the place of what was too little.
    let longer = Change::PreStopSleep(Duration::from_secs(4));
    let third = further(&second, &found(&longer), &changed).unwrap();
    assert_eq!(third.changes, [longer.clone(), grace.clone()]);
    assert_eq!(third.rounds, [vec![SLEEP], vec![grace], vec![longer]]);
    // Three are enough.
    assert_eq!(further(&third, &found(&Change::Replicas(9)), &changed), None);
}

/// A trial that lost so many, and the same with the sleep, which lost so many.
fn pair(before: u32, after: u32) -> (History, History) {
    let one = |count: u32| {
        let mut sample = Sample::rollout(Ending::AT_ONCE);
        for n in 0..count {
            sample.fail(Failing::refused(15.1 + f64::from(n) / 100.0, 0));
        }
        sample.history()
    };
    let (first, mut second) = (one(before), one(after));
    second.header.tried = Some(Again { of: first.header.began.clone(), rounds: vec![vec![SLEEP]] });
    (first, second)
}

#[test]
fn a_recorded_pair_is_compared_again() {
    let (first, second) = pair(20, 2);
    let judged = |of: &[History]| judged(&first, of).tried;
    let tried = judged(std::slice::from_ref(&second)).unwrap();
    assert_eq!((tried.lost, &tried.rounds), ((20, 2), &vec![vec![SLEEP]]));
    assert_eq!(judged(&[]), None);
    // Of several rounds the last one is what it came to.
    let mut last = pair(20, 0).1;
    let grace = Change::Grace(Duration::from_secs(40));
    last.header.tried.as_mut().unwrap().rounds.push(vec![grace.clone()]);
    let tried = judged(&[last, second]).unwrap();
    assert_eq!((tried.lost, tried.changes), ((20, 0), vec![SLEEP, grace]));
}

#[test]
fn what_is_not_the_same_trial_to_its_end_is_not_compared() {
    type Alter = fn(&mut History);
    let (first, second) = pair(20, 2);
    let changes: [(&str, Alter); 7] = [
        ("no changes", |of| of.header.tried = None),
        ("of another", |of| of.header.tried.as_mut().unwrap().of.push('1')),
        ("another seed", |of| of.header.seed += 1),
        ("another target", |of| of.header.target.push('1')),
        ("cut off", |of| of.footer = None),
        ("interrupted", |of| of.footer.as_mut().unwrap().interrupted = true),
        ("never begun", |of| of.events.retain(|(_, event)| !matches!(event, Event::DrillBegun { .. }))),
    ];
    assert!(is_again(&first, &second));
    for (what, change) in changes {
        let mut changed = second.clone();
        change(&mut changed);
        assert!(!is_again(&first, &changed), "{what}");
        assert_eq!(judged(&first, &[changed]).tried, None, "{what}");
    }
}

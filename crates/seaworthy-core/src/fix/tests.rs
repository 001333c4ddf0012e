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
    assert_eq!(proposal, Proposal { changes: vec![SLEEP], drills: vec![Drill::Baseline, Drill::Rollout] });
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
    let mut before = lost(6);
    assert_eq!(proof(&before, &lost(0)), [(6, 0, Proof::Confirmed)]);
    let tried = compare(&before, &lost(0), &proposal(&before, &deployment()).unwrap());
    assert_eq!(tried.lost, (6, 0));
    confirm(&mut before, &tried);
    assert_eq!(before.findings[0].confidence, Confidence::Confirmed);
}

#[test]
fn nothing_else_is_confirmed() {
    assert_eq!(proof(&lost(4), &lost(0)), [(4, 0, Proof::TooFew)]);
    assert_eq!(proof(&lost(6), &lost(2)), [(6, 2, Proof::Fewer)]);
    assert_eq!(proof(&lost(6), &lost(6)), [(6, 6, Proof::Stays)]);
    let mut unaimed = lost(6);
    unaimed.findings[0].cause = "another".to_owned();
    let mut both = lost(6);
    both.findings.push(Finding { changes: Vec::new(), ..unaimed.findings[0].clone() });
    assert_eq!(proof(&both, &lost(0)), [(6, 0, Proof::NotAimedAt), (6, 0, Proof::Confirmed)]);
    assert_eq!(proof(&both, &both), [(6, 6, Proof::Stays), (6, 6, Proof::Stays)]);
    assert_eq!(proof(&lost(6), &unaimed), [(0, 6, Proof::New), (6, 0, Proof::Confirmed)]);
    let mut broken = lost(0);
    broken.drills[0].happened = Err("it did not".to_owned());
    assert_eq!(proof(&lost(6), &broken), [(6, 0, Proof::Incomparable)]);
    broken.drills.clear();
    assert_eq!(proof(&lost(6), &broken), [(6, 0, Proof::Incomparable)]);
    let mut before = lost(4);
    let tried = compare(&before, &lost(0), &proposal(&before, &deployment()).unwrap());
    confirm(&mut before, &tried);
    assert_ne!(before.findings[0].confidence, Confidence::Confirmed);
}

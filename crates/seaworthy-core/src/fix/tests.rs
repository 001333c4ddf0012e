use super::*;
use crate::{
    assessment::{
        Group, assess,
        sample::{Ending, Failing, Sample},
    },
    deployment::{Check, ProbeKind},
    event::Event,
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
    SLEEP.apply(&mut second.header.deployment);
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
    grace.apply(&mut last.header.deployment);
    let tried = judged(&[last, second]).unwrap();
    assert_eq!((tried.lost, tried.changes), ((20, 0), vec![SLEEP, grace]));
}

#[test]
fn what_is_not_the_same_trial_to_its_end_is_not_compared() {
    type Alter = fn(&mut History);
    fn rounds(of: &mut History) -> &mut Vec<Vec<Change>> {
        &mut of.header.tried.as_mut().unwrap().rounds
    }
    /// Another change, which was made.
    fn with(of: &mut History, change: Change) {
        change.apply(&mut of.header.deployment);
        rounds(of).push(vec![change]);
    }
    let (first, second) = pair(20, 2);
    let changes: [(&str, Alter); 23] = [
        ("no trial", |of| of.header.tried = None),
        ("another trial", |of| of.header.tried.as_mut().unwrap().of.push('1')),
        ("its seed", |of| of.header.seed += 1),
        ("its target", |of| of.header.target.push('1')),
        ("its rate", |of| of.header.rate *= 2.0),
        ("its request", |of| of.header.request.push('1')),
        ("what it is held to", |of| of.header.expectations.max_lost = 9),
        ("its header", |of| of.header.connections += 1),
        ("its header", |of| of.header.timeout *= 2),
        ("its deployment", |of| of.header.deployment.replicas += 1),
        ("its deployment", |of| of.header.deployment.template.pre_stop = None),
        ("its deployment", |of| rounds(of)[0].push(Change::Replicas(9))),
        ("its drills", |of| of.header.drills.push(Drill::Kill)),
        ("its drills", |of| of.header.drills.reverse()),
        ("its drills", |of| of.header.drills.retain(|drill| *drill != Drill::Baseline)),
        ("in 0 rounds", |of| rounds(of).clear()),
        ("nothing is new", |of| rounds(of).push(Vec::new())),
        ("in 4 rounds", |of| (3..6).for_each(|n| with(of, Change::Replicas(n)))),
        ("preStop sleep 90000 s", |of| with(of, Change::PreStopSleep(Duration::from_hours(25)))),
        ("cut off", |of| of.footer = None),
        ("interrupted", |of| of.footer.as_mut().unwrap().interrupted = true),
        ("no drill", |of| of.events.retain(|(_, event)| !matches!(event, Event::DrillBegun { .. }))),
        ("no record of 4.0 s", |of| of.intervals.retain(|interval| !(140..180).contains(&interval.index))),
    ];
    assert_eq!(is_again(&first, &second), Ok(()));
    for (what, change) in changes {
        let mut changed = second.clone();
        change(&mut changed);
        let why = is_again(&first, &changed).unwrap_err();
        assert!(why.contains(&what.replace("its drills", "the list of its drills")), "{what}: {why}");
        assert_eq!(judged(&first, &[changed]).tried, None, "{what}");
    }
}

#[test]
fn what_a_trial_with_changes_has_of_its_own_is_no_difference() {
    let (first, mut second) = pair(20, 2);
    second.header.began.push('1');
    second.header.assumptions.push("tried".to_owned());
    assert_eq!(is_again(&first, &second), Ok(()));
    let mut more = first;
    more.header.drills = vec![Drill::Baseline, Drill::Kill, Drill::Rollout];
    assert_eq!(is_again(&more, &second), Ok(()));
    // The rules of each round are those of the one before it, with all changes so far.
    for (change, further) in [
        (Change::Without(ProbeKind::Startup), Change::Startup(Check::Tcp { port: None }, Duration::from_secs(1), 60)),
        (Change::Startup(Check::Tcp { port: None }, Duration::from_secs(1), 60), Change::Without(ProbeKind::Startup)),
        (Change::PreStopSleep(Duration::from_secs(3)), Change::PreStopSleep(Duration::from_secs(4))),
    ] {
        let mut second = second.clone();
        let again = second.header.tried.as_mut().unwrap();
        again.rounds.extend([vec![change.clone()], vec![further.clone()]]);
        let rules = &mut second.header.deployment;
        for all in [vec![SLEEP, change.clone()], vec![SLEEP, change, further]] {
            for change in merged(all) {
                change.apply(rules);
            }
        }
        assert_eq!(is_again(&more, &second), Ok(()));
    }
}

/// What a null run, a rollout and a quiet drill came to, of which the last two lost so many each by the same cause.
fn in_two_drills(in_rollout: u64, in_kill: u64) -> Assessment {
    let mut both = lost(6);
    let group = both.groups[0].clone();
    let of = |drill, lost| Group { drill, count: lost + 3, allowed: 2, retried: 1, ..group.clone() };
    both.groups = vec![of(Drill::Rollout, in_rollout), of(Drill::Kill, in_kill)];
    let finding = &mut both.findings[0];
    finding.changes.clear();
    (finding.count, finding.allowed, finding.retried) = (in_rollout + in_kill + 6, 4, 2);
    finding.drills.insert(Drill::Kill);
    both
}

#[test]
fn only_what_was_in_the_drills_that_were_made_again_is_compared() {
    let again = proposal(&lost(6), &deployment()).unwrap();
    let compared = |before: &Assessment, after: &Assessment| {
        let causes = compare(before, after, &again).causes;
        causes.into_iter().map(|one| (one.before, one.after, one.proof)).collect::<Vec<_>>()
    };
    // As many as before: those of the drill that was not made again did not go away.
    assert_eq!(compared(&in_two_drills(60, 120), &lost(60)), [(60, 60, Proof::Stays)]);
    assert_eq!(compared(&in_two_drills(60, 120), &lost(0)), [(60, 0, Proof::NotAimedAt)]);
    assert_eq!(compared(&in_two_drills(0, 120), &lost(0)), []);
    // Of what is no request it is not known in which drill how much of it was.
    let mut slow = in_two_drills(60, 120);
    slow.findings[0].harm = Harm::Slowness;
    assert_eq!(compared(&slow, &lost(60)), [(186, 60, Proof::Incomparable)]);
    slow.findings[0].drills.remove(&Drill::Kill);
    assert_eq!(compared(&slow, &lost(60)), [(186, 60, Proof::Fewer)]);
}

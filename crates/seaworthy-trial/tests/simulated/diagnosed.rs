//! What is found in worlds by chance, beside what the world knows.

use std::{collections::BTreeSet, thread};

use seaworthy_core::{assessment::assess, drill::Drill, verdict::Verdict};
use seaworthy_trial::simulated::{Behaviour, PLANTS, UNKNOWN, plant};

use crate::{
    world,
    worlds::{Made, Sort, happen, make, name},
};

#[test]
fn nobody_is_accused_in_two_hundred_healthy_worlds() {
    let drills = |half: u64| {
        let mut drills = BTreeSet::new();
        for seed in half * 100..(half + 1) * 100 {
            let made = make(seed, Sort::Healthy);
            drills.extend(made.plan.drills.iter().copied());
            let (history, truth) = happen(&made);
            let assessment = assess(&history);
            for finding in &assessment.findings {
                let own = matches!(finding.cause.as_str(), "killed" | "hung");
                assert!(own && finding.lost() == 0, "seed {seed}: {finding:#?}");
            }
            assert_ne!(assessment.verdict, Verdict::Fail, "seed {seed}: {:?}", assessment.reasons);
            let known = truth.missed.iter().all(|missed| matches!(missed.cause, "killed" | "hung"));
            assert!(
                known && truth.slowed.keys().all(|cause| matches!(*cause, "killed" | "hung")),
                "seed {seed}: {truth:?}"
            );
        }
        drills
    };
    let drills: BTreeSet<Drill> = thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || drills(half)));
        halves.into_iter().flat_map(|half| half.join().expect("nobody is accused")).collect()
    });
    assert_eq!(drills.len(), Drill::DEFAULT.len(), "all drills are among them");
}

/// A default trial with causes planted.
fn planted(planted: &[&'static str]) -> Made {
    let (mut plan, mut world) = (world::plan(&Drill::DEFAULT, 1), world::world(1));
    assert!(plant(&name(planted), &mut plan, &mut world), "{planted:?}");
    Made { seed: 1, planted: planted.to_vec(), plan, world }
}

#[track_caller]
fn is_found(made: &Made) {
    let (history, truth) = happen(made);
    let assessment = assess(&history);
    let found: Vec<&str> = assessment.findings.iter().map(|finding| finding.cause.as_str()).collect();
    // One may keep the other from showing, or almost: a bad release that takes longer to start than it is left alone, say.
    let shows = |cause: &str| {
        made.planted.len() == 1 || truth.missed.iter().filter(|missed| missed.cause == cause).count() >= 10
    };
    for cause in made.planted.iter().filter(|cause| shows(cause)) {
        assert!(found.contains(cause), "{:?}: {found:?}", made.planted);
        // What is only slow fails nothing.
        let lost = assessment.findings.iter().any(|finding| finding.cause == **cause && finding.lost() > 0);
        assert!(!lost || assessment.verdict != Verdict::Pass, "{:?}", made.planted);
    }
}

#[test]
fn each_plant_is_found_under_its_name() {
    for (cause, _) in PLANTS.iter().filter(|(cause, _)| *cause != "none") {
        is_found(&planted(&[*cause]));
    }
}

#[test]
fn both_of_two_plants_are_found() {
    let causes: Vec<&str> = PLANTS.iter().map(|(cause, _)| *cause).filter(|cause| *cause != "none").collect();
    for (place, first) in causes.iter().enumerate() {
        for second in causes.iter().skip(place + 1) {
            if Behaviour::named(&name(&[first, second])).is_some() {
                is_found(&planted(&[*first, *second]));
            }
        }
    }
}

#[test]
fn a_world_by_chance_knows_why_each_of_its_requests_failed() {
    let mut planted = BTreeSet::new();
    for seed in 0..60 {
        let made = make(seed, Sort::Any);
        let (_, truth) = happen(&made);
        planted.insert(made.planted.len());
        let unknown = truth.missed.iter().find(|missed| missed.cause == UNKNOWN);
        assert!(unknown.is_none(), "seed {seed}, {:?}: {unknown:?}", made.planted);
    }
    assert_eq!(planted, BTreeSet::from([0, 1, 2]));
}

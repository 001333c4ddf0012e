//! Whether a recorded trial is another one again, with changes.

use std::time::Duration;

use super::{Again, MOST_ROUNDS};
use crate::{
    change::{Change, merged},
    deployment::Deployment,
    drill::Drill,
    event::Event,
    history::{Header, History},
};

/// No change asks for more time, beyond what the rules had.
const MOST_TIME: Duration = Duration::from_hours(24);

/// No change asks for more of anything.
const MOST: u32 = 10_000;

/// Whether a trial is another one again, with changes, and came to its end: else why not. What was broken off, or is
/// another trial but for what was changed, proves nothing.
pub fn is_again(first: &History, second: &History) -> Result<(), String> {
    let Some(Again { of, rounds }) = &second.header.tried else {
        return Err("it is of no trial that was made again".to_owned());
    };
    if *of != first.header.began {
        return Err("it is another trial that it was made of".to_owned());
    }
    let changed = changed(&first.header.deployment, rounds)?;
    if let Some(what) = differs(&first.header, &second.header, &changed) {
        return Err(format!("{what} is not what the first trial says, with what was changed"));
    }
    let interrupted = second.events.iter().any(|(_, event)| *event == Event::Interrupted);
    match &second.footer {
        None => return Err("it was cut off".to_owned()),
        Some(footer) if footer.interrupted || interrupted => return Err("it was interrupted".to_owned()),
        Some(_) => {}
    }
    if !second.events.iter().any(|(_, event)| matches!(event, Event::DrillBegun { .. })) {
        return Err("no drill of it began".to_owned());
    }
    match second.unrecorded() {
        Some(time) => Err(format!("it has no record of {:.1} s of the load", time.as_secs_f64())),
        None => Ok(()),
    }
}

/// The rules of the last round: in each round all changes so far were made.
fn changed(first: &Deployment, rounds: &[Vec<Change>]) -> Result<Deployment, String> {
    if rounds.is_empty() || rounds.len() > MOST_ROUNDS {
        return Err(format!("no trial is made again in {} rounds", rounds.len()));
    }
    let (mut rules, mut all) = (first.clone(), Vec::new());
    for round in rounds {
        if let Some(change) = round.iter().find(|change| !can_be(change, first)) {
            return Err(format!("no trial is made again with {}", change.words()));
        }
        let next = merged(all.iter().chain(round).cloned());
        if next == all {
            return Err("nothing is new in a round of it".to_owned());
        }
        all = next;
        for change in &all {
            change.apply(&mut rules);
        }
    }
    Ok(rules)
}

/// Whether a change is one that may have been proposed.
fn can_be(change: &Change, first: &Deployment) -> bool {
    match change {
        Change::PreStopSleep(time) | Change::MinReady(time) => *time <= MOST_TIME,
        Change::Grace(time) => *time <= first.template.grace.saturating_add(MOST_TIME),
        Change::Replicas(count) => (1..=MOST).contains(count),
        Change::Patience(_, time, failures) | Change::Startup(_, time, failures) => {
            *time <= MOST_TIME && (1..=MOST).contains(failures)
        }
        Change::RollingUpdate | Change::Path(..) | Change::Without(_) => true,
    }
}

/// What a header says that it would not, had nothing but the rules been changed.
fn differs(first: &Header, second: &Header, changed: &Deployment) -> Option<&'static str> {
    if second.deployment != *changed {
        return Some("its deployment");
    }
    if !is_part(&second.drills, &first.drills) {
        return Some("the list of its drills");
    }
    let same = Header {
        // What a trial with changes has of its own.
        began: second.began.clone(),
        deployment: second.deployment.clone(),
        assumptions: second.assumptions.clone(),
        drills: second.drills.clone(),
        tried: second.tried.clone(),
        ..first.clone()
    };
    if same == *second {
        return None;
    }
    let parts = [
        ("its target", same.target == second.target),
        ("its seed", same.seed == second.seed),
        ("its rate", same.rate.to_bits() == second.rate.to_bits()),
        ("its request", same.request == second.request),
        ("what it is held to", same.expectations == second.expectations),
    ];
    Some(parts.into_iter().find(|(_, same)| !same).map_or("its header", |(what, _)| what))
}

/// Whether some drills are of others, in the same order, with the null run where there was one.
fn is_part(some: &[Drill], all: &[Drill]) -> bool {
    let mut rest = all.iter();
    let in_order = some.iter().all(|drill| rest.any(|other| other == drill));
    let null = |drills: &[Drill]| drills.contains(&Drill::Baseline);
    in_order && !some.is_empty() && null(some) == null(all)
}

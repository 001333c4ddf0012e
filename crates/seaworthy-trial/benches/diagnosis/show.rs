//! What came of it, for people.

use std::{cmp::Reverse, collections::BTreeMap};

use seaworthy_core::assessment::assess;

use crate::{
    compare::{Compared, Score, compare, confusion, scores},
    worlds::{Made, happen, name},
};

/// Worlds of each sort that are named.
const NAMED: usize = 8;

/// All worlds.
pub(crate) fn all(worlds: &[Compared]) {
    let planted = |count: usize| worlds.iter().filter(|world| world.made.planted.len() == count).count();
    println!("{} healthy, {} with one cause planted, {} with two", planted(0), planted(1), planted(2));
    let alarms: Vec<&Compared> = worlds.iter().filter(|world| world.is_false_alarm()).collect();
    println!("\nhealthy worlds with a finding against the target or a failing verdict: {} (bound: 0)", alarms.len());
    named(&alarms);
    for (count, words) in [(1, "one cause"), (2, "two causes")] {
        table(&scores(worlds, count), words);
    }
    println!("\nfailed requests: what really was their cause, and what was found instead (worlds, the first seeds)");
    let mut taken: Vec<_> = confusion(worlds).into_iter().filter(|((real, found), _)| real != found).collect();
    taken.sort_by_key(|(_, taken)| Reverse(taken.requests));
    for ((real, found), taken) in taken {
        let seeds: Vec<String> = taken.worlds.iter().take(4).map(ToString::to_string).collect();
        let (worlds, seeds) = (taken.worlds.len(), seeds.join(", "));
        println!("  {real:<30}  {found:<44} {:>8}  ({worlds}: {seeds})", taken.requests);
    }
    let wrong: Vec<&Compared> = worlds.iter().filter(|world| world.false_ones().next().is_some()).collect();
    println!("\nworlds in which something was found that is not there: {}", wrong.len());
    named(&wrong);
    let overlooked: Vec<&Compared> = worlds.iter().filter(|world| world.overlooked().next().is_some()).collect();
    println!("\nworlds in which what was planted showed and was not found by its name: {}", overlooked.len());
    named(&overlooked);
    println!("\nOne of them again, with all evidence: cargo xtask bench diagnosis --seed SEED");
}

fn table(scores: &BTreeMap<String, Score>, words: &str) {
    println!("\nworlds with {words} planted");
    println!(
        "  {:<30} {:>6} {:>6} {:>7} {:>9} {:>11} {:>8} {:>8} {:>10}",
        "", "shown", "found", "recall", "candidate", "inseparable", "accused", "rightly", "precision"
    );
    let mut sum = Score::default();
    for (cause, score) in scores {
        row(cause, score);
        sum.shown += score.shown;
        sum.found += score.found;
        sum.candidate += score.candidate;
        sum.inseparable += score.inseparable;
        sum.accused += score.accused;
        sum.rightly += score.rightly;
    }
    row("all", &sum);
}

fn row(cause: &str, score: &Score) {
    let Score { shown, found, candidate, inseparable, accused, rightly } = *score;
    let (recall, precision) = (share(found, shown), share(rightly, accused));
    println!(
        "  {cause:<30} {shown:>6} {found:>6} {recall:>7} {candidate:>9} {inseparable:>11} {accused:>8} {rightly:>8} {precision:>10}"
    );
}

fn share(part: u64, of: u64) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.4}", part as f64 / of as f64) }
}

fn named(worlds: &[&Compared]) {
    for world in worlds.iter().take(NAMED) {
        let found: Vec<String> = world.found.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
        let real: Vec<String> = world.real.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
        println!("  seed {:>6}: planted {}", world.made.seed, name(&world.made.planted));
        println!("               really {}", real.join(", "));
        println!("               found {}", found.join(", "));
    }
}

/// One world, with all that was found in it.
pub(crate) fn one(made: Made) {
    let Made { seed, plan, world, .. } = &made;
    println!("seed {seed}: planted {}", name(&made.planted));
    println!("{:#?}\n{:?}\n{:?}\n{world:#?}", plan.deployment, plan.drills, plan.propagation);
    let (history, truth) = happen(&made);
    for (at, event) in &history.events {
        println!("  {:>9.3}  {event:?}", at.since_start().as_secs_f64());
    }
    let assessment = assess(&history);
    println!("\nverdict: {:?}, {:?}", assessment.verdict, assessment.reasons);
    for finding in &assessment.findings {
        println!("\n{} ({}), {} requests: {}", finding.cause, finding.confidence.label(), finding.count, finding.title);
        println!("  {}", finding.evidence.join("\n  "));
    }
    println!("\nfailed requests, and what really was their cause");
    for missed in &truth.missed {
        let outcome = &missed.attempt.outcome;
        let (begun, done) = (outcome.begun.since_start().as_secs_f64(), outcome.done.since_start().as_secs_f64());
        let failed = outcome.end.as_ref().err().map(seaworthy_core::outcome::Failure::words).unwrap_or_default();
        let (over, again) = (outcome.connection.label(), if missed.attempt.retried { ", sent again" } else { "" });
        println!("  {begun:>9.4} to {done:>9.4}  {over:<6} {:?}: {failed}{again}: {}", outcome.endpoint, missed.cause);
    }
    let compared = compare(made);
    println!("\nreally {:?}\nfound {:?}", compared.real, compared.found);
    for ((real, found), count) in &compared.pairs {
        println!("  {count:>6}  {real} as {found}");
    }
}

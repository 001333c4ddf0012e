//! Load that is not where it should be: connections that are kept stay where they are.

use std::time::Duration;

use super::{
    Confidence, Harm, Rule, entries,
    observed::{Observing, Seen},
    pace::Second,
    slowness::{is_slow, medians, settled},
};
use crate::{
    assessment::balance,
    event::Event,
    lives::Life,
    text::{counted, thousands, time},
};

pub(super) const PINNING: Rule = Rule {
    id: "connection-pinning",
    title: "one replica had several times its share of the kept connections, and was slow for it",
    harm: Harm::Spread,
    entry: entries::connections::PINNING,
    mends: |_| {
        "more connections, a bound on their age or on the requests over each, or balancing by request in place of by \
         connection"
            .to_owned()
    },
    ..Rule::OBSERVED
};

pub(super) const NO_REBALANCE: Rule = Rule {
    id: "no-rebalance-after-scale-up",
    title: "replicas that were added got little or nothing of the load: kept connections stayed where they were",
    harm: Harm::Spread,
    entry: entries::connections::NO_REBALANCE,
    mends: |_| {
        "a bound on the age of connections, or on the requests over each, so that clients open them again and reach new \
         replicas: nginx keepalive_requests 1000 and keepalive_time 1m, Node server.maxRequestsPerSocket = 1000, Envoy \
         max_connection_duration 60s, or a maximum lifetime in the clients' pools"
            .to_owned()
    },
    ..Rule::OBSERVED
};

/// Shorter is no time to settle.
const LEAST_SECONDS: usize = 60;

/// Fewer requests say nothing.
const LEAST_REQUESTS: u64 = 1_000;

/// Less likely than this by chance, of all replicas together.
const CHANCE: f64 = 0.001;

/// How soon after a scale-up a replica is of it.
const OF_SCALING: Duration = Duration::from_mins(1);

/// A replica's requests over kept connections, as a multiple of its share.
pub(super) fn ratio(settled: &[Second]) -> f64 {
    let own: u64 = settled.iter().map(|second| second.reused).sum();
    let fair: f64 = settled.iter().map(|second| second.all_reused as f64 / second.seen.max(1) as f64).sum();
    if fair > 0.0 { own as f64 / fair } else { 1.0 }
}

/// A replica that is hot since more connections lead to it than chance allows.
pub(super) fn pinned(observing: &Observing<'_>) -> Option<Seen> {
    let mut seen = Seen::of(&PINNING, Confidence::Likely);
    for life in observing.lives.all() {
        let settled = settled(observing, life);
        let (ratio, connections) = (ratio(&settled), observing.history.header.connections);
        let Some(replicas) = enough(&settled).filter(|_| ratio > 2.0 && is_slow(&settled)) else { continue };
        let share = ratio / replicas as f64;
        let held = (share * connections as f64).floor();
        if binomial_tail(connections, 1.0 / replicas as f64, held) >= CHANCE / replicas as f64 {
            continue;
        }
        let (own, rest) = medians(&settled);
        seen.evidence.push(format!(
            "{} had {:.0}% of the requests over kept connections where {:.0}% are its share, for {} seconds",
            life.replica,
            share * 100.0,
            100.0 / replicas as f64,
            settled.len()
        ));
        seen.evidence.push(format!("its median was {}, and {} that of the others", time(own), time(rest)));
        seen.evidence.push(by_chance(connections));
        seen.add(observing, life.replica, settled.iter().map(|second| second.reused).sum(), at(&settled));
    }
    (!seen.replicas.is_empty()).then_some(seen)
}

/// A replica that joined by a scale-up, and that kept connections do not reach.
pub(super) fn not_rebalanced(observing: &Observing<'_>) -> Option<Seen> {
    let doubled = balance::unreached(observing.history, observing.lives);
    // A bound on the age of connections shows only where it was watched for longer than that.
    let short = doubled.iter().any(|doubled| !doubled.is_long());
    let mut seen = Seen::of(&NO_REBALANCE, if short { Confidence::Possible } else { Confidence::Likely });
    for doubled in &doubled {
        unreached(observing, doubled, &mut seen);
    }
    let known = seen.replicas.clone();
    let added = observing.lives.all().filter(|life| !known.contains(&life.replica));
    for life in added.filter(|life| is_of_scaling(observing, life)) {
        let settled = settled(observing, life);
        let (ratio, connections) = (ratio(&settled), observing.history.header.connections);
        let Some(replicas) = enough(&settled).filter(|_| ratio < 0.1) else { continue };
        // That none of so many connections led there by chance.
        if (1.0 - 1.0 / replicas as f64).powf(connections as f64) >= CHANCE / replicas as f64 {
            continue;
        }
        let (own, all) =
            settled.iter().fold((0, 0), |(own, all), second| (own + second.reused, all + second.all_reused));
        seen.evidence.push(format!(
            "{} had {} of {} requests over kept connections, where {:.0}% are its share, for {} seconds",
            life.replica,
            thousands(own),
            thousands(all),
            100.0 / replicas as f64,
            settled.len()
        ));
        seen.evidence.push(by_chance(connections));
        seen.add(observing, life.replica, (all / replicas as u64).saturating_sub(own), at(&settled));
    }
    (!seen.replicas.is_empty()).then_some(seen)
}

/// What the balance drill saw.
fn unreached(observing: &Observing<'_>, doubled: &balance::Unreached, seen: &mut Seen) {
    let numbers: Vec<String> = doubled.new.iter().map(|replica| replica.0.to_string()).collect();
    let noun = if numbers.len() == 1 { "replica" } else { "replicas" };
    let watched = doubled.watched.as_secs_f64();
    seen.evidence.push(format!(
        "the new {noun} {} had {} of {} requests over kept connections, where {:.0}% are the share, for {watched:.1} s",
        numbers.join(", "),
        thousands(doubled.got),
        thousands(doubled.all),
        doubled.fair * 100.0
    ));
    let opened = counted(doubled.opened, "kept connection");
    seen.evidence.push(format!("{opened} {} opened in that time", if doubled.opened == 1 { "was" } else { "were" }));
    if !doubled.is_long() {
        seen.evidence.push("an age of connections of up to a minute would not show in that: --balance 60s".to_owned());
    }
    let mut misplaced = doubled.due.saturating_sub(doubled.got);
    for replica in &doubled.new {
        seen.add(observing, *replica, std::mem::take(&mut misplaced), std::iter::once(doubled.from));
    }
}

fn by_chance(connections: usize) -> String {
    format!("with {connections} kept connections chance alone does that less than once in 1,000 trials")
}

fn at(settled: &[Second]) -> impl Iterator<Item = crate::time::Moment> + '_ {
    settled.iter().map(|second| second.at)
}

/// How many replicas there were at least, where it was watched for long enough.
fn enough(settled: &[Second]) -> Option<usize> {
    let requests: u64 = settled.iter().map(|second| second.all_reused).sum();
    let replicas = settled.iter().map(|second| second.seen).max()?;
    (settled.len() >= LEAST_SECONDS && requests >= LEAST_REQUESTS && replicas > 1).then_some(replicas)
}

fn is_of_scaling(observing: &Observing<'_>, life: &Life) -> bool {
    let Some(created) = life.created else { return false };
    observing.history.events.iter().any(|(at, event)| {
        matches!(event, Event::Scaled { from, to } if from < to) && *at <= created && created <= *at + OF_SCALING
    })
}

/// How likely at least so many of all are, where each has this probability.
fn binomial_tail(all: usize, probability: f64, least: f64) -> f64 {
    let mut term = (1.0 - probability).powf(all as f64);
    let mut tail = 0.0;
    for n in 0..=all {
        if n as f64 >= least {
            tail += term;
        }
        term *= (all - n) as f64 / (n + 1) as f64 * probability / (1.0 - probability);
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_counted_right() {
        for (all, probability, least, tail) in [
            (10, 0.5, 5.0, 0.623),
            (8, 1.0 / 3.0, 8.0, 0.000_152),
            (50, 1.0 / 3.0, 34.0, 0.000_001),
            (3, 0.25, 0.0, 1.0),
        ] {
            let found = binomial_tail(all, probability, least);
            assert!((found - tail).abs() <= 0.001 * tail.max(0.01), "{all} {least}: {found}");
        }
    }
}

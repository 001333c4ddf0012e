//! Why nobody can know what a drill would have shown.

use std::time::Duration;

use super::{AFTER, Judging, parts};
use crate::{
    assessment::{Counted, allowance, balance, counting::Tally, flooded, proof, were},
    event::Event,
    generator,
    histogram::Histogram,
    history::{Header, History},
    interval::INTERVAL,
    text,
};

/// Fewer requests of a kind of client tell nothing.
const FEWEST: u64 = 30;

/// Fewer new connections that would have met the moment in which a replica ends tell nothing.
const FEWEST_RACES: f64 = 3.0;

/// The latest that the generator may be. Where times are held to a bound it is what is fair for times. What is lost does
/// not depend on milliseconds: there it is the length of an interval, since up to that events and requests keep their
/// order.
const fn most_lag(header: &Header) -> Duration {
    if header.expectations.max_p99.is_some() { generator::MOST_LAG } else { INTERVAL }
}

/// What of the tool itself limits what can be said of this drill.
pub(super) fn limits(of: &Judging<'_>) -> Vec<String> {
    let Judging { history, window, tally, .. } = *of;
    let mut limits = Vec::new();
    let most = most_lag(&history.header);
    if let Some(lag) = tally.send_lag.quantile(0.99).filter(|lag| *lag > most) {
        limits.push(format!(
            "the generator was late: p99 of its send lag was {} (at most {most:?} is fair); use a quieter machine or a \
             lower --rate",
            text::time(lag),
        ));
    }
    for (count, what) in tally.own.iter().zip(["source port", "file descriptor"]) {
        if *count > 0 {
            limits.push(format!("the generator had no free {what} for {}", text::counted(*count, "request")));
        }
    }
    for (at, event) in &history.events {
        if let Event::Blind { what } = event
            && (window.begun..=window.until).contains(at)
        {
            limits.push(format!("the tool missed something: {what}"));
        }
    }
    limits.extend(of_trial(history));
    limits
}

/// What of the tool itself limits all drills alike.
pub(in crate::assessment) fn of_trial(history: &History) -> Vec<String> {
    let Some(footer) = &history.footer else { return Vec::new() };
    let mut limits = Vec::new();
    if footer.not_sent > 0 {
        limits.push(format!(
            "{} never sent since no connection came free: it is not known to which drill they belong",
            were(footer.not_sent, "request")
        ));
    }
    if footer.generator.backlog > 0 {
        limits.push(format!(
            "the recording fell behind: {} handed over late",
            were(footer.generator.backlog, "interval")
        ));
    }
    limits
}

/// Another process answers for a replica: nothing that was seen from there on is the target's.
pub(super) fn foreign(of: &Judging<'_>) -> Option<String> {
    let in_window = |at| at < of.window.until;
    of.lives.all().find_map(|life| {
        let (at, holder) = life.foreign.as_ref()?;
        let past = life.gone.is_some_and(|gone| gone < of.window.begun);
        (in_window(*at) && !past).then(|| {
            format!(
                "another process answers for {}: {holder} holds its port; stop it, or choose other ports",
                life.replica
            )
        })
    })
}

/// Why nobody can know.
pub(super) fn doubts(of: &Judging<'_>, unproven: Option<&String>) -> Vec<String> {
    let Judging { history, lives, window, tally, .. } = *of;
    let header = &history.header;
    let mut doubts: Vec<String> = foreign(of).into_iter().chain(limits(of)).collect();
    if window.ended.is_none() {
        doubts.push("it was cut short".to_owned());
    }
    if window.disturbed.is_some() && window.settled.is_none() && window.broken.is_none() {
        doubts.push("nothing shows that all was as it should be again before it ended".to_owned());
    }
    if let Some(unproven) = unproven {
        doubts.push(format!("it is not proven that it happened: {unproven}"));
    }
    if let Some(allowance::Unnoticed::TooShort(why)) = allowance::unnoticed(window, header, lives) {
        doubts.push(why);
    }
    doubts.extend(flooded::doubts(window, history, lives));
    doubts.extend(balance::doubts(window, history, lives));
    doubts.extend(unanswered(of));
    doubts.extend(unmeasured(of));
    // It says how high the rate has to be.
    doubts.extend(races(of));
    doubts.extend(few(header, tally));
    doubts
}

/// Losses that may be the baseline's own.
fn unanswered(of: &Judging<'_>) -> Vec<String> {
    let counted = of.tally.all();
    let most = of.history.header.expectations.max_lost;
    let mut doubts = Vec::new();
    if counted.lost > most {
        doubts.push(if of.in_baseline > 0 {
            format!(
                "{} lost as in the baseline, where nothing is done: whether the drill loses any cannot be seen \
                 before that is mended",
                were(of.in_baseline, "request")
            )
        } else {
            format!("{} lost, but that may be the generator's own doing", were(counted.lost, "request"))
        });
    }
    let unknown = counted.unknown.saturating_sub(of.tally.unknown_allowed);
    if unknown > 0 && counted.lost + unknown > most {
        doubts.push(format!(
            "{} got no answer and may not be sent again: nobody can know whether they were executed",
            text::counted(unknown, "request")
        ));
    }
    doubts
}

/// A bound on times without enough of them.
fn unmeasured(of: &Judging<'_>) -> Vec<String> {
    let Some(bound) = of.history.header.expectations.max_p99 else { return Vec::new() };
    let unknown = |(when, times): (&str, &Histogram)| {
        if !times.resolves(990_000) {
            let count = text::thousands(times.count());
            let more = if when == AFTER { "raise --after, or --rate" } else { "raise --rate" };
            return Some(format!("p99 {when} needs at least 100 answers, there were {count}: {more}"));
        }
        let fits = times.quantile(0.99).is_some_and(|p99| p99 <= bound);
        (!fits).then(|| format!("p99 {when} was above its bound, but that may be the generator's own doing"))
    };
    parts(of).into_iter().filter_map(unknown).collect()
}

fn few(header: &Header, tally: &Tally) -> Option<String> {
    let kinds: [(bool, &Counted, &str); 2] =
        [(header.fresh < 1.0, &tally.keep_alive, "kept"), (header.fresh > 0.0, &tally.fresh, "fresh")];
    let few = kinds.iter().filter(|(expected, counted, _)| *expected && counted.ended < FEWEST);
    let few: Vec<String> =
        few.map(|(_, counted, kind)| format!("{} over {kind} connections", text::thousands(counted.ended))).collect();
    (!few.is_empty())
        .then(|| format!("too few requests: {}; at least {FEWEST} are needed: raise --rate", few.join(", ")))
}

/// A race that was never run is not won: new connections have to meet the moment in which clients still see a replica
/// that ends.
fn races(of: &Judging<'_>) -> Option<String> {
    let header = &of.history.header;
    let terminations = proof::terminations(of.window, of.lives);
    let propagation = (header.propagation_least + header.propagation_most).as_secs_f64() / 2.0;
    if terminations == 0 || propagation <= 0.0 || header.fresh <= 0.0 {
        return None;
    }
    let replicas = f64::from(header.deployment.replicas.max(1));
    let per_rate = header.fresh * propagation / replicas * terminations as f64;
    let met = header.rate * per_rate;
    // Written so that a rate that is no number is too low.
    if met >= FEWEST_RACES {
        return None;
    }
    Some(format!(
        "too few requests: at this rate only {met:.1} new connections would have met a replica that ends while clients \
         still see it; raise --rate to at least {:.0}",
        (FEWEST_RACES / per_rate).ceil()
    ))
}

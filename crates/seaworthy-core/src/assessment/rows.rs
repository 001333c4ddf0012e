//! The verdict on each drill.

mod doubts;

use std::time::Duration;

use super::{
    Percentiles, Row, allowance, balance, counting::Tally, ended, flooded, network, proof, were, windows::Window,
};
pub(super) use doubts::of_trial;

use self::doubts::{doubts, foreign, limits};
use crate::{drill::Drill, histogram::Histogram, history::History, lives::Lives, text, verdict::Verdict};

/// What a drill is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging<'a> {
    /// All that was recorded.
    pub(super) history: &'a History,
    /// The lives of its replicas.
    pub(super) lives: &'a Lives,
    /// When it was.
    pub(super) window: &'a Window<'a>,
    /// What was counted in it.
    pub(super) tally: &'a Tally,
    /// Of its losses, those that are no more than the baseline's own.
    pub(super) in_baseline: u64,
    /// From the first to the last request that it lost.
    pub(super) recovery: Option<Duration>,
}

/// Judges a drill.
pub(super) fn judge(of: Judging<'_>) -> Row {
    let Judging { history, lives, window, tally, recovery, .. } = of;
    let happened = proof::happened(window, history, lives);
    let failures = failures(&of);
    let (verdict, mut reasons) = if failures.is_empty() {
        let doubts = doubts(&of, happened.as_ref().err());
        if doubts.is_empty() { (Verdict::Pass, passed(&of)) } else { (Verdict::Inconclusive, doubts) }
    } else {
        (Verdict::Fail, failures)
    };
    reasons.extend(flooded::notes(window, history, lives));
    reasons.extend(balance::notes(window, history, lives));
    let [before, during, after] = &tally.times;
    Row {
        drill: window.drill,
        verdict,
        reasons,
        happened,
        window: (window.begun, window.until),
        disturbed: window.disturbance(),
        keep_alive: tally.keep_alive,
        fresh: tally.fresh,
        times: [Percentiles::of(before), Percentiles::of(during), Percentiles::of(after)],
        recovery,
    }
}

/// Why it fails. What the tool's own limits may explain is not among it.
fn failures(of: &Judging<'_>) -> Vec<String> {
    let Judging { history, lives, window, tally, .. } = *of;
    if foreign(of).is_some() {
        return Vec::new();
    }
    let limited = !limits(of).is_empty();
    let counted = tally.all();
    let most = history.header.expectations.max_lost;
    let own = counted.lost.saturating_sub(of.in_baseline);
    // A time-out may be the generator's own lag, where there was any.
    let held = if limited { own.min(tally.certain.saturating_sub(of.in_baseline)) } else { own };
    let mut reasons = Vec::new();
    if counted.ended > 0 && counted.good == 0 && !limited {
        reasons.push(format!(
            "not one of {} was answered as expected: look at --path, and at --expect-status",
            text::counted(counted.ended, "request")
        ));
    } else if held > most {
        reasons.push(lost(of, own));
    }
    let unknown = counted.unknown.saturating_sub(tally.unknown_allowed);
    if unknown > 0 && held + unknown > most && !limited {
        reasons.push(format!(
            "{} got no answer and may not be sent again: nobody can know whether they were executed",
            text::counted(unknown, "request")
        ));
    }
    if let Some(allowance::Unnoticed::Broken(why)) = allowance::unnoticed(window, &history.header, lives) {
        reasons.push(why);
    }
    reasons.extend(ended::failures(window, lives));
    reasons.extend(network::failures(window, lives));
    reasons.extend(balance::failures(window, history, lives));
    let exposed = if window.drill == Drill::BadRelease { proof::exposed(window, lives) } else { Vec::new() };
    if !exposed.is_empty() {
        let names: Vec<String> = exposed.iter().map(ToString::to_string).collect();
        reasons.push(format!("the broken release was given requests: clients saw {}", names.join(", ")));
    }
    if !limited {
        reasons.extend(slow(of));
    }
    reasons
}

/// The parts of the drill in which p99 was above its bound.
fn slow(of: &Judging<'_>) -> Vec<String> {
    let Some(bound) = of.history.header.expectations.max_p99 else { return Vec::new() };
    let above = |(when, times): (&str, &Histogram)| {
        let p99 = times.quantile(0.99).filter(|p99| *p99 > bound)?;
        // What comes after it may be short, and then one answer is all of its p99.
        (when != AFTER || times.resolves(990_000))
            .then(|| format!("p99 {when} was {}, more than {}", text::time(p99), text::long_time(bound)))
    };
    parts(of).into_iter().filter_map(above).collect()
}

/// What comes after a disturbance.
const AFTER: &str = "after it";

/// The parts of the drill whose times are held to a bound, each for itself. A replica that starts cold is slow when clients
/// see it, and that is after the target is as it should be again: together with the rest it would hardly be seen.
fn parts<'a>(of: &Judging<'a>) -> Vec<(&'static str, &'a Histogram)> {
    let [before, during, after] = &of.tally.times;
    // What is slow while more is asked than usual breaks no promise.
    if of.window.drill.floods() {
        return vec![(AFTER, after)];
    }
    if of.window.disturbed.is_some() {
        return vec![("during the disturbance", during), (AFTER, after)];
    }
    vec![("in the drill", before)]
}

fn lost(of: &Judging<'_>, own: u64) -> String {
    let Judging { history, lives, window, tally, .. } = *of;
    let ended = text::counted(tally.all().ended, "request");
    let were = if own == 1 { "was" } else { "were" };
    let mut words = format!("{} of {ended} {were} lost", text::thousands(own));
    if window.drill == Drill::Baseline {
        words.push_str(" while nothing happens");
    }
    if window.drill.floods()
        || matches!(window.drill, Drill::Kill | Drill::Freeze | Drill::DatabaseRestart | Drill::Network)
    {
        words.push_str(" beyond what may be");
    }
    if let Some(late) = flooded::late(window, history, lives) {
        words = format!(
            "{words}: the last of them was due {:.1} s after the flood, so it does not come back",
            late.as_secs_f64()
        );
    }
    let most = history.header.expectations.max_lost;
    if most > 0 {
        words = format!("{words} (at most {most} may be)");
    }
    let unseen: u64 = tally.unseen.iter().map(|(_, _, count)| count).sum();
    if unseen > 0 {
        words = format!("{words}; {} of them were only counted, and not kept", text::thousands(unseen));
    }
    words
}

fn passed(of: &Judging<'_>) -> Vec<String> {
    let counted = of.tally.all();
    let ended = text::counted(counted.ended, "request");
    let mut reasons = vec![match counted.lost {
        0 => format!("none of {ended} was lost"),
        lost => format!("{lost} of {ended} lost: up to {} may be", of.history.header.expectations.max_lost),
    }];
    if counted.allowed > 0 {
        reasons.push(format!("{} lost, as the drill allows it", were(counted.allowed, "request")));
    }
    if counted.shed > 0 {
        reasons.push(format!("{} refused with 429 or 503 while more was asked", were(counted.shed, "request")));
    }
    if of.history.header.fresh <= 0.0 && proof::terminations(of.window, of.lives) > 0 {
        reasons.push("no client opens new connections: whether those would be lost was not looked at".to_owned());
    }
    reasons
}

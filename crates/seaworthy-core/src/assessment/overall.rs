//! The verdict on all of it.

use super::{Counted, Row, Writes, were, writes};
use crate::{
    drill::Drill,
    event::Event,
    generator::{self, LimitKind},
    history::History,
    text,
    threshold::{Holds, Judged, Measured, Threshold},
    verdict::Verdict,
};

/// The thresholds on the whole trial, as they were judged, with why some of them could not be.
#[derive(Clone, Debug, Default)]
pub(super) struct Thresholds {
    /// Those that could be read.
    pub(super) judged: Vec<Judged>,
    /// Why the others could not.
    unread: Vec<String>,
    /// What of the generator makes those doubtful that do not hold.
    limited: Vec<String>,
}

/// Judges the thresholds.
pub(super) fn thresholds(history: &History, duration: std::time::Duration) -> Thresholds {
    let texts = &history.header.expectations.thresholds;
    let mut thresholds = Thresholds::default();
    if texts.is_empty() {
        return thresholds;
    }
    let recording = history.recording();
    let footer = history.footer.clone().unwrap_or_default();
    let limits = generator::limits(&footer.generator, &recording, false);
    let own = limits.into_iter().filter(|limit| limit.kind != LimitKind::Connections);
    thresholds.limited = own.map(|limit| limit.text).collect();
    let measured = Measured { recording: &recording, duration, writes: writes::counts(history) };
    for text in texts {
        match text.parse::<Threshold>() {
            Ok(threshold) => thresholds.judged.push(threshold.judge(&measured)),
            Err(why) => thresholds.unread.push(format!("the threshold {text:?} {why}")),
        }
    }
    thresholds
}

/// What the verdict on all of it rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<'a> {
    /// All that was recorded.
    pub(super) history: &'a History,
    /// The drills.
    pub(super) rows: &'a [Row],
    /// Those that never began.
    pub(super) missing: &'a [Drill],
    /// The thresholds.
    pub(super) thresholds: &'a Thresholds,
    /// The writes, where they were followed.
    pub(super) writes: Option<&'a Writes>,
    /// All requests of all drills.
    pub(super) total: Counted,
    /// Requests that were lost between drills.
    pub(super) between: u64,
    /// Replicas that were ended or killed.
    pub(super) terminations: u64,
}

/// Judges all of it. Whatever is missing makes it inconclusive, and never a pass.
pub(super) fn judge(sum: &Sum<'_>) -> (Verdict, Vec<String>) {
    let failures = failures(sum);
    let doubts = doubts(sum);
    if !failures.is_empty() {
        return (Verdict::Fail, failures.into_iter().chain(doubts).collect());
    }
    if !doubts.is_empty() {
        return (Verdict::Inconclusive, doubts);
    }
    (Verdict::Pass, passed(sum))
}

/// Whether somebody ended it before its time.
pub(super) fn interrupted(history: &History) -> bool {
    history.footer.as_ref().is_some_and(|footer| footer.interrupted)
        || history.events.iter().any(|(_, event)| *event == Event::Interrupted)
}

fn of_rows(rows: &[Row], verdict: Verdict) -> impl Iterator<Item = String> + '_ {
    let those = rows.iter().filter(move |row| row.verdict == verdict);
    those.flat_map(|row| row.reasons.iter().map(move |reason| format!("{}: {reason}", row.drill)))
}

fn of_thresholds(thresholds: &Thresholds, holds: Holds) -> impl Iterator<Item = String> + '_ {
    thresholds.judged.iter().filter(move |judged| judged.judgement == holds).map(Judged::words)
}

fn failures(sum: &Sum<'_>) -> Vec<String> {
    // Nothing is worse than to lose what was acknowledged.
    let writes = sum.writes.into_iter().flat_map(|writes| writes.failures.iter().cloned());
    let mut failures: Vec<String> = writes.chain(of_rows(sum.rows, Verdict::Fail)).collect();
    if sum.thresholds.limited.is_empty() {
        failures.extend(of_thresholds(sum.thresholds, Holds::Fail));
    }
    failures
}

fn doubts(sum: &Sum<'_>) -> Vec<String> {
    let history = sum.history;
    let mut doubts = Vec::new();
    if interrupted(history) {
        doubts.push("it was interrupted: only what was seen until then is judged".to_owned());
    }
    if history.footer.is_none() {
        doubts.push("the history was cut off: its end is missing".to_owned());
    }
    if let Some(time) = history.unrecorded() {
        doubts.push(format!("it has no record of {:.1} s of the load", time.as_secs_f64()));
    }
    if !sum.missing.is_empty() {
        let names: Vec<&str> = sum.missing.iter().map(|drill| drill.label()).collect();
        doubts.push(format!("never began: {}", names.join(", ")));
    }
    if sum.rows.iter().all(|row| row.drill == Drill::Baseline) && !sum.rows.is_empty() {
        doubts.push("only the null run was made: nothing was put to the test".to_owned());
    }
    if sum.rows.is_empty() {
        doubts.push("no drill began: nothing was put to the test".to_owned());
    }
    doubts.extend(of_rows(sum.rows, Verdict::Inconclusive));
    doubts.extend(sum.writes.into_iter().flat_map(|writes| writes.doubts.iter().cloned()));
    if sum.between > 0 {
        doubts.push(format!("{} lost between two drills, and belong to none", were(sum.between, "request")));
    }
    for (_, event) in &history.events {
        if let Event::Blind { what } = event {
            doubts.push(format!("the tool missed something: {what}"));
        } else if let Event::Foreign { replica, holder } = event {
            doubts.push(format!("another process answered for {replica}: {holder}"));
        }
    }
    doubts.extend(super::rows::of_trial(history));
    doubts.extend(sum.thresholds.unread.iter().cloned());
    if !sum.thresholds.limited.is_empty() {
        let failed = of_thresholds(sum.thresholds, Holds::Fail);
        doubts.extend(failed.map(|words| format!("{words}; the generator itself may be to blame")));
    }
    doubts.extend(of_thresholds(sum.thresholds, Holds::Inconclusive));
    doubts
}

fn passed(sum: &Sum<'_>) -> Vec<String> {
    let Sum { rows, total, terminations, history, .. } = *sum;
    let ended = text::counted(total.ended, "request");
    let over = format!("at {} per second, over {}", history.header.rate, text::counted(terminations, "termination"));
    let mut reasons = vec![match total.lost {
        0 => format!("no loss was seen in {ended}, {over}"),
        lost => format!("{} of {ended} lost, {over}: no more than may be", text::thousands(lost)),
    }];
    reasons.push(match rows.len() {
        1 => "the drill happened".to_owned(),
        drills => format!("all {drills} drills happened"),
    });
    if total.allowed > 0 {
        reasons.push(format!("{} lost as their drill allows it", were(total.allowed, "request")));
    }
    reasons.extend(sum.writes.map(Writes::passed));
    if !sum.thresholds.judged.is_empty() {
        reasons.push(crate::verdict::hold(&sum.thresholds.judged));
    }
    reasons
}

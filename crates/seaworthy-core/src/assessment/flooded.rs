//! Drills that ask for more than usual: what they excuse, how much the target does, and whether it comes back.

use std::time::Duration;

use super::{allowance::SLACK, windows::Window};
use crate::{
    drill::Drill,
    flood::{self, SETTLING, Step},
    history::History,
    lives::{Lives, slot},
    outcome::{FailureKind, Outcome},
    text,
    time::Moment,
};

/// Fewer answers after a flood do not show that a target is back.
const FEWEST: u64 = 10;

/// From when to when more was asked; without an end, where nothing says that it ended.
pub(super) fn span(window: &Window<'_>, lives: &Lives) -> Option<(Moment, Option<Moment>)> {
    if !window.drill.floods() {
        return None;
    }
    let within = |(at, _): &&(Moment, u32)| (window.begun..=window.until).contains(at);
    let (from, _) = lives.floods().iter().filter(within).find(|(_, rate)| *rate > 0)?;
    let ended = lives.floods().iter().filter(within).find(|(at, rate)| *rate == 0 && at >= from);
    Some((*from, ended.map(|(at, _)| *at)))
}

/// Whether what ends from one moment to another may fail since more is asked than usual, or was just now.
pub(super) fn excuses(window: &Window<'_>, lives: &Lives, from: Moment, to: Moment) -> bool {
    let Some((begun, ended)) = span(window, lives) else { return false };
    begun <= to && from <= ended.map_or(window.until, |ended| ended + SETTLING)
}

/// Whether a drill that floods may lose this request: it was refused, or has no answer. A wrong answer is wrong however
/// much is asked.
pub(super) fn allows(window: &Window<'_>, lives: &Lives, outcome: &Outcome) -> bool {
    let Err(failure) = &outcome.end else { return false };
    may_fail(failure.kind, failure.status) && excuses(window, lives, outcome.due, outcome.done + SLACK)
}

/// Whether this is a way to fail for a target of which too much is asked.
pub(super) const fn may_fail(kind: FailureKind, status: Option<u16>) -> bool {
    match kind {
        FailureKind::Status => matches!(status, Some(429 | 503)),
        FailureKind::Malformed
        | FailureKind::HeadTooLarge
        | FailureKind::Excess
        | FailureKind::Body
        | FailureKind::Truncated
        | FailureKind::NotHttp2
        | FailureKind::Http2 => false,
        FailureKind::NoPort
        | FailureKind::NoDescriptor
        | FailureKind::NoEndpoint
        | FailureKind::Dns
        | FailureKind::Refused
        | FailureKind::Unreachable
        | FailureKind::Tls
        | FailureKind::Reset
        | FailureKind::Closed
        | FailureKind::TimedOut
        | FailureKind::RefusedStream
        | FailureKind::GoAway
        | FailureKind::StreamReset
        | FailureKind::Io
        | FailureKind::Unfinished => true,
    }
}

/// Whether a request that failed was refused on purpose.
pub(super) const fn is_shed(window: &Window<'_>, status: Option<u16>) -> bool {
    window.drill.floods() && matches!(status, Some(429 | 503))
}

/// What the target did at each step.
fn steps(window: &Window<'_>, history: &History, lives: &Lives) -> Vec<Step> {
    let Some((from, ended)) = span(window, lives) else { return Vec::new() };
    let until = ended.unwrap_or(window.until);
    let own = lives.floods().iter().filter(|(at, rate)| *rate > 0 && (from..=until).contains(at));
    let changes: Vec<(Moment, u32)> = own.copied().chain([(until, 0)]).collect();
    flood::steps(&changes, &history.intervals, &history.floods)
}

/// How long after the flood the last request was due that failed though it had its time to come back.
pub(super) fn late(window: &Window<'_>, history: &History, lives: &Lives) -> Option<Duration> {
    let (_, ended) = span(window, lives)?;
    back(window, history, ended?).filter(|late| *late > SETTLING)
}

/// How long after the flood the last request was due that failed; nothing where none did.
fn back(window: &Window<'_>, history: &History, ended: Moment) -> Option<Duration> {
    let whole = history.intervals.iter().flat_map(|interval| &interval.whole).filter(|attempt| !attempt.retried);
    let own = whole.filter(|attempt| attempt.outcome.end.as_ref().is_err_and(|failure| !failure.kind.is_local()));
    let due = own.map(|attempt| attempt.outcome.due).filter(|due| *due >= ended && window.holds(*due)).max()?;
    Some(due.since(ended))
}

/// What proves that more was asked, and what came of it.
pub(super) fn happened(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    let (from, ended) = span(window, lives).ok_or("more was never asked than usual")?;
    let ended = ended.ok_or("nothing shows that no more was asked in the end")?;
    let added: u64 =
        history.floods.iter().filter(|interval| window.holds(slot(interval.index))).map(|of| of.counts.begun).sum();
    let steps = steps(window, history, lives);
    let Some(last) = steps.last().filter(|_| added > 0) else {
        return Err("no request was added to the trial's own".to_owned());
    };
    let took = ended.since(from).as_secs_f64();
    let asked = format!("up to {} were asked for {took:.1} s", per_second(last.asked.into()));
    let came_back = match back(window, history, ended) {
        None => "came back at once".to_owned(),
        Some(late) if late > SETTLING => "did not come back".to_owned(),
        Some(late) => format!("came back after {:.1} s", late.as_secs_f64()),
    };
    Ok([asked].into_iter().chain(peak(window, &steps)).chain([came_back]).collect::<Vec<_>>().join("; "))
}

fn per_second(rate: f64) -> String {
    format!("{}/s", text::number(rate.round()))
}

/// The steps at which the generator was not the limit, and the one of them with the most good answers.
fn fair(steps: &[Step]) -> Option<(Vec<&Step>, &Step)> {
    let fair: Vec<&Step> = steps.iter().filter(|step| step.limit.is_none()).collect();
    let peak = fair.iter().max_by(|a, b| a.good.total_cmp(&b.good)).copied()?;
    Some((fair, peak))
}

/// How much it did at most, and at the highest step.
fn peak(window: &Window<'_>, steps: &[Step]) -> Vec<String> {
    let mut words = Vec::new();
    let Some((fair, peak)) = fair(steps) else { return words };
    let (peak_good, peak_asked) = (per_second(peak.good), per_second(peak.asked.into()));
    let Some(last) = fair.last() else { return words };
    if window.drill == Drill::Liveness {
        words.push(format!("{peak_good} good answers at {peak_asked} asked"));
    } else if is_answered(&fair) {
        words.push(format!("{peak_good} at {peak_asked} asked: it was not overloaded"));
    } else {
        words.push(format!("peak {peak_good} at {peak_asked} asked"));
        if last.asked != peak.asked {
            let still = if collapsed(last, peak) { "only" } else { "still" };
            words.push(format!("at {} {still} {}", per_second(last.asked.into()), per_second(last.good)));
        }
    }
    words
}

/// Whether it did all that was asked of it at each step: then nothing is known of what it does when that is too much.
fn is_answered(fair: &[&Step]) -> bool {
    fair.iter().all(|step| step.good >= f64::from(step.asked) * 0.9)
}

/// Whether it did far less at the end than it can.
fn collapsed(last: &Step, peak: &Step) -> bool {
    last.good < peak.good / 2.0
}

/// What is to be said whatever the verdict is: a goodput that collapses, and where the generator was the limit.
pub(super) fn notes(window: &Window<'_>, history: &History, lives: &Lives) -> Vec<String> {
    let mut notes = Vec::new();
    let steps = steps(window, history, lives);
    let Some((fair, peak)) = fair(&steps) else { return notes };
    if window.drill == Drill::Liveness {
        let idle = is_answered(&fair).then(|| {
            let most = per_second(peak.asked.into());
            format!("all of {most} was answered, so it was not too busy for that; --liveness-load asks for more")
        });
        notes.extend(idle);
        return notes;
    }
    if let Some(last) = fair.last().filter(|last| collapsed(last, peak)) {
        notes.push(format!(
            "it collapses: of {} asked {} were answered, and {} at its peak; refuse early what is too much (429 or 503)",
            per_second(last.asked.into()),
            per_second(last.good),
            per_second(peak.good),
        ));
    }
    if let Some(step) = steps.iter().find(|step| step.limit.is_some()) {
        let why = step.limit.as_deref().unwrap_or_default();
        notes.push(format!(
            "what it does at {} and beyond is not known: the generator itself was the limit ({why})",
            per_second(step.asked.into())
        ));
    }
    notes
}

/// Why nobody can know what more requests would have done.
pub(super) fn doubts(window: &Window<'_>, history: &History, lives: &Lives) -> Vec<String> {
    let mut doubts = Vec::new();
    let Some((_, Some(ended))) = span(window, lives) else { return doubts };
    let steps = steps(window, history, lives);
    // For liveness it does no harm where requests come late, as long as they come.
    let in_vain = if window.drill == Drill::Liveness {
        steps.iter().all(|step| !step.is_asked())
    } else {
        fair(&steps).is_none()
    };
    if let Some(step) = steps.first().filter(|_| in_vain) {
        doubts.push(format!(
            "whether it was asked for more is not known: at {} the generator itself was the limit ({}); use a quieter \
             machine or a lower --rate",
            per_second(step.asked.into()),
            step.limit.as_deref().unwrap_or_default()
        ));
    }
    if window.drill == Drill::Overload {
        doubts.extend(idle(&steps));
    }
    let after = |index: u64| slot(index) >= ended + SETTLING && window.holds(slot(index));
    let seen = history.intervals.iter().filter(|interval| after(interval.index));
    let seen: u64 = seen.map(|interval| interval.counts.good + interval.counts.failed).sum();
    if seen < FEWEST {
        doubts.push(format!(
            "only {} ended after it had had its {} s to come back: raise --after, or --rate",
            text::counted(seen, "request"),
            SETTLING.as_secs()
        ));
    }
    doubts
}

/// Why a target that did all that was asked of it was not put to the test.
fn idle(steps: &[Step]) -> Option<String> {
    let (fair, _) = fair(steps).filter(|(fair, _)| is_answered(fair))?;
    let most = fair.last()?.asked;
    let more = if steps.iter().any(|step| step.limit.is_some()) {
        "the generator can ask for no more of so many: fewer --replicas are overloaded sooner".to_owned()
    } else {
        format!("ask for more, such as --overload-to {}", u64::from(most) * 4)
    };
    Some(format!(
        "it was not overloaded: all of {} was answered, so what it does with too much is not known; {more}",
        per_second(most.into())
    ))
}

//! What a trial came to: a verdict for each drill and for all of it, with the findings.

mod allowance;
pub(crate) mod balance;
mod controls;
mod counting;
mod ended;
mod flooded;
mod groups;
mod network;
mod overall;
mod proof;
mod rows;
mod windows;
mod writes;

use std::{collections::BTreeSet, time::Duration};

use crate::{
    diagnosis::{self, Confidence, Failed, Fate, Finding},
    drill::Drill,
    event::Replica,
    fix::Tried,
    history::History,
    lives::Lives,
    outcome::{FailureKind, Phase},
    replay::{self, Replay},
    threshold::Judged,
    time::Moment,
    verdict::Verdict,
};

pub use self::writes::Writes;

/// What a trial came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The verdict on all of it. Never [`Verdict::Unjudged`].
    pub verdict: Verdict,
    /// Why, a line each, the most important first.
    pub reasons: Vec<String>,
    /// A row for each drill that began, in their order.
    pub drills: Vec<Row>,
    /// Drills that were asked for and never began.
    pub missing: Vec<Drill>,
    /// Failures that look alike, the most first.
    pub groups: Vec<Group>,
    /// Causes, the most losses first.
    pub findings: Vec<Finding>,
    /// Thresholds on the whole trial, with what was measured.
    pub thresholds: Vec<Judged>,
    /// What became of the writes, where they were followed.
    pub writes: Option<Writes>,
    /// All requests of all drills together, both kinds of client.
    pub total: Counted,
    /// Replicas that were ended or killed under load.
    pub terminations: u64,
    /// Where nothing was lost: the share that may be lost all the same, 0 to 1 (3/N, at 95 %).
    pub bound: Option<f64>,
    /// The shortest outage that this rate can see.
    pub resolution: Duration,
    /// What a client's own retries would have hidden and doubled, where that was asked for.
    pub replay: Option<Replay>,
    /// What came of the changes that the findings propose, where they were tried.
    pub tried: Option<Tried>,
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
}

/// A drill, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which.
    pub drill: Drill,
    /// Pass, fail or inconclusive.
    pub verdict: Verdict,
    /// Why, a line each.
    pub reasons: Vec<String>,
    /// What proves that it happened, or what is missing of it.
    pub happened: Result<String, String>,
    /// From its begin to its end.
    pub window: (Moment, Moment),
    /// From the disturbance until all was as it should be again.
    pub disturbed: Option<(Moment, Moment)>,
    /// Requests of clients that keep their connections.
    pub keep_alive: Counted,
    /// Requests of clients that open a connection for each.
    pub fresh: Counted,
    /// Response times before the disturbance, from it until all was settled, and after.
    pub times: [Percentiles; 3],
    /// From the first lost request to the end of the last one: nothing where none was lost.
    pub recovery: Option<Duration>,
}

/// What became of requests, by when they were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Requests of which is known what became.
    pub ended: u64,
    /// Answered as expected.
    pub good: u64,
    /// Without a good answer, after what HTTP allows, and beyond what the drill may lose.
    pub lost: u64,
    /// Lost as the drill allows it.
    pub allowed: u64,
    /// Sent again, since a reused connection closed before any byte of an answer; what became of them is counted too.
    pub retried: u64,
    /// Refused with 429, or with 503 and Retry-After, where a drill declares overload.
    pub shed: u64,
    /// Not idempotent, sent, and without an answer: nobody can know whether they were executed.
    pub unknown: u64,
}

impl Counted {
    /// Adds what was counted elsewhere.
    pub const fn add(&mut self, other: &Self) {
        self.ended += other.ended;
        self.good += other.good;
        self.lost += other.lost;
        self.allowed += other.allowed;
        self.retried += other.retried;
        self.shed += other.shed;
        self.unknown += other.unknown;
    }
}

/// Response times, of good answers and of time-outs as at least their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// The median.
    pub p50: Option<Duration>,
    /// The 99th percentile.
    pub p99: Option<Duration>,
    /// The longest.
    pub max: Option<Duration>,
}

/// Failures that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// In which drill.
    pub drill: Drill,
    /// What happened.
    pub kind: FailureKind,
    /// How far the requests had come.
    pub phase: Phase,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// Over a connection of its own, or one that is kept.
    pub fresh: bool,
    /// Where they went, as far as they came.
    pub replica: Option<Replica>,
    /// How many.
    pub count: u64,
    /// Of them, those that the drill allows.
    pub allowed: u64,
    /// Of them, those that were sent again, so that nothing was lost.
    pub retried: u64,
    /// The first and the last, by when each ended.
    pub when: (Moment, Moment),
    /// Where that is, relative to the events of their replica or the drill: `0.2 s to 1.1 s after SIGTERM to replica 2`.
    pub place: String,
    /// The cause that was found, by its id; `unexplained` where there is none.
    pub cause: String,
}

/// Judges a trial by its history alone, against the expectations in its header.
pub fn assess(history: &History) -> Assessment {
    let lives = Lives::of(history);
    let windows = windows::of(history, lives.end());
    let counting::Counts { tallies, attempts, between } = counting::count(history, &lives, &windows);
    let mut judged = causes(history, &lives, &attempts);
    let in_baseline = controls::attribute(&windows, &tallies, &mut judged);
    let rows: Vec<Row> = windows
        .iter()
        .zip(&tallies)
        .zip(&in_baseline)
        .enumerate()
        .map(|(place, ((window, tally), in_baseline))| {
            let recovery = recovery(&judged, place, &lives, window);
            let (in_baseline, lives) = (*in_baseline, &lives);
            rows::judge(rows::Judging { history, lives, window, tally, in_baseline, recovery })
        })
        .collect();
    let mut total = Counted::default();
    for tally in &tallies {
        total.add(&tally.all());
    }
    let duration = history.footer.as_ref().map_or_else(|| lives.end().since_start(), |footer| footer.duration);
    let thresholds = overall::thresholds(history, duration);
    let missing = windows::missing(history, &windows);
    let terminations = windows.iter().map(|window| proof::terminations(window, &lives)).sum();
    let writes = writes::judge(history, &lives, &windows);
    let sum = overall::Sum {
        history,
        rows: &rows,
        missing: &missing,
        thresholds: &thresholds,
        writes: writes.as_ref(),
        total,
        between,
        terminations,
    };
    let (verdict, reasons) = overall::judge(&sum);
    Assessment {
        verdict,
        reasons,
        groups: groups::of(&windows, &tallies, &lives, &judged),
        findings: findings(history, &lives, &judged, &windows, &tallies),
        drills: rows,
        missing,
        thresholds: thresholds.judged,
        writes,
        total,
        terminations,
        bound: (total.lost == 0 && total.ended > 0).then(|| (3.0 / total.ended as f64).min(1.0)),
        resolution: Duration::try_from_secs_f64(1.0 / history.header.rate).unwrap_or(Duration::MAX),
        replay: history.header.expectations.client_retries.as_ref().map(|policy| replay::replay(history, policy)),
        tried: None,
        interrupted: overall::interrupted(history),
    }
}

/// `1 request was`, `2 requests were`.
fn were(count: u64, noun: &str) -> String {
    format!("{} {}", crate::text::counted(count, noun), if count == 1 { "was" } else { "were" })
}

fn causes<'a>(history: &History, lives: &Lives, attempts: &[counting::Attempt<'a>]) -> Vec<controls::Judged<'a>> {
    let failed: Vec<Failed<'a>> = attempts.iter().map(|attempt| attempt.failed).collect();
    let causes = diagnosis::diagnose(history, lives, &failed);
    attempts.iter().zip(causes).map(|(attempt, cause)| (attempt.window, attempt.failed, cause)).collect()
}

/// From the first request that was lost since the drill disturbed to the end of the last one; nothing where no good answer
/// came after that.
fn recovery(
    judged: &[controls::Judged<'_>],
    place: usize,
    lives: &Lives,
    drill: &windows::Window<'_>,
) -> Option<Duration> {
    let (disturbed, until) = (drill.disturbed?.0, drill.until);
    let gone = |failed: &Failed<'_>| matches!(failed.fate, Fate::Lost | Fate::Allowed | Fate::Unknown);
    let since = |failed: &Failed<'_>| failed.outcome.done >= disturbed;
    let those = || judged.iter().filter(|(window, failed, _)| *window == place && gone(failed) && since(failed));
    let first = those().map(|(_, failed, _)| failed.outcome.due).min()?;
    let last = those().map(|(_, failed, _)| failed.outcome.done).max()?;
    let is_back = lives.all().any(|life| life.answers.range(last..until.max(last)).next().is_some());
    is_back.then(|| last.since(first))
}

/// The findings, with failures that were only counted among the unexplained.
fn findings(
    history: &History,
    lives: &Lives,
    judged: &[controls::Judged<'_>],
    windows: &[windows::Window<'_>],
    tallies: &[counting::Tally],
) -> Vec<Finding> {
    let failures: Vec<_> = judged.iter().map(|(_, failed, cause)| (*failed, cause.clone())).collect();
    let mut findings = diagnosis::findings(history, lives, &failures);
    let unseen: u64 = tallies.iter().flat_map(|tally| &tally.unseen).map(|(_, _, count)| count).sum();
    if unseen == 0 {
        return findings;
    }
    let drills: BTreeSet<Drill> = windows
        .iter()
        .zip(tallies)
        .filter(|(_, tally)| !tally.unseen.is_empty())
        .map(|(window, _)| window.drill)
        .collect();
    let counted =
        format!("{} were only counted, since there were too many to keep", crate::text::counted(unseen, "failure"));
    if let Some(known) = findings.iter_mut().find(|finding| finding.cause == "unexplained") {
        known.count += unseen;
        known.drills.extend(drills);
        known.evidence.push(counted);
    } else {
        findings.push(Finding {
            cause: "unexplained".to_owned(),
            confidence: Confidence::Possible,
            title: "there were too many failures to keep them all".to_owned(),
            mends: "mend what the others show first, or use a lower --rate".to_owned(),
            changes: Vec::new(),
            harm: diagnosis::Harm::Requests,
            evidence: vec![counted],
            count: unseen,
            allowed: 0,
            retried: 0,
            drills,
            replicas: BTreeSet::new(),
            own: false,
        });
    }
    diagnosis::sort(&mut findings);
    findings
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod tests;

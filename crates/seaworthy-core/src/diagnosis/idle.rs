//! A server closes idle connections just as clients use them again.

use std::time::Duration;

use super::{
    Asks, Case, Confidence, Failed, Found, Harm, Hit, Rule, case::at_or_after, entries, found::seconds,
    sigterm_ignored::listened_until,
};
use crate::{
    deployment::Hook,
    history::History,
    lives::{Life, Lives},
    outcome::{ConnectionKind, FailureKind, Phase},
};

pub(super) const RULE: Rule = Rule {
    id: "keepalive-idle-race",
    title: "the server closed connections for being idle just as clients used them again",
    own: false,
    harm: Harm::Requests,
    asks: Asks::Trial,
    entry: entries::connections::IDLE_RACE,
    mends: |found| {
        let idle = times(found).max().unwrap_or_default();
        format!(
            "let the server keep idle connections for longer than clients and proxies before it do: it closed them \
             after about {}; or let these use none that was idle for that long; clients: send idempotent requests \
             again",
            seconds(idle)
        )
    },
    changes: |_| Vec::new(),
    evidence,
    judge,
};

/// Fewer of them share nothing.
const LEAST: usize = 3;

/// Idle times below this are shared by whatever is sent at a steady rate.
const SHORTEST: Duration = Duration::from_millis(250);

/// What servers and proxies have by default, in seconds.
const COMMON: [u64; 6] = [2, 5, 20, 60, 65, 75];

/// How long connections had been idle that were cut as they were used again, by servers that went on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Idle {
    /// The idle time that almost all of them share.
    shared: Option<Duration>,
    /// How many there are.
    count: usize,
}

impl Idle {
    pub(super) fn of(history: &History, lives: &Lives, failures: &[Failed<'_>]) -> Self {
        let sleeps = sleeps(history);
        let idle = |failed: &Failed<'_>| {
            let life = lives.at(failed.outcome.endpoint?)?;
            failed.outcome.idle.filter(|idle| *idle >= SHORTEST && goes_on(failed, life, sleeps))
        };
        let mut times: Vec<Duration> = failures.iter().filter(|failed| is_cut(failed)).filter_map(idle).collect();
        times.sort_unstable();
        let Some(middle) = times.get(times.len() / 2).copied() else { return Self::default() };
        let near = times.iter().filter(|time| is_near(**time, middle)).count();
        let shared = (near >= LEAST && near * 5 >= times.len() * 4).then_some(middle);
        Self { shared, count: times.len() }
    }

    /// Whether it is the time that almost all of them share.
    pub(super) fn shares(&self, idle: Duration) -> bool {
        self.shared.is_some_and(|shared| is_near(idle, shared))
    }

    fn confidence(&self, idle: Duration) -> Option<Confidence> {
        if self.shares(idle) {
            return Some(Confidence::Likely);
        }
        let common = COMMON.iter().any(|seconds| is_near(idle, Duration::from_secs(*seconds)));
        (self.count < LEAST && common).then_some(Confidence::Possible)
    }
}

/// Within a tenth, or half a second where the time is long enough for that to mean something.
fn is_near(idle: Duration, of: Duration) -> bool {
    idle.abs_diff(of) <= (of / 10).max(Duration::from_millis(500).min(of / 4))
}

/// It was used before, and ended without a byte of an answer.
fn is_cut(failed: &Failed<'_>) -> bool {
    matches!(failed.failure.kind, FailureKind::Reset | FailureKind::Closed)
        && matches!(failed.failure.phase, Phase::Send | Phase::Wait)
        && failed.outcome.connection == ConnectionKind::Reused
}

/// Whether it went on as if it had got no SIGTERM, until SIGKILL.
pub(super) fn ignores(life: &Life) -> bool {
    life.out_of_grace().is_some_and(|killed| listened_until(life, killed) == Some(true))
}

fn sleeps(history: &History) -> bool {
    matches!(history.header.deployment.template.pre_stop, Some(Hook::Sleep(_)))
}

/// Its replica was not told to end, and its process ran on.
fn goes_on(failed: &Failed<'_>, life: &Life, sleeps: bool) -> bool {
    let done = failed.outcome.done;
    // A hook that only sleeps is none of the process's doing: it knows nothing before SIGTERM.
    let known = life.terminating.map(|(told, _)| life.stopped().filter(|_| sleeps).unwrap_or(told));
    let told = known.is_some_and(|known| at_or_after(done, known)) && !ignores(life);
    // A kept connection may tell of a process's end late.
    let ended = life.runs.iter().filter_map(|run| run.ended).any(|(ended, _)| {
        at_or_after(done, ended) && at_or_after(ended + failed.outcome.idle.unwrap_or_default(), failed.outcome.begun)
    });
    !told && !ended
}

fn judge(case: &Case<'_>) -> Option<Hit> {
    let life = case.suspect.filter(|_| case.known && is_cut(&case.failed))?;
    let idle = case
        .failed
        .outcome
        .idle
        .filter(|idle| *idle >= SHORTEST && goes_on(&case.failed, life, sleeps(case.history)))?;
    case.context.idle.confidence(idle).map(|confidence| case.hit(confidence))
}

fn times<'a>(found: &'a Found<'_>) -> impl Iterator<Item = Duration> + 'a {
    found.failed.iter().filter_map(|failed| failed.outcome.idle)
}

fn evidence(found: &Found<'_>) -> Vec<String> {
    let (least, most) = (times(found).min().unwrap_or_default(), times(found).max().unwrap_or_default());
    let mut lines = vec![
        format!("{} on {}, {}", found.what(), found.whose(), found.when()),
        format!("the connections had been idle for {} to {}, and no replica was ending", seconds(least), seconds(most)),
    ];
    lines.extend(found.unknown());
    lines
}

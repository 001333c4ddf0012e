//! Revisions that fail where others do not: counted while both answer.

use std::{collections::BTreeMap, time::Duration};

use super::{Failed, Fate, context::before};
use crate::{
    event::Revision,
    interval::INTERVAL,
    lives::{Life, Lives, Rollout},
    outcome::FailureKind,
    time::Moment,
};

/// Fewer errors than this say nothing.
const LEAST_ERRORS: u64 = 5;

/// Fewer requests than this say nothing.
const LEAST_REQUESTS: u64 = 20;

/// A revision that fails more than so many times as often as the other is to blame.
const TIMES: f64 = 5.0;

/// Where so many errors of a replica are to be expected and it has none, it is not the release that fails.
const EXPECTED: f64 = 3.0;

/// The other's rate is taken to be at least this.
const LEAST_RATE: f64 = 0.001;

/// A replica that has not answered well for so long does not warm up any more.
const WARM_UP: Duration = Duration::from_secs(5);

/// Errors and requests of some replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// Errors.
    pub(super) errors: u64,
    /// All answers.
    pub(super) answers: u64,
}

impl Rate {
    fn share(self) -> f64 {
        if self.answers == 0 { 0.0 } else { self.errors as f64 / self.answers as f64 }
    }

    fn is_far_above(self, other: Self) -> bool {
        let enough = self.answers >= LEAST_REQUESTS && other.answers >= LEAST_REQUESTS;
        enough && self.errors >= LEAST_ERRORS && self.share() > TIMES * other.share().max(LEAST_RATE)
    }
}

/// What is known of the revisions of a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Releases {
    /// New revisions that fail, with their rate and the old one's.
    pub(super) bad: BTreeMap<Revision, (Rate, Rate)>,
    /// Rollouts in whose course old revisions fail, by their begin, with the old rate and the new one's.
    pub(super) breaking: Vec<(Moment, Moment, Revision, Rate, Rate)>,
}

impl Releases {
    pub(super) fn of(lives: &Lives, failures: &[Failed<'_>]) -> Self {
        let mut errors: BTreeMap<Revision, Vec<(&Life, Moment)>> = BTreeMap::new();
        for failed in failures.iter().filter(|failed| is_error(failed)) {
            let life = failed.outcome.endpoint.and_then(|address| lives.at(address));
            if let Some((life, revision)) = life.and_then(|life| Some((life, life.revision?))) {
                errors.entry(revision).or_default().push((life, failed.outcome.done));
            }
        }
        let mut releases = Self::default();
        if errors.is_empty() {
            return releases;
        }
        for rollout in lives.rollouts().iter().filter(|rollout| !rollout.back) {
            releases.compare(lives, &errors, rollout);
        }
        releases
    }

    fn compare(&mut self, lives: &Lives, errors: &BTreeMap<Revision, Vec<(&Life, Moment)>>, rollout: &Rollout) {
        let new = |life: &Life| life.revision == Some(rollout.revision);
        let old = |life: &Life| life.revision.is_some_and(|revision| revision < rollout.revision);
        let begun = rollout.begun;
        let from = lives.all().filter(|life| new(life)).filter_map(|life| life.view.next_begin(begun)).min();
        let seen = |life: &&Life| old(life) && life.view.around(begun).is_some();
        let to = lives.all().filter(seen).map(|life| life.view.next_end(begun).unwrap_or_else(|| lives.end())).max();
        let Some((from, to)) = from.zip(to).filter(|(from, to)| from < to) else { return };
        let warm = |life: &Life, at: Moment| at > warm_from(life);
        let is_new = |life: &Life, at: Moment| new(life) && warm(life, at);
        let of_new = rate(lives, errors, (from, to), &is_new);
        let of_old = rate(lives, errors, (from, to), &|life, _| old(life));
        let by_all = |side: Rate, counts: &dyn Fn(&Life, Moment) -> bool| {
            let of = |life: &Life| {
                rate(lives, errors, (from, to), &|other, at| other.replica == life.replica && counts(other, at))
            };
            lives.all().map(of).all(|one| one.errors > 0 || side.share() * (one.answers as f64) < EXPECTED)
        };
        if of_new.is_far_above(of_old) && by_all(of_new, &is_new) {
            self.bad.insert(rollout.revision, (of_new, of_old));
        }
        let earlier = rate(lives, errors, (before(begun, to.since(begun)), begun), &|life, _| old(life));
        // What was so before has not come of the rollout.
        let worse = of_old.share() > TIMES * earlier.share().max(LEAST_RATE) && earlier.errors * 10 <= of_old.errors;
        if of_old.is_far_above(of_new) && worse && by_all(of_old, &|life, _| old(life)) {
            self.breaking.push((begun, to, rollout.revision, of_old, of_new));
        }
    }
}

fn is_error(failed: &Failed<'_>) -> bool {
    let status = failed.failure.status.is_some_and(|status| status >= 500);
    failed.failure.kind == FailureKind::Status && status && failed.fate != Fate::Own
}

/// From when on an error is none of the start any more: after the first good answer, or long after it was seen.
fn warm_from(life: &Life) -> Moment {
    let answered = life.answers.keys().next().map(|slot| *slot + INTERVAL);
    let seen = life.view.all().first().map(|span| span.from + WARM_UP);
    answered.into_iter().chain(seen).min().unwrap_or(Moment::START)
}

/// What replicas answered between two moments.
fn rate(
    lives: &Lives,
    errors: &BTreeMap<Revision, Vec<(&Life, Moment)>>,
    (from, to): (Moment, Moment),
    counts: &dyn Fn(&Life, Moment) -> bool,
) -> Rate {
    let within = |at: Moment| from <= at && at <= to;
    let failed = errors.values().flatten().filter(|(life, at)| within(*at) && counts(life, *at)).count() as u64;
    let mut good = 0;
    for life in lives.all() {
        good += life.answers.range(from..=to).filter(|(at, _)| counts(life, **at)).map(|(_, count)| count).sum::<u64>();
    }
    Rate { errors: failed, answers: good + failed }
}

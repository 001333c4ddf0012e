//! Writes that came to harm, by what is known of who had acknowledged them, and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Confidence, Rule,
    context::before,
    entries,
    found::seconds,
    observed::{Observing, Seen},
};
use crate::{
    audit::{Audit, Harm, Harmed},
    event::{Reason, Replica},
    lives::{Life, slot},
    text::{counted, thousands},
    time::Moment,
};

pub(super) const ACK_FIRST: Rule = Rule {
    id: "ack-before-persist",
    title: "writes were acknowledged before they were kept, and went with the process that had them",
    harm: super::Harm::Writes,
    entry: entries::data::ACK_FIRST,
    mends: |_| {
        "answer after the commit, and put what may be done later into the same transaction (an outbox)".to_owned()
    },
    ..Rule::OBSERVED
};

pub(super) const EPHEMERAL: Rule = Rule {
    id: "ephemeral-db-storage",
    title: "the data lived in what ended: everything that had been acknowledged before is gone",
    harm: super::Harm::Writes,
    entry: entries::data::EPHEMERAL,
    mends: |_| {
        "a persistent volume for the data (a StatefulSet with a volumeClaimTemplate), and no state in a replica's memory \
         or own files"
            .to_owned()
    },
    ..Rule::OBSERVED
};

pub(super) const NON_DURABLE: Rule = Rule {
    id: "non-durable-commit",
    title: "the last writes before the database's end are gone: it had acknowledged them before they were safe",
    harm: super::Harm::Writes,
    entry: entries::data::NON_DURABLE,
    mends: |_| {
        "durable commits: innodb_flush_log_at_trx_commit=1 and sync_binlog=1, synchronous_commit=on, or PRAGMA \
         synchronous=FULL"
            .to_owned()
    },
    ..Rule::OBSERVED
};

pub(super) const DUPLICATE: Rule = Rule {
    id: "retry-duplicate-write",
    title: "writes that were sent once are there more than once",
    harm: super::Harm::Writes,
    entry: entries::data::DUPLICATE,
    mends: |_| "a unique index on an idempotency key, and no retries of such requests on the way".to_owned(),
    ..Rule::OBSERVED
};

pub(super) const STALE: Rule = Rule {
    id: "stale-replica-read",
    title: "writes were not there when they were first read, and were there later",
    harm: super::Harm::Writes,
    entry: entries::data::STALE_READ,
    mends: |_| "read what was just written from where it was written, or say that reads may lag".to_owned(),
    ..Rule::OBSERVED
};

pub(super) const UNEXPLAINED: Rule = Rule {
    id: "lost-writes-unexplained",
    title: "acknowledged writes are gone, and nothing that was recorded explains it",
    harm: super::Harm::Writes,
    entry: entries::data::LOST_WRITES,
    mends: |_| "look at the target's own log at these moments, and at what its replicas do not share".to_owned(),
    ..Rule::OBSERVED
};

/// How long before the end of a process a write may wait in it.
const KEPT_BACK: Duration = Duration::from_secs(5);

/// How long before the end of a database a commit may wait.
const FLUSHED: Duration = Duration::from_secs(2);

/// A time in which less could be written says nothing of everything.
const SHORTEST: Duration = Duration::from_secs(4);

/// Fewer are not everything.
const LEAST: usize = 20;

/// What became of the writes, by cause.
pub(super) fn seen(observing: &Observing<'_>) -> Vec<Seen> {
    let Some(audit) = &observing.history.audit else { return Vec::new() };
    let mut seen = lost(observing, audit);
    let those = |harm| -> Vec<&Harmed> { audit.harmed.iter().filter(|harmed| harmed.harm == harm).collect() };
    for (count, harm, rule, confidence, words) in [
        (audit.duplicated, Harm::Duplicated, &DUPLICATE, Confidence::Likely, "sent once, and found more often"),
        (audit.stale, Harm::Stale, &STALE, Confidence::Proven, "missing when first read, and found later"),
    ] {
        if count > 0 {
            let mut one = Seen::of(rule, confidence);
            one.evidence.push(format!("{} {words}", writes(count)));
            tell(observing, &mut one, &those(harm));
            one.count = count;
            seen.push(one);
        }
    }
    seen
}

fn writes(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "write was" } else { "writes were" })
}

/// Adds where and when writes were acknowledged, and one of them as an example.
fn tell(observing: &Observing<'_>, seen: &mut Seen, those: &[&Harmed]) {
    for harmed in those {
        seen.drills.extend(observing.drill(harmed.acknowledged));
        seen.replicas.extend(life(observing, harmed).map(|life| life.replica));
    }
    seen.evidence.extend(those.first().map(|harmed| {
        let at = seconds(harmed.acknowledged.since_start());
        format!("one of them: {}, acknowledged at {at} of the trial; read: {}", harmed.key, harmed.read)
    }));
}

fn life<'a>(observing: &Observing<'a>, harmed: &Harmed) -> Option<&'a Life> {
    harmed.endpoint.and_then(|address| observing.lives.at(address))
}

/// Lost writes, by the causes that fit each.
fn lost(observing: &Observing<'_>, audit: &Audit) -> Vec<Seen> {
    let lost: Vec<&Harmed> = audit.harmed.iter().filter(|harmed| harmed.harm == Harm::Lost).collect();
    let ends = Ends::of(observing, audit, &lost);
    let mut by_cause: BTreeMap<BTreeSet<&'static str>, Vec<&Harmed>> = BTreeMap::new();
    for harmed in &lost {
        by_cause.entry(ends.causes(observing, harmed)).or_default().push(harmed);
    }
    // What was too much to keep is of the cause of what was kept, where that is one.
    let rest = audit.lost.saturating_sub(lost.len() as u64);
    let of_one = if by_cause.len() == 1 { rest } else { 0 };
    let mut seen: Vec<Seen> = Vec::new();
    for (names, those) in by_cause {
        let rules: Vec<&'static Rule> =
            [&ACK_FIRST, &EPHEMERAL, &NON_DURABLE].into_iter().filter(|rule| names.contains(rule.id)).collect();
        let mut one = match rules.as_slice() {
            [] => Seen::of(&UNEXPLAINED, Confidence::Possible),
            [rule] => Seen::of(rule, Confidence::Likely),
            _ => Seen::any(rules, Confidence::Possible),
        };
        let count = those.len() as u64 + of_one;
        one.evidence.push(format!("{} acknowledged, and found no more", writes(count)));
        one.evidence.extend(ends.told(observing, &those));
        tell(observing, &mut one, &those);
        if names.contains(NON_DURABLE.id) {
            one.evidence.extend(audit.settings.iter().take(3).cloned());
        }
        one.count = count;
        seen.push(one);
    }
    if rest > of_one {
        let mut one = Seen::of(&UNEXPLAINED, Confidence::Possible);
        one.evidence.push(format!("{} lost, and only counted: too many to keep", writes(rest)));
        one.count = rest;
        seen.push(one);
    }
    seen
}

/// What ended after writes were acknowledged, and what it took along.
#[derive(Clone, Debug, Default)]
struct Ends {
    /// Of the database, with whether everything before is gone.
    database: Vec<(Moment, bool)>,
    /// Whether only what came shortly before these ends is gone.
    database_tail: bool,
    /// Replicas that took everything along that they had acknowledged.
    whole: BTreeSet<Replica>,
    /// Replicas that took along what they had acknowledged last.
    tail: BTreeSet<Replica>,
}

impl Ends {
    fn of(observing: &Observing<'_>, audit: &Audit, lost: &[&Harmed]) -> Self {
        let mut ends = Self::default();
        let begun = observing.history.intervals.iter().map(|interval| slot(interval.index)).min().unwrap_or_default();
        let lasted = observing.lives.end().since(begun).as_secs_f64();
        let per_second = audit.acknowledged as f64 / lasted.max(1.0);
        let all: Vec<Moment> = lost.iter().map(|harmed| harmed.acknowledged).collect();
        for end in observing.lives.database_up().all().iter().filter_map(|span| span.to) {
            let before: Vec<Moment> = all.iter().copied().filter(|at| *at <= end).collect();
            ends.database.push((end, is_everything(&before, begun, end, per_second)));
        }
        let near = |at: &&Moment| ends.database.iter().any(|(end, _)| **at <= *end && **at >= before(*end, FLUSHED));
        ends.database_tail = all.iter().filter(near).count() * 5 >= all.len() * 4;
        let share = per_second / f64::from(observing.history.header.deployment.replicas.max(1));
        let mut by_replica: BTreeMap<Replica, Vec<Moment>> = BTreeMap::new();
        for harmed in lost {
            if let Some(life) = life(observing, harmed) {
                by_replica.entry(life.replica).or_default().push(harmed.acknowledged);
            }
        }
        for (replica, those) in by_replica {
            let Some(life) = observing.lives.get(replica) else { continue };
            let near = those.iter().filter(|at| end_after(life, **at).is_some_and(|end| end.since(**at) <= KEPT_BACK));
            if near.count() * 5 >= those.len() * 4 {
                ends.tail.insert(replica);
            }
            let joined = life.view.all().first().map_or(begun, |span| span.from.max(begun));
            let whole = |end| {
                let before: Vec<Moment> = those.iter().copied().filter(|at| *at <= end).collect();
                is_everything(&before, joined, end, share)
            };
            if end_after(life, joined).is_some_and(whole) {
                ends.whole.insert(replica);
            }
        }
        ends
    }

    /// The causes that fit a lost write.
    fn causes(&self, observing: &Observing<'_>, harmed: &Harmed) -> BTreeSet<&'static str> {
        let at = harmed.acknowledged;
        let mut causes = BTreeSet::new();
        let database = self.database.iter().find(|(end, _)| *end >= at);
        if let Some((end, everything)) = database {
            if *everything {
                causes.insert(EPHEMERAL.id);
            } else if self.database_tail && end.since(at) <= FLUSHED {
                causes.insert(NON_DURABLE.id);
            }
        }
        if let Some((life, end)) = life(observing, harmed).and_then(|life| Some((life, end_after(life, at)?))) {
            if self.whole.contains(&life.replica) {
                causes.insert(EPHEMERAL.id);
            } else if self.tail.contains(&life.replica) && end.since(at) <= KEPT_BACK {
                causes.insert(ACK_FIRST.id);
            }
        }
        causes
    }

    /// How long before which end they were acknowledged.
    fn told(&self, observing: &Observing<'_>, those: &[&Harmed]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut by_replica: BTreeMap<Replica, Vec<Duration>> = BTreeMap::new();
        for harmed in those {
            let end =
                life(observing, harmed).and_then(|life| Some((life.replica, end_after(life, harmed.acknowledged)?)));
            if let Some((replica, end)) = end {
                by_replica.entry(replica).or_default().push(end.since(harmed.acknowledged));
            }
        }
        for (replica, times) in by_replica.iter().take(3) {
            let of = counted(times.len() as u64, "of them");
            let of = of.strip_suffix('s').unwrap_or(&of);
            lines.push(format!("{replica} had acknowledged {of}, {} before its process ended", range(times)));
        }
        for (end, _) in &self.database {
            let at = those.iter().map(|harmed| harmed.acknowledged).filter(|at| at <= end);
            let times: Vec<Duration> = at.map(|at| end.since(at)).collect();
            if !times.is_empty() {
                lines.push(format!("the database ended {} after {} of them", range(&times), times.len()));
            }
        }
        lines
    }
}

fn range(times: &[Duration]) -> String {
    let (least, most) =
        (times.iter().min().copied().unwrap_or_default(), times.iter().max().copied().unwrap_or_default());
    if seconds(least) == seconds(most) { seconds(least) } else { format!("{} to {}", seconds(least), seconds(most)) }
}

/// The first end of a replica's process after a moment; not the one that cleans up after the trial.
fn end_after(life: &Life, at: Moment) -> Option<Moment> {
    let (ended, _) = life.exit_after(at)?;
    let cleanup = life.signals.iter().any(|(sent, _, reason)| *reason == Reason::Cleanup && *sent <= ended);
    (!cleanup).then_some(ended)
}

/// Whether so many are gone of the time before an end, and from all of it, that nothing else was acknowledged then.
fn is_everything(gone: &[Moment], from: Moment, end: Moment, per_second: f64) -> bool {
    let lasted = end.since(from);
    let expected = per_second * lasted.as_secs_f64();
    let quarter = |n: u32| {
        let (begin, until) = (from + lasted * n / 4, from + lasted * (n + 1) / 4);
        gone.iter().filter(|at| begin <= **at && **at <= until).count() as f64
    };
    let each = (0..4).all(|n| quarter(n) >= expected / 8.0);
    lasted >= SHORTEST && gone.len() >= LEAST && gone.len() as f64 >= expected * 0.8 && each
}

//! Acknowledged writes that are gone, by what ended after them and what is kept from before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    ACK_FIRST, EPHEMERAL, NON_DURABLE, UNEXPLAINED,
    cut::{Timeline, Took},
    life, tell, writes,
};
use crate::{
    audit::{Acknowledged, Audit, Harm, Harmed},
    diagnosis::{
        Confidence, Rule,
        context::before,
        found::seconds,
        observed::{Observing, Seen},
    },
    event::{Reason, Replica},
    interval::INTERVAL,
    lives::{Life, slot},
    text::{counted, thousands},
    time::Moment,
};

/// How long before the end of a process a write may wait in it.
const KEPT_BACK: Duration = Duration::from_secs(5);

/// How long before the end of a database a commit may wait: for the longest of the usual times between two checkpoints.
const FLUSHED: Duration = Duration::from_mins(1);

/// How long after the end of a database an answer may come of what was before it.
const LATE: Duration = Duration::from_millis(500);

/// Fewer lost writes are no pattern.
const FEW: usize = 3;

/// Lost writes, by the causes that fit each.
pub(super) fn seen(observing: &Observing<'_>, audit: &Audit) -> Vec<Seen> {
    let lost: Vec<&Harmed> = audit.harmed.iter().filter(|harmed| harmed.harm == Harm::Lost).collect();
    let ends = Ends::of(observing, audit, &lost);
    let mut by_cause: BTreeMap<(BTreeSet<&'static str>, bool), Vec<&Harmed>> = BTreeMap::new();
    for harmed in &lost {
        by_cause.entry(ends.causes(observing, harmed)).or_default().push(harmed);
    }
    // What was too much to keep is of the cause of what was kept, where that is one.
    let rest = audit.lost.saturating_sub(lost.len() as u64);
    let of_one = if by_cause.len() == 1 { rest } else { 0 };
    let mut seen: Vec<Seen> = Vec::new();
    for ((names, sure), those) in by_cause {
        let rules: Vec<&'static Rule> =
            [&ACK_FIRST, &EPHEMERAL, &NON_DURABLE].into_iter().filter(|rule| names.contains(rule.id)).collect();
        let mut one = match rules.as_slice() {
            [] => Seen::of(&UNEXPLAINED, Confidence::Possible),
            // One or two that went before an end may have gone by chance, where others went without one.
            [rule] => {
                Seen::of(rule, if sure && those.len() >= FEW { Confidence::Likely } else { Confidence::Possible })
            }
            _ => Seen::any(rules, Confidence::Possible),
        };
        let count = (those.len() as u64).saturating_add(of_one);
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

/// An end of the database.
#[derive(Clone, Copy, Debug)]
struct DatabaseEnd {
    /// When it had begun, or the writes had.
    from: Moment,
    at: Moment,
    /// Until when answers come of what was before its end.
    until: Moment,
    /// When it was back.
    back: Moment,
    took: Took,
    /// What is there of what it was told before what is gone.
    kept: u64,
    /// What was acknowledged while it was away.
    while_away: u64,
}

/// What ended after writes were acknowledged, and what it took along.
#[derive(Clone, Debug, Default)]
struct Ends {
    database: Vec<DatabaseEnd>,
    /// Replicas that took everything along that they had acknowledged.
    whole: BTreeSet<Replica>,
    /// Replicas that took along what they had acknowledged last, and whether anything is there from before.
    tail: BTreeMap<Replica, bool>,
}

impl Ends {
    fn of(observing: &Observing<'_>, audit: &Audit, lost: &[&Harmed]) -> Self {
        let begun = observing.history.intervals.iter().map(|interval| slot(interval.index)).min().unwrap_or_default();
        let mut ends = Self::default();
        if !lost.is_empty() {
            let all: Vec<&Acknowledged> = audit.timeline.iter().collect();
            ends.database = databases(observing, &Timeline::of(&all), !all.is_empty());
            ends.replicas(observing, audit, lost, begun);
        }
        ends
    }

    fn replicas(&mut self, observing: &Observing<'_>, audit: &Audit, lost: &[&Harmed], begun: Moment) {
        let mut by_replica: BTreeMap<Replica, Vec<Moment>> = BTreeMap::new();
        for harmed in lost {
            if let Some(life) = life(observing, harmed) {
                by_replica.entry(life.replica).or_default().push(harmed.acknowledged);
            }
        }
        for (replica, those) in by_replica {
            let Some(life) = observing.lives.get(replica) else { continue };
            let own: Vec<&Acknowledged> = audit.timeline.iter().filter(|part| part.endpoint == life.address).collect();
            let own = Timeline::of(&own);
            let joined = life.view.all().first().map_or(begun, |span| span.from.max(begun));
            if end_after(life, joined).is_some_and(|end| own.took(joined, end) == Took::All) {
                self.whole.insert(replica);
            }
            let near = those.iter().filter(|at| end_after(life, **at).is_some_and(|end| end.since(**at) <= KEPT_BACK));
            if near.count() * 5 >= those.len() * 4 {
                let first = those.iter().min().copied().unwrap_or(joined);
                self.tail.insert(replica, own.count(joined, before(first, Duration::from_nanos(1))).0 > 0);
            }
        }
    }

    /// The causes that fit a lost write, and whether enough is known to tell.
    fn causes(&self, observing: &Observing<'_>, harmed: &Harmed) -> (BTreeSet<&'static str>, bool) {
        let at = harmed.acknowledged;
        let mut causes = BTreeSet::new();
        let mut sure = true;
        for end in self.database.iter().filter(|end| end.from <= at && at < end.back) {
            let of_tail = |cut: Moment| cut <= at && end.at.since(at) <= FLUSHED;
            if at > end.until {
                // Nobody was there to keep it.
                causes.insert(ACK_FIRST.id);
                continue;
            }
            match end.took {
                Took::All => causes.extend([EPHEMERAL.id]),
                Took::Last(cut) if of_tail(cut) => {
                    causes.extend([NON_DURABLE.id]);
                    // Who answers without a database may have kept these back as well.
                    causes.extend((end.while_away > 0).then_some(ACK_FIRST.id));
                }
                Took::Either => {
                    sure = false;
                    causes.extend([EPHEMERAL.id]);
                    causes.extend(of_tail(Moment::START).then_some(NON_DURABLE.id));
                }
                Took::Nothing | Took::Last(_) => {}
            }
        }
        if let Some((life, end)) = life(observing, harmed).and_then(|life| Some((life, end_after(life, at)?))) {
            if self.whole.contains(&life.replica) {
                causes.insert(EPHEMERAL.id);
            } else if let Some(kept) = self.tail.get(&life.replica).filter(|_| end.since(at) <= KEPT_BACK) {
                causes.insert(ACK_FIRST.id);
                if !kept {
                    sure = false;
                    causes.insert(EPHEMERAL.id);
                }
            }
        }
        (causes, sure)
    }

    /// How long before which end they were acknowledged, and what is there from before.
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
        for end in self.database.iter().take(3) {
            lines.extend(end.told(those));
        }
        lines
    }
}

impl DatabaseEnd {
    fn told(&self, those: &[&Harmed]) -> Vec<String> {
        let among = |from: Moment, to: Moment| -> Vec<Moment> {
            those.iter().map(|harmed| harmed.acknowledged).filter(|at| from <= *at && *at <= to).collect()
        };
        let mut lines = Vec::new();
        let before = among(self.from, self.until);
        if !before.is_empty() {
            let times: Vec<Duration> = before.iter().map(|at| self.at.since(*at)).collect();
            lines.push(format!("the database ended {} after {} of them", range(&times), times.len()));
            lines.push(match self.took {
                Took::Last(_) => format!("{} that had been acknowledged before those are there", thousands(self.kept)),
                Took::All => "nothing that had been acknowledged before it ended is there".to_owned(),
                Took::Either => {
                    "too few are there from before to tell whether the last is gone, or everything".to_owned()
                }
                Took::Nothing => "others that were acknowledged in the same time are there".to_owned(),
            });
        }
        let away = among(self.until + Duration::from_nanos(1), self.back);
        if !away.is_empty() {
            lines.push(format!(
                "{} of them had been acknowledged while the database was away",
                thousands(away.len() as u64)
            ));
        }
        lines
    }
}

/// The ends of the database, and what each took along. Where it is not known when what is there was acknowledged, nothing
/// tells the last from all.
fn databases(observing: &Observing<'_>, timeline: &Timeline, is_known: bool) -> Vec<DatabaseEnd> {
    let up = observing.lives.database_up();
    let mut from = Moment::START;
    let mut ends = Vec::new();
    for at in up.all().iter().filter_map(|span| span.to) {
        let back = up.next_begin(at).unwrap_or_else(|| observing.lives.end());
        let until = (at + LATE).min(back);
        let took = if is_known { timeline.took(from, until) } else { Took::Either };
        let kept = if let Took::Last(cut) = took { timeline.count(from, cut).0 } else { 0 };
        let (there, gone) = timeline.count(until + INTERVAL, before(back, INTERVAL));
        ends.push(DatabaseEnd { from, at, until, back, took, kept, while_away: there.saturating_add(gone) });
        from = back;
    }
    ends
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

//! What the ledger comes to.

use std::collections::BTreeMap;

use super::{Ledger, Met, Read, Record, State};
use crate::{
    audit::{Acknowledged, Audit, Harm, Harmed},
    interval::INTERVAL,
    text,
    time::nanos,
    verdict::Writes,
};

/// How many lost writes are told as examples.
const EXAMPLES: usize = 5;

/// Writes that came to harm of which is kept who acknowledged them.
const MOST_HARMED: usize = 1_000;

impl Ledger {
    /// What became of all writes, as far as they were read back.
    pub fn audit(&self) -> Audit {
        let mut audit = Audit {
            unknown: self.unknown,
            refused: self.refused,
            echoes: self.echoes,
            unlisted: self.unlisted,
            listed: self.has_list,
            ..Audit::default()
        };
        let usual = self.usual();
        for record in self.records.values() {
            record.count(&mut audit);
            record.count_unknown(&mut audit);
            record.count_listed(usual, &mut audit);
        }
        audit.timeline = self.timeline();
        // What is lost must not go out of sight behind what was only late.
        audit.harmed.sort_by_key(|harmed| (harmed.harm != Harm::Lost, harmed.harm == Harm::Stale, harmed.acknowledged));
        audit.harmed.truncate(MOST_HARMED);
        audit.harmed.sort_by_key(|harmed| harmed.acknowledged);
        audit
    }

    /// When what is known to be there, or to be gone, was acknowledged, and by whom.
    fn timeline(&self) -> Vec<Acknowledged> {
        let mut slots: BTreeMap<_, BTreeMap<u64, (u64, u64)>> = BTreeMap::new();
        for record in self.records.values() {
            let Some(kept) = record.known().map(|seen| record.kept_and_lost(&seen).0) else { continue };
            for (n, write) in (0..).zip(&record.acknowledged) {
                let slot = write.met.at.nanos() / nanos(INTERVAL);
                let (there, gone) = slots.entry(write.met.endpoint).or_default().entry(slot).or_default();
                *(if n < kept { there } else { gone }) += 1;
            }
        }
        let of = |(endpoint, slots): (_, BTreeMap<u64, (u64, u64)>)| Acknowledged {
            endpoint,
            slots: slots.into_iter().map(|(slot, (there, gone))| (slot, there, gone)).collect(),
        };
        slots.into_iter().map(of).collect()
    }

    /// The counts, for the report on a run without a trial.
    pub fn writes(&self) -> Writes {
        let audit = self.audit();
        let lost = self.records.values().filter(|record| record.loses());
        Writes {
            acknowledged: audit.acknowledged,
            unknown: audit.unknown,
            recovered: audit.recovered,
            refused: audit.refused,
            kept: audit.kept,
            lost: audit.lost,
            stale: audit.stale,
            unverified: audit.unverified,
            duplicated: audit.duplicated,
            lost_examples: lost.take(EXAMPLES).map(Record::example).collect(),
        }
    }

    /// How often most keys are in the list: usually once, but a record may name its key in two fields.
    fn usual(&self) -> u64 {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for listed in self.records.values().filter_map(|record| record.listed).filter(|listed| *listed > 0) {
            *counts.entry(listed).or_default() += 1;
        }
        // Of two that are as frequent, the smaller: whoever is there twice must not hide behind another that is.
        counts.into_iter().min_by_key(|(listed, count)| (u64::MAX - count, *listed)).map_or(1, |(listed, _)| listed)
    }
}

impl Record {
    /// What was seen of it last. The list knows also those that have no id.
    fn last(&self) -> Option<State> {
        let listed = |count| if count > 0 { State::Value(self.name.clone()) } else { State::Absent };
        self.seen.as_ref().map(|seen| seen.state.clone()).or_else(|| self.listed.map(listed))
    }

    fn harmed(&self, harm: Harm, met: Met, read: &str) -> Harmed {
        let (key, id) = (self.name.to_string(), self.id.as_deref().map(str::to_owned));
        Harmed { key, id, harm, acknowledged: met.at, endpoint: met.endpoint, read: read.to_owned() }
    }

    /// Whether something that was acknowledged is known to be missing.
    fn loses(&self) -> bool {
        self.known().is_some_and(|seen| !self.is_whole(&seen))
    }

    /// The same, if it is to be judged. Where a record was not there and then could not be read, the list does not decide,
    /// either: it may be late.
    fn known(&self) -> Option<State> {
        self.last().filter(|_| self.first.is_none() || self.seen.is_some())
    }

    /// Each acknowledged write is one of kept, lost, stale and unverified.
    fn count(&self, audit: &mut Audit) {
        let all = self.acknowledged.len() as u64;
        audit.acknowledged += all;
        let begun = self.acknowledged.iter().map(|write| write.met.at).min();
        audit.first = audit.first.into_iter().chain(begun).min();
        let Some(seen) = self.known() else {
            audit.unverified += all;
            return;
        };
        let (kept, lost) = self.kept_and_lost(&seen);
        let at_first = self.first.as_ref().map_or(kept, |first| self.kept_and_lost(&first.state).0).min(kept);
        audit.kept += at_first;
        audit.stale += kept - at_first;
        audit.lost += lost;
        let words =
            |read: Option<&Read>| read.map_or_else(|| "not in the list".to_owned(), |read| read.words.to_string());
        let (first, last) = (words(self.first.as_ref()), words(self.seen.as_ref()));
        for (n, write) in (0..).zip(&self.acknowledged) {
            if n >= kept {
                audit.harmed.push(self.harmed(Harm::Lost, write.met, &last));
            } else if n >= at_first {
                audit.harmed.push(self.harmed(Harm::Stale, write.met, &first));
            }
        }
    }

    fn count_unknown(&self, audit: &mut Audit) {
        let (Some(unknown), Some(seen)) = (self.possible.last(), self.last()) else { return };
        let before = self.acknowledged.last().map_or(&State::Absent, |write| &write.state);
        if unknown.state == seen && *before != seen {
            audit.recovered += 1;
        } else {
            audit.not_executed += 1;
        }
    }

    fn count_listed(&self, usual: u64, audit: &mut Audit) {
        let Some(listed) = self.listed.filter(|listed| *listed > usual) else { return };
        let met =
            self.acknowledged.first().or_else(|| self.possible.first()).map(|write| write.met).unwrap_or_default();
        audit.duplicated += 1;
        let times = text::counted(listed, "time");
        audit.harmed.push(self.harmed(Harm::Duplicated, met, &format!("{times} in the list")));
    }

    fn example(&self) -> String {
        let shown = |state: &State| match state {
            State::Absent => "nothing".to_owned(),
            State::Value(value) => format!("{value:?}"),
        };
        format!(
            "{}: acknowledged {}, read {}",
            self.id.as_deref().unwrap_or(&self.name),
            self.acknowledged.last().map(|write| shown(&write.state)).unwrap_or_default(),
            self.last().as_ref().map(shown).unwrap_or_default(),
        )
    }
}

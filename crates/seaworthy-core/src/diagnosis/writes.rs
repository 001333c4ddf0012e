//! Writes that came to harm, by what is known of who had acknowledged them, and when.

mod cut;
mod lost;

use super::{
    Confidence, Finding, Rule, entries,
    found::seconds,
    observed::{Observing, Seen},
};
use crate::{
    audit::{Harm, Harmed},
    drill::Drill,
    lives::Life,
    text::thousands,
};

pub(super) const ACK_FIRST: Rule = Rule {
    id: "ack-before-persist",
    title: "writes were acknowledged before they were kept, and are gone",
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
    title: "the last writes before the database's end are gone: they had been acknowledged before they were safe",
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
    mends: |_| {
        "a unique index on an idempotency key, whoever writes twice; then look whether the handler itself does, or a \
         proxy or a driver that tries again"
            .to_owned()
    },
    ..Rule::OBSERVED
};

pub(super) const STALE: Rule = Rule {
    id: "stale-replica-read",
    title: "writes were not there when they were first read, and were there later",
    harm: super::Harm::Writes,
    entry: entries::data::STALE_READ,
    mends: |_| {
        "read what was just written from where it was written, or say that reads may lag; and see that it is not the \
         write that is late (answered before its commit)"
            .to_owned()
    },
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

/// Whether writes are gone or there twice, and not only late.
pub(crate) fn are_harmed(finding: &Finding) -> bool {
    finding.harm == super::Harm::Writes && finding.count > 0 && finding.cause != STALE.id
}

/// What became of the writes, by cause.
pub(super) fn seen(observing: &Observing<'_>) -> Vec<Seen> {
    let Some(audit) = &observing.history.audit else { return Vec::new() };
    let mut seen = lost::seen(observing, audit);
    let those = |harm| -> Vec<&Harmed> { audit.harmed.iter().filter(|harmed| harmed.harm == harm).collect() };
    if audit.duplicated > 0 {
        let those = those(Harm::Duplicated);
        let mut one = Seen::of(&DUPLICATE, Confidence::Possible);
        one.evidence.push(format!("{} sent once, and found more often", writes(audit.duplicated)));
        one.evidence.push("this tool never sends a write again, so it is not its client's retry".to_owned());
        one.evidence.extend(undisturbed(observing, &those));
        tell(observing, &mut one, &those);
        one.count = audit.duplicated;
        seen.push(one);
    }
    if audit.stale > 0 {
        let mut one = Seen::of(&STALE, Confidence::Possible);
        one.evidence.push(format!("{} missing when first read, and found later", writes(audit.stale)));
        tell(observing, &mut one, &those(Harm::Stale));
        one.count = audit.stale;
        seen.push(one);
    }
    seen
}

/// Where nothing was disturbed, nothing gave anybody a reason to try again.
fn undisturbed(observing: &Observing<'_>, those: &[&Harmed]) -> Option<String> {
    let quiet = |harmed: &&&Harmed| observing.drill(harmed.acknowledged) == Some(Drill::Baseline);
    let count = those.iter().filter(quiet).count() as u64;
    let of = format!("{} of them {}", thousands(count), if count == 1 { "was" } else { "were" });
    (count > 0).then(|| {
        format!("{of} written in the null run, where nothing was disturbed: look first at what the handler does")
    })
}

/// `3 writes were`.
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

/// Who acknowledged it.
fn life<'a>(observing: &Observing<'a>, harmed: &Harmed) -> Option<&'a Life> {
    harmed.endpoint.and_then(|address| observing.lives.at(address))
}

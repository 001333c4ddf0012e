//! The drill that breaks the way to a replica: what proves it, what it may lose, and what it must not do.

use super::{allowance::SLACK, proof, windows::Window};
use crate::{
    drill::Drill,
    event::{Event, Replica},
    history::History,
    lives::{Life, Lives},
    network::{self, Break},
    outcome::{ConnectionKind, FailureKind, Outcome},
    text,
    time::Moment,
};

/// Whether the drill may lose this request to the replica whose way it broke.
///
/// Over a broken way nothing comes: a client waits in vain, or hears too late that the other side gave up. An answer that
/// is wrong, or a refusal, came over the way, and is somebody else's doing. What is begun when the way is whole again is
/// lost to it only over a connection from before, until that had its time to recover.
pub(super) fn allows(window: &Window<'_>, life: &Life, outcome: &Outcome) -> bool {
    let silent = matches!(&outcome.end, Err(failure) if is_silence(failure.kind));
    let spans = life.broken.all().iter().filter(|span| proof::within(window, span.from));
    // What came through one break unharmed may fall into the next; what hung since the first is not the second's doing.
    let met = spans.map(|span| (span.from, span.to.unwrap_or(window.until))).find(|(from, healed)| {
        let kept = outcome.connection == ConnectionKind::Reused && outcome.begun <= well(*from, *healed);
        *from <= outcome.done + SLACK && (outcome.begun <= *healed || kept)
    });
    silent && met.is_some_and(|(from, healed)| outcome.done <= well(from, healed) + SLACK)
}

/// When what went over a broken way is well again.
fn well(from: Moment, healed: Moment) -> Moment {
    healed + network::recovery(healed.since(from))
}

/// Whether this is how a broken way looks.
const fn is_silence(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::TimedOut | FailureKind::Reset | FailureKind::Closed | FailureKind::Truncated)
}

/// What proves that the way was broken, and whole again.
pub(super) fn happened(window: &Window<'_>, history: &History) -> Result<String, String> {
    let replica = window.disturbed.ok_or("it never disturbed")?.1.ok_or("it picked no replica")?;
    let mut broken: Option<(Moment, Break)> = None;
    let mut proofs = Vec::new();
    for (at, event) in history.events.iter().filter(|(at, _)| proof::within(window, *at)) {
        if let Event::NetworkBroken { replica: whose, how } = event
            && *whose == replica
        {
            broken = Some((*at, *how));
        } else if let Event::NetworkHealed { replica: whose, how, dropped } = event
            && *whose == replica
            && let Some((from, _)) = broken.take()
        {
            if *dropped == 0 {
                return Err(format!("{how}: not one packet between clients and {replica} was dropped"));
            }
            let packets = text::counted(*dropped, "packet");
            proofs.push(format!("{how} for {:.1} s: {packets} dropped", at.since(from).as_secs_f64()));
        }
    }
    match broken {
        Some((_, how)) => Err(format!("nothing shows that the way to {replica} was whole again after the {how}")),
        None if proofs.is_empty() => Err(format!("nothing shows that the way to {replica} was broken")),
        None => Ok(format!("between clients and {replica}, {}", proofs.join("; "))),
    }
}

/// Replicas that ended though nothing was done to any.
pub(super) fn failures(window: &Window<'_>, lives: &Lives) -> Option<String> {
    if window.drill != Drill::Network {
        return None;
    }
    let ended = |life: &&Life| life.runs.iter().any(|run| run.ended.is_some_and(|(at, _)| proof::within(window, at)));
    let ended: Vec<Replica> = lives.all().filter(ended).map(|life| life.replica).collect();
    let names: Vec<String> = ended.iter().map(ToString::to_string).collect();
    (!names.is_empty())
        .then(|| format!("{} ended, though only the way of clients to one replica was broken", names.join(", ")))
}

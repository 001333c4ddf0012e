//! Whether new replicas take their share: of fresh connections by chance, and of those that are kept at all.

use std::{collections::BTreeMap, time::Duration};

use super::{
    proof::within,
    windows::{self, Window},
};
use crate::{
    chance::{at_most, sums},
    drill::Drill,
    event::{Event, Replica},
    histogram::Packed,
    history::History,
    interval::{INTERVAL, Times},
    lives::{Lives, slot},
    outcome::ConnectionKind,
    text,
    time::Moment,
};

/// Less likely than this by chance, over all replicas together, and it is no chance.
const CHANCE: f64 = 0.001;

/// From when clients see all replicas until what was on its way has ended.
const BEGIN: Duration = Duration::from_millis(500);

/// Connections may have a maximum age: what is seen in less than this says nothing of it.
const AGE: Duration = Duration::from_mins(1);

/// Fewer requests over kept connections tell nothing.
const FEWEST: u64 = 30;

/// Requests that went to a replica.
#[derive(Clone, Copy, Debug, Default)]
struct Got {
    fresh: u64,
    /// Over connections that are kept.
    kept: u64,
    /// Of these, the first ones of a connection.
    opened: u64,
}

/// What each replica got while there were twice as many.
#[derive(Debug)]
struct Shares {
    before: u32,
    seen: Moment,
    watched: Duration,
    got: BTreeMap<Replica, Got>,
    new: Vec<Replica>,
}

impl Shares {
    fn sum(&self, of: impl Fn(&Got) -> u64) -> u64 {
        self.got.values().map(of).sum()
    }

    fn of_new(&self, of: impl Fn(&Got) -> u64) -> u64 {
        self.new.iter().filter_map(|replica| self.got.get(replica)).map(of).sum()
    }

    /// The fair share of one replica.
    fn fair(&self) -> f64 {
        1.0 / self.got.len().max(1) as f64
    }

    /// How likely one replica gets no more fresh requests than so many.
    fn chance(&self, fresh: u64) -> f64 {
        at_most(fresh, self.sum(|got| got.fresh), self.fair())
    }

    /// What is too unlikely for one of so many replicas.
    fn bound(&self) -> f64 {
        CHANCE * self.fair()
    }

    /// The fewest fresh requests that chance leaves to a replica.
    fn fewest(&self) -> u64 {
        let sums = sums(self.sum(|got| got.fresh), self.fair());
        sums.take_while(|sum| *sum < self.bound()).count() as u64
    }
}

/// From when clients saw all of them until they were taken away again.
fn watched(window: &Window<'_>, history: &History) -> Option<(u32, Moment, Moment, Moment, Vec<Replica>)> {
    let scaled = |more: bool, since: Moment| {
        history.events.iter().find_map(|(at, event)| {
            let Event::Scaled { from, to } = event else { return None };
            (within(window, *at) && *at >= since && from != to && (to > from) == more).then_some((*at, *from))
        })
    };
    let (up, before) = scaled(true, window.begun)?;
    let (down, _) = scaled(false, up)?;
    let view = history.events.iter().rev().find_map(|(at, event)| {
        let Event::View { replicas } = event else { return None };
        (up..=down).contains(at).then(|| (*at, replicas.clone()))
    });
    let (seen, replicas) = view?;
    Some((before, up, seen, down, replicas))
}

fn shares(window: &Window<'_>, history: &History, lives: &Lives) -> Option<Shares> {
    let (before, up, seen, down, replicas) = watched(window, history)?;
    let is_new =
        |replica: &&Replica| lives.get(**replica).and_then(|life| life.created).is_some_and(|created| created >= up);
    let new = replicas.iter().filter(is_new).copied().collect();
    let mut got: BTreeMap<Replica, Got> = replicas.into_iter().map(|replica| (replica, Got::default())).collect();
    let from = seen + BEGIN;
    for interval in &history.intervals {
        let begin = slot(interval.index);
        if begin < from || begin + INTERVAL > down {
            continue;
        }
        for (lane, times) in &interval.lanes {
            let life = lane.endpoint.and_then(|address| lives.at(address));
            let Some(got) = life.and_then(|life| got.get_mut(&life.replica)) else { continue };
            let count = count(times);
            match lane.connection {
                ConnectionKind::Fresh => got.fresh += count,
                ConnectionKind::First => {
                    got.kept += count;
                    got.opened += count;
                }
                ConnectionKind::Reused => got.kept += count,
            }
        }
    }
    Some(Shares { before, seen, watched: down.since(seen), got, new })
}

fn count(times: &Times<Packed>) -> u64 {
    [&times.response, &times.timed_out, &times.failed].map(Packed::count).iter().sum()
}

/// The shares of a drill that is about them.
fn of(window: &Window<'_>, history: &History, lives: &Lives) -> Option<Shares> {
    (window.drill == Drill::Balance).then(|| shares(window, history, lives)).flatten()
}

/// What proves that there were twice as many, and what each of them got.
pub(super) fn happened(window: &Window<'_>, history: &History, lives: &Lives) -> Result<String, String> {
    let shares = of(window, history, lives).ok_or("nothing shows that there were more replicas, and then fewer")?;
    let wanted = u64::from(shares.before).saturating_mul(2);
    if shares.new.is_empty() || (shares.got.len() as u64) < wanted {
        return Err(format!("clients saw {} of {wanted} replicas", shares.got.len()));
    }
    let fresh = || shares.got.values().map(|got| got.fresh);
    let (all, kept) = (shares.sum(|got| got.fresh), shares.sum(|got| got.kept));
    let seconds = shares.watched.as_secs_f64();
    let mut words = vec![format!("from {} to {wanted} replicas, watched for {seconds:.1} s", shares.before)];
    if all > 0 {
        words.push(format!(
            "of {} each got {} to {} (fair: {:.0}; by chance at least {}, p = {CHANCE} over all)",
            text::counted(all, "fresh request"),
            fresh().min().unwrap_or_default(),
            fresh().max().unwrap_or_default(),
            all as f64 * shares.fair(),
            shares.fewest()
        ));
    }
    if kept > 0 {
        words.push(format!(
            "of {} over kept connections the new ones got {}",
            text::thousands(kept),
            text::percent(shares.of_new(|got| got.kept), kept)
        ));
    }
    Ok(words.join("; "))
}

/// Replicas that got less than their share.
pub(super) fn failures(window: &Window<'_>, history: &History, lives: &Lives) -> Vec<String> {
    let Some(shares) = of(window, history, lives) else { return Vec::new() };
    let mut reasons = Vec::new();
    for replica in &shares.new {
        let fresh = shares.got.get(replica).map_or(0, |got| got.fresh);
        if shares.chance(fresh) < shares.bound() {
            reasons.push(format!(
                "{replica} got {fresh} of {} where {:.0} are its share, and chance leaves it at least {}",
                text::counted(shares.sum(|got| got.fresh), "fresh request"),
                shares.sum(|got| got.fresh) as f64 * shares.fair(),
                shares.fewest()
            ));
        }
    }
    if let Some(Kept::Missing(words)) = kept(&shares, history.header.connections)
        && none_is_fresh(history)
        && shares.watched >= AGE
    {
        reasons.push(words);
    }
    reasons
}

/// Whether all clients keep their connections. Then new replicas get nothing but what those bring them. Otherwise a client
/// that stays where it is breaks no promise: HTTP lets it, and who connects anew is served by the new replicas.
fn none_is_fresh(history: &History) -> bool {
    history.header.fresh <= 0.0
}

/// What is to be said of clients that keep their connections, where it is no failure.
pub(super) fn notes(window: &Window<'_>, history: &History, lives: &Lives) -> Option<String> {
    let shares = of(window, history, lives).filter(|_| !none_is_fresh(history))?;
    let Kept::Missing(words) = kept(&shares, history.header.connections)? else { return None };
    Some(format!("no failure, but to be known: {words}"))
}

/// Why nobody can know whether new replicas take their share.
pub(super) fn doubts(window: &Window<'_>, history: &History, lives: &Lives) -> Vec<String> {
    let Some(shares) = of(window, history, lives) else { return Vec::new() };
    let mut doubts = Vec::new();
    if history.header.fresh > 0.0 && shares.chance(0) >= shares.bound() {
        doubts.push(format!(
            "too few requests: of {} a replica may get none by chance; raise --rate or --balance",
            text::counted(shares.sum(|got| got.fresh), "fresh request")
        ));
    }
    match kept(&shares, history.header.connections).filter(|_| none_is_fresh(history)) {
        Some(Kept::Missing(words)) if shares.watched < AGE => {
            doubts.push(format!("{words}; a maximum age of connections would not show in that: --balance 60s"));
        }
        Some(Kept::Perhaps(words)) => doubts.push(words),
        Some(Kept::Missing(_)) | None => {}
    }
    doubts
}

/// What is wrong with the share of clients that keep their connections.
enum Kept {
    /// They do not reach the new replicas.
    Missing(String),
    /// That may be chance.
    Perhaps(String),
}

/// Requests over one connection all go to one replica, so what is independent is the connections, and not the requests.
fn kept(shares: &Shares, connections: usize) -> Option<Kept> {
    let (all, new) = (shares.sum(|got| got.kept), shares.of_new(|got| got.kept));
    let fair = shares.fair() * shares.new.len() as f64;
    let share = new as f64 / all as f64;
    if all < FEWEST || share >= fair / 2.0 {
        return None;
    }
    let opened = shares.sum(|got| got.opened);
    let chosen = opened.saturating_add(connections as u64);
    let to_new = (0..=chosen).take_while(|count| *count as f64 <= share * chosen as f64).last().unwrap_or(0);
    let few = format!(
        "new replicas got {} of {} requests over kept connections in {:.1} s, less than half of their share",
        text::thousands(new),
        text::thousands(all),
        shares.watched.as_secs_f64()
    );
    let certain = opened == 0 && new == 0;
    Some(if certain || at_most(to_new, chosen, fair) < CHANCE {
        Kept::Missing(format!("clients that keep their connections did not reach the new replicas: {few}"))
    } else {
        Kept::Perhaps(format!("{few}; of {chosen} connections that may be chance: raise --connections"))
    })
}

/// New replicas that clients which keep their connections did not reach, though chance would have led them there.
#[derive(Clone, Debug)]
pub(crate) struct Unreached {
    /// The new replicas.
    pub(crate) new: Vec<Replica>,
    /// From when clients saw them.
    pub(crate) from: Moment,
    /// How long that was watched.
    pub(crate) watched: Duration,
    /// Requests over kept connections that they got.
    pub(crate) got: u64,
    /// Those that all replicas got.
    pub(crate) all: u64,
    /// Their fair share of them, 0 to 1.
    pub(crate) fair: f64,
    /// The same in requests.
    pub(crate) due: u64,
    /// Connections that were opened meanwhile to be kept.
    pub(crate) opened: u64,
}

impl Unreached {
    /// Whether it was watched for so long that a bound on the age of connections would have shown.
    pub(crate) fn is_long(&self) -> bool {
        self.watched >= AGE
    }
}

/// The drills in which clients that keep their connections did not reach the new replicas.
pub(crate) fn unreached(history: &History, lives: &Lives) -> Vec<Unreached> {
    let windows = windows::of(history, lives.end());
    let shares = windows.iter().filter_map(|window| of(window, history, lives));
    let missing = shares.filter(|shares| matches!(kept(shares, history.header.connections), Some(Kept::Missing(_))));
    missing
        .map(|shares| Unreached {
            from: shares.seen,
            watched: shares.watched,
            got: shares.of_new(|got| got.kept),
            all: shares.sum(|got| got.kept),
            fair: shares.fair() * shares.new.len() as f64,
            due: shares.sum(|got| got.kept).saturating_mul(shares.new.len() as u64) / shares.got.len().max(1) as u64,
            opened: shares.sum(|got| got.opened),
            new: shares.new,
        })
        .collect()
}

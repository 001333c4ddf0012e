//! Who calls whom, and what became of it: counters for each pair of a caller and a workload.
//!
//! A connection costs two short locks when it begins; each piece that is copied costs one atomic addition.

mod edge;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

pub use edge::{Counts, Failure, Session};
pub(crate) use edge::{Edge, Open};

use crate::{clock::Clock, reason::Reason, spiffe::SpiffeId};

/// The most edges that are told apart. A workload that is gone is forgotten by [`Edges::forget`].
const MOST: usize = 1024;
/// The most pairs of a workload and a reason.
const MOST_REASONS: usize = 256;

/// Who calls, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// One that has shown who it is.
    Workload(SpiffeId),
    /// One that speaks without TLS: it could be anybody.
    Plaintext,
    /// One that spoke TLS and was turned away, or is passed on with its TLS to somebody who will know.
    Unverified,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(id) => id.fmt(f),
            Self::Plaintext => f.write_str("plaintext client"),
            Self::Unverified => f.write_str("unverified client"),
        }
    }
}

/// An edge at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeNow {
    /// Who calls.
    pub from: Caller,
    /// Whom.
    pub to: SpiffeId,
    /// What became of it.
    pub counts: Counts,
}

/// Those who were turned away for the same reason: callers, or whom a forwarder called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// By whom.
    pub by: SpiffeId,
    /// Why.
    pub why: Reason,
    /// How often.
    pub times: u64,
    /// When last.
    pub last: SystemTime,
}

/// All edges at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In the order of callers and workloads.
    pub edges: Vec<EdgeNow>,
    /// What is not told apart any more, since there are too many edges.
    pub others: Option<Counts>,
    /// Who was turned away, and why.
    pub turned_away: Vec<TurnedAway>,
    /// How many more were turned away, for reasons that are not told apart any more.
    pub turned_away_others: u64,
}

/// The counters of all edges.
#[derive(Debug)]
pub struct Edges {
    clock: Arc<dyn Clock>,
    known: Mutex<BTreeMap<(Caller, SpiffeId), Arc<Edge>>>,
    others: Arc<Edge>,
    turned_away: Mutex<BTreeMap<(SpiffeId, Reason), (u64, SystemTime)>>,
    turned_away_others: AtomicU64,
}

impl Edges {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            known: Mutex::default(),
            others: Arc::default(),
            turned_away: Mutex::default(),
            turned_away_others: AtomicU64::new(0),
        })
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn edge(&self, from: Caller, to: &SpiffeId) -> Arc<Edge> {
        let mut edges = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (from, to.clone());
        if let Some(edge) = edges.get(&key) {
            return Arc::clone(edge);
        }
        if edges.len() >= MOST {
            return Arc::clone(&self.others);
        }
        Arc::clone(edges.entry(key).or_default())
    }

    /// A connection begins.
    pub(crate) fn begin(&self, from: Caller, to: &SpiffeId) -> Open {
        self.edge(from, to).begin(self.now())
    }

    /// A connection begins, after a good handshake.
    pub(crate) fn begin_secured(&self, from: SpiffeId, to: &SpiffeId, session: Session) -> Open {
        let edge = self.edge(Caller::Workload(from), to);
        edge.shake(session);
        edge.begin(self.now())
    }

    /// One that never began.
    pub(crate) fn fail(&self, from: Caller, to: &SpiffeId, failure: Failure) {
        let edge = self.edge(from, to);
        edge.touch(self.now());
        edge.fail(failure);
    }

    /// A caller is turned away.
    pub(crate) fn turn_away(&self, by: &SpiffeId, why: Reason) {
        let from = if why == Reason::Plaintext { Caller::Plaintext } else { Caller::Unverified };
        self.fail(from, by, Failure::TurnedAway);
        self.note(by, why);
    }

    /// Why somebody was turned away: a caller, or whoever was called.
    pub(crate) fn note(&self, by: &SpiffeId, why: Reason) {
        let now = self.now();
        let mut turned_away = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (by.clone(), why);
        if turned_away.len() >= MOST_REASONS && !turned_away.contains_key(&key) {
            self.turned_away_others.fetch_add(1, Relaxed);
            return;
        }
        let (times, last) = turned_away.entry(key).or_insert((0, now));
        *times += 1;
        *last = now;
    }

    /// Forgets the edges of a workload that is gone, and whom it turned away. What is still open there goes on uncounted.
    pub fn forget(&self, to: &SpiffeId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, of), _| of != to);
        self.turned_away.lock().unwrap_or_else(PoisonError::into_inner).retain(|(by, _), _| by != to);
    }

    /// All of them, now.
    pub fn snapshot(&self) -> Snapshot {
        let edges: Vec<_> = {
            let edges = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            edges.iter().map(|((from, to), edge)| (from.clone(), to.clone(), Arc::clone(edge))).collect()
        };
        let others = self.others.counts();
        let turned_away = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            edges: edges.into_iter().map(|(from, to, edge)| EdgeNow { from, to, counts: edge.counts() }).collect(),
            others: (others != Counts::default()).then_some(others),
            turned_away: turned_away
                .iter()
                .map(|((by, why), (times, last))| TurnedAway {
                    by: by.clone(),
                    why: why.clone(),
                    times: *times,
                    last: *last,
                })
                .collect(),
            turned_away_others: self.turned_away_others.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn id(path: &str) -> SpiffeId {
        SpiffeId::new("seaworthy.local", path).unwrap()
    }

    #[test]
    fn what_is_open_ends_once() {
        let edges = Edges::new(Arc::new(SystemClock));
        let of = |edges: &Edges| edges.snapshot().edges[0].counts.clone();
        let one = edges.begin(Caller::Plaintext, &id("a"));
        let two = edges.begin(Caller::Plaintext, &id("a"));
        let three = edges.begin(Caller::Plaintext, &id("a"));
        assert_eq!((of(&edges).opened, of(&edges).open), (3, 3));
        one.end(None, edges.now());
        two.end(Some(Failure::Refused), edges.now());
        drop(three);
        let counts = of(&edges);
        assert_eq!((counts.opened, counts.open), (3, 0));
        assert_eq!(counts.failed, [(Failure::Refused, 1), (Failure::CutOff, 1)]);
        assert!(counts.last.is_some());
    }

    #[test]
    fn each_failure_has_a_counter_of_its_own() {
        for failure in Failure::ALL {
            let edges = Edges::new(Arc::new(SystemClock));
            edges.fail(Caller::Unverified, &id("a"), failure);
            assert_eq!(edges.snapshot().edges[0].counts.failed, [(failure, 1)]);
        }
    }

    #[test]
    fn tables_are_bounded_and_forget() {
        let edges = Edges::new(Arc::new(SystemClock));
        for n in 0..MOST + 3 {
            edges.begin(Caller::Plaintext, &id(&format!("replica/{n}"))).end(None, edges.now());
        }
        for n in 0..MOST_REASONS + 3 {
            edges.turn_away(&id("replica/0"), Reason::Other(n.to_string().into()));
        }
        let now = edges.snapshot();
        assert_eq!((now.edges.len(), now.turned_away.len()), (MOST, MOST_REASONS));
        assert_eq!(now.others.map(|others| others.opened), Some(3));
        assert_eq!(now.turned_away_others, 3);
        edges.forget(&id("replica/0"));
        let now = edges.snapshot();
        assert!(now.edges.iter().all(|edge| edge.to != id("replica/0")));
        assert_eq!((now.edges.len(), now.turned_away.len()), (MOST - 1, 0));
    }
}

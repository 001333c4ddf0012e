//! How a simulated process behaves, and the causes of lost requests that can be planted in it.

use std::time::Duration;

mod plants;

pub use plants::{PLANTS, plant};

/// How a simulated process behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// From its start until it listens: at least, and at most.
    pub start: (Duration, Duration),
    /// From listening until it can answer. Until then it answers 503. Those that are there before any request arrives have
    /// had the time, so that the null run is clean.
    pub warm_up: Duration,
    /// Whether it says that it is ready as soon as it listens, and not only once it can answer.
    pub ready_too_early: bool,
    /// How long a request takes it: at least, and at most.
    pub service: (Duration, Duration),
    /// Requests that take longer: their share, 0 to 1, and how long.
    pub slow: Option<(f64, Duration)>,
    /// What it does on SIGTERM.
    pub on_term: OnTerm,
    /// Whether its preStop hook fails, where it has one that is not a sleep.
    pub pre_stop_fails: bool,
    /// When one process crashes, since the trial began.
    pub crash: Option<Duration>,
    /// What a bad release does.
    pub bad_release: BadRelease,
    /// Whether replicas that are started once requests arrive never say that they are ready.
    pub never_ready: bool,
    /// How one that is started then begins: slowly.
    pub cold: Option<Cold>,
    /// How much longer than others one replica takes for each request: the first of those that are there at first.
    pub slow_replica: Option<Duration>,
    /// For how long a connection may be idle. Then it closes it.
    pub idle: Option<Duration>,
    /// While one replica, the last of those that are there at first, answers its liveness probe too late.
    pub late_liveness: Option<Spell>,
    /// While all replicas say that they are not ready, although they serve.
    pub unready: Option<Spell>,
    /// While an error is answered with 200.
    pub wrong_body: Option<Spell>,
    /// While bodies that do not say how long they are end too early.
    pub cut_body: Option<Spell>,
}

/// A while, by when requests began to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// How long after that it begins.
    pub from: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// A slow begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cold {
    /// For how long it is slow.
    pub lasts: Duration,
    /// How much longer each request takes it meanwhile.
    pub adds: Duration,
}

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// It ends at once. What it was working on has no answer.
    ExitAtOnce,
    /// It goes on serving for so long, unready, and asks for each connection to be closed with the next answer. Then it
    /// finishes what it is working on, and exits 0.
    Drain {
        /// How long.
        serve_on: Duration,
    },
    /// It closes its listener and all idle connections at once, finishes what it is working on, and exits 0.
    CloseListenerAndFinish,
    /// As [`OnTerm::Drain`], but it does not read any more from connections that are idle, and closes them in a while.
    DropIdle {
        /// After how long.
        sweep: Duration,
        /// How long it goes on serving.
        serve_on: Duration,
    },
    /// It accepts nothing more, while its kernel still does, for so long. Then all that waits there is reset.
    DiscardQueue {
        /// How long.
        after: Duration,
    },
    /// Nothing.
    Ignore,
}

/// What a bad release does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRelease {
    /// It exits with 1 soon after its start, and never listens.
    Crashes,
    /// It listens, but is never ready, and answers 503.
    NeverReady,
    /// It says that it is ready, and answers 500.
    ServesErrors,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Default for Behaviour {
    /// All as it should be.
    fn default() -> Self {
        Self {
            start: (ms(300), ms(600)),
            warm_up: Duration::ZERO,
            ready_too_early: false,
            service: (ms(1), ms(3)),
            slow: None,
            on_term: OnTerm::Drain { serve_on: ms(3_000) },
            pre_stop_fails: false,
            crash: None,
            bad_release: BadRelease::Crashes,
            never_ready: false,
            cold: None,
            slow_replica: None,
            idle: None,
            late_liveness: None,
            unready: None,
            wrong_body: None,
            cut_body: None,
        }
    }
}

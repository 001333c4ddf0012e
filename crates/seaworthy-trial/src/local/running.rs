//! A trial on this machine, as its owner holds it: what it is to do, what it tells, how it ends.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rustls::ClientConfig;
use seaworthy_core::{
    cluster::Standing,
    event::Event,
    time::Moment,
    trial::{End, Plan, Progress, Trial, Wanted},
};
use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{network::Network, platform::Platform};
use crate::{journal::Journal, target::Target};

/// Events that may wait to be taken: minutes' worth.
const EVENTS: usize = 8_192;

/// What is to be run, and where.
#[derive(Debug)]
pub struct Local {
    /// What is run.
    pub target: Target,
    /// What is done to it.
    pub plan: Plan,
    /// Where its files go.
    pub folder: PathBuf,
    /// Whether drills may be asked for when those of the plan are made, until it is interrupted.
    pub open: bool,
    /// Its journal: told before anything is done.
    pub journal: Journal,
    /// When the trial's clock began.
    pub epoch: Instant,
    /// For probes over TLS: takes any certificate, as the kubelet does.
    pub probe_tls: Option<Arc<ClientConfig>>,
    /// Whether a process without a handler for SIGTERM ignores it, as the first process of a container does.
    pub as_first_process: bool,
    /// The database beside the replicas, where there is one: a command with `{port:database}` and `{dir}`.
    pub database: Option<Vec<String>>,
    /// What the way to a replica is broken with, where it may be.
    pub network: Option<Network>,
    /// The most memory that a replica may use, in bytes: it is killed where it is seen to use more.
    pub memory_limit: Option<u64>,
}

/// What a platform tells.
#[derive(Clone, Debug)]
pub enum Seen {
    /// Something happened.
    Event(Moment, Event),
    /// The trial is over. The replicas go on until they are told that no more requests are sent to them.
    Over,
}

/// Where a trial is, for whoever watches.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its drills.
    pub progress: Progress,
    /// Its replicas.
    pub standings: Vec<Standing>,
}

/// How a trial ended on this platform.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub end: End,
    /// What of the target was not as it should be, in words.
    pub lacking: String,
    /// Ports that its replicas listened on, where that was not the one that they were given.
    pub other_ports: Vec<u16>,
}

pub(super) enum Command {
    Ask(Wanted, oneshot::Sender<Result<(), String>>),
    LoadBegun,
    LoadEnded,
    Saturated,
    Interrupt,
}

/// A trial that goes on, on a thread of its own.
#[derive(Debug)]
pub struct Running {
    seen: mpsc::Receiver<Seen>,
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<Arc<[SocketAddr]>>,
    watched: watch::Receiver<Watched>,
    thread: JoinHandle<io::Result<Ended>>,
}

impl Running {
    /// The next event; nothing once the trial is over and all that it started has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Seen> {
        self.seen.recv().await
    }

    /// The addresses that clients connect to.
    pub fn view(&self) -> watch::Receiver<Arc<[SocketAddr]>> {
        self.view.clone()
    }

    /// Where it is.
    pub fn watched(&self) -> Watched {
        self.watched.borrow().clone()
    }

    /// Asks for a drill. What comes says why it is not made; nothing comes where the trial has ended.
    pub fn ask(&self, wanted: Wanted) -> oneshot::Receiver<Result<(), String>> {
        let (answer, answered) = oneshot::channel();
        // A full queue drops it, and with it the sender.
        let _told = self.commands.try_send(Command::Ask(wanted, answer));
        answered
    }

    /// Requests arrive from now on.
    pub fn load_begun(&self) {
        // A full queue means that it has ended or hangs; it is not waited for.
        let _told = self.commands.try_send(Command::LoadBegun);
    }

    /// No more requests are sent: the replicas may end.
    pub fn load_ended(&self) {
        let _told = self.commands.try_send(Command::LoadEnded);
    }

    /// The target does no more, however much is asked of it.
    pub fn saturated(&self) {
        let _told = self.commands.try_send(Command::Saturated);
    }

    /// No more drills: it ends. A second time it does not wait for anything.
    pub fn interrupt(&self) {
        let _told = self.commands.try_send(Command::Interrupt);
    }

    /// How it ended. To be called after [`next`](Self::next) has given nothing.
    pub fn end(self) -> io::Result<Ended> {
        self.thread.join().map_err(|_panic| io::Error::other("the platform's thread has panicked"))?
    }
}

/// Starts a trial.
pub fn start(local: Local) -> io::Result<Running> {
    let (events, seen) = mpsc::channel(EVENTS);
    let (commands, told) = mpsc::channel(8);
    let (to_clients, view) = watch::channel(Arc::from([]));
    let plan = local.plan.clone();
    let trial = if local.open { Trial::open(plan) } else { Trial::new(plan) };
    let (to_watchers, watched) = watch::channel(Watched { progress: trial.progress(), standings: trial.standings() });
    let thread = thread::Builder::new().name("platform".into()).spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(Platform::new(local, trial, events, to_clients, to_watchers).run(told));
        // A look into /proc that still goes on must not keep it from ending.
        runtime.shutdown_background();
        done
    })?;
    Ok(Running { seen, commands, view, watched, thread })
}

//! The loop: carries out what the trial decides, and tells it what came of it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;
use rustls::ClientConfig;
use seaworthy_core::{
    cluster::{self, Effect},
    deployment::{Check, Hook, ProbeKind},
    event::{Disposition, Event, Reason, Release, Replica, Revision, Signal},
    network::Break,
    text,
    time::Moment,
    trial::{End, Input, Trial, Wanted},
};
use tokio::{
    select,
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::{
    check::check,
    database::{Database, Heard},
    listener, memory,
    place::{Place, mark},
    process,
    running::{Command, Ended, Local, Seen, Watched},
    sockets::{self, Listening},
};

/// Things that may wait to be told to the trial.
const TOLD: usize = 1_024;

/// How long replicas have to end when the trial is over, before they are killed.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a hook that is not a sleep may take at most: it is cut off with the grace period before that.
const HOOK: Duration = Duration::from_hours(24);

/// What came of something that was begun.
#[derive(Debug)]
pub(super) enum Told {
    Trial(Input),
    Database(Heard),
    OverMemory { replica: Replica, bytes: u64 },
    Listener { replica: Replica, open: bool },
    Holder { replica: Replica, holder: Listening },
}

/// A replica that has a place.
#[derive(Debug)]
struct Housed {
    place: Arc<Place>,
    /// Its process, while it runs.
    pid: Option<u32>,
    /// Whether its listener is left alone. The prober ends with this.
    paused: watch::Sender<bool>,
    /// The process of it that was killed for its memory: it may be seen once more before it has ended.
    over_memory: Option<u32>,
}

/// A trial with the processes that it is made on.
#[derive(Debug)]
pub(super) struct Platform {
    local: Local,
    trial: Trial,
    housed: BTreeMap<Replica, Housed>,
    database: Option<Database>,
    chance: Pcg64Mcg,
    events: mpsc::Sender<Seen>,
    /// Events that nobody took in time.
    missed: u64,
    to_clients: watch::Sender<Arc<[SocketAddr]>>,
    to_watchers: watch::Sender<Watched>,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
    /// What came of an effect at once.
    at_once: VecDeque<Input>,
}

impl Platform {
    pub(super) fn new(
        local: Local,
        trial: Trial,
        events: mpsc::Sender<Seen>,
        to_clients: watch::Sender<Arc<[SocketAddr]>>,
        to_watchers: watch::Sender<Watched>,
    ) -> Self {
        let (tell, told) = mpsc::channel(TOLD);
        // Not from the seed: two trials of the same seed must not want the same ports at the same time.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let chance = Pcg64Mcg::seed_from_u64(u64::from(std::process::id()) << 32 ^ u64::from(now.subsec_nanos()));
        Self {
            local,
            trial,
            housed: BTreeMap::new(),
            database: None,
            chance,
            events,
            missed: 0,
            to_clients,
            to_watchers,
            tell,
            told,
            at_once: VecDeque::new(),
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> io::Result<Ended> {
        let trial_name = self.local.journal.trial().to_owned();
        if let Some(command) = &self.local.database {
            self.database = Some(Database::make(command, &self.local.folder, &trial_name, &mut self.chance)?);
        }
        if let Some(limit) = self.local.memory_limit {
            // It ends with the runtime, which ends with the trial.
            tokio::spawn(memory::watch(limit, trial_name, self.tell.clone()));
        }
        self.take(Input::Cluster(cluster::Input::Tick));
        while self.trial.end().is_none() {
            let wake = self.trial.wake().map(|at| self.local.epoch + at.since_start());
            select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Ask(wanted, answer)) => {
                        // Whoever asked may be gone.
                        let _told = answer.send(self.ask(wanted));
                    }
                    Some(Command::LoadBegun) => self.take(Input::LoadBegun),
                    Some(Command::LoadEnded) => {}
                    Some(Command::Saturated) => self.take(Input::Saturated),
                    // Nobody is there any more to whom it could be told: as if interrupted.
                    Some(Command::Interrupt) | None => self.take(Input::Interrupt),
                },
                Some(told) = self.told.recv() => self.hear(told),
                () = until(wake) => self.take(Input::Cluster(cluster::Input::Tick)),
            }
        }
        let lacking = self.trial.lacking();
        let end = self.trial.end().unwrap_or(End::Done);
        // Whoever is to hear of it is told, or gone.
        let _told = self.events.send(Seen::Over).await;
        while !matches!(commands.recv().await, Some(Command::LoadEnded) | None) {}
        let other_ports = if end == End::NeverReady { self.other_ports() } else { Vec::new() };
        self.leave(&mut commands).await?;
        Ok(Ended { end, lacking, other_ports })
    }

    fn now(&self) -> Moment {
        Instant::now().saturating_duration_since(self.local.epoch).into()
    }

    fn record(&mut self, event: Event) {
        let now = self.now();
        if self.missed > 0 {
            let what = format!("{} found no room in the queue", self.missed);
            if self.events.try_send(Seen::Event(now, Event::Blind { what })).is_ok() {
                self.missed = 0;
            }
        }
        self.missed += u64::from(self.events.try_send(Seen::Event(now, event)).is_err());
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Trial(Input::Cluster(cluster::Input::Exited { replica, exit })) => {
                if let Some(housed) = self.housed.get_mut(&replica) {
                    housed.pid = None;
                }
                self.take(Input::Cluster(cluster::Input::Exited { replica, exit }));
            }
            Told::Trial(input) => {
                if let Input::Frozen { replica, frozen: false } = input
                    && let Some(housed) = self.housed.get(&replica)
                {
                    housed.paused.send_replace(false);
                }
                self.take(input);
            }
            Told::Database(Heard::There) => self.take(Input::DatabaseUp),
            Told::Database(Heard::Ended(exit)) => {
                if let Some(database) = &mut self.database {
                    database.ended();
                }
                self.take(Input::DatabaseDown { exit });
            }
            Told::OverMemory { replica, bytes } => self.over_memory(replica, bytes),
            Told::Listener { replica, open: true } => {
                self.record(Event::ListenerUp { replica });
                self.look_who_listens(replica);
            }
            Told::Listener { replica, open: false } => self.record(Event::ListenerDown { replica }),
            Told::Holder { replica, holder: Listening::Others(holder) } => {
                self.record(Event::Foreign { replica, holder });
            }
            Told::Holder { holder: Listening::Ours | Listening::Unknown, .. } => {}
        }
    }

    /// Begins a drill that somebody asks for, or says why not.
    fn ask(&mut self, wanted: Wanted) -> Result<(), String> {
        let mut effects = Vec::new();
        let now = self.now();
        let asked = self.trial.ask(now, wanted, &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
        self.take_all();
        asked
    }

    /// Tells the trial something, and does what it wants.
    fn take(&mut self, input: Input) {
        self.at_once.push_back(input);
        self.take_all();
    }

    fn take_all(&mut self) {
        while let Some(input) = self.at_once.pop_front() {
            let mut effects = Vec::new();
            let now = self.now();
            self.trial.on(now, input, &mut effects);
            for effect in effects {
                self.carry_out(effect);
            }
        }
        let watched = Watched { progress: self.trial.progress(), standings: self.trial.standings() };
        self.to_watchers.send_replace(watched);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Record(event) => {
                if let Event::Ready { replica } = event {
                    // A port may have been another's since its listener was last seen to come.
                    self.look_who_listens(replica);
                }
                self.record(event);
            }
            Effect::Place { replica, revision, release } => self.place(replica, revision, release),
            Effect::Start { replica } => self.start(replica),
            Effect::Probe { replica, probe, number } => self.probe(replica, probe, number),
            Effect::PreStop { replica } => self.pre_stop(replica),
            Effect::Signal { replica, signal, .. } => self.signal(replica, signal),
            Effect::StartDatabase => {
                if let Some(database) = &mut self.database {
                    database.start(&mut self.local.journal, &self.tell);
                }
            }
            Effect::KillDatabase => {
                if let Some(database) = &self.database {
                    database.kill();
                }
            }
            Effect::BreakNetwork { replica, how } => self.sever(replica, how),
            Effect::HealNetwork { .. } => self.mend(),
            Effect::Remove { replica } => {
                if let Some(housed) = self.housed.remove(&replica) {
                    remove(&housed.place);
                }
            }
            Effect::View { replicas } => {
                let addresses = replicas.iter().filter_map(|replica| self.housed.get(replica));
                self.to_clients.send_replace(addresses.map(|housed| housed.place.address).collect());
            }
        }
    }

    fn place(&mut self, replica: Replica, _revision: Revision, release: Release) {
        let Local { target, folder, journal, .. } = &self.local;
        let database = self.database.as_ref().map(Database::port);
        let made = Place::make(target, replica, release, folder, journal.trial(), database, &mut self.chance);
        let place = match made {
            Ok(place) => Arc::new(place),
            // It cannot be started then, and that says why.
            Err(error) => return self.record(Event::Blind { what: format!("no place for {replica}: {error}") }),
        };
        let (paused, is_paused) = watch::channel(false);
        let (tell, address) = (self.tell.clone(), place.address);
        tokio::spawn(listener::watch(address, is_paused, move |open| {
            let _told = tell.try_send(Told::Listener { replica, open });
        }));
        self.housed.insert(replica, Housed { place, pid: None, paused, over_memory: None });
        self.record(Event::Placed { replica, address });
    }

    fn start(&mut self, replica: Replica) {
        let started = match self.housed.get_mut(&replica) {
            None => Err("there is no place for it".to_owned()),
            Some(housed) => {
                let directory = self.local.target.directory.as_deref();
                housed.paused.send_replace(false);
                let command = &housed.place.command;
                let child = process::start(&housed.place, command, directory);
                if let Ok(child) = &child {
                    housed.pid = child.id();
                }
                // That of its release: a bad one runs another program.
                child.map_err(|error| format!("{}: {error}", command.first().map_or("", String::as_str)))
            }
        };
        let input = match started {
            Ok(mut child) => {
                let pid = child.id();
                if let Some(pid) = pid {
                    // The mark in its environment finds it, too, so that a journal that cannot be written is no harm.
                    let _written = self.local.journal.started(pid, sockets::started(pid));
                }
                let (tell, mark) = (self.tell.clone(), mark(self.local.journal.trial(), replica));
                tokio::spawn(async move {
                    let Ok(status) = child.wait().await else { return };
                    // As with a container: when its first process ends, so do all.
                    if let Some(group) = pid {
                        process::signal(group, Signal::Kill);
                    }
                    let _looked = spawn_blocking(move || process::kill_all(&sockets::of_replica(&mark))).await;
                    let exit = process::exit(status);
                    let input = cluster::Input::Exited { replica, exit };
                    let _told = tell.send(Told::Trial(Input::Cluster(input))).await;
                });
                cluster::Input::Started { replica, pid }
            }
            Err(why) => cluster::Input::NotStarted { replica, why },
        };
        self.at_once.push_back(Input::Cluster(input));
    }

    fn probe(&self, replica: Replica, probe: ProbeKind, number: u64) {
        let template = &self.trial.deployment().template;
        let (Some(asked), Some(housed)) = (template.probe(probe), self.housed.get(&replica)) else { return };
        let (question, limit) = (asked.check.clone(), asked.timeout);
        let (place, tls, tell) = (Arc::clone(&housed.place), self.local.probe_tls.clone(), self.tell.clone());
        let began = Instant::now();
        tokio::spawn(async move {
            let checked = check(&question, &place, tls.as_ref(), limit).await;
            let took = Instant::now().saturating_duration_since(began);
            let passed = checked.is_ok();
            let detail = checked.unwrap_or_else(|why| why);
            let input = cluster::Input::Probed { replica, probe, number, passed, detail, took };
            let _told = tell.send(Told::Trial(Input::Cluster(input))).await;
        });
    }

    fn pre_stop(&self, replica: Replica) {
        let Some(Hook::Ask(question)) = &self.trial.deployment().template.pre_stop else { return };
        let Some(housed) = self.housed.get(&replica) else { return };
        let (question, tell) = (question.clone(), self.tell.clone());
        let (place, tls) = (Arc::clone(&housed.place), self.local.probe_tls.clone());
        tokio::spawn(async move {
            let failed = hook(&question, &place, tls.as_ref()).await.err();
            let input = cluster::Input::PreStopped { replica, failed };
            let _told = tell.send(Told::Trial(Input::Cluster(input))).await;
        });
    }

    fn signal(&mut self, replica: Replica, signal: Signal) {
        let Some(housed) = self.housed.get(&replica) else { return };
        let Some(pid) = housed.pid else { return };
        if signal == Signal::Term
            && let Some(of_sigterm) = sockets::of_sigterm(pid)
        {
            self.record(Event::Disposition { replica, of_sigterm });
            if of_sigterm == Disposition::Default && self.local.as_first_process {
                return;
            }
        }
        let Some(housed) = self.housed.get(&replica) else { return };
        if signal == Signal::Stop {
            housed.paused.send_replace(true);
        }
        process::signal(pid, signal);
        let frozen = match signal {
            Signal::Stop => true,
            Signal::Cont => false,
            Signal::Term | Signal::Kill => return,
        };
        let tell = self.tell.clone();
        tokio::spawn(async move {
            if process::stopped(pid, frozen).await {
                let _told = tell.send(Told::Trial(Input::Frozen { replica, frozen })).await;
            }
        });
    }

    /// Breaks the way between clients and a replica.
    fn sever(&self, replica: Replica, how: Break) {
        let address = self.housed.get(&replica).map(|housed| housed.place.address);
        let (network, tell) = (self.local.network.clone(), self.tell.clone());
        tokio::spawn(async move {
            let severed = match network.zip(address) {
                Some((network, address)) => network.sever(address, how).await,
                None => Err("the trial has no network of its own".to_owned()),
            };
            let _told = tell.send(Told::Trial(Input::NetworkBroken { failed: severed.err() })).await;
        });
    }

    /// Makes it whole again.
    fn mend(&self) {
        let (network, tell) = (self.local.network.clone(), self.tell.clone());
        tokio::spawn(async move {
            let dropped = match network {
                Some(network) => network.mend().await,
                None => Err("the trial has no network of its own".to_owned()),
            };
            let _told = tell.send(Told::Trial(Input::NetworkHealed { dropped })).await;
        });
    }

    /// It was seen to use more memory than it may, as the kernel would not let a container.
    fn over_memory(&mut self, replica: Replica, bytes: u64) {
        let Some(housed) = self.housed.get_mut(&replica) else { return };
        let Some(pid) = housed.pid.filter(|pid| housed.over_memory != Some(*pid)) else { return };
        housed.over_memory = Some(pid);
        let (signal, reason) = (Signal::Kill, Reason::OutOfMemory);
        // What it was killed for is found beside its last words.
        let words = format!("killed: it used {}\n", text::bytes(bytes));
        let log = fs::OpenOptions::new().append(true).open(&housed.place.log);
        let _written = log.and_then(|mut log| log.write_all(words.as_bytes()));
        process::signal(pid, signal);
        self.record(Event::Signalled { replica, signal, reason });
    }

    fn look_who_listens(&self, replica: Replica) {
        let Some(housed) = self.housed.get(&replica) else { return };
        // Where its process does not run, only the mark of the trial says whose another one is.
        let group = housed.pid;
        let (port, trial, tell) =
            (housed.place.address.port(), self.local.journal.trial().to_owned(), self.tell.clone());
        spawn_blocking(move || {
            let holder = sockets::holder(port, group, &trial);
            let _told = tell.blocking_send(Told::Holder { replica, holder });
        });
    }

    /// Where replicas listen that do not listen where they should.
    fn other_ports(&self) -> Vec<u16> {
        let given: Vec<u16> = self
            .housed
            .values()
            .flat_map(|housed| housed.place.ports.values().copied().chain([housed.place.address.port()]))
            .collect();
        let running = self.housed.values().filter_map(|housed| housed.pid);
        let ports: BTreeSet<u16> = running.flat_map(|pid| sockets::ports_of(pid, self.local.journal.trial())).collect();
        ports.into_iter().filter(|port| !given.contains(port)).collect()
    }

    /// Ends all that was started: first asked to, then killed.
    async fn leave(&mut self, commands: &mut mpsc::Receiver<Command>) -> io::Result<()> {
        let running = |housed: &BTreeMap<Replica, Housed>| -> Vec<u32> {
            housed.values().filter_map(|housed| housed.pid).collect()
        };
        for pid in running(&self.housed) {
            process::signal(pid, Signal::Cont);
            process::signal(pid, Signal::Term);
        }
        let mut until_killed = Instant::now() + FAREWELL;
        let mut killed = false;
        while !running(&self.housed).is_empty() {
            select! {
                biased;
                Some(told) = self.told.recv() => {
                    if let Told::Trial(Input::Cluster(cluster::Input::Exited { replica, .. })) = told
                        && let Some(housed) = self.housed.get_mut(&replica)
                    {
                        housed.pid = None;
                    }
                }
                // Asked a second time, or left alone: it does not wait.
                _ = commands.recv(), if !killed => until_killed = Instant::now(),
                () = sleep_until(until_killed) => {
                    for pid in running(&self.housed) {
                        process::signal(pid, Signal::Kill);
                    }
                    // What SIGKILL does not end hangs in the kernel, and nobody can wait for that.
                    if killed {
                        break;
                    }
                    killed = true;
                    until_killed = Instant::now() + FAREWELL;
                }
            }
        }
        // Hooks, probes, the database, and whatever left its group.
        process::kill_all(&sockets::marked(self.local.journal.trial()));
        for housed in self.housed.values() {
            remove(&housed.place);
        }
        if let Some(database) = &self.database {
            remove(database.place());
        }
        self.local.journal.close()
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn hook(question: &Check, place: &Place, tls: Option<&Arc<ClientConfig>>) -> Result<String, String> {
    check(question, place, tls, HOOK).await
}

/// What a replica wrote into its own directory goes with it; what it said stays.
fn remove(place: &Place) {
    // Whatever cannot be removed is found in the run's folder, and does no harm there.
    let _removed = fs::remove_dir_all(&place.directory);
}

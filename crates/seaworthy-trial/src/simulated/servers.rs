//! The replicas' processes: they start, answer, are asked and signalled, and end.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use seaworthy_core::{
    cluster,
    deployment::Template,
    event::{Event, Exit, Release, Replica},
    time::Moment,
    trial::Input,
};

use super::{
    agenda::{Agenda, Question, Step, Task},
    behaviour::{BadRelease, Behaviour},
    network::Link,
    truth::Blame,
};

mod endings;
mod probes;
mod sockets;
mod spells;

/// How long a process takes to be there.
const FORK: Duration = Duration::from_millis(2);

/// From its start until a bad release that crashes does so.
const UNTIL_CRASH: Duration = Duration::from_millis(150);

/// Where every replica serves requests.
const PORT: u16 = 8080;

/// The servers of a simulated world.
#[derive(Debug)]
pub(crate) struct Servers {
    template: Template,
    behaviour: Behaviour,
    chance: Pcg64Mcg,
    places: BTreeMap<Replica, Place>,
    sockets: BTreeMap<Link, sockets::Socket>,
    /// Probes without an answer yet.
    asked: Vec<Question>,
    /// Whether requests arrive.
    loaded: bool,
    /// When the first one did.
    began: Option<Moment>,
    /// The first and the last of the replicas that were there then: what befalls only one befalls one of these.
    marked: Option<(Replica, Replica)>,
    /// Why those that are gone for good do not listen any more.
    gone: BTreeMap<Replica, Blame>,
}

/// Where a replica runs.
#[derive(Debug)]
struct Place {
    release: Release,
    /// How often its process was started: what was meant for an earlier one does not reach a later one.
    run: u64,
    process: Option<Process>,
    /// Whether the prober found its port open.
    seen_open: bool,
    /// Why it does not listen.
    closed: Blame,
}

#[derive(Debug)]
struct Process {
    manner: Manner,
    listening: bool,
    /// From when on it can answer.
    able: Option<Moment>,
    /// Until when it is slow, since it has only just begun.
    cold: Option<Moment>,
    /// It never gets ready.
    hopeless: bool,
    /// When it has read SIGTERM.
    told: Option<Moment>,
    frozen: bool,
    /// What it would have come to, had it not been frozen.
    missed: Vec<Step>,
    /// When its start is known.
    known: Moment,
}

/// What a process is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Serving,
    /// Asked to end, it still serves.
    Draining,
    /// Asked to end, it leaves new connections in the kernel's queue.
    Discarding,
    /// Nothing comes any more, and what it works on is finished.
    Finishing,
}

impl Servers {
    pub(crate) fn new(template: Template, behaviour: Behaviour, seed: u64) -> Self {
        Self {
            template,
            behaviour,
            chance: Pcg64Mcg::seed_from_u64(seed ^ u64::from_be_bytes(*b"simserve")),
            places: BTreeMap::new(),
            sockets: BTreeMap::new(),
            asked: Vec::new(),
            loaded: false,
            began: None,
            marked: None,
            gone: BTreeMap::new(),
        }
    }

    /// Where a replica serves requests.
    pub(crate) fn address(replica: Replica) -> SocketAddr {
        let network = u32::from(Ipv4Addr::new(10, 0, 0, 0));
        (Ipv4Addr::from(network.wrapping_add(replica.0)), PORT).into()
    }

    /// Requests arrive from now on.
    pub(crate) fn load(&mut self) {
        self.loaded = true;
        let (first, last) = (self.places.first_key_value(), self.places.last_key_value());
        self.marked = first.zip(last).map(|((first, _), (last, _))| (*first, *last));
    }

    pub(crate) fn place(&mut self, replica: Replica, release: Release) {
        let early = if release == Release::Bad { "bad-release-served" } else { "traffic-before-ready" };
        let closed = Blame::on(early);
        self.places.insert(replica, Place { release, run: 0, process: None, seen_open: false, closed });
    }

    pub(crate) fn start(&mut self, replica: Replica, agenda: &mut Agenda) {
        let Some(place) = self.places.get_mut(&replica) else {
            let why = "there is no place for it".to_owned();
            return tell(cluster::Input::NotStarted { replica, why }, FORK, agenda);
        };
        place.run += 1;
        place.process = Some(Process {
            manner: Manner::Serving,
            listening: false,
            able: None,
            cold: None,
            hopeless: self.loaded && self.behaviour.never_ready,
            told: None,
            frozen: false,
            missed: Vec::new(),
            known: agenda.now() + FORK,
        });
        tell(cluster::Input::Started { replica, pid: None }, FORK, agenda);
        let crashes = place.release == Release::Bad && self.behaviour.bad_release == BadRelease::Crashes;
        let (run, (least, most)) = (place.run, self.behaviour.start);
        let (delay, step) = if crashes { (UNTIL_CRASH, Step::Fail) } else { (self.between(least, most), Step::Listen) };
        agenda.after(FORK + delay, Task::Process(replica, run, step));
    }

    /// A process comes to something.
    pub(crate) fn step(&mut self, replica: Replica, run: u64, step: Step, agenda: &mut Agenda) {
        let by_kernel = self.is_the_kernels(&step);
        let place = self.places.get_mut(&replica).filter(|place| place.run == run);
        let Some(process) = place.and_then(|place| place.process.as_mut()) else {
            return self.nobody(replica, &step, agenda);
        };
        if process.frozen && !by_kernel {
            return process.missed.push(step);
        }
        match step {
            Step::Listen => {
                let warm_up = if self.loaded { self.behaviour.warm_up } else { Duration::ZERO };
                process.listening = true;
                process.able = Some(agenda.now() + warm_up);
                let cold = self.behaviour.cold.filter(|_| self.loaded);
                process.cold = cold.map(|cold| agenda.now() + warm_up + cold.lasts);
            }
            Step::Fail => self.end(replica, Exit::Code(1), Blame::on("bad-release-served"), agenda),
            Step::Term => self.terminate(replica, run, agenda),
            Step::Sweep => self.sweep(replica, agenda),
            Step::Leave => self.leave(replica, agenda),
            Step::Answer { link, answer } => self.answer(replica, link, answer, agenda),
            Step::Idle { link, served } => self.idle(link, served, agenda),
            Step::Probe(question) => self.probed(question, agenda),
            Step::PreStop => {
                let failed = self.behaviour.pre_stop_fails.then(|| "exit code 1".to_owned());
                tell(cluster::Input::PreStopped { replica, failed }, Duration::ZERO, agenda);
            }
        }
    }

    /// The process that was meant has ended.
    fn nobody(&mut self, replica: Replica, step: &Step, agenda: &mut Agenda) {
        match step {
            Step::Probe(question) => self.conclude(*question, Err("connection refused".to_owned()), agenda),
            Step::PreStop => {
                let failed = Some("it does not run".to_owned());
                tell(cluster::Input::PreStopped { replica, failed }, Duration::ZERO, agenda);
            }
            Step::Listen
            | Step::Fail
            | Step::Term
            | Step::Sweep
            | Step::Leave
            | Step::Answer { .. }
            | Step::Idle { .. } => {}
        }
    }

    fn process(&mut self, replica: Replica) -> Option<&mut Process> {
        self.places.get_mut(&replica)?.process.as_mut()
    }

    /// The prober connects to each replica: what has changed.
    pub(crate) fn look(&mut self) -> Vec<Event> {
        let replicas: Vec<Replica> = self.places.keys().copied().collect();
        replicas.into_iter().filter_map(|replica| self.look_at(replica)).collect()
    }

    fn look_at(&mut self, replica: Replica) -> Option<Event> {
        let place = self.places.get_mut(&replica)?;
        let open = place.process.as_ref().is_some_and(|process| process.listening);
        if open == place.seen_open {
            return None;
        }
        place.seen_open = open;
        Some(if open { Event::ListenerUp { replica } } else { Event::ListenerDown { replica } })
    }

    fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.chance.random_range(nanos(least)..=nanos(most.max(least))))
    }
}

fn tell(input: cluster::Input, after: Duration, agenda: &mut Agenda) {
    agenda.after(after, Task::Tell(Input::Cluster(input)));
}

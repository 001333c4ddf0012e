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
};

mod endings;
mod probes;
mod sockets;

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
}

#[derive(Debug)]
struct Process {
    manner: Manner,
    listening: bool,
    /// From when on it can answer.
    able: Option<Moment>,
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
        }
    }

    /// Where a replica serves requests.
    pub(crate) fn address(replica: Replica) -> SocketAddr {
        let network = u32::from(Ipv4Addr::new(10, 0, 0, 0));
        (Ipv4Addr::from(network.wrapping_add(replica.0)), PORT).into()
    }

    /// Requests arrive from now on.
    pub(crate) const fn load(&mut self) {
        self.loaded = true;
    }

    pub(crate) fn place(&mut self, replica: Replica, release: Release) {
        self.places.insert(replica, Place { release, run: 0, process: None, seen_open: false });
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
            }
            Step::Fail => self.end(replica, Exit::Code(1), agenda),
            Step::Term => self.terminate(replica, run, agenda),
            Step::Sweep => self.sweep(replica, agenda),
            Step::Leave => self.leave(replica, agenda),
            Step::Answer { link, status } => self.answer(replica, link, status, agenda),
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
            Step::Listen | Step::Fail | Step::Term | Step::Sweep | Step::Leave | Step::Answer { .. } => {}
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

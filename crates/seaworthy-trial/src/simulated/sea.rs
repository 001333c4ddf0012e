//! The world around a trial: its servers, its clients, and what is going to happen to them.

use std::time::Duration;

use seaworthy_core::{
    cluster::Effect,
    deployment::Template,
    event::{Event, Exit},
    interval::INTERVAL,
    time::Moment,
    trial::Input,
};

use super::{
    World,
    agenda::{Agenda, Task},
    aligned,
    clients::Clients,
    servers::Servers,
};

/// From one connection of the prober to the next.
const LOOK: Duration = Duration::from_millis(50);

/// How long a database takes to start, and to end.
const DATABASE: Duration = Duration::from_millis(10);

/// The world around a trial.
#[derive(Debug)]
pub(crate) struct Sea {
    pub(crate) agenda: Agenda,
    pub(crate) clients: Clients,
    pub(crate) events: Vec<(Moment, Event)>,
    servers: Servers,
}

impl Sea {
    pub(crate) fn new(template: &Template, world: World) -> Self {
        let mut agenda = Agenda::default();
        // Not at the same moments at which everything else happens.
        agenda.after(LOOK / 3, Task::Look);
        if let Some(crash) = world.behaviour.crash {
            agenda.after(crash, Task::Crash);
        }
        Self {
            agenda,
            clients: Clients::new(world),
            events: Vec::new(),
            servers: Servers::new(template.clone(), world.behaviour, world.seed),
        }
    }

    /// Does what the trial wants.
    pub(crate) fn carry_out(&mut self, effect: Effect) {
        let Self { agenda, servers, .. } = self;
        match effect {
            Effect::Record(event) => {
                if event == Event::Established {
                    // A while later, as the load generator's threads need one; and on the border of two intervals.
                    agenda.at(aligned(agenda.now() + INTERVAL), Task::BeginLoad);
                }
                self.record(event);
            }
            Effect::Place { replica, release, .. } => {
                servers.place(replica, release);
                self.record(Event::Placed { replica, address: Servers::address(replica) });
            }
            Effect::Start { replica } => servers.start(replica, agenda),
            Effect::Probe { replica, probe, number } => servers.probe(replica, probe, number, agenda),
            Effect::PreStop { replica } => servers.pre_stop(replica, agenda),
            Effect::Signal { replica, signal, .. } => servers.signal(replica, signal, agenda),
            Effect::Remove { replica } => {
                if let Some(event) = servers.remove(replica, agenda) {
                    self.record(event);
                }
            }
            Effect::View { replicas } => self.clients.see(replicas),
            // What a kernel does with lost packets is not made up here.
            Effect::BreakNetwork { .. } => {
                let failed = Some("the simulated world has no packets".to_owned());
                agenda.after(DATABASE, Task::Tell(Input::NetworkBroken { failed }));
            }
            Effect::HealNetwork { .. } => {}
            // Nothing here uses one: it is there, and it goes.
            Effect::StartDatabase => agenda.after(DATABASE, Task::Tell(Input::DatabaseUp)),
            Effect::KillDatabase => {
                agenda.after(DATABASE, Task::Tell(Input::DatabaseDown { exit: Some(Exit::Signal(9)) }));
            }
        }
    }

    /// Requests arrive from now on.
    pub(crate) fn begin_load(&mut self) {
        self.servers.load();
        self.clients.begin(&mut self.agenda);
    }

    /// What is next happens. What the trial is to hear of it is given back.
    pub(crate) fn next(&mut self) -> Option<Input> {
        let task = self.agenda.pop()?;
        let Self { agenda, clients, servers, .. } = self;
        match task {
            Task::ToServer(link, what) => servers.receive(link, what, agenda),
            Task::ToClient(link, what) => clients.receive(link, what, agenda),
            Task::Process(replica, run, step) => servers.step(replica, run, step, agenda),
            Task::ProbeOver(question) => servers.probe_over(question, agenda),
            Task::Crash => servers.crash(agenda),
            Task::Tell(input) => return Some(input),
            Task::Look => {
                agenda.after(LOOK, Task::Look);
                for event in servers.look() {
                    self.record(event);
                }
            }
            Task::BeginLoad => return Some(Input::LoadBegun),
            Task::Arrive => clients.arrive(agenda),
            Task::Late { link, number } => clients.late(link, number, agenda),
        }
        None
    }

    fn record(&mut self, event: Event) {
        self.events.push((self.agenda.now(), event));
    }
}

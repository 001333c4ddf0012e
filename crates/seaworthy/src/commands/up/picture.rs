//! What the console is shown: events and intervals go in, once a second a snapshot comes out.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use seaworthy_console::model::{
    Database, DrillRecord, Edge, Figures, Instance, Mark, MarkKind, Node, NodeKind, Peers, Phase, PhaseChange,
    ReplicaSignals, Security, Signals, Snapshot, Sums,
};
use seaworthy_core::{
    event::{Event, Replica, Revision, Signal},
    histogram::Histogram,
    interval::{Counts, Gauges, Interval},
    time::Moment,
};
use seaworthy_mesh::{
    SpiffeId,
    edges::{Caller, Counts as Connections},
};

use super::{process, ways::Ways};

const LOAD: &str = "load";
const CLIENTS: &str = "clients";
const ADDRESS: &str = "address";
const DATABASE: &str = "database";

/// What is there besides the replicas.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Whether there is a load generator.
    pub(super) has_load: bool,
    /// The database, as far as it is known: its product, and whether it is in the replicas' own processes.
    pub(super) database: Option<(String, bool)>,
    /// The processors of this machine.
    pub(super) processors: usize,
}

/// What was seen of somebody in the second that goes on.
#[derive(Debug, Default)]
struct Second {
    times: Histogram,
    good: u64,
    failures: BTreeMap<String, u64>,
}

impl Second {
    fn signals(&self, arrivals: u64, saturation: Option<f64>) -> Signals {
        let millis = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1_000.0);
        Signals {
            arrivals_per_s: arrivals as f64,
            failures_per_s: self.failures.values().sum::<u64>() as f64,
            p50_ms: millis(self.times.quantile(0.5)),
            p99_ms: millis(self.times.quantile(0.99)),
            max_ms: millis(self.times.max()),
            saturation,
        }
    }

    fn ended(&self) -> u64 {
        self.good + self.failures.values().sum::<u64>()
    }
}

/// A replica, as it is now.
#[derive(Debug)]
struct Actor {
    instance: Instance,
    own: Option<SocketAddr>,
    front: Option<SocketAddr>,
    was_ready: bool,
    /// The processor time that it had used when it was looked at last.
    used: Option<Duration>,
    figures: Figures,
}

/// The system as it runs.
#[derive(Debug)]
pub(super) struct Picture {
    scene: Scene,
    second: u64,
    sums: Sums,
    wanted: u32,
    actors: BTreeMap<Replica, Actor>,
    counts: Counts,
    gauges: Gauges,
    overall: Second,
    each: BTreeMap<SocketAddr, Second>,
    phases: Vec<PhaseChange>,
    marks: Vec<Mark>,
    drills: Vec<DrillRecord>,
    /// Bytes and connections of each way when it was looked at last.
    before: BTreeMap<(Caller, SpiffeId), Connections>,
}

impl Picture {
    pub(super) fn new(scene: Scene, wanted: u32) -> Self {
        Self {
            scene,
            second: 0,
            sums: Sums::default(),
            wanted,
            actors: BTreeMap::new(),
            counts: Counts::default(),
            gauges: Gauges::default(),
            overall: Second::default(),
            each: BTreeMap::new(),
            phases: Vec::new(),
            marks: Vec::new(),
            drills: Vec::new(),
            before: BTreeMap::new(),
        }
    }

    /// Something happened. Of where a replica is, `front` is what clients reach.
    pub(super) fn event(&mut self, at: Moment, event: &Event, own: Option<SocketAddr>) {
        if let Event::Created { replica, revision, .. } = event {
            self.create(*replica, *revision);
        } else if let (Event::Placed { replica, address }, Some(own)) = (event, own) {
            if let Some(actor) = self.actors.get_mut(replica) {
                actor.instance.port = Some(own.port());
                (actor.own, actor.front) = (Some(own), Some(*address));
            }
        } else if let Event::Started { replica, restart, pid } = event {
            self.started(at, *replica, *restart, *pid);
        } else if let Event::Exited { replica, .. } = event {
            if let Some(actor) = self.actors.get_mut(replica) {
                actor.instance.pid = None;
                actor.figures = Figures::default();
            }
        } else if let Some((replica, phase)) = entered(event) {
            self.phase(at, replica, phase);
            if phase == Phase::Gone {
                self.actors.remove(&replica);
            }
        } else if let Event::Scaled { from, to } = event {
            self.wanted = *to;
            self.mark(at, None, MarkKind::Scaled, format!("scaled from {from} to {to}"));
        } else if let Some((replica, kind, text)) = marked(event) {
            // Who was never ready fails its probes because it starts, and that is what its lane shows.
            let starts = replica.and_then(|replica| self.actors.get(&replica)).is_some_and(|actor| !actor.was_ready);
            if !(starts && kind == MarkKind::ProbeFailed) {
                self.mark(at, replica, kind, text);
            }
        }
    }

    fn started(&mut self, at: Moment, replica: Replica, restart: u32, pid: Option<u32>) {
        if let Some(actor) = self.actors.get_mut(&replica) {
            actor.instance.pid = pid;
            actor.instance.restarts = restart;
            actor.used = None;
        }
        if restart > 0 {
            self.mark(at, Some(replica), MarkKind::Restarted, format!("{replica} is started again"));
        }
        self.phase(at, replica, Phase::Starting);
    }

    fn create(&mut self, replica: Replica, revision: Revision) {
        let instance = Instance { replica, phase: Phase::Starting, revision, restarts: 0, pid: None, port: None };
        let actor =
            Actor { instance, own: None, front: None, was_ready: false, used: None, figures: Figures::default() };
        self.actors.insert(replica, actor);
    }

    fn phase(&mut self, at: Moment, replica: Replica, phase: Phase) {
        let Some(actor) = self.actors.get_mut(&replica) else { return };
        let ends = actor.instance.phase == Phase::Terminating && phase != Phase::Gone;
        // What was ready once and is started again is not new: clients know it.
        let phase = if phase == Phase::Starting && actor.was_ready { Phase::Unready } else { phase };
        if ends || (phase == actor.instance.phase && phase != Phase::Starting) {
            return;
        }
        actor.was_ready |= phase == Phase::Ready;
        actor.instance.phase = phase;
        self.phases.push(PhaseChange { at, replica, revision: actor.instance.revision, phase });
    }

    fn mark(&mut self, at: Moment, replica: Option<Replica>, kind: MarkKind, text: String) {
        self.marks.push(Mark { at, replica, kind, text });
    }

    /// What became of requests.
    pub(super) fn interval(&mut self, interval: &Interval) {
        self.counts.add(&interval.counts);
        self.gauges = interval.gauges;
        for (lane, times) in &interval.lanes {
            times.response.add_to(&mut self.overall.times);
            times.timed_out.add_to(&mut self.overall.times);
            self.overall.good += times.response.count();
            if let Some(endpoint) = lane.endpoint {
                let of = self.each.entry(endpoint).or_default();
                times.response.add_to(&mut of.times);
                times.timed_out.add_to(&mut of.times);
                of.good += times.response.count();
            }
        }
        for attempt in interval.whole.iter().filter(|attempt| !attempt.retried) {
            let Err(failure) = &attempt.outcome.end else { continue };
            let kind = failure.kind.label();
            *self.overall.failures.entry(kind.to_owned()).or_default() += 1;
            if let Some(endpoint) = attempt.outcome.endpoint {
                *self.each.entry(endpoint).or_default().failures.entry(kind.to_owned()).or_default() += 1;
            }
        }
    }

    /// A drill is new, or has changed.
    pub(super) fn drill(&mut self, record: DrillRecord) {
        self.drills.push(record);
    }

    /// What the load generator is at.
    pub(super) const fn gauges(&self) -> Gauges {
        self.gauges
    }

    /// How many replicas may have requests, and how many are wanted.
    pub(super) fn ready(&self) -> (usize, u32) {
        (self.actors.values().filter(|actor| actor.instance.phase == Phase::Ready).count(), self.wanted)
    }

    /// The last second, and a new one begins.
    pub(super) fn take(&mut self, ways: &Ways, now: SystemTime, busy: Option<String>) -> Snapshot {
        self.second += 1;
        self.sums.seconds += 1;
        self.sums.requests += self.counts.arrived;
        self.sums.failed += self.overall.failures.values().sum::<u64>();
        self.look();
        let used: f64 = self.actors.values().filter_map(|actor| actor.figures.cpu_cores).sum();
        let saturation = (!self.actors.is_empty()).then(|| (used / self.scene.processors as f64).min(1.0));
        let overall = self.overall.signals(self.counts.arrived, saturation);
        let (edges, has_clients) = self.edges(ways);
        let replicas = self.actors.values().map(|actor| {
            let seen = actor.front.and_then(|front| self.each.get(&front));
            let cpu = actor.figures.cpu_cores.map(|cores| cores.min(1.0));
            let signals =
                seen.map_or_else(|| Second::default().signals(0, cpu), |seen| seen.signals(seen.ended(), cpu));
            ReplicaSignals { replica: actor.instance.replica, signals }
        });
        let snapshot = Snapshot {
            second: self.second,
            wall_ms: now
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            wanted: self.wanted,
            sums: self.sums,
            replicas: replicas.collect(),
            nodes: self.nodes(ways, has_clients),
            edges,
            overall,
            phases: std::mem::take(&mut self.phases),
            marks: std::mem::take(&mut self.marks),
            drills: std::mem::take(&mut self.drills),
            busy,
        };
        self.counts = Counts::default();
        self.overall = Second::default();
        self.each.clear();
        snapshot
    }

    /// Looks at what each process uses.
    fn look(&mut self) {
        for actor in self.actors.values_mut() {
            let Some((used, memory)) = actor.instance.pid.and_then(process::used) else { continue };
            let cores = actor.used.map(|before| used.saturating_sub(before).as_secs_f64());
            actor.figures = Figures { cpu_cores: cores, memory_bytes: Some(memory), ..Figures::default() };
            actor.used = Some(used);
        }
    }

    fn nodes(&self, ways: &Ways, has_clients: bool) -> Vec<Node> {
        let node = |id: &str, label: &str, place: Option<String>, kind: NodeKind| Node {
            id: id.to_owned(),
            label: label.to_owned(),
            place,
            kind,
            figures: Figures::default(),
        };
        let mut nodes = Vec::new();
        if self.scene.has_load {
            let figures = Figures {
                in_flight: Some(self.gauges.in_flight),
                connections: Some(self.gauges.open),
                ..Figures::default()
            };
            nodes.push(Node { figures, ..node(LOAD, "load generator", None, NodeKind::Load) });
        }
        if has_clients {
            nodes.push(node(CLIENTS, "clients", None, NodeKind::Clients));
        }
        nodes.push(node(ADDRESS, "service address", Some(ways.address().to_string()), NodeKind::Address));
        for actor in self.actors.values() {
            let replica = actor.instance.replica;
            let place = actor.own.map(|own| own.to_string());
            let kind = NodeKind::Replica(actor.instance.clone());
            nodes.push(Node { figures: actor.figures, ..node(&name(replica), &replica.to_string(), place, kind) });
        }
        if let Some((product, _)) = &self.scene.database {
            let kind = NodeKind::Database(Database { product: product.clone(), up: true });
            nodes.push(node(DATABASE, "database", None, kind));
        }
        nodes
    }

    /// Who calls whom, and whether there are clients from outside.
    fn edges(&mut self, ways: &Ways) -> (Vec<Edge>, bool) {
        let seen: BTreeMap<(Caller, SpiffeId), Connections> =
            ways.seen().edges.into_iter().map(|edge| ((edge.from, edge.to), edge.counts)).collect();
        let mut edges = Vec::new();
        if self.scene.has_load {
            edges.push(self.of_load(ways, &seen));
        }
        let outside = [Caller::Plaintext, Caller::Unverified].map(|from| (from, ways.gateway_id().clone()));
        let clients = outside.iter().find_map(|key| Some((key, seen.get(key)?)));
        if let Some((key, counts)) = clients {
            let security = if key.0 == Caller::Plaintext { Security::Plaintext } else { Security::Unknown };
            edges.push(self.of_connections(CLIENTS, ADDRESS, key, counts, security));
        }
        for actor in self.actors.values() {
            edges.push(self.to_replica(ways, actor, &seen));
            if let Some((_, in_process)) = &self.scene.database
                && actor.instance.pid.is_some()
            {
                let security = if *in_process { Security::InProcess } else { Security::Unknown };
                edges.push(empty(&name(actor.instance.replica), DATABASE, security));
            }
        }
        let has_clients = clients.is_some();
        self.before = seen;
        (edges, has_clients)
    }

    fn of_load(&self, ways: &Ways, seen: &BTreeMap<(Caller, SpiffeId), Connections>) -> Edge {
        let of_load = |id: &SpiffeId| {
            seen.iter().filter(|((from, _), _)| *from == Caller::Workload(id.clone())).collect::<Vec<_>>()
        };
        let security = match ways.load_id() {
            None => Security::Plaintext,
            Some(id) => {
                let sessions: Vec<_> =
                    of_load(id).into_iter().filter_map(|(_, counts)| counts.session.as_ref()).collect();
                let expires = sessions.iter().map(|session| session.caller_not_after).min();
                match (sessions.first(), expires) {
                    (Some(session), Some(expires)) => Security::MutualTls(Peers {
                        client: Some(id.to_string()),
                        server: "the replica that is picked".to_owned(),
                        version: session.version.to_string(),
                        cipher: session.cipher.to_string(),
                        expires_s: seconds(expires),
                    }),
                    _ => Security::Unknown,
                }
            }
        };
        let signals = self.overall.signals(0, None);
        Edge {
            requests_per_s: Some(self.counts.arrived as f64),
            failures_per_s: rates(&self.overall.failures),
            p50_ms: signals.p50_ms,
            p99_ms: signals.p99_ms,
            connections: Some(self.gauges.open),
            bytes_per_s: Some(self.counts.bytes as f64),
            ..empty(LOAD, ADDRESS, security)
        }
    }

    fn to_replica(&self, ways: &Ways, actor: &Actor, seen: &BTreeMap<(Caller, SpiffeId), Connections>) -> Edge {
        let replica = actor.instance.replica;
        let nothing = Second::default();
        let of = actor.front.and_then(|front| self.each.get(&front)).unwrap_or(&nothing);
        let signals = of.signals(0, None);
        let mut edge = match ways.id(replica) {
            None => empty(ADDRESS, &name(replica), Security::Plaintext),
            Some(id) => {
                let to_it: Vec<_> = seen.iter().filter(|((_, to), _)| to == id).collect();
                let session = to_it.iter().find_map(|((from, _), counts)| Some((from, counts.session.as_ref()?)));
                let security = session.map_or(Security::Unknown, |(from, session)| {
                    Security::MutualTls(Peers {
                        client: Some(from.to_string()),
                        server: id.to_string(),
                        version: session.version.to_string(),
                        cipher: session.cipher.to_string(),
                        expires_s: seconds(session.caller_not_after),
                    })
                });
                let bytes: u64 = to_it.iter().map(|(key, counts)| self.bytes(key, counts)).sum();
                let open = to_it.iter().map(|(_, counts)| counts.open).sum();
                Edge {
                    connections: Some(open),
                    bytes_per_s: Some(bytes as f64),
                    ..empty(ADDRESS, &name(replica), security)
                }
            }
        };
        if self.scene.has_load {
            edge.requests_per_s = Some(of.ended() as f64);
        }
        Edge { failures_per_s: rates(&of.failures), p50_ms: signals.p50_ms, p99_ms: signals.p99_ms, ..edge }
    }

    fn of_connections(
        &self,
        from: &str,
        to: &str,
        key: &(Caller, SpiffeId),
        counts: &Connections,
        security: Security,
    ) -> Edge {
        let before = self.before.get(key);
        let failed = counts.failed.iter().map(|(failure, count)| {
            let known = before
                .and_then(|before| before.failed.iter().find(|(of, _)| of == failure))
                .map_or(0, |(_, count)| *count);
            (failure.text().to_owned(), count.saturating_sub(known))
        });
        let failures: BTreeMap<String, u64> = failed.filter(|(_, count)| *count > 0).collect();
        let bytes = self.bytes(key, counts);
        Edge {
            failures_per_s: rates(&failures),
            connections: Some(counts.open),
            bytes_per_s: Some(bytes as f64),
            ..empty(from, to, security)
        }
    }

    /// Bytes of both ways since it was looked at last.
    fn bytes(&self, key: &(Caller, SpiffeId), counts: &Connections) -> u64 {
        let before = self.before.get(key).map_or(0, |before| before.sent + before.received);
        (counts.sent + counts.received).saturating_sub(before)
    }
}

/// What a replica is doing from then on.
fn entered(event: &Event) -> Option<(Replica, Phase)> {
    if let Event::Ready { replica } = event {
        Some((*replica, Phase::Ready))
    } else if let Event::Unready { replica } = event {
        Some((*replica, Phase::Unready))
    } else if let Event::Terminating { replica, .. } = event {
        Some((*replica, Phase::Terminating))
    } else if let Event::Gone { replica } = event {
        Some((*replica, Phase::Gone))
    } else {
        None
    }
}

/// What is marked in the lanes, but for what changes the picture itself.
fn marked(event: &Event) -> Option<(Option<Replica>, MarkKind, String)> {
    let marked = if let Event::Signalled { replica, signal, .. } = event {
        let (kind, name) = match signal {
            Signal::Term => (MarkKind::Sigterm, "SIGTERM"),
            Signal::Kill => (MarkKind::Killed, "SIGKILL"),
            // The kernel says when that has come about.
            Signal::Stop | Signal::Cont => return None,
        };
        (Some(*replica), kind, format!("{name} to {replica}"))
    } else if let Event::Frozen { replica } = event {
        (Some(*replica), MarkKind::Frozen, format!("{replica} is frozen"))
    } else if let Event::Thawed { replica } = event {
        (Some(*replica), MarkKind::Thawed, format!("{replica} goes on"))
    } else if let Event::Probed { replica, probe, passed: false, detail, .. } = event {
        (Some(*replica), MarkKind::ProbeFailed, format!("{} of {replica} failed: {detail}", probe.label()))
    } else if let Event::RolloutBegun { revision, .. } = event {
        (None, MarkKind::RolloutBegun, format!("a rollout to {revision} begins"))
    } else if let Event::RolloutDone { revision } = event {
        (None, MarkKind::RolloutDone, format!("{revision} is rolled out"))
    } else if let Event::DrillBegun { drill } = event {
        (None, MarkKind::DrillBegun, format!("{drill} begins"))
    } else if let Event::DrillEnded { drill } = event {
        (None, MarkKind::DrillEnded, format!("{drill} is over"))
    } else {
        return None;
    };
    Some(marked)
}

/// An edge of which nothing is known but its ends.
fn empty(from: &str, to: &str, security: Security) -> Edge {
    Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        requests_per_s: None,
        failures_per_s: BTreeMap::new(),
        p50_ms: None,
        p99_ms: None,
        connections: None,
        bytes_per_s: None,
        security,
        mesh: None,
    }
}

fn name(replica: Replica) -> String {
    format!("replica-{}", replica.0)
}

fn rates(failures: &BTreeMap<String, u64>) -> BTreeMap<String, f64> {
    failures.iter().map(|(kind, count)| (kind.clone(), *count as f64)).collect()
}

fn seconds(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

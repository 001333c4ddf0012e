//! Trials for tests to judge, made by hand. Times are seconds.

use std::{net::SocketAddr, time::Duration};

use crate::{
    audit::Audit,
    deployment::{Check, Deployment, Probe, Strategy, Template},
    drill::Drill,
    event::{Endpoint, Event, Exit, Reason, Release, Replica, Revision, Signal},
    history::{Expectations, Footer, Header, History},
    interval::{Gauges, INTERVAL, Interval, Recorder},
    network::Break,
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    time::Moment,
};

pub(crate) fn at(seconds: f64) -> Moment {
    Moment::from(Duration::from_secs_f64(seconds))
}

pub(crate) fn address(replica: u32) -> SocketAddr {
    ([127, 0, 0, 1], 9_000 + u16::try_from(replica).unwrap()).into()
}

/// How replicas end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// From the begin of the termination to SIGTERM: a preStop sleep.
    pub(crate) pre_stop: f64,
    /// From SIGTERM until the listener is down.
    pub(crate) listens: f64,
    /// From SIGTERM to the end.
    pub(crate) runs: f64,
    pub(crate) exit: Exit,
    /// Whether SIGKILL ends it.
    pub(crate) killed: bool,
}

impl Ending {
    /// As Python's `http.server`: at once, of SIGTERM's default action.
    pub(crate) const AT_ONCE: Self =
        Self { pre_stop: 0.0, listens: 0.01, runs: 0.01, exit: Exit::Signal(15), killed: false };

    /// Longer than clients see it.
    pub(crate) const GRACEFUL: Self =
        Self { pre_stop: 0.0, listens: 1.5, runs: 1.5, exit: Exit::Code(0), killed: false };
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    pub(crate) begun: f64,
    pub(crate) took: f64,
    pub(crate) kind: FailureKind,
    pub(crate) phase: Phase,
    pub(crate) status: Option<u16>,
    pub(crate) connection: ConnectionKind,
    pub(crate) replica: Option<u32>,
    pub(crate) retried: bool,
    pub(crate) late: f64,
    /// How long its connection had been idle.
    pub(crate) idle: Option<f64>,
    /// How long it took to connect.
    pub(crate) connect: Option<f64>,
    pub(crate) detail: Option<&'static str>,
}

impl Failing {
    pub(crate) fn refused(begun: f64, replica: u32) -> Self {
        Self {
            begun,
            took: 0.001,
            kind: FailureKind::Refused,
            phase: Phase::Connect,
            status: None,
            connection: ConnectionKind::Fresh,
            replica: Some(replica),
            retried: false,
            late: 0.0,
            idle: None,
            connect: None,
            detail: None,
        }
    }

    pub(crate) fn cut(begun: f64, took: f64, kind: FailureKind, connection: ConnectionKind, replica: u32) -> Self {
        Self { took, kind, phase: Phase::Wait, connection, ..Self::refused(begun, replica) }
    }

    pub(crate) fn status(begun: f64, status: u16, replica: u32) -> Self {
        let (kind, phase) = (FailureKind::Status, Phase::Receive);
        Self { took: 0.01, kind, phase, status: Some(status), ..Self::refused(begun, replica) }
    }

    pub(crate) fn nobody(begun: f64) -> Self {
        Self { kind: FailureKind::NoEndpoint, phase: Phase::Queue, replica: None, ..Self::refused(begun, 0) }
    }

    pub(crate) fn retried(self) -> Self {
        Self { retried: true, ..self }
    }

    fn outcome(self) -> Outcome {
        let detail = self.detail.map(Into::into);
        let failure = Failure { status: self.status, detail, ..Failure::new(self.phase, self.kind) };
        Outcome {
            due: at(self.begun - self.late),
            queued: Duration::ZERO,
            begun: at(self.begun),
            done: at(self.begun + self.took),
            endpoint: self.replica.map(address),
            connection: self.connection,
            idle: self.idle.map(Duration::from_secs_f64),
            phases: Phases { connect: self.connect.map(Duration::from_secs_f64), ..Phases::default() },
            end: Err(failure),
            bytes: 0,
        }
    }
}

/// A trial in the making.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) header: Header,
    pub(crate) events: Vec<(Moment, Event)>,
    pub(crate) failing: Vec<Failing>,
    /// Good answers come from here to there, evenly from the replicas that clients see.
    pub(crate) answers: Vec<(f64, f64)>,
    /// How long each takes.
    pub(crate) takes: f64,
    /// Replicas whose answers take longer from one moment to another, with how long.
    pub(crate) slow: Vec<(u32, f64, f64, f64)>,
    /// The replicas that kept connections lead to in turn, where it is not all of them.
    pub(crate) kept: Vec<u32>,
    /// How late the generator is with each.
    pub(crate) late: f64,
    pub(crate) audit: Option<Audit>,
    pub(crate) footer: Option<Footer>,
}

pub(crate) fn header(drills: &[Drill]) -> Header {
    let readiness = Probe { period: Duration::from_secs(1), ..Probe::new(Check::Tcp { port: None }) };
    Header {
        tool_version: "0.1.0".into(),
        began: "2026-01-01T00:00:00Z".into(),
        command: "seaworthy trial -- app".into(),
        target: "app".into(),
        platform: "simulated".into(),
        machine: "here".into(),
        seed: 1,
        deployment: Deployment {
            replicas: 3,
            strategy: Strategy::default(),
            min_ready: Duration::ZERO,
            progress_deadline: Duration::from_mins(10),
            revision_history: 10,
            template: Template {
                startup: None,
                readiness: Some(readiness),
                liveness: None,
                pre_stop: None,
                grace: Duration::from_secs(30),
            },
        },
        assumptions: Vec::new(),
        drills: drills.to_vec(),
        propagation_least: Duration::from_secs(1),
        propagation_most: Duration::from_secs(1),
        rate: 100.0,
        fresh: 0.5,
        connections: 8,
        request: "GET /".into(),
        idempotent: true,
        expected: "2xx or 3xx".into(),
        timeout: Duration::from_secs(5),
        expectations: Expectations::default(),
        writes: false,
        tried: None,
    }
}

impl Sample {
    /// Three replicas, seen by clients from 1 s on.
    pub(crate) fn new(drills: &[Drill]) -> Self {
        let mut sample = Self {
            header: header(drills),
            events: Vec::new(),
            failing: Vec::new(),
            answers: Vec::new(),
            takes: 0.002,
            slow: Vec::new(),
            kept: Vec::new(),
            late: 0.000_02,
            audit: None,
            footer: Some(Footer::default()),
        };
        for replica in 0..3 {
            sample.up(0.0, replica, 1, Release::Good);
        }
        sample.event(1.0, Event::Established);
        sample.endpoints(0.5, &[0, 1, 2], &[]).view(1.0, &[0, 1, 2]);
        sample
    }

    pub(crate) fn event(&mut self, seconds: f64, event: Event) -> &mut Self {
        self.events.push((at(seconds), event));
        self
    }

    pub(crate) fn up(&mut self, seconds: f64, replica: u32, revision: u32, release: Release) -> &mut Self {
        let (replica, revision, address) = (Replica(replica), Revision(revision), address(replica));
        self.event(seconds, Event::Created { replica, revision, release });
        self.event(seconds, Event::Placed { replica, address });
        self.event(seconds, Event::Started { replica, restart: 0, pid: None });
        self.event(seconds + 0.3, Event::ListenerUp { replica });
        self.event(seconds + 0.5, Event::Ready { replica });
        self.event(seconds + 0.5, Event::Available { replica })
    }

    pub(crate) fn view(&mut self, seconds: f64, replicas: &[u32]) -> &mut Self {
        self.event(seconds, Event::View { replicas: replicas.iter().copied().map(Replica).collect() })
    }

    pub(crate) fn endpoints(&mut self, seconds: f64, ready: &[u32], terminating: &[u32]) -> &mut Self {
        let endpoint = |replica: &u32, terminating: bool| Endpoint {
            replica: Replica(*replica),
            ready: !terminating,
            serving: true,
            terminating,
        };
        let ready = ready.iter().map(|replica| endpoint(replica, false));
        let endpoints = ready.chain(terminating.iter().map(|replica| endpoint(replica, true))).collect();
        self.event(seconds, Event::Endpoints { endpoints })
    }

    pub(crate) fn down(&mut self, seconds: f64, replica: u32, ending: Ending) -> &mut Self {
        let replica = Replica(replica);
        let grace = self.header.deployment.template.grace;
        let term = seconds + ending.pre_stop;
        self.event(seconds, Event::Terminating { replica, grace });
        let (signal, reason) = (Signal::Term, Reason::Termination);
        self.event(term, Event::Signalled { replica, signal, reason });
        self.event(term + ending.listens, Event::ListenerDown { replica });
        if ending.killed {
            let (signal, reason) = (Signal::Kill, Reason::GraceOver);
            self.event(term + ending.runs, Event::Signalled { replica, signal, reason });
        }
        self.event(term + ending.runs, Event::Exited { replica, exit: ending.exit });
        self.event(term + ending.runs + 0.05, Event::Gone { replica })
    }

    pub(crate) fn drill(&mut self, drill: Drill, begun: f64, ended: f64) -> &mut Self {
        self.event(begun, Event::DrillBegun { drill });
        self.event(ended, Event::DrillEnded { drill });
        self.answers.push((begun, ended));
        self
    }

    pub(crate) fn disturb(&mut self, drill: Drill, from: f64, to: f64, replica: Option<u32>) -> &mut Self {
        self.event(from, Event::Disturbed { drill, replica: replica.map(Replica) });
        self.event(to, Event::Settled { drill })
    }

    pub(crate) fn fail(&mut self, failing: Failing) -> &mut Self {
        self.failing.push(failing);
        self
    }

    /// A baseline from 2 s to 12 s.
    pub(crate) fn baseline() -> Self {
        let mut sample = Self::new(&[Drill::Baseline]);
        sample.drill(Drill::Baseline, 2.0, 12.0);
        sample
    }

    /// A baseline and a rollout: old replicas are told to end at 15 s, 18 s and 21 s, each seen for a second more.
    pub(crate) fn rollout(ending: Ending) -> Self {
        let mut sample = Self::baseline();
        sample.header.drills.push(Drill::Rollout);
        let (revision, release) = (Revision(2), Release::Good);
        sample.drill(Drill::Rollout, 12.0, 26.0).disturb(Drill::Rollout, 14.0, 24.0, None);
        sample.event(14.0, Event::RolloutBegun { revision, release, back_to: None });
        let mut all = vec![0, 1, 2];
        for (replica, told) in [(0_u32, 15.0), (1, 18.0), (2, 21.0)] {
            sample.up(told - 1.0, replica + 3, 2, Release::Good);
            all.push(replica + 3);
            sample.endpoints(told - 0.5, &all, &[]).view(told, &all);
            all.remove(0);
            sample.endpoints(told, &all, &[replica]).down(told, replica, ending).view(told + 1.0, &all);
        }
        sample.event(23.0, Event::RolloutDone { revision });
        sample
    }

    /// A baseline, and a replica that is killed at 15 s, is refused for 0.4 s, and is ready again at 16 s.
    pub(crate) fn kill() -> Self {
        let mut sample = Self::baseline();
        sample.header.drills.push(Drill::Kill);
        let (replica, signal, reason) = (Replica(1), Signal::Kill, Reason::Drill);
        sample.drill(Drill::Kill, 12.0, 20.0).disturb(Drill::Kill, 15.0, 17.0, Some(1));
        sample.event(15.0, Event::Signalled { replica, signal, reason });
        sample.event(15.0, Event::Exited { replica, exit: Exit::Signal(9) });
        sample.event(15.0, Event::Unready { replica }).endpoints(15.0, &[0, 2], &[]);
        sample.event(15.02, Event::ListenerDown { replica });
        sample.event(15.1, Event::Started { replica, restart: 1, pid: None });
        sample.event(15.4, Event::ListenerUp { replica });
        sample.event(16.0, Event::Ready { replica }).endpoints(16.0, &[0, 1, 2], &[]);
        sample.view(16.0, &[0, 2]).view(17.0, &[0, 1, 2]);
        sample
    }

    /// A baseline, and a replica that is frozen from 15 s to 25 s, and not seen by clients from 20 s on.
    pub(crate) fn freeze() -> Self {
        let mut sample = Self::baseline();
        sample.header.drills.push(Drill::Freeze);
        let replica = Replica(1);
        sample.drill(Drill::Freeze, 12.0, 30.0).disturb(Drill::Freeze, 15.0, 27.0, Some(1));
        sample.event(15.0, Event::Frozen { replica }).event(25.0, Event::Thawed { replica });
        sample.event(19.0, Event::Unready { replica }).endpoints(19.0, &[0, 2], &[]).view(20.0, &[0, 2]);
        sample.event(25.5, Event::Ready { replica }).endpoints(25.5, &[0, 1, 2], &[]).view(26.5, &[0, 1, 2]);
        sample
    }

    /// A baseline, and a replica that clients cannot reach from 15 s to 19 s, and at times from 26 s to 30 s.
    pub(crate) fn network() -> Self {
        let mut sample = Self::baseline();
        sample.header.drills.push(Drill::Network);
        let (replica, loss) = (Replica(1), Break::Loss);
        sample.drill(Drill::Network, 12.0, 40.0).disturb(Drill::Network, 15.0, 37.0, Some(1));
        sample.event(15.0, Event::NetworkBroken { replica, how: Break::Partition });
        sample.event(19.0, Event::NetworkHealed { replica, how: Break::Partition, dropped: 1_234 });
        sample.event(26.0, Event::NetworkBroken { replica, how: loss });
        sample.event(30.0, Event::NetworkHealed { replica, how: loss, dropped: 56 });
        sample
    }

    /// A baseline, and a drill from 12 s to 26 s in which nothing happens but what is added.
    pub(crate) fn quiet() -> Self {
        let mut sample = Self::baseline();
        sample.header.drills.push(Drill::ScaleUp);
        sample.drill(Drill::ScaleUp, 12.0, 26.0).disturb(Drill::ScaleUp, 14.0, 24.0, None);
        sample
    }

    pub(crate) fn history(&self) -> History {
        let mut events = self.events.clone();
        events.sort_by_key(|(at, _)| *at);
        let outcomes = self.outcomes(&events);
        let intervals = record(outcomes);
        let mut footer = self.footer.clone();
        if let Some(footer) = &mut footer {
            let last = self.answers.iter().map(|(_, to)| *to).fold(0.0, f64::max);
            footer.duration = Duration::from_secs_f64(last);
        }
        History {
            header: self.header.clone(),
            events,
            intervals,
            floods: Vec::new(),
            audit: self.audit.clone(),
            footer,
        }
    }

    fn outcomes(&self, events: &[(Moment, Event)]) -> Vec<(Outcome, bool)> {
        let mut outcomes: Vec<(Outcome, bool)> =
            self.failing.iter().map(|failing| (failing.outcome(), failing.retried)).collect();
        let mut number = 0_usize;
        for (from, to) in &self.answers {
            let mut due = *from;
            // The last ones end before the drill does.
            while due + self.takes < *to {
                let seen = events.iter().rev().find_map(|(since, event)| {
                    let Event::View { replicas } = event else { return None };
                    (*since <= at(due)).then_some(replicas)
                });
                number += 1;
                if let Some(replica) = seen.and_then(|seen| seen.get(number / 2 % seen.len().max(1))) {
                    outcomes.push((self.answer(due, number, replica.0), false));
                }
                due += 1.0 / self.header.rate;
            }
        }
        outcomes.sort_by_key(|(outcome, _)| outcome.done);
        outcomes
    }

    fn answer(&self, due: f64, number: usize, replica: u32) -> Outcome {
        let connection = if number.is_multiple_of(2) { ConnectionKind::Fresh } else { ConnectionKind::Reused };
        let kept = self.kept.get(number / 2 % self.kept.len().max(1)).filter(|_| connection == ConnectionKind::Reused);
        let replica = kept.copied().unwrap_or(replica);
        let slow = self.slow.iter().find(|(slow, from, to, _)| *slow == replica && *from <= due && due < *to);
        let takes = slow.map_or(self.takes, |(.., takes)| *takes);
        Outcome {
            due: at(due),
            queued: Duration::ZERO,
            begun: at(due + self.late),
            done: at(due + takes),
            endpoint: Some(address(replica)),
            connection,
            idle: None,
            phases: Phases::default(),
            end: Ok(200),
            bytes: 13,
        }
    }
}

fn record(outcomes: Vec<(Outcome, bool)>) -> Vec<Interval> {
    let mut recorder = Recorder::new(0);
    let mut intervals = Vec::new();
    let length = u64::try_from(INTERVAL.as_nanos()).unwrap();
    for (outcome, retried) in outcomes {
        // From the first one on there is an interval for each tenth of a second, with nothing in it, too.
        while outcome.done.nanos() / length > recorder.index() {
            let next = Moment::from_nanos((recorder.index() + 1) * length);
            let next = if intervals.is_empty() { outcome.done } else { next };
            intervals.push(recorder.take(next, Gauges::default(), Duration::ZERO));
        }
        recorder.counts().arrived += 1;
        if retried { recorder.retried(outcome) } else { recorder.ended(outcome) }
    }
    intervals.push(recorder.take(Moment::START, Gauges::default(), Duration::ZERO));
    intervals
}

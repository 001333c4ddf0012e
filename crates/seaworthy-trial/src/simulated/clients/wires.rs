//! The clients' ends of connections: what goes over each, and what becomes of it.

use std::{net::SocketAddr, time::Duration};

use rand::seq::IndexedRandom as _;
use seaworthy_core::{
    interval::FailedAttempt,
    outcome::{ConnectionKind, Failure, FailureKind, Outcome, Phase, Phases},
    time::Moment,
};

use super::Clients;
use crate::simulated::{
    agenda::{Agenda, Task},
    network::{Answer, Body, Link, ToClient, ToServer},
    servers::Servers,
    truth::{Blame, FLAP, UNKNOWN},
};

/// Bytes of the body of an answer.
const BODY: u64 = 13;

/// A client's end of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    address: SocketAddr,
    /// It is closed after one request.
    fresh: bool,
    /// Since when it has been idle, where it has been used.
    idle: Option<Moment>,
    attempt: Option<Attempt>,
}

/// A request that is worked on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) number: u64,
    pub(super) due: Moment,
    pub(super) begun: Moment,
    /// When it began to open its connection.
    pub(super) opening: Moment,
    /// When it was sent.
    pub(super) sent: Option<Moment>,
    pub(super) connection: ConnectionKind,
    /// How long its connection had been idle, where it was used before.
    pub(super) idle: Option<Duration>,
    pub(super) phases: Phases,
}

impl Attempt {
    fn outcome(self, done: Moment, endpoint: Option<SocketAddr>, end: Result<u16, Failure>) -> Outcome {
        let Self { due, begun, connection, idle, phases, .. } = self;
        let bytes = if phases.first_byte.is_some() { BODY } else { 0 };
        Outcome { due, queued: Duration::ZERO, begun, done, endpoint, connection, idle, phases, end, bytes }
    }
}

impl Clients {
    /// Opens a connection for a request, to one of the endpoints by chance.
    pub(super) fn open(&mut self, attempt: Attempt, agenda: &mut Agenda) {
        let Some(replica) = self.view.choose(&mut self.chance).copied() else {
            let failure = Failure::new(Phase::Connect, FailureKind::NoEndpoint);
            let outcome = attempt.outcome(agenda.now(), None, Err(failure));
            let cause = if self.world.behaviour.unready.is_some() { FLAP } else { UNKNOWN };
            return self.ended(outcome, Some(Blame::on(cause).unreached()));
        };
        self.opened += 1;
        let link = Link(self.opened);
        let fresh = attempt.connection == ConnectionKind::Fresh;
        self.kept += usize::from(!fresh);
        let attempt = Attempt { opening: agenda.now(), sent: None, idle: None, ..attempt };
        self.wires.insert(link, Wire { address: Servers::address(replica), fresh, idle: None, attempt: Some(attempt) });
        agenda.send_to_server(link, ToServer::Open(replica));
        self.watch(link, attempt, agenda);
    }

    /// It does not wait for longer than its time.
    pub(super) fn watch(&self, link: Link, attempt: Attempt, agenda: &mut Agenda) {
        agenda.at(attempt.begun + self.world.timeout, Task::Late { link, number: attempt.number });
    }

    pub(super) fn send(&mut self, link: Link, attempt: Attempt, agenda: &mut Agenda) {
        let Some(wire) = self.wires.get_mut(&link) else { return };
        let idle = wire.idle.take().map(|since| attempt.begun.since(since));
        wire.attempt = Some(Attempt { sent: Some(agenda.now()), idle, ..attempt });
        agenda.send_to_server(link, ToServer::Request { last: wire.fresh });
    }

    /// Something reaches a client. What comes over a connection that it has closed says nothing.
    pub(crate) fn receive(&mut self, link: Link, what: ToClient, agenda: &mut Agenda) {
        let Some(wire) = self.wires.get(&link) else { return };
        let Some(attempt) = wire.attempt else {
            if matches!(what, ToClient::Finished | ToClient::Reset) {
                self.recorder.counts().closed_idle += 1;
                self.idle.retain(|idle| *idle != link);
                self.forget(link);
            }
            return;
        };
        let now = agenda.now();
        match what {
            ToClient::Opened => {
                self.recorder.counts().opened += 1;
                let connect = Some(now.since(attempt.opening));
                let phases = Phases { connect, ..attempt.phases };
                self.send(link, Attempt { phases, ..attempt }, agenda);
            }
            ToClient::Refused => {
                let connect = Some(now.since(attempt.opening));
                let attempt = Attempt { phases: Phases { connect, ..attempt.phases }, ..attempt };
                self.fail(link, attempt, Failure::new(Phase::Connect, FailureKind::Refused), agenda);
            }
            ToClient::Answer { answer, last } => self.answered(link, attempt, answer, last, agenda),
            ToClient::Finished => self.fail(link, attempt, Failure::new(Phase::Wait, FailureKind::Closed), agenda),
            ToClient::Reset => self.fail(link, attempt, Failure::new(Phase::Wait, FailureKind::Reset), agenda),
        }
    }

    fn answered(&mut self, link: Link, attempt: Attempt, answer: Answer, last: bool, agenda: &mut Agenda) {
        let (now, Answer { status, body }) = (agenda.now(), answer);
        let first_byte = attempt.sent.map(|sent| now.since(sent));
        let attempt = Attempt { phases: Phases { first_byte, ..attempt.phases }, ..attempt };
        let bad = |kind| Err(Failure { status: Some(status), ..Failure::new(Phase::Receive, kind) });
        let end = match body {
            _ if !(200..400).contains(&status) => bad(FailureKind::Status),
            Body::Whole => Ok(status),
            Body::Wrong => bad(FailureKind::Body),
            Body::Cut => bad(FailureKind::Truncated),
        };
        let Some(wire) = self.wires.get_mut(&link) else { return };
        wire.attempt = None;
        wire.idle = Some(now);
        let endpoint = Some(wire.address);
        if last || wire.fresh {
            self.forget(link);
        } else {
            self.idle.push_back(link);
        }
        self.ended(attempt.outcome(now, endpoint, end), agenda.noted(link));
    }

    /// What became of a request, and what the world knows of why.
    fn ended(&mut self, outcome: Outcome, blame: Option<Blame>) {
        if outcome.end.is_err() {
            self.missed.push((FailedAttempt { outcome: outcome.clone(), retried: false }, blame));
        } else if let Some(blame) = blame {
            self.slowed.push((blame, outcome.done));
        }
        self.recorder.ended(outcome);
    }

    /// There is no answer. HTTP lets a client send an idempotent request again whose reused connection closed before any
    /// byte of one (RFC 9110, 9.2.2); it goes over a new connection, so not twice.
    fn fail(&mut self, link: Link, attempt: Attempt, failure: Failure, agenda: &mut Agenda) {
        let again = self.world.idempotent
            && attempt.connection == ConnectionKind::Reused
            && matches!(failure.kind, FailureKind::Closed | FailureKind::Reset);
        let endpoint = self.wires.get(&link).map(|wire| wire.address);
        self.forget(link);
        let outcome = attempt.outcome(agenda.now(), endpoint, Err(failure));
        let blame = agenda.noted(link);
        if again {
            self.missed.push((FailedAttempt { outcome: outcome.clone(), retried: true }, blame));
            self.recorder.retried(outcome);
            let opened = self.opened;
            self.open(Attempt { connection: ConnectionKind::First, phases: Phases::default(), ..attempt }, agenda);
            // If it is late now, that is since it had to be sent again.
            if let Some(blame) = blame.filter(|_| self.opened > opened) {
                agenda.suspect(Link(self.opened), blame);
            }
        } else {
            self.ended(outcome, blame);
        }
    }

    /// A request has had its time, if it is still there.
    pub(crate) fn late(&mut self, link: Link, number: u64, agenda: &mut Agenda) {
        let attempt = self.wires.get(&link).and_then(|wire| wire.attempt);
        let Some(attempt) = attempt.filter(|attempt| attempt.number == number) else { return };
        agenda.send_to_server(link, ToServer::Close);
        let phase = if attempt.sent.is_some() { Phase::Wait } else { Phase::Connect };
        self.fail(link, attempt, Failure::new(phase, FailureKind::TimedOut), agenda);
    }

    fn forget(&mut self, link: Link) {
        if let Some(wire) = self.wires.remove(&link) {
            self.kept -= usize::from(!wire.fresh);
        }
    }
}

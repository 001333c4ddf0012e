//! The servers' ends of connections: what the kernel holds, what a process has read, and how it closes them.

use seaworthy_core::event::{Exit, Replica};

use super::{Manner, Servers, spells::Work};
use crate::simulated::{
    agenda::{Agenda, Step, Task},
    network::{Answer, Link, ToClient, ToServer},
    truth::{Blame, CLOSED_IDLE, LEFT, QUEUED, UNKNOWN},
};

/// A server's end of a connection.
#[derive(Debug)]
pub(super) struct Socket {
    replica: Replica,
    /// The process has taken it out of the kernel's queue.
    accepted: bool,
    /// The process does not read from it any more.
    deaf: bool,
    /// Requests that it had.
    served: u64,
    request: Request,
}

/// The request on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// None.
    None,
    /// The kernel has it.
    Unread { last: bool },
    /// The process has read it.
    Read { last: bool },
}

impl Socket {
    /// How its end looks to the client: the kernel resets what nobody has read.
    const fn farewell(&self) -> ToClient {
        match self.request {
            Request::None | Request::Read { .. } if self.accepted => ToClient::Finished,
            Request::None | Request::Read { .. } | Request::Unread { .. } => ToClient::Reset,
        }
    }

    /// Why it is closed: what a process that ends in its own way leaves undone is told apart.
    fn blame(&self, of: Blame) -> Blame {
        let idle = self.deaf || self.served > 0 && self.request == Request::None;
        if of.is_of_its_own_end() && idle { of.but(CLOSED_IDLE) } else { of }
    }
}

impl Servers {
    /// Something reaches a server.
    pub(crate) fn receive(&mut self, link: Link, what: ToServer, agenda: &mut Agenda) {
        match what {
            ToServer::Open(replica) => self.open(link, replica, agenda),
            ToServer::Close => drop(self.sockets.remove(&link)),
            ToServer::Request { last } => {
                self.began.get_or_insert_with(|| agenda.now());
                let Some(socket) = self.sockets.get_mut(&link) else {
                    return agenda.send_to_client(link, ToClient::Reset);
                };
                socket.request = Request::Unread { last };
                let (replica, deaf) = (socket.replica, socket.deaf);
                if deaf {
                    agenda.note(link, self.as_told(replica, CLOSED_IDLE));
                }
                self.blame_frozen(replica, agenda);
                self.read(link, agenda);
            }
        }
    }

    /// The kernel takes a connection, whether the process runs or not.
    fn open(&mut self, link: Link, replica: Replica, agenda: &mut Agenda) {
        let Some(process) = self.process(replica).filter(|process| process.listening) else {
            agenda.note(link, self.refusal(replica));
            return agenda.send_to_client(link, ToClient::Refused);
        };
        let (frozen, discarding) = (process.frozen, process.manner == Manner::Discarding);
        let accepted = !frozen && !discarding;
        self.sockets.insert(link, Socket { replica, accepted, deaf: false, served: 0, request: Request::None });
        if discarding {
            agenda.note(link, self.as_told(replica, QUEUED));
        }
        agenda.send_to_client(link, ToClient::Opened);
    }

    /// Why nobody listens there.
    fn refusal(&self, replica: Replica) -> Blame {
        let place = self.places.get(&replica).map(|place| place.closed);
        place.or_else(|| self.gone.get(&replica).copied()).unwrap_or(Blame::on(UNKNOWN)).unreached()
    }

    /// What waits for a process that is frozen waits because of that.
    pub(super) fn blame_frozen(&mut self, replica: Replica, agenda: &mut Agenda) {
        if self.process(replica).is_some_and(|process| process.frozen) {
            for link in self.links(replica, |socket| socket.request != Request::None) {
                agenda.note(link, Blame::on("hung"));
            }
        }
    }

    /// A process that was frozen takes what has come meanwhile.
    pub(super) fn accept(&mut self, replica: Replica, agenda: &mut Agenda) {
        let accepts = self.process(replica).is_some_and(|process| process.manner != Manner::Discarding);
        for socket in self.sockets.values_mut().filter(|socket| socket.replica == replica) {
            socket.accepted |= accepts;
        }
        for link in self.links(replica, |_| true) {
            self.read(link, agenda);
        }
    }

    /// A process reads a request, if there is one and it does.
    fn read(&mut self, link: Link, agenda: &mut Agenda) {
        let Some(socket) = self.sockets.get_mut(&link) else { return };
        let Request::Unread { last } = socket.request else { return };
        let replica = socket.replica;
        let Some(place) = self.places.get(&replica) else { return };
        let Some(process) = &place.process else { return };
        if process.frozen || socket.deaf || !socket.accepted {
            return;
        }
        socket.request = Request::Read { last };
        socket.served += 1;
        let run = place.run;
        let Some(Work { answer, takes, blame }) = self.work(replica, agenda.now()) else { return };
        if let Some(cause) = blame {
            if answer.is_good() {
                agenda.suspect(link, Blame::on(cause));
            } else {
                agenda.note(link, Blame::on(cause));
            }
        }
        agenda.after(takes, Task::Process(replica, run, Step::Answer { link, answer }));
    }

    /// The answer to a request is ready.
    pub(super) fn answer(&mut self, replica: Replica, link: Link, answer: Answer, agenda: &mut Agenda) {
        let leaving = self.process(replica).is_some_and(|process| process.manner != Manner::Serving);
        if let Some(socket) = self.sockets.get_mut(&link)
            && let Request::Read { last } = socket.request
        {
            let last = last || leaving;
            agenda.send_to_client(link, ToClient::Answer { answer, last });
            socket.request = Request::None;
            let served = socket.served;
            if last {
                self.sockets.remove(&link);
            } else if let Some(idle) = self.behaviour.idle
                && let Some(place) = self.places.get(&replica)
            {
                agenda.after(idle, Task::Process(replica, place.run, Step::Idle { link, served }));
            }
        }
        self.exit_if_finished(replica, agenda);
    }

    /// A connection has been idle for long enough, unless there was a request meanwhile.
    pub(super) fn idle(&mut self, link: Link, served: u64, agenda: &mut Agenda) {
        let idle = |socket: &Socket| socket.served == served && socket.request == Request::None && !socket.deaf;
        if self.sockets.get(&link).is_some_and(idle) {
            self.sockets.remove(&link);
            agenda.note(link, Blame::on("keepalive-idle-race"));
            agenda.send_to_client(link, ToClient::Finished);
        }
    }

    /// From now on a process does not read from connections that are idle.
    pub(super) fn turn_away(&mut self, replica: Replica) {
        for socket in self.sockets.values_mut() {
            socket.deaf |= socket.replica == replica && socket.request == Request::None;
        }
    }

    /// The connections that it has not read from are closed.
    pub(super) fn sweep(&mut self, replica: Replica, agenda: &mut Agenda) {
        let blame = self.as_told(replica, CLOSED_IDLE);
        self.close(replica, |socket| socket.deaf, blame, agenda);
    }

    /// Nothing new any more: a process closes its listener and all that it does not work on.
    pub(super) fn leave(&mut self, replica: Replica, agenda: &mut Agenda) {
        let (left, queued) = (self.as_told(replica, LEFT), self.as_told(replica, QUEUED));
        if let Some(place) = self.places.get_mut(&replica)
            && let Some(process) = &mut place.process
        {
            process.listening = false;
            process.manner = Manner::Finishing;
            place.closed = left;
        }
        self.close(replica, |socket| !matches!(socket.request, Request::Read { .. }), queued, agenda);
        self.exit_if_finished(replica, agenda);
    }

    fn exit_if_finished(&mut self, replica: Replica, agenda: &mut Agenda) {
        let finishing = self.process(replica).is_some_and(|process| process.manner == Manner::Finishing);
        if finishing && self.links(replica, |_| true).is_empty() {
            let blame = self.as_told(replica, LEFT);
            self.end(replica, Exit::Code(0), blame, agenda);
        }
    }

    /// Closes those connections of a replica, and notes who is to blame.
    pub(super) fn close(
        &mut self,
        replica: Replica,
        which: impl Fn(&Socket) -> bool,
        blame: Blame,
        agenda: &mut Agenda,
    ) {
        for link in self.links(replica, which) {
            if let Some(socket) = self.sockets.remove(&link) {
                agenda.note(link, socket.blame(blame));
                agenda.send_to_client(link, socket.farewell());
            }
        }
    }

    fn links(&self, replica: Replica, which: impl Fn(&Socket) -> bool) -> Vec<Link> {
        let of = self.sockets.iter().filter(|(_, socket)| socket.replica == replica && which(socket));
        of.map(|(link, _)| *link).collect()
    }
}

//! The servers' ends of connections: what the kernel holds, what a process has read, and how it closes them.

use rand::RngExt as _;
use seaworthy_core::event::{Exit, Release, Replica};

use super::{Manner, Place, Servers};
use crate::simulated::{
    agenda::{Agenda, Step, Task},
    behaviour::BadRelease,
    network::{Link, ToClient, ToServer},
};

/// A server's end of a connection.
#[derive(Debug)]
pub(super) struct Socket {
    replica: Replica,
    /// The process has taken it out of the kernel's queue.
    accepted: bool,
    /// The process does not read from it any more.
    deaf: bool,
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
}

impl Servers {
    /// Something reaches a server.
    pub(crate) fn receive(&mut self, link: Link, what: ToServer, agenda: &mut Agenda) {
        match what {
            ToServer::Open(replica) => self.open(link, replica, agenda),
            ToServer::Close => drop(self.sockets.remove(&link)),
            ToServer::Request { last } => {
                let Some(socket) = self.sockets.get_mut(&link) else {
                    return agenda.send_to_client(link, ToClient::Reset);
                };
                socket.request = Request::Unread { last };
                self.read(link, agenda);
            }
        }
    }

    /// The kernel takes a connection, whether the process runs or not.
    fn open(&mut self, link: Link, replica: Replica, agenda: &mut Agenda) {
        let Some(process) = self.process(replica).filter(|process| process.listening) else {
            return agenda.send_to_client(link, ToClient::Refused);
        };
        let accepted = !process.frozen && process.manner != Manner::Discarding;
        self.sockets.insert(link, Socket { replica, accepted, deaf: false, request: Request::None });
        agenda.send_to_client(link, ToClient::Opened);
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
        let able = process.able.is_some_and(|able| able <= agenda.now());
        let status = status(place, self.behaviour.bad_release, able);
        let (run, (least, most)) = (place.run, self.behaviour.service);
        let takes = match self.behaviour.slow {
            Some((share, takes)) if self.chance.random::<f64>() < share => takes,
            Some(_) | None => self.between(least, most),
        };
        agenda.after(takes, Task::Process(replica, run, Step::Answer { link, status }));
    }

    /// The answer to a request is ready.
    pub(super) fn answer(&mut self, replica: Replica, link: Link, status: u16, agenda: &mut Agenda) {
        let leaving = self.process(replica).is_some_and(|process| process.manner != Manner::Serving);
        if let Some(socket) = self.sockets.get_mut(&link)
            && let Request::Read { last } = socket.request
        {
            let last = last || leaving;
            agenda.send_to_client(link, ToClient::Answer { status, last });
            socket.request = Request::None;
            if last {
                self.sockets.remove(&link);
            }
        }
        self.exit_if_finished(replica, agenda);
    }

    /// From now on a process does not read from connections that are idle.
    pub(super) fn turn_away(&mut self, replica: Replica) {
        for socket in self.sockets.values_mut() {
            socket.deaf |= socket.replica == replica && socket.request == Request::None;
        }
    }

    /// The connections that it has not read from are closed.
    pub(super) fn sweep(&mut self, replica: Replica, agenda: &mut Agenda) {
        self.close(replica, |socket| socket.deaf, agenda);
    }

    /// Nothing new any more: a process closes its listener and all that it does not work on.
    pub(super) fn leave(&mut self, replica: Replica, agenda: &mut Agenda) {
        if let Some(process) = self.process(replica) {
            process.listening = false;
            process.manner = Manner::Finishing;
        }
        self.close(replica, |socket| !matches!(socket.request, Request::Read { .. }), agenda);
        self.exit_if_finished(replica, agenda);
    }

    fn exit_if_finished(&mut self, replica: Replica, agenda: &mut Agenda) {
        let finishing = self.process(replica).is_some_and(|process| process.manner == Manner::Finishing);
        if finishing && self.links(replica, |_| true).is_empty() {
            self.end(replica, Exit::Code(0), agenda);
        }
    }

    /// Closes those connections of a replica.
    pub(super) fn close(&mut self, replica: Replica, which: impl Fn(&Socket) -> bool, agenda: &mut Agenda) {
        for link in self.links(replica, which) {
            if let Some(socket) = self.sockets.remove(&link) {
                agenda.send_to_client(link, socket.farewell());
            }
        }
    }

    fn links(&self, replica: Replica, which: impl Fn(&Socket) -> bool) -> Vec<Link> {
        let of = self.sockets.iter().filter(|(_, socket)| socket.replica == replica && which(socket));
        of.map(|(link, _)| *link).collect()
    }
}

/// What a request is answered with.
fn status(place: &Place, bad_release: BadRelease, able: bool) -> u16 {
    match (place.release, bad_release) {
        (Release::Bad, BadRelease::ServesErrors) => 500,
        (Release::Bad, BadRelease::NeverReady | BadRelease::Crashes) => 503,
        (Release::Good, _) => {
            if able {
                200
            } else {
                503
            }
        }
    }
}

//! What goes over the simulated network. Clients and servers know of each other nothing but this.

use std::time::Duration;

use seaworthy_core::event::Replica;

use super::agenda::{Agenda, Task};

/// How long anything is on its way.
pub(crate) const ONE_WAY: Duration = Duration::from_micros(50);

/// A TCP connection. Each has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link(pub(crate) u64);

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToServer {
    /// SYN, to a replica's address.
    Open(Replica),
    /// A request.
    Request {
        /// It says `Connection: close`.
        last: bool,
    },
    /// The client does not wait any longer.
    Close,
}

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: Body,
}

impl Answer {
    /// Whether it is what the client expects.
    pub(crate) fn is_good(self) -> bool {
        (200..400).contains(&self.status) && self.body == Body::Whole
    }
}

/// The body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// As it should be.
    Whole,
    /// It says that something went wrong.
    Wrong,
    /// It does not say how long it is, and is not all there.
    Cut,
}

/// What a server, or its kernel, sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToClient {
    /// SYN and ACK: the kernel has taken the connection.
    Opened,
    /// RST to a SYN: nobody listens.
    Refused,
    /// An answer.
    Answer {
        /// It.
        answer: Answer,
        /// It says `Connection: close`.
        last: bool,
    },
    /// FIN.
    Finished,
    /// RST.
    Reset,
}

impl Agenda {
    /// Something goes to a server.
    pub(crate) fn send_to_server(&mut self, link: Link, what: ToServer) {
        self.after(ONE_WAY, Task::ToServer(link, what));
    }

    /// Something goes to the client.
    pub(crate) fn send_to_client(&mut self, link: Link, what: ToClient) {
        self.after(ONE_WAY, Task::ToClient(link, what));
    }
}

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

/// What a server, or its kernel, sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToClient {
    /// SYN and ACK: the kernel has taken the connection.
    Opened,
    /// RST to a SYN: nobody listens.
    Refused,
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
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

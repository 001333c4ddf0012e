//! What a run is asked to do.

use std::{net::IpAddr, num::NonZero, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use seaworthy_core::arrivals::{Profile, Spacing};

use crate::{endpoints::Endpoints, expectation::Expectation, request::Request, template::Template};

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When requests are sent.
    pub pace: Pace,
    /// What is sent.
    pub workload: Workload,
    /// Which answers are good.
    pub expectation: Expectation,
    /// Where connections go.
    pub endpoints: Endpoints,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    /// TLS, or none.
    pub tls: Option<Tls>,
    /// How many connections, and how they are used.
    pub connections: Connections,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// Whether an idempotent request is sent again, once, when its reused connection closed before any byte of an
    /// answer, as HTTP allows (RFC 9110, 9.2.2; RFC 9112, 9.3.1).
    pub resend: bool,
    /// Whether good answers are kept whole, too: see [`Interval::answers`](seaworthy_core::interval::Interval::answers).
    pub keep_answers: bool,
    /// Threads that send. Each has its share of the arrivals and of the connections.
    pub threads: NonZero<usize>,
    /// Decides everything that is left to chance.
    pub seed: u64,
}

/// When requests are sent.
#[derive(Clone, Debug)]
pub enum Pace {
    /// When they are due, whatever became of the ones before (open loop).
    Open {
        /// The rate over time.
        profile: Profile,
        /// How arrivals are spread.
        spacing: Spacing,
        /// The most requests.
        limit: Option<u64>,
    },
    /// One after the other on each connection, as fast as answers come (closed loop).
    Closed {
        /// For how long; without it, until the limit or the end.
        duration: Option<Duration>,
        /// The most requests.
        limit: Option<u64>,
    },
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Workload {
    /// These requests, chosen by their weights.
    Requests(Arc<[Weighted]>),
    /// Users are created, read, changed, listed and deleted; a ledger is kept of what was acknowledged.
    Users(Arc<UsersPlan>),
    /// Requests, and among them writes of which a ledger is kept.
    Writes(Arc<WritesPlan>),
}

/// A request and how often it is sent, in proportion to the others.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// The request.
    pub request: Request,
    /// Its weight, at least 1.
    pub weight: u32,
}

/// The users scenario.
#[derive(Clone, Debug)]
pub struct UsersPlan {
    /// A request like those to be sent: its path is the prefix of `/users`, its headers are sent with each.
    pub like: Request,
    /// Marks the users of this run, so that those of other runs are left alone: letters, digits and dashes.
    pub run: String,
    /// Whether what was made is deleted after it was read back.
    pub clean_up: bool,
}

/// Writes among other requests, and how they are read back.
#[derive(Clone, Debug)]
pub struct WritesPlan {
    /// A request to the same target: its headers are sent with each.
    pub like: Request,
    /// The other requests, chosen by their weights.
    pub requests: Arc<[Weighted]>,
    /// The share of all requests, 0 to 1, that are writes.
    pub share: f64,
    /// The write.
    pub write: Template,
    /// How it is read back.
    pub read: Template,
    /// How all are listed, where that is possible: what is in the list twice was executed twice.
    pub list: Option<Template>,
    /// How it is deleted after it was read back, where it is to be.
    pub delete: Option<Template>,
    /// Where in a JSON answer the service's name for it is, such as `data.id`; `id` where nobody says it.
    pub id_field: Option<Box<str>>,
    /// What the keys of this run begin with: lower-case letters and digits.
    pub run: String,
}

/// Which protocol is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: with prior knowledge, or over TLS by ALPN.
    Http2 {
        /// The most requests on a connection at once.
        streams: usize,
    },
}

/// TLS to the target.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Who is trusted, and who we are.
    pub config: Arc<ClientConfig>,
    /// The name that the certificate must have.
    pub name: ServerName<'static>,
}

/// How many connections there are, and how they are used.
///
/// Arrivals open connections until there are `keep`, and then use them in turn. An arrival that finds all of them busy
/// opens another, up to `most`; at `most` it waits in a queue for the first that becomes free.
#[derive(Clone, Debug)]
pub struct Connections {
    /// Connections that are kept and used in turn.
    pub keep: usize,
    /// The most that are open at once, those for a single request included.
    pub most: usize,
    /// The share of arrivals, 0 to 1, that open a connection of their own and close it after the answer.
    pub fresh: f64,
    /// Addresses to connect from, in turn; the system's choice where there is none.
    pub sources: Vec<IpAddr>,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Looking up, connecting and shaking hands.
    pub connect: Duration,
    /// A whole request, from when work on it begins.
    pub request: Duration,
}

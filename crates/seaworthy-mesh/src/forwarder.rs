//! Stands before all replicas: each new connection goes to an endpoint that its owner picks.
//!
//! A client without TLS is given the forwarder's own: it goes on as mutual TLS under the forwarder's identity. A client
//! with TLS goes on untouched, so that the sidecar sees the client's own identity. Which of them it is, its first byte
//! says, so a client that says nothing holds no connection to any replica, and for no longer than a bound one to this.
//! (A protocol in which the server speaks first would wait for ever; HTTP is none.)
//!
//! While no byte has gone to an endpoint another may be tried in its place: the request cannot have been executed.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use crate::{
    door::{Door, Handle},
    edges::{Caller, Edges, Failure, Open},
    identity::{Peers, Workload, server_name},
    pump::pump,
    reason::Reason,
    sidecar::{First, HANDSHAKE, NotStarted, first_byte},
    spiffe::SpiffeId,
    stream::{Stream, reset},
};

/// An endpoint to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where.
    pub address: SocketAddr,
    /// Who has to be there; nothing where it speaks in the clear.
    pub id: Option<SpiffeId>,
}

/// Picks an endpoint for a new connection; none where there is none.
pub type Pick = Arc<dyn Fn() -> Option<Upstream> + Send + Sync>;

/// How a forwarder behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most connections; more are reset.
    pub connections: usize,
    /// How many endpoints are tried for one connection.
    pub attempts: u32,
    /// How long a client may take over its first byte.
    pub first_byte: Duration,
    /// How long a sidecar may take over its handshake.
    pub handshake: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let handshake = Duration::from_secs(10);
        Self { connections: 10_000, attempts: 3, first_byte: Duration::from_mins(1), handshake }
    }
}

/// A forwarder. When it is dropped it takes no more, and what is open is reset.
#[derive(Debug)]
pub struct Forwarder(Door);

impl Forwarder {
    /// Takes connections at `listener`, and forwards them as `me` to where `pick` says. It has to be called in a runtime
    /// of tokio.
    pub fn start(
        listener: TcpListener,
        me: &Workload,
        pick: Pick,
        settings: Settings,
        edges: Arc<Edges>,
    ) -> Result<Self, NotStarted> {
        let most = settings.connections;
        let router = Router { me: me.clone(), pick, settings, edges };
        Ok(Self(Door::open(listener, most, Arc::new(router))?))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Takes no more connections but those that the kernel has already accepted, and returns when the last has ended.
    /// That can be never: whoever waits for it says for how long, and then drops the forwarder.
    pub async fn drain(&self) {
        self.0.drain().await;
    }
}

struct Router {
    me: Workload,
    pick: Pick,
    settings: Settings,
    edges: Arc<Edges>,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("me", &self.me).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Handle for Router {
    async fn handle(self: Arc<Self>, stream: TcpStream) {
        let first = match first_byte(&stream, Instant::now() + self.settings.first_byte).await {
            First::Byte(byte) => byte,
            First::Left => return,
            First::Silent => {
                reset(stream);
                return self.edges.turn_away(self.me.id(), Reason::Silent);
            }
        };
        let secured = first == HANDSHAKE;
        let mut client = Stream::plain(stream);
        let from = if secured { Caller::Unverified } else { Caller::Plaintext };
        let open = self.edges.begin(from, self.me.id());
        let mut server = match Box::pin(self.connect(secured, &open)).await {
            Ok(server) => server,
            Err(failure) => return open.end(Some(failure), self.edges.now()),
        };
        match pump(&mut client, &mut server, &open.edge).await {
            Ok(()) => {
                open.end(None, self.edges.now());
                client.part();
                server.part();
            }
            Err(failure) => open.end(Some(failure), self.edges.now()),
        }
    }

    fn full(&self) {
        self.edges.fail(Caller::Unverified, self.me.id(), Failure::Full);
    }
}

impl Router {
    /// A connection to the first endpoint that lets us.
    async fn connect(&self, secured: bool, open: &Open) -> Result<Stream, Failure> {
        let mut failure = Failure::NoEndpoint;
        for attempt in 0..self.settings.attempts {
            let Some(upstream) = (self.pick)() else { return Err(failure) };
            if attempt > 0 {
                open.edge.tried_again.fetch_add(1, Relaxed);
            }
            match self.try_one(&upstream, secured).await {
                Ok(stream) => return Ok(stream),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => failure = Failure::Refused,
                Err(_unreachable) => failure = Failure::Unreachable,
            }
        }
        Err(failure)
    }

    async fn try_one(&self, upstream: &Upstream, secured: bool) -> io::Result<Stream> {
        let stream = TcpStream::connect(upstream.address).await?;
        let _best_effort = stream.set_nodelay(true);
        // What is encrypted already is passed through; who speaks in the clear is spoken to so.
        let Some(id) = upstream.id.as_ref().filter(|_| !secured) else { return Ok(Stream::plain(stream)) };
        let config = self.me.client_config(Peers::exactly([id.clone()])).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(config).connect(server_name(), stream);
        timeout_at(Instant::now() + self.settings.handshake, handshake)
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
            .map(Stream::tls)
            .inspect_err(|error| self.edges.note(self.me.id(), Reason::of(error)))
    }
}

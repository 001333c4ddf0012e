//! Stands before one replica: takes mutual TLS, and hands on what was in it.
//!
//! It adds nothing to what the replica does, and takes nothing away. A replica whose port refuses is a reset for the
//! caller, one that resets resets, one that is frozen lets callers wait. There is no time-out but that of the handshake.
//! The replica hears of no caller that was turned away.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::ServerConfig;
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    door::{Door, Handle},
    edges::{Caller, Edges, Failure, Open, Session},
    identity::{Failed, Peers, Workload, read_svid},
    pump::pump,
    reason::Reason,
    spiffe::SpiffeId,
    stream::{Stream, reset},
};

/// What a TLS record that begins a handshake begins with (RFC 8446, 5.1). No method of HTTP does.
pub(crate) const HANDSHAKE: u8 = 0x16;
/// How long, and how much, somebody who was turned away is listened to, so that it can read why before its connection
/// is reset for what it has sent meanwhile.
const GOODBYE: Duration = Duration::from_secs(1);
const GOODBYE_BYTES: u64 = 64 * 1024;

/// What is taken from callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Mutual TLS, and nothing else.
    #[default]
    Strict,
    /// Mutual TLS, or none: decided by the first byte.
    Permissive,
    /// No TLS. What comes is passed on without being looked at.
    Plaintext,
}

/// How a sidecar behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is taken from callers.
    pub mode: Mode,
    /// Who may call, where it is by mutual TLS.
    pub callers: Peers,
    /// What is offered by ALPN, the best first: what the replica speaks on a plain connection.
    pub protocols: Vec<Vec<u8>>,
    /// How long a caller may take over its first byte and its handshake.
    pub handshake: Duration,
    /// The most connections; more are reset.
    pub connections: usize,
}

impl Settings {
    /// Strict, HTTP/1.1, 10 s for a handshake, 10,000 connections, and these callers.
    pub fn new(callers: Peers) -> Self {
        Self {
            mode: Mode::Strict,
            callers,
            protocols: vec![b"http/1.1".to_vec()],
            handshake: Duration::from_secs(10),
            connections: 10_000,
        }
    }
}

/// Why there is no sidecar or forwarder.
#[derive(Debug, Error)]
pub enum NotStarted {
    /// Its identity is of no use.
    #[error(transparent)]
    Identity(#[from] Failed),
    /// Its listener is of no use.
    #[error("the listener: {0}")]
    Listener(#[from] io::Error),
}

/// A listener on this machine alone; with port 0 the system chooses one.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// A sidecar. When it is dropped it takes no more, and what is open is reset.
#[derive(Debug)]
pub struct Sidecar(Door);

impl Sidecar {
    /// Stands before the replica that listens at `replica`, and is `me`. It has to be called in a runtime of tokio.
    pub fn start(
        listener: TcpListener,
        replica: SocketAddr,
        me: &Workload,
        settings: &Settings,
        edges: Arc<Edges>,
    ) -> Result<Self, NotStarted> {
        let protocols: Vec<_> = settings.protocols.iter().map(Vec::as_slice).collect();
        let guard = Guard {
            replica,
            me: me.id().clone(),
            tls: me.server_config(settings.callers.clone(), &protocols)?,
            mode: settings.mode,
            handshake: settings.handshake,
            edges,
        };
        Ok(Self(Door::open(listener, settings.connections, Arc::new(guard))?))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Takes no more connections but those that the kernel has already accepted, and returns when the last has ended.
    /// That can be never: whoever waits for it says for how long, and then drops the sidecar.
    pub async fn drain(&self) {
        self.0.drain().await;
    }
}

struct Guard {
    replica: SocketAddr,
    me: SpiffeId,
    tls: Arc<ServerConfig>,
    mode: Mode,
    handshake: Duration,
    edges: Arc<Edges>,
}

impl Handle for Guard {
    async fn handle(self: Arc<Self>, stream: TcpStream) {
        let Some((mut caller, open)) = Box::pin(self.welcome(stream)).await else { return };
        let mut replica = match TcpStream::connect(self.replica).await {
            Ok(stream) => Stream::plain(stream),
            Err(error) => {
                let refused = error.kind() == io::ErrorKind::ConnectionRefused;
                open.end(Some(if refused { Failure::Refused } else { Failure::Unreachable }), self.edges.now());
                return;
            }
        };
        replica.hurry();
        match pump(&mut caller, &mut replica, &open.edge).await {
            Ok(()) => {
                open.end(None, self.edges.now());
                caller.part();
                replica.part();
            }
            Err(failure) => open.end(Some(failure), self.edges.now()),
        }
    }

    fn full(&self) {
        self.edges.fail(Caller::Unverified, &self.me, Failure::Full);
    }
}

impl Guard {
    /// The caller and its edge, unless it is turned away.
    async fn welcome(&self, stream: TcpStream) -> Option<(Stream, Open)> {
        let plain = |stream| (Stream::plain(stream), self.edges.begin(Caller::Plaintext, &self.me));
        if self.mode == Mode::Plaintext {
            return Some(plain(stream));
        }
        let deadline = Instant::now() + self.handshake;
        let first = match first_byte(&stream, deadline).await {
            First::Byte(byte) => byte,
            First::Left => return None,
            First::Silent => {
                reset(stream);
                self.edges.turn_away(&self.me, Reason::Silent);
                return None;
            }
        };
        match self.mode {
            Mode::Permissive | Mode::Plaintext if first != HANDSHAKE => Some(plain(stream)),
            Mode::Strict if first != HANDSHAKE => {
                reset(stream);
                self.edges.turn_away(&self.me, Reason::Plaintext);
                None
            }
            Mode::Strict | Mode::Permissive | Mode::Plaintext => self.shake(stream, deadline).await,
        }
    }

    async fn shake(&self, stream: TcpStream, deadline: Instant) -> Option<(Stream, Open)> {
        let handshake = TlsAcceptor::from(Arc::clone(&self.tls)).accept(stream).into_fallible();
        match timeout_at(deadline, handshake).await {
            Err(_elapsed) => {
                self.edges.turn_away(&self.me, Reason::Silent);
                None
            }
            Ok(Err((error, stream))) => {
                self.edges.turn_away(&self.me, Reason::of(&error));
                say_goodbye(stream).await;
                None
            }
            Ok(Ok(stream)) => {
                let (id, session) = agreed(&stream)?;
                let open = self.edges.begin_secured(id, &self.me, session);
                Some((Stream::tls(stream), open))
            }
        }
    }
}

/// Who the caller is, and what was agreed on. The verifier has seen to it that there is a certificate with an ID.
fn agreed(stream: &TlsStream<TcpStream>) -> Option<(SpiffeId, Session)> {
    let state = stream.get_ref().1;
    let svid = read_svid(state.peer_certificates()?.first()?).ok()?;
    let session = Session {
        version: format!("{:?}", state.protocol_version()?).into(),
        cipher: format!("{:?}", state.negotiated_cipher_suite()?.suite()).into(),
        caller_not_after: svid.not_after,
    };
    Some((svid.id, session))
}

/// What came first.
pub(crate) enum First {
    Byte(u8),
    Left,
    Silent,
}

/// Waits for the first byte, and leaves it where it is.
pub(crate) async fn first_byte(stream: &TcpStream, deadline: Instant) -> First {
    let mut byte = [0];
    match timeout_at(deadline, stream.peek(&mut byte)).await {
        Err(_elapsed) => First::Silent,
        Ok(Ok(1)) => First::Byte(byte[0]),
        Ok(_) => First::Left,
    }
}

/// The alert has been written. A socket that is closed while something is unread is reset, and the alert may be lost.
async fn say_goodbye(mut stream: TcpStream) {
    let _best_effort = timeout_at(Instant::now() + GOODBYE, async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(GOODBYE_BYTES), &mut tokio::io::sink()).await
    })
    .await;
}

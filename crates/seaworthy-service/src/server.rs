//! The listeners: who is let in, and how many at a time.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, watch},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    connection::{Peer, Serve, Serving, Site, in_time},
    http::{edge::SERVED_BY, problem::Problem},
    lifecycle::Phase,
    telemetry::metrics::{Refused, Security},
    tls,
};

/// Connections that the kernel may hold until they are accepted (listen(2)); it caps this at
/// `net.core.somaxconn`, which is 4096 by default.
const BACKLOG: u32 = 4096;

/// Connections past the limit that are told so at a time. Still more are closed without a word.
const TURNED_AWAY: usize = 64;

/// Pause after an accept that failed for want of something (file descriptors, memory).
const WANT: Duration = Duration::from_millis(50);

/// Listens; an error says what would do.
pub(crate) fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let listener = socket.and_then(|socket| {
        // A restart must not wait until the last connections of its predecessor are forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    });
    listener.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            format!("{address} is already in use; choose another address with {flag}, or port 0 for any free one")
        } else {
            format!("cannot listen on {address}: {error}; choose another address with {flag}")
        }
    })
}

/// The open connections of one listener.
#[derive(Debug, Default)]
pub(crate) struct Open {
    count: AtomicUsize,
    one_less: Notify,
}

impl Open {
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Returns when there are none.
    pub(crate) async fn none_left(&self) {
        loop {
            let mut one_less = pin!(self.one_less.notified());
            one_less.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            one_less.await;
        }
    }
}

/// Counts a connection for as long as it lives.
struct Counted(Arc<Open>);

impl Counted {
    fn new(open: &Arc<Open>) -> (Self, usize) {
        let before = open.count.fetch_add(1, Ordering::Relaxed);
        (Self(Arc::clone(open)), before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.one_less.notify_waiters();
    }
}

/// Accepts connections until the service stops, and then those that the kernel had accepted before.
pub(crate) async fn accept<S: Serve>(
    listener: TcpListener,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    site: Arc<Site<S>>,
    open: Arc<Open>,
) {
    let full = Arc::new(Site {
        service: Arc::new(Full { replica: site.replica.clone() }),
        limits: site.limits.clone(),
        lifecycle: Arc::clone(&site.lifecycle),
        metrics: Arc::clone(&site.metrics),
        replica: site.replica.clone(),
        canned: Arc::clone(&site.canned),
    });
    let turned_away = Arc::new(Open::default());
    let take = |stream: TcpStream, address: SocketAddr| {
        let config = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
        let (counted, before) = Counted::new(&open);
        if before < site.limits.connections {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                welcome(stream, address, config, &site).await;
                drop(counted);
            });
            return;
        }
        drop(counted);
        site.metrics.refused(Refused::Connections);
        let (counted, before) = Counted::new(&turned_away);
        // A TLS handshake costs more than it is worth to say no.
        if before < TURNED_AWAY && config.is_none() {
            let full = Arc::clone(&full);
            tokio::spawn(async move {
                welcome(stream, address, None, &full).await;
                drop(counted);
            });
        }
    };
    let mut stopping = pin!(site.lifecycle.reached(Phase::Stopping));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => take(stream, address),
                Err(error) => pause_after(&error).await,
            },
            () = &mut stopping => break,
        }
    }
    // The kernel has completed the handshake of these: their clients believe that they are connected.
    while let Some(Ok((stream, address))) = ready_now(listener.accept()).await {
        take(stream, address);
    }
}

/// The output of `work` if it is there without waiting.
async fn ready_now<F: Future>(work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = std::future::ready(()) => None,
    }
}

async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    // The client was faster to leave than this was to accept: nothing to wait for.
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(WANT).await;
    }
}

/// Serves one connection, after its TLS handshake if there is to be one.
async fn welcome<S: Serve>(stream: TcpStream, address: SocketAddr, config: Option<Arc<ServerConfig>>, site: &Site<S>) {
    // Answers are written whole; waiting for more to send would only delay them.
    let _best_effort = stream.set_nodelay(true);
    let Some(config) = config else {
        let requests = site.metrics.caller("(unknown)", Security::Plaintext);
        return site.run(stream, Arc::new(Peer { address, caller: None, requests })).await;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let Some(stream) = in_time(&site.limits, &site.metrics, address, handshake).await else { return };
    let caller = stream.get_ref().1.peer_certificates().and_then(|chain| tls::identity(chain.first()?));
    let security = if caller.is_some() { Security::Mtls } else { Security::Tls };
    let requests = site.metrics.caller(caller.as_deref().unwrap_or("(unknown)"), security);
    site.run(stream, Arc::new(Peer { address, caller, requests })).await;
}

/// What a connection past the limit is told.
struct Full {
    replica: HeaderValue,
}

impl Serve for Full {
    fn serve(self: &Arc<Self>, _peer: &Arc<Peer>, _request: Request<Incoming>) -> Serving {
        let full =
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "This replica has as many connections as it may. Try again.");
        let full = full.with_header(http::header::RETRY_AFTER, "1").with_header(http::header::CONNECTION, "close");
        let mut response = full.into_response();
        response.headers_mut().insert(SERVED_BY, self.replica.clone());
        Serving::now(response)
    }
}

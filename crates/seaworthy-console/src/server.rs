//! The console's HTTP: connections with their limits, and who answers what.

mod answers;
mod connection;
mod drills;

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
    time::sleep,
};

use crate::{
    assets::{ASSETS, Asset},
    body::{Body, Events},
    command::Asked,
    guard::Guard,
    hub::Hub,
};
use answers::{Response, problem};
use connection::Patient;

/// Connections at once: the viewers, and some for everything else.
const CONNECTIONS: usize = 320;
/// How long a request's head may take, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(15);
/// The most bytes of a head.
const HEAD_BYTES: usize = 16 * 1024;
/// How long the system is given when it has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// What a browser waits before it connects again, in milliseconds.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) hub: Arc<Hub>,
    pub(crate) guard: Guard,
    pub(crate) html: Bytes,
    pub(crate) max_replicas: u32,
    pub(crate) commands: mpsc::Sender<Asked>,
    /// For viewers.
    pub(crate) places: Arc<Semaphore>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The page has a token in it, which is to be in no log.
        f.debug_struct("Shared").field("run", &self.hub.run()).finish_non_exhaustive()
    }
}

/// Serves until it is closed, or its console is dropped.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // When this function ends so do they.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = closed.changed() => return,
            (place, accepted) = accept(&listener, &room) => match accepted {
                Ok((stream, peer)) => {
                    let serving = serve(stream, peer, Arc::clone(&shared));
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the console could not accept a connection");
                    sleep(PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// Waits for room first: until there is some, the rest waits in the kernel's queue.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, io::Result<(TcpStream, SocketAddr)>) {
    let place = Arc::clone(room).acquire_owned().await.ok();
    (place, listener.accept().await)
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // An event is small, and is to be seen now.
    let _undelayed = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answers::finished(shared.answer(request, peer).await)) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES).half_close(false);
    if let Err(error) = builder.serve_connection(TokioIo::new(Patient::new(stream)), service).await {
        tracing::debug!(%error, "a connection of the console ended early");
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let (uri, headers, path) = (request.uri(), request.headers(), request.uri().path());
        let looked_at = self.guard.host(uri, headers).and_then(|()| Guard::site(uri, request.method(), headers));
        if let Err((status, what)) = looked_at {
            return problem(status, &what);
        }
        let reads = request.method() == Method::GET || request.method() == Method::HEAD;
        if reads
            && path == "/"
            && let Some(right) = self.guard.token_in(uri)
        {
            return if right { answers::welcome(&self.guard) } else { answers::locked() };
        }
        if let Err((status, what)) = self.guard.access(headers) {
            return if path == "/" { answers::locked() } else { problem(status, &what) };
        }
        if path == "/drills" {
            return match *request.method() {
                Method::POST => self.drill(request, peer).await,
                _ => answers::not_allowed("POST"),
            };
        }
        let asset = ASSETS.iter().find(|asset| asset.path == path);
        if asset.is_none() && !["/", "/state", "/events"].contains(&path) {
            return problem(StatusCode::NOT_FOUND, "There is nothing here.");
        }
        if !reads {
            return answers::not_allowed("GET, HEAD");
        }
        self.read(&request, asset)
    }

    fn read(&self, request: &Request<Incoming>, asset: Option<&Asset>) -> Response {
        if let Some(asset) = asset {
            return answers::asset(asset, request.headers());
        }
        match request.uri().path() {
            "/state" => answers::whole("application/json", Bytes::from(self.hub.state())),
            "/events" => self.events(request),
            _ => answers::whole("text/html; charset=utf-8", self.html.clone()),
        }
    }

    /// A stream of events, from what this viewer saw last.
    fn events(&self, request: &Request<Incoming>) -> Response {
        if request.method() == Method::HEAD {
            return answers::stream(Body::from(Bytes::new()));
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "As many are watching as may. Try again later.");
            return answers::later(busy, "5");
        };
        // A page whose connection was refused opens a stream anew, and can only say in its address what it saw.
        let said = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
        let asked = request.uri().query().and_then(|query| query.strip_prefix("after="));
        let cursor = self.hub.resume(said.or(asked));
        answers::stream(Body::Events(Box::new(Events::new(Arc::clone(&self.hub), cursor, RETRY, place))))
    }
}

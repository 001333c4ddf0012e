//! HTTP/2 as a client: many requests at once on a connection.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    rc::Rc,
};

use bytes::Bytes;
use h2::{Reason, client::SendRequest};
use seaworthy_core::{
    outcome::{ConnectionKind, Failure, FailureKind, Phase},
    time::Moment,
};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_local,
    time::{Instant, timeout_at},
};

use crate::{
    connect::{Opening, io_failure},
    pool::Work,
    request::Request,
    worker::{AFTER_REFUSAL, Attempt, Worker},
    workload::Answer,
};

/// How much a server may send before it hears of its having been read: enough that we are not what slows it down.
const WINDOW: u32 = 4 << 20;

/// A connection, and how many streams of ours are open on it.
#[derive(Debug)]
pub(crate) struct Connection {
    send: RefCell<SendRequest<Bytes>>,
    endpoint: Option<SocketAddr>,
    streams: Cell<usize>,
    closed: Cell<bool>,
}

impl Connection {
    fn has_room(&self, streams: usize) -> bool {
        // The server's own limit counts as well.
        !self.closed.get() && self.streams.get() < streams.min(self.send.borrow().current_max_send_streams())
    }
}

/// A connection that several loops share, once one of them has opened it.
pub(crate) type Shared = Mutex<Option<Rc<Connection>>>;

/// The connections of a thread.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    list: VecDeque<Rc<Connection>>,
    pub(crate) opening: usize,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// One that was being opened is there.
    fn opened(&mut self, connection: &Rc<Connection>) {
        self.opening -= 1;
        self.list.push_back(Rc::clone(connection));
    }

    /// No new streams go to a connection; those that are open may still end well.
    fn closed(&mut self, connection: &Rc<Connection>) {
        connection.closed.set(true);
        self.list.retain(|one| !Rc::ptr_eq(one, connection));
    }

    /// The next one that has room for another stream, which is counted.
    pub(crate) fn take_turn(&mut self, streams: usize) -> Option<Rc<Connection>> {
        for _ in 0..self.list.len() {
            let connection = self.list.pop_front()?;
            self.list.push_back(Rc::clone(&connection));
            if connection.has_room(streams) {
                connection.streams.set(connection.streams.get() + 1);
                return Some(connection);
            }
        }
        None
    }
}

/// An answer, as far as it is wanted.
#[derive(Debug)]
struct Received {
    status: u16,
    media_type: Vec<u8>,
    location: Vec<u8>,
    first: Option<u8>,
    body: Vec<u8>,
    length: u64,
    first_byte: Moment,
    done: Moment,
}

impl Worker {
    /// A request on a connection that is there, and then those that wait.
    pub(crate) async fn on_http2(self: Rc<Self>, connection: Rc<Connection>, work: Work) {
        let mut next = Some(work);
        while let Some(work) = next {
            let opening = Opening { endpoint: connection.endpoint, ..Opening::default() };
            let attempt = self.begin(work, ConnectionKind::Reused, opening);
            self.serve_http2(&connection, attempt, true).await;
            next = if connection.closed.get() { None } else { self.next_waiting() };
        }
        connection.streams.set(connection.streams.get() - 1);
        if connection.closed.get() {
            self.replace_http2().await;
        }
    }

    /// After a connection has broken: gives those that wait to the others, or opens one for all of them.
    async fn replace_http2(self: Rc<Self>) {
        let another = self.pool.borrow_mut().http2.take_turn(self.streams());
        if let Some(another) = another {
            another.streams.set(another.streams.get() - 1);
            return self.fill(&another);
        }
        let needed = self.pool.borrow().needs_http2();
        if needed && let Some(work) = self.next_waiting() {
            self.pool.borrow_mut().take_places(1);
            self.pool.borrow_mut().http2.opening += 1;
            self.open_http2(work).await;
        }
    }

    /// Opens a connection for a request, and gives it to all who wait. Its place was taken before.
    pub(crate) async fn open_http2(self: Rc<Self>, work: Work) {
        let mut next = Some(work);
        while let Some(work) = next {
            let mut attempt = self.begin(work, ConnectionKind::First, Opening::default());
            match self.connect_http2(&mut attempt).await {
                Ok(connection) => {
                    connection.streams.set(1);
                    self.pool.borrow_mut().http2.opened(&connection);
                    self.fill(&connection);
                    self.serve_http2(&connection, attempt, true).await;
                    connection.streams.set(connection.streams.get() - 1);
                    return self.fill(&connection);
                }
                Err(failure) => self.failed(attempt, failure, 0),
            }
            next = self.next_waiting();
        }
        self.pool.borrow_mut().http2.opening -= 1;
        self.pool.borrow_mut().leave_places(1);
    }

    /// Gives a connection to those who wait, as far as it has room.
    fn fill(self: &Rc<Self>, connection: &Rc<Connection>) {
        while connection.has_room(self.streams()) {
            let Some(work) = self.next_waiting() else { return };
            connection.streams.set(connection.streams.get() + 1);
            spawn_local(Rc::clone(self).on_http2(Rc::clone(connection), work));
        }
    }

    /// A request on a connection of its own.
    pub(crate) async fn once_http2(self: &Rc<Self>, work: Work) {
        let mut attempt = self.begin(work, ConnectionKind::Fresh, Opening::default());
        match self.connect_http2(&mut attempt).await {
            Ok(connection) => {
                // Its place was taken before, and is given back by whoever took it.
                self.pool.borrow_mut().take_places(1);
                self.serve_http2(&connection, attempt, false).await;
            }
            Err(failure) => self.failed(attempt, failure, 0),
        }
    }

    /// A request of a closed loop, on the connection that it shares with others.
    pub(crate) async fn closed_http2(self: &Rc<Self>, mut shared: MutexGuard<'_, Option<Rc<Connection>>>, work: Work) {
        let open = shared.as_ref().filter(|connection| !connection.closed.get()).map(Rc::clone);
        let (connection, attempt) = if let Some(open) = open {
            let opening = Opening { endpoint: open.endpoint, ..Opening::default() };
            (open, self.begin(work, ConnectionKind::Reused, opening))
        } else {
            let mut attempt = self.begin(work, ConnectionKind::First, Opening::default());
            match self.connect_http2(&mut attempt).await {
                Ok(connection) => {
                    self.pool.borrow_mut().take_places(1);
                    *shared = Some(Rc::clone(&connection));
                    (connection, attempt)
                }
                Err(failure) => {
                    self.failed(attempt, failure, 0);
                    return tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        };
        drop(shared);
        self.serve_http2(&connection, attempt, true).await;
    }

    async fn connect_http2(self: &Rc<Self>, attempt: &mut Attempt) -> Result<Rc<Connection>, Failure> {
        let deadline = attempt.deadline.min(Instant::now() + self.plan.timeouts.connect);
        let stream = self.connector.open(&mut attempt.opening, deadline).await?;
        let handshake = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake::<_, Bytes>(stream);
        let shaken = timeout_at(deadline, handshake).await;
        let (send, driver) = shaken
            .map_err(|_elapsed| Failure::new(Phase::Tls, FailureKind::TimedOut))?
            .map_err(|error| failure(Phase::Tls, &error))?;
        self.recorder.borrow_mut().counts().opened += 1;
        let connection = Rc::new(Connection {
            send: RefCell::new(send),
            endpoint: attempt.opening.endpoint,
            streams: Cell::new(0),
            closed: Cell::new(false),
        });
        let (worker, driven) = (Rc::clone(self), Rc::downgrade(&connection));
        spawn_local(async move {
            // How it ended, its streams have been told.
            let _ended = driver.await;
            worker.pool.borrow_mut().leave_places(1);
            if let Some(connection) = driven.upgrade() {
                worker.pool.borrow_mut().http2.closed(&connection);
                if connection.streams.get() == 0 {
                    worker.recorder.borrow_mut().counts().closed_idle += 1;
                }
            }
        });
        Ok(connection)
    }

    /// Sends a request on a connection, and once more on another where the protocol says that it was not worked on
    /// (RFC 9113, 8.7), or where any client may.
    async fn serve_http2(self: &Rc<Self>, connection: &Rc<Connection>, mut attempt: Attempt, resend: bool) {
        let Err((failure, bytes)) = self.try_http2(connection, &mut attempt).await else { return };
        let refused = matches!(failure.kind, FailureKind::RefusedStream | FailureKind::GoAway);
        if !(resend && self.plan.resend && (refused || self.may_resend(&attempt, &failure))) {
            return self.failed(attempt, failure, bytes);
        }
        self.retried(&attempt, failure);
        match self.another_http2(&mut attempt).await {
            Ok(another) => {
                if let Err((failure, bytes)) = self.try_http2(&another, &mut attempt).await {
                    self.failed(attempt, failure, bytes);
                }
                another.streams.set(another.streams.get() - 1);
                self.fill(&another);
            }
            Err(failure) => self.failed(attempt, failure, 0),
        }
    }

    /// A connection for a request that is sent again. If none has room one is opened, for all who need one.
    async fn another_http2(self: &Rc<Self>, attempt: &mut Attempt) -> Result<Rc<Connection>, Failure> {
        let one_at_a_time = timeout_at(attempt.deadline, self.replacing.lock()).await;
        let _one_at_a_time = one_at_a_time.map_err(|_elapsed| Failure::new(Phase::Queue, FailureKind::TimedOut))?;
        let there = self.pool.borrow_mut().http2.take_turn(self.streams());
        if let Some(there) = there {
            attempt.connection = ConnectionKind::Reused;
            attempt.opening = Opening { endpoint: there.endpoint, ..Opening::default() };
            return Ok(there);
        }
        attempt.connection = ConnectionKind::First;
        attempt.opening = Opening::default();
        let opened = self.connect_http2(attempt).await?;
        opened.streams.set(1);
        self.pool.borrow_mut().take_places(1);
        self.pool.borrow_mut().http2.list.push_back(Rc::clone(&opened));
        Ok(opened)
    }

    /// Sends a request on a connection. Where it fails: how, and how many bytes of an answer had come.
    async fn try_http2(
        self: &Rc<Self>,
        connection: &Rc<Connection>,
        attempt: &mut Attempt,
    ) -> Result<(), (Failure, u64)> {
        let sent = self.clock.now();
        let progress = Cell::new(Progress { phase: Phase::Send, status: None, bytes: 0 });
        let exchanged = timeout_at(attempt.deadline, self.exchange_http2(connection, attempt, &progress)).await;
        let Progress { phase, status, bytes } = progress.get();
        let failure = match exchanged {
            Ok(Ok(received)) => {
                attempt.opening.phases.first_byte = Some(received.first_byte.since(sent));
                self.received(attempt.clone(), &received);
                return Ok(());
            }
            Ok(Err(error)) => failure(phase, &error),
            Err(_elapsed) => Failure::new(phase, FailureKind::TimedOut),
        };
        if !matches!(failure.kind, FailureKind::TimedOut | FailureKind::StreamReset) {
            self.pool.borrow_mut().http2.closed(connection);
        }
        Err((Failure { status, ..failure }, bytes))
    }

    fn received(&self, attempt: Attempt, received: &Received) {
        let answer = Answer {
            status: received.status,
            media_type: &received.media_type,
            location: &received.location,
            first_byte: received.first,
            body: &received.body,
            length: received.length,
            framed: true,
        };
        self.answered(attempt, &answer, received.done);
    }

    async fn exchange_http2(
        &self,
        connection: &Connection,
        attempt: &Attempt,
        progress: &Cell<Progress>,
    ) -> Result<Received, h2::Error> {
        let request: &Request = &attempt.job.request;
        let mut send = connection.send.borrow().clone();
        poll_fn(|cx| send.poll_ready(cx)).await?;
        let body = request.body().clone();
        let (response, mut stream) = send.send_request(request.http2(), body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        progress.set(Progress { phase: Phase::Wait, ..progress.get() });
        let (head, mut data) = response.await?.into_parts();
        let first_byte = self.clock.now();
        let status = head.status.as_u16();
        progress.set(Progress { phase: Phase::Receive, status: Some(status), bytes: 0 });
        let field = |name| head.headers.get(name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        let mut received = Received {
            status,
            media_type: field(http::header::CONTENT_TYPE),
            location: field(http::header::LOCATION),
            first: None,
            body: Vec::new(),
            length: 0,
            first_byte,
            done: first_byte,
        };
        while let Some(part) = data.data().await {
            let part = part?;
            // A window that is not given back would stop the stream; it fails only on streams that have ended.
            let _given_back = data.flow_control().release_capacity(part.len());
            received.length += part.len() as u64;
            progress.set(Progress { bytes: received.length, ..progress.get() });
            received.first = received.first.or_else(|| part.iter().copied().find(|byte| !byte.is_ascii_whitespace()));
            let room = attempt.job.keep.saturating_sub(received.body.len()).min(part.len());
            received.body.extend_from_slice(&part[..room]);
        }
        received.done = self.clock.now();
        Ok(received)
    }
}

/// How far a request has come.
#[derive(Clone, Copy, Debug)]
struct Progress {
    phase: Phase,
    status: Option<u16>,
    bytes: u64,
}

/// What an error of HTTP/2 means for a request.
fn failure(phase: Phase, error: &h2::Error) -> Failure {
    if let Some(error) = error.get_io() {
        // A connection that ends in the middle of a stream is this to `h2`.
        let ended = matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof)
            && error.raw_os_error().is_none();
        return if ended { Failure::new(phase, FailureKind::Closed) } else { io_failure(phase, error) };
    }
    let kind = if error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM) {
        FailureKind::RefusedStream
    } else if error.is_go_away() && error.is_remote() {
        FailureKind::GoAway
    } else if error.is_reset() && error.is_remote() {
        FailureKind::StreamReset
    } else if phase == Phase::Tls {
        FailureKind::NotHttp2
    } else {
        FailureKind::Http2
    };
    Failure::detailed(phase, kind, error.to_string())
}

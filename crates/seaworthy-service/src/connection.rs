//! One client's connection, from accept to close.
//!
//! hyper speaks HTTP; what it leaves to its user is here: who the peer is, how long it may be silent, what
//! it is told when it was too slow, and how a connection ends without cutting off what was just sent.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, Sleep, sleep_until, timeout},
};

use crate::{
    config::Limits,
    http::Response,
    lifecycle::{Lifecycle, Phase},
    telemetry::metrics::{Metrics, Refused},
};

/// How long an ending connection is still read from. Closing with unread bytes makes the kernel send a
/// reset, which can overtake the answer (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// How long a connection that has not asked anything yet is given for it when the service stops: its
/// request may be on the way, and nobody has told the client to go elsewhere.
const FIRST_WORDS: Duration = Duration::from_millis(500);

/// The most streams of one HTTP/2 connection (RFC 9113, 6.5.2 recommends at least 100).
const STREAMS: u32 = 100;

/// Something that answers requests.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Answers one request, at once where nothing has to be waited for.
    fn serve(self: &Arc<Self>, peer: &Arc<Peer>, request: Request<Incoming>) -> Serving;
}

/// An answer that is there, or that will be.
///
/// Most requests are answered without waiting. For those this is the response itself, and not a state
/// machine with room for everything that the others keep while they wait.
pub(crate) struct Serving {
    answer: Answer,
    /// For as long as it is waited for.
    answering: Option<Answering>,
}

enum Answer {
    Now(Option<Response>),
    Later(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Serving {
    pub(crate) fn now(response: Response) -> Self {
        Self { answer: Answer::Now(Some(response)), answering: None }
    }

    pub(crate) fn later(response: impl Future<Output = Response> + Send + 'static) -> Self {
        Self { answer: Answer::Later(Box::pin(response)), answering: None }
    }
}

impl Future for Serving {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = match &mut self.answer {
            Answer::Now(response) => response.take().expect("a future is not polled after it is done"),
            Answer::Later(later) => ready!(later.as_mut().poll(cx)),
        };
        if let Some(answering) = &self.answering {
            response.body_mut().report_to(&answering.0.taken);
        }
        self.answering = None;
        Poll::Ready(Ok(response))
    }
}

/// A connection's requests on their way to the service.
struct Requests<S> {
    service: Arc<S>,
    peer: Arc<Peer>,
    activity: Arc<Activity>,
}

impl<S: Serve> hyper::service::Service<Request<Incoming>> for Requests<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Serving;

    fn call(&self, request: Request<Incoming>) -> Serving {
        self.activity.begun.fetch_add(1, Ordering::Relaxed);
        if request.version() == http::Version::HTTP_2 {
            self.activity.http2.notify_one();
        }
        let mut serving = self.service.serve(&self.peer, request);
        if let Answer::Later(_) = serving.answer {
            self.activity.answering.fetch_add(1, Ordering::Relaxed);
            serving.answering = Some(Answering(Arc::clone(&self.activity)));
        }
        serving
    }
}

/// Answers to what never became a request, whole.
///
/// hyper closes without a word where headers take too long, and answers by a bare status line where they are
/// malformed or too large. These say what was wrong, and who says it.
pub(crate) struct Canned {
    too_slow: Bytes,
    /// hyper's status line, and what is sent instead.
    instead: [(&'static [u8], Bytes); 3],
}

impl Canned {
    pub(crate) fn new(replica: &str) -> Self {
        let answer = |status: StatusCode, detail: &str| {
            let (code, title) = (status.as_u16(), status.canonical_reason().unwrap_or_default());
            let body = format!(r#"{{"title":"{title}","status":{code},"detail":"{detail}"}}"#);
            Bytes::from(format!(
                "HTTP/1.1 {code} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
                 x-served-by: {replica}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            ))
        };
        Self {
            too_slow: answer(StatusCode::REQUEST_TIMEOUT, "The headers did not arrive in time."),
            instead: [
                (b"HTTP/1.1 400 ", answer(StatusCode::BAD_REQUEST, "This is not well-formed HTTP.")),
                (b"HTTP/1.1 414 ", answer(StatusCode::URI_TOO_LONG, "The address is too long.")),
                (
                    b"HTTP/1.1 431 ",
                    answer(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large, or too many."),
                ),
            ],
        }
    }

    /// What to send instead of an answer that hyper made by itself. Ours name the replica and have a body.
    fn instead_of(&self, answer: &[u8]) -> Option<&Bytes> {
        let bare = answer.ends_with(b"\r\n\r\n") && !answer.windows(11).any(|window| window == b"x-served-by");
        let (_, instead) = self.instead.iter().find(|(line, _)| bare && answer.starts_with(line))?;
        Some(instead)
    }
}

/// Who is at the other end.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Who its client certificate says it is.
    pub(crate) caller: Option<String>,
    /// Its requests, in the metrics.
    pub(crate) requests: Counter,
}

/// What a connection has been doing, for its timers.
#[derive(Debug, Default)]
struct Activity {
    /// Requests whose headers have come in.
    begun: AtomicU32,
    answering: AtomicU32,
    /// Parts of long answers that have been taken.
    taken: Arc<AtomicU32>,
    http2: Notify,
}

/// What all connections of a listener share.
pub(crate) struct Site<S> {
    pub(crate) service: Arc<S>,
    pub(crate) limits: Limits,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) metrics: Arc<Metrics>,
    /// The replica's name, ready to be a header.
    pub(crate) replica: HeaderValue,
    pub(crate) canned: Arc<Canned>,
}

impl<S: Serve> Site<S> {
    /// Serves one connection to its end.
    pub(crate) async fn run<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: T, peer: Arc<Peer>) {
        let activity = Arc::new(Activity::default());
        let io = Guarded {
            stream,
            activity: Arc::clone(&activity),
            metrics: Arc::clone(&self.metrics),
            header_timeout: self.limits.header_timeout,
            keep_alive: self.limits.keep_alive,
            canned: Arc::clone(&self.canned),
            head: None,
            http2: false,
            quiet: None,
            stalled: None,
            ended: false,
            linger: None,
        };
        let service = Requests { service: Arc::clone(&self.service), peer, activity: Arc::clone(&activity) };
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .header_read_timeout(None)
            .max_buf_size(self.limits.header_bytes.max(8 * 1024))
            .half_close(false)
            // Answers are small: copying a body behind its head is cheaper than a vectored write.
            .writev(false)
            .timer(TokioTimer::new())
            .http2()
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(self.limits.header_bytes).unwrap_or(u32::MAX))
            .timer(TokioTimer::new());
        let connection = builder.serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let mut leave = pin!(self.leave(&activity));
        let mut leaving = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => break ended,
                () = leave.as_mut(), if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = ended {
            self.note(&*error);
        }
    }

    /// Returns when the connection should end as soon as it can without harm.
    ///
    /// An HTTP/1 client is told by `Connection: close` in its next answer, so only at the end of the drain
    /// is a connection closed that has asked nothing since. An HTTP/2 client is told by GOAWAY, which can be
    /// said at any time, but is of use only to one that has asked something.
    async fn leave(&self, activity: &Activity) {
        self.lifecycle.reached(Phase::Draining).await;
        tokio::select! {
            () = activity.http2.notified() => return,
            () = self.lifecycle.reached(Phase::Stopping) => {}
        }
        if activity.begun.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(FIRST_WORDS).await;
        }
    }

    /// Counts what hyper refused by itself.
    fn note(&self, error: &(dyn std::error::Error + 'static)) {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_parse_too_large() {
                self.metrics.refused(Refused::HeaderBytes);
            } else if error.is_parse() {
                self.metrics.refused(Refused::Malformed);
            }
        }
        tracing::debug!(error, "a connection ended early");
    }
}

struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that does not wait for ever.
///
/// It has one timer, armed only when there is nothing to read, so that a busy connection pays nothing. An
/// idle one is closed after between 1 and 1.25 times the keep-alive time.
struct Guarded<T> {
    stream: T,
    activity: Arc<Activity>,
    metrics: Arc<Metrics>,
    header_timeout: Duration,
    keep_alive: Duration,
    canned: Arc<Canned>,
    /// Requests begun when bytes last came in while none was being answered: until that number changes,
    /// those bytes are the part of a header section.
    head: Option<u32>,
    /// Frames, not header sections: silence between them is idleness.
    http2: bool,
    quiet: Option<Quiet>,
    /// Runs while the client does not take what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The client has closed its side, or was told that it is over.
    ended: bool,
    linger: Option<Pin<Box<Sleep>>>,
}

/// How long nothing has come in, and since when.
struct Quiet {
    timer: Pin<Box<Sleep>>,
    since: Instant,
    seen: u32,
    in_head: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Guarded<T> {
    /// What to do when there is nothing to read: `Ready` when the connection is over.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // Whatever of this has changed since the last look, the connection is not idle.
            let begun = self.activity.begun.load(Ordering::Relaxed);
            let seen = begun.wrapping_add(self.activity.taken.load(Ordering::Relaxed));
            if self.activity.answering.load(Ordering::Relaxed) > 0 || self.stalled.is_some() {
                // The client waits for an answer, or takes its time to read one. What it is about to send
                // after it starts a new wait.
                return Poll::Pending;
            }
            let in_head = !self.http2 && self.head == Some(begun);
            let patience = if in_head { self.header_timeout } else { self.keep_alive };
            match &mut self.quiet {
                Some(quiet) if quiet.seen == seen && quiet.in_head == in_head => {
                    ready!(quiet.timer.as_mut().poll(cx));
                    let now = Instant::now();
                    if now.duration_since(quiet.since) >= patience {
                        return Poll::Ready(());
                    }
                    quiet.timer.as_mut().reset(now + patience / 4);
                }
                Some(quiet) if !in_head => {
                    // Requests have come and gone; the timer that still runs is near enough.
                    quiet.seen = seen;
                    quiet.in_head = false;
                    ready!(quiet.timer.as_mut().poll(cx));
                    let now = Instant::now();
                    quiet.since = now;
                    quiet.timer.as_mut().reset(now + patience / 4);
                }
                _ => {
                    let since = Instant::now();
                    let first = if in_head { patience } else { patience / 4 };
                    self.quiet = Some(Quiet { timer: Box::pin(sleep_until(since + first)), since, seen, in_head });
                }
            }
        }
    }
}

impl<T> Guarded<T> {
    /// The result of a write, or an error where the client has taken nothing for the keep-alive time: it
    /// asked, and does not read the answer, which takes memory for as long as it is kept.
    fn unless_stalled<W>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<W>>) -> Poll<io::Result<W>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.keep_alive;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        self.metrics.refused(Refused::AnswerTimeout);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                if this.head.is_none() {
                    this.http2 = buf.filled().starts_with(b"PRI *");
                }
                if buf.filled().len() == before {
                    this.ended = true;
                } else if this.activity.answering.load(Ordering::Relaxed) == 0 {
                    this.head = Some(this.activity.begun.load(Ordering::Relaxed));
                }
                Poll::Ready(read)
            }
            Poll::Pending => {
                ready!(this.poll_quiet(cx));
                this.ended = true;
                if this.quiet.as_ref().is_some_and(|quiet| quiet.in_head) {
                    this.metrics.refused(Refused::HeaderTimeout);
                    // Nothing else is being written: no request is being answered. If it does not fit into
                    // the socket's buffer the client has read nothing for long, and will not read this.
                    let canned = Arc::clone(&this.canned);
                    let _best_effort = Pin::new(&mut this.stream).poll_write(cx, &canned.too_slow);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Only while a header section is coming in can hyper have something of its own to say.
        if this.head == Some(this.activity.begun.load(Ordering::Relaxed)) {
            let canned = Arc::clone(&this.canned);
            if let Some(instead) = canned.instead_of(buf) {
                let written = ready!(Pin::new(&mut this.stream).poll_write(cx, instead));
                return Poll::Ready(written.map(|_whole| buf.len()));
            }
        }
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Says that nothing more will come, and then reads what the client still sends until it has heard.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.linger = Some(Box::pin(tokio::time::sleep(LINGER)));
        }
        let mut discarded = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut discarded);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        match &mut this.linger {
            Some(linger) => linger.as_mut().poll(cx).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// Waits for what a client must do before it is served, for no longer than its headers may take.
pub(crate) async fn in_time<T>(
    limits: &Limits,
    metrics: &Metrics,
    peer: SocketAddr,
    work: impl Future<Output = io::Result<T>>,
) -> Option<T> {
    match timeout(limits.header_timeout, work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            metrics.refused(Refused::Handshake);
            tracing::info!(%peer, %error, "a TLS handshake failed");
            None
        }
        Err(_elapsed) => {
            metrics.refused(Refused::Handshake);
            tracing::info!(%peer, "a TLS handshake took too long");
            None
        }
    }
}

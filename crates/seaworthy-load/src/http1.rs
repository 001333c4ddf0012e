//! HTTP/1.1 as a client: one request after the other on a connection.

pub mod response;

use std::{
    future::{Future as _, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use seaworthy_core::{
    outcome::{Failure, FailureKind, Phase},
    time::Moment,
};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use self::response::{Malformed, ResponseReader};
use crate::{
    connect::{Stream, io_failure},
    request::Request,
    worker::{Clock, Scratch},
};

/// A connection.
#[derive(Debug)]
pub(crate) struct Http1 {
    stream: Stream,
    endpoint: Option<SocketAddr>,
    /// When the last answer on it was complete.
    used: Option<Moment>,
    reader: ResponseReader,
    /// The request, as it is written.
    out: Vec<u8>,
    /// The next time-out. It is moved only when it fires, since nearly every request ends before.
    alarm: Pin<Box<Sleep>>,
}

/// What an answer is worth knowing for, besides what the reader keeps of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) first_byte: Moment,
    pub(crate) done: Moment,
    /// Whether the connection can be used again.
    pub(crate) reusable: bool,
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    /// Whether the server is asked to close the connection after it.
    pub(crate) last: bool,
    /// Bytes of the answer's body that are kept.
    pub(crate) keep: usize,
    /// Until when it may take.
    pub(crate) deadline: Instant,
}

/// What an idle connection is woken by.
#[derive(Debug)]
pub(crate) enum Idle<T> {
    /// What was waited for.
    Job(T),
    /// The server closed it, or sent something that nobody asked for.
    Closed,
}

impl Http1 {
    pub(crate) fn new(stream: Stream, endpoint: Option<SocketAddr>, first_deadline: Instant) -> Self {
        Self {
            stream,
            endpoint,
            used: None,
            reader: ResponseReader::new(),
            out: Vec::new(),
            alarm: Box::pin(sleep_until(first_deadline)),
        }
    }

    /// Where it goes.
    pub(crate) const fn endpoint(&self) -> Option<SocketAddr> {
        self.endpoint
    }

    /// Since when it is idle: nothing before its first answer.
    pub(crate) const fn used(&self) -> Option<Moment> {
        self.used
    }

    /// What was read of the answer.
    pub(crate) const fn answer(&self) -> &ResponseReader {
        &self.reader
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(
        &mut self,
        request: &Request,
        sending: Sending,
        clock: Clock,
        scratch: &Scratch,
    ) -> Result<Received, Failure> {
        self.out.clear();
        request.write_http1(sending.last, &mut self.out);
        self.reader.begin(*request.method() == http::Method::HEAD, sending.keep);
        let mut progress = Progress { written: 0, write_error: None, first_byte: None };
        poll_fn(|cx| {
            if let Poll::Ready(result) = self.advance(&mut progress, clock, scratch, sending.deadline, cx) {
                return Poll::Ready(result);
            }
            if self.is_late(sending.deadline, cx) {
                return Poll::Ready(Err(Failure::new(self.phase(&progress), FailureKind::TimedOut)));
            }
            Poll::Pending
        })
        .await
    }

    /// Writes and reads as far as it goes.
    fn advance(
        &mut self,
        progress: &mut Progress,
        clock: Clock,
        scratch: &Scratch,
        deadline: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Received, Failure>> {
        let deadline = clock.at(deadline);
        let mut scratch = scratch.borrow_mut();
        if progress.written == 0 {
            // Whoever answers before being asked has answered somebody else, or nobody; whoever closes is not asked.
            let mut into = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut into) {
                Poll::Pending => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(io_failure(Phase::Send, &error))),
                Poll::Ready(Ok(())) if into.filled().is_empty() => return Poll::Ready(self.closed(progress, clock)),
                Poll::Ready(Ok(())) => {
                    let before = format!("{} bytes before the request", into.filled().len());
                    return Poll::Ready(Err(Failure::detailed(Phase::Send, FailureKind::Excess, before)));
                }
            }
        }
        self.write(progress, cx);
        loop {
            let mut into = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut into) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken(progress, &error))),
                Poll::Ready(Ok(())) if into.filled().is_empty() => return Poll::Ready(self.closed(progress, clock)),
                Poll::Ready(Ok(())) => {}
            }
            let now = clock.now();
            let first_byte = *progress.first_byte.get_or_insert(now);
            let input = into.filled();
            let used = self.reader.feed(input).map_err(|wrong| self.malformed(wrong))?;
            if self.reader.is_done() {
                if used < input.len() {
                    let excess = input.len() - used;
                    return Poll::Ready(Err(self.evident(FailureKind::Excess, format!("{excess} bytes too many"))));
                }
                // Whoever answers before the request is there closes, or takes the rest for another one.
                let reusable = self.reader.keep_alive() && progress.written == self.out.len();
                self.used = Some(now);
                return Poll::Ready(Ok(Received { first_byte, done: now, reusable }));
            }
            // A server that never pauses would keep the alarm from ever being looked at.
            if now >= deadline {
                return Poll::Ready(Err(Failure::new(Phase::Receive, FailureKind::TimedOut)));
            }
        }
    }

    fn write(&mut self, progress: &mut Progress, cx: &mut Context<'_>) {
        while progress.written < self.out.len() && progress.write_error.is_none() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.out[progress.written..]) {
                Poll::Ready(Ok(0)) => progress.write_error = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => progress.written += written,
                // There may be an answer nevertheless: it is read, and tells more.
                Poll::Ready(Err(error)) => progress.write_error = Some(error),
                Poll::Pending => return,
            }
        }
        // TLS may hold bytes back; an error shows when reading.
        let _flushed = Pin::new(&mut self.stream).poll_flush(cx);
    }

    /// Whether the time is up.
    fn is_late(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        while self.alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return true;
            }
            self.alarm.as_mut().reset(deadline);
        }
        // It was set for an earlier request and fires earlier; or for none, and has to be brought forward.
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
            return self.is_late(deadline, cx);
        }
        false
    }

    fn phase(&self, progress: &Progress) -> Phase {
        if progress.first_byte.is_some() {
            Phase::Receive
        } else if progress.written < self.out.len() {
            Phase::Send
        } else {
            Phase::Wait
        }
    }

    /// Reading failed.
    fn broken(&self, progress: &Progress, error: &io::Error) -> Failure {
        // What went wrong first says more.
        let error = progress.write_error.as_ref().unwrap_or(error);
        Failure { status: self.reader.status(), ..io_failure(self.phase(progress), error) }
    }

    /// The server closed the connection: that ends an answer without length, and breaks off any other.
    fn closed(&mut self, progress: &Progress, clock: Clock) -> Result<Received, Failure> {
        if let (Some(first_byte), true) = (progress.first_byte, self.reader.end()) {
            return Ok(Received { first_byte, done: clock.now(), reusable: false });
        }
        if let Some(error) = &progress.write_error {
            return Err(Failure { status: self.reader.status(), ..io_failure(self.phase(progress), error) });
        }
        let failure = Failure::new(self.phase(progress), FailureKind::Closed);
        Err(Failure { status: self.reader.status(), ..failure })
    }

    fn malformed(&self, wrong: Malformed) -> Failure {
        let kind = if wrong == Malformed::HeadTooLarge { FailureKind::HeadTooLarge } else { FailureKind::Malformed };
        self.evident(kind, wrong.to_string())
    }

    fn evident(&self, kind: FailureKind, detail: String) -> Failure {
        Failure { phase: Phase::Receive, kind, status: self.reader.status(), detail: Some(detail.into()) }
    }

    /// Waits, without a request, for a job or for the end.
    pub(crate) async fn idle<T>(
        &mut self,
        scratch: &Scratch,
        mut job: impl FnMut(&mut Context<'_>) -> Option<T>,
    ) -> Idle<T> {
        poll_fn(|cx| {
            let mut scratch = scratch.borrow_mut();
            let mut into = ReadBuf::new(&mut scratch);
            // Also TLS has things to say that are no data, and are dealt with inside.
            if Pin::new(&mut self.stream).poll_read(cx, &mut into).is_ready() {
                return Poll::Ready(Idle::Closed);
            }
            job(cx).map_or(Poll::Pending, |job| Poll::Ready(Idle::Job(job)))
        })
        .await
    }
}

/// How far a request and its answer have come.
#[derive(Debug)]
struct Progress {
    written: usize,
    write_error: Option<io::Error>,
    first_byte: Option<Moment>,
}

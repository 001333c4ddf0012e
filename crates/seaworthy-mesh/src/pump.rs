//! Copies what each side says to the other, until both have said all, or one breaks off.
//!
//! Each direction ends for itself: when one side has no more to say, so does the connection to the other (`close_notify`
//! and FIN), and the other direction goes on. Where one breaks off, both connections are reset. A connection at rest
//! holds no buffer: what is read goes through the stack, and only what the other side does not take at once is kept.

#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::edges::{Edge, Failure};

/// The most that is read at once, and so the most that is kept for each direction.
const PIECE: usize = 16 * 1024;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Server,
}

impl From<Side> for Failure {
    fn from(side: Side) -> Self {
        match side {
            Side::Caller => Self::BrokenByCaller,
            Side::Server => Self::BrokenByServer,
        }
    }
}

/// One direction.
#[derive(Debug)]
struct Way<'a> {
    from: Side,
    to: Side,
    count: &'a AtomicU64,
    /// What was read and not yet taken.
    rest: Vec<u8>,
    taken: usize,
    /// Whether something was written that may not be on its way yet.
    unflushed: bool,
    /// Whether there is nothing more to be read.
    ended: bool,
    /// Whether that was passed on, too.
    done: bool,
}

impl<'a> Way<'a> {
    const fn new(from: Side, to: Side, count: &'a AtomicU64) -> Self {
        Self { from, to, count, rest: Vec::new(), taken: 0, unflushed: false, ended: false, done: false }
    }

    fn poll<F, T>(&mut self, cx: &mut Context<'_>, from: &mut F, to: &mut T) -> Poll<Result<(), Side>>
    where
        F: AsyncRead + Unpin,
        T: AsyncWrite + Unpin,
    {
        while !self.done {
            ready!(self.write_rest(cx, to))?;
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(|_broken| self.to)?;
                self.done = true;
            } else {
                ready!(self.read(cx, from, to))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn write_rest<T: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, to: &mut T) -> Poll<Result<(), Side>> {
        while let Some(left) = self.rest.get(self.taken..).filter(|left| !left.is_empty()) {
            let written = ready!(Pin::new(&mut *to).poll_write(cx, left));
            self.taken += self.wrote(&written)?;
        }
        if !self.rest.is_empty() {
            self.rest = Vec::new();
            self.taken = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a piece, and writes what is taken at once.
    fn read<F, T>(&mut self, cx: &mut Context<'_>, from: &mut F, to: &mut T) -> Poll<Result<(), Side>>
    where
        F: AsyncRead + Unpin,
        T: AsyncWrite + Unpin,
    {
        let mut space = [const { MaybeUninit::uninit() }; PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        match Pin::new(from).poll_read(cx, &mut piece) {
            Poll::Pending => {
                if self.unflushed {
                    ready!(Pin::new(to).poll_flush(cx)).map_err(|_broken| self.to)?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
            Poll::Ready(Err(error)) if self.merely_left(&error) => self.ended = true,
            Poll::Ready(Err(_broken)) => return Poll::Ready(Err(self.from)),
            Poll::Ready(Ok(())) => {}
        }
        let mut left = piece.filled();
        self.ended |= left.is_empty();
        while !left.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, left) {
                Poll::Ready(written) => left = left.get(self.wrote(&written)?..).unwrap_or_default(),
                Poll::Pending => {
                    self.rest = left.to_vec();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, written: &io::Result<usize>) -> Result<usize, Side> {
        match written {
            Ok(0) | Err(_) => Err(self.to),
            Ok(count) => {
                self.unflushed = true;
                self.count.fetch_add(*count as u64, Relaxed);
                Ok(*count)
            }
        }
    }

    /// A caller that closes without `close_notify` has left, as clients of HTTP may (RFC 9112, 9.8): the server then sees
    /// what it would without TLS. A server that does may have been cut off in the middle of its answer.
    fn merely_left(&self, error: &io::Error) -> bool {
        self.from == Side::Caller && error.kind() == io::ErrorKind::UnexpectedEof
    }
}

/// Copies until both sides have said all; where one breaks off, says which. The streams are left to the caller to part
/// from or to drop.
pub(crate) async fn pump<C, S>(caller: &mut C, server: &mut S, edge: &Edge) -> Result<(), Failure>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut up = Way::new(Side::Caller, Side::Server, &edge.sent);
    let mut down = Way::new(Side::Server, Side::Caller, &edge.received);
    poll_fn(|cx| {
        let there = up.poll(cx, caller, server)?;
        let back = down.poll(cx, server, caller)?;
        if there.is_ready() && back.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
    .map_err(|side: Side| side.into())
}

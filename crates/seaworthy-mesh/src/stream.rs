//! One side of a connection, in the clear or not. Dropped without having been parted from, it is reset: what was cut off
//! must never look complete.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsStream;

#[derive(Debug)]
enum Link {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// One side of a connection.
#[derive(Debug)]
pub(crate) struct Stream {
    link: Link,
    complete: bool,
}

impl Stream {
    pub(crate) const fn plain(stream: TcpStream) -> Self {
        Self { link: Link::Plain(stream), complete: false }
    }

    pub(crate) fn tls(stream: impl Into<TlsStream<TcpStream>>) -> Self {
        Self { link: Link::Tls(Box::new(stream.into())), complete: false }
    }

    /// All has been said in both directions: closing it now is no reset.
    pub(crate) fn part(mut self) {
        self.complete = true;
    }

    /// What is written has been gathered already; waiting for more would only delay it.
    pub(crate) fn hurry(&self) {
        let _best_effort = self.socket().set_nodelay(true);
    }

    fn socket(&self) -> &TcpStream {
        match &self.link {
            Link::Plain(stream) => stream,
            Link::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.complete {
            // Closing a socket that lingers for no time discards what is still to be sent, and sends RST.
            let _gone_anyway = self.socket().set_zero_linger();
        }
    }
}

/// Refuses a connection.
pub(crate) fn reset(stream: TcpStream) {
    drop(Stream::plain(stream));
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Link::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().link {
            Link::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Link::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().link {
            Link::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

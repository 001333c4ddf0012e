//! Opening connections: a name becomes an address, an address a connection, and that perhaps a TLS one. Each step's
//! time is taken, and each failure keeps its step.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use seaworthy_core::outcome::{Failure, FailureKind, Phase, Phases};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream, lookup_host},
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    endpoints::Endpoints,
    plan::{Plan, Protocol},
};

/// A connection, in the clear or not.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// What is known of a connection that was opened, or was not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) phases: Phases,
}

/// Opens the connections of one thread.
#[derive(Debug)]
pub(crate) struct Connector {
    plan: Arc<Plan>,
    /// The view of the endpoints, or a name's addresses once they are known.
    view: RefCell<View>,
    random: RefCell<Pcg64Mcg>,
    source: RefCell<usize>,
}

#[derive(Debug)]
enum View {
    Watched(watch::Receiver<Arc<[SocketAddr]>>),
    /// Addresses that a name was found to have, once it was looked up.
    Known(Option<Rc<[SocketAddr]>>),
}

impl Connector {
    pub(crate) fn new(plan: Arc<Plan>, random: Pcg64Mcg) -> Self {
        let view = match &plan.endpoints {
            Endpoints::Fixed(address) => View::Known(Some(Rc::new([*address]))),
            Endpoints::Name { .. } => View::Known(None),
            Endpoints::View(view) => View::Watched(view.clone()),
        };
        Self { plan, view: RefCell::new(view), random: RefCell::new(random), source: RefCell::new(0) }
    }

    /// Opens a connection, for at most the connect time-out and not beyond the request's deadline.
    pub(crate) async fn open(&self, opening: &mut Opening, latest: Instant) -> Result<Stream, Failure> {
        let deadline = latest.min(Instant::now() + self.plan.timeouts.connect);
        let addresses = self.addresses(deadline, opening).await?;
        let stream = self.tcp(&addresses, deadline, opening).await?;
        let Some(tls) = &self.plan.tls else { return Ok(Stream::Plain(stream)) };
        let begun = Instant::now();
        let handshake = TlsConnector::from(Arc::clone(&tls.config)).connect(tls.name.clone(), stream);
        let shaken = timeout_at(deadline, handshake).await;
        opening.phases.tls = Some(begun.elapsed());
        match shaken {
            Err(_elapsed) => Err(Failure::new(Phase::Tls, FailureKind::TimedOut)),
            Ok(Err(error)) => Err(tls_failure(&error)),
            Ok(Ok(stream)) => {
                let http2 = matches!(self.plan.protocol, Protocol::Http2 { .. });
                if http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                    return Err(Failure::detailed(
                        Phase::Tls,
                        FailureKind::NotHttp2,
                        "the server did not choose h2 (ALPN)",
                    ));
                }
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }

    /// The addresses to try, in order.
    async fn addresses(&self, deadline: Instant, opening: &mut Opening) -> Result<Rc<[SocketAddr]>, Failure> {
        let known = match &*self.view.borrow() {
            View::Known(known) => known.clone(),
            View::Watched(view) => {
                let view = view.borrow();
                if view.is_empty() {
                    return Err(Failure::new(Phase::Connect, FailureKind::NoEndpoint));
                }
                // One of them, by chance, is the whole view of this connection.
                let chosen = self.random.borrow_mut().random_range(0..view.len());
                Some(Rc::from([view[chosen]]))
            }
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let Endpoints::Name { host, port, each } = &self.plan.endpoints else {
            return Err(Failure::new(Phase::Dns, FailureKind::NoEndpoint));
        };
        let begun = Instant::now();
        let found = timeout_at(deadline, lookup_host((host.as_str(), *port))).await;
        opening.phases.dns = Some(begun.elapsed());
        let found: Rc<[SocketAddr]> = match found {
            Err(_elapsed) => return Err(Failure::new(Phase::Dns, FailureKind::TimedOut)),
            Ok(Err(error)) => return Err(Failure::detailed(Phase::Dns, FailureKind::Dns, error.to_string())),
            Ok(Ok(found)) => found.collect(),
        };
        if found.is_empty() {
            return Err(Failure::detailed(Phase::Dns, FailureKind::Dns, "the name has no address"));
        }
        if !each {
            *self.view.borrow_mut() = View::Known(Some(Rc::clone(&found)));
        }
        Ok(found)
    }

    /// Connects to the first address that lets us, as clients do.
    async fn tcp(
        &self,
        addresses: &Rc<[SocketAddr]>,
        deadline: Instant,
        opening: &mut Opening,
    ) -> Result<TcpStream, Failure> {
        let begun = Instant::now();
        let mut failure = Failure::new(Phase::Connect, FailureKind::NoEndpoint);
        for (n, address) in addresses.iter().enumerate() {
            opening.endpoint = Some(*address);
            let connected = match self.socket(*address) {
                Ok(socket) => timeout_at(deadline, socket.connect(*address)).await,
                Err(error) => Ok(Err(error)),
            };
            opening.phases.connect = Some(begun.elapsed());
            match connected {
                Err(_elapsed) => return Err(Failure::new(Phase::Connect, FailureKind::TimedOut)),
                Ok(Err(error)) => failure = io_failure(Phase::Connect, &error),
                Ok(Ok(stream)) => {
                    if n > 0 {
                        self.forget_before(addresses, n);
                    }
                    return Ok(stream);
                }
            }
        }
        Err(failure)
    }

    fn socket(&self, to: SocketAddr) -> io::Result<TcpSocket> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_nodelay(true)?;
        let sources = &self.plan.connections.sources;
        let fitting = || sources.iter().filter(|source| source.is_ipv4() == to.is_ipv4());
        let count = fitting().count();
        if count > 0 {
            let mut turn = self.source.borrow_mut();
            *turn += 1;
            let source: IpAddr = fitting().nth(*turn % count).copied().unwrap_or_else(|| to.ip());
            // Ports of connections that have ended can be used again at once.
            socket.set_reuseaddr(true)?;
            socket.bind((source, 0).into())?;
        }
        Ok(socket)
    }

    /// An address that does not answer where a later one of the same name does (`localhost` as `::1`, say) is not
    /// tried again, unless the name is looked up again.
    fn forget_before(&self, addresses: &Rc<[SocketAddr]>, n: usize) {
        if let View::Known(Some(known)) = &mut *self.view.borrow_mut()
            && Rc::ptr_eq(known, addresses)
        {
            *known = addresses[n..].into();
        }
    }
}

/// What an error of the operating system means for a request.
pub(crate) fn io_failure(phase: Phase, error: &io::Error) -> Failure {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let kind = match errno {
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => FailureKind::NoPort,
        Some(Errno::MFILE | Errno::NFILE) => FailureKind::NoDescriptor,
        Some(Errno::CONNREFUSED) => FailureKind::Refused,
        Some(Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => FailureKind::Unreachable,
        Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED) => FailureKind::Reset,
        Some(Errno::TIMEDOUT) => FailureKind::TimedOut,
        // Some errors come by way of a library, which keeps their kind and not their number.
        None if error.kind() == io::ErrorKind::UnexpectedEof => FailureKind::Closed,
        None if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            FailureKind::Reset
        }
        _ if is_tls(error) => FailureKind::Tls,
        _ => return Failure::detailed(phase, FailureKind::Io, error.to_string()),
    };
    if kind == FailureKind::Tls {
        return Failure::detailed(phase, kind, error.to_string());
    }
    Failure::new(phase, kind)
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

/// Why a handshake failed: a reset or an end is one also in the middle of it.
fn tls_failure(error: &io::Error) -> Failure {
    let failure = io_failure(Phase::Tls, error);
    if failure.kind == FailureKind::Io {
        return Failure::detailed(Phase::Tls, FailureKind::Tls, error.to_string());
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_named() {
        for (errno, kind) in [
            (99, FailureKind::NoPort),
            (24, FailureKind::NoDescriptor),
            (111, FailureKind::Refused),
            (113, FailureKind::Unreachable),
            (104, FailureKind::Reset),
            (32, FailureKind::Reset),
            (110, FailureKind::TimedOut),
            (5, FailureKind::Io),
        ] {
            let failure = io_failure(Phase::Connect, &io::Error::from_raw_os_error(errno));
            assert_eq!(failure.kind, kind, "{errno}");
        }
        assert_eq!(io_failure(Phase::Wait, &io::ErrorKind::UnexpectedEof.into()).kind, FailureKind::Closed);
        assert_eq!(io_failure(Phase::Wait, &io::ErrorKind::ConnectionReset.into()).kind, FailureKind::Reset);
    }
}

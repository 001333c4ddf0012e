//! A clock that is set, replicas that do as they are told, and clients of all kinds.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use seaworthy_mesh::{
    Authority, Clock, Edges, Sidecar, SpiffeId, Workload,
    edges::{Caller, Counts, Failure},
    identity::{Lifetimes, Peers, server_name},
    reason::Reason,
    sidecar::{Settings, listen},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Stands still until it is set.
#[derive(Debug)]
pub(crate) struct SetClock(AtomicU64);

impl SetClock {
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), SeqCst);
    }

    pub(crate) fn back(&self, by: Duration) {
        self.0.fetch_sub(by.as_secs(), SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(SeqCst))
    }
}

/// A trust domain, and what was counted in it.
pub(crate) struct World {
    pub(crate) clock: Arc<SetClock>,
    pub(crate) authority: Authority,
    pub(crate) edges: Arc<Edges>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::living(Lifetimes::default())
    }

    pub(crate) fn living(lifetimes: Lifetimes) -> Self {
        let clock = Arc::new(SetClock(AtomicU64::new(1_800_000_000)));
        let same: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let edges = Edges::new(Arc::clone(&same));
        let authority = Authority::new("seaworthy.local", lifetimes, same).unwrap();
        Self { clock, authority, edges }
    }

    pub(crate) fn workload(&self, path: &str) -> Workload {
        self.authority.workload(path).unwrap()
    }

    pub(crate) fn id(&self, path: &str) -> SpiffeId {
        self.authority.id(path).unwrap()
    }

    /// The load generator and the gateway may call.
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(Peers::exactly([self.id("load-generator"), self.id("gateway")]))
    }

    pub(crate) async fn sidecar(&self, path: &str, replica: SocketAddr) -> Sidecar {
        self.sidecar_with(path, replica, &self.settings()).await
    }

    pub(crate) async fn sidecar_with(&self, path: &str, replica: SocketAddr, settings: &Settings) -> Sidecar {
        let listener = listen(0).await.unwrap();
        Sidecar::start(listener, replica, &self.workload(path), settings, Arc::clone(&self.edges)).unwrap()
    }

    /// The configuration of the load generator, for whoever is a replica.
    pub(crate) fn caller(&self) -> Arc<ClientConfig> {
        let replicas = Peers::matching(|id| id.path().starts_with("replica/"));
        self.workload("load-generator").client_config(replicas).unwrap()
    }

    pub(crate) fn counts(&self, from: &Caller, to: &str) -> Counts {
        let to = self.id(to);
        let edges = self.edges.snapshot().edges;
        edges.into_iter().find(|edge| edge.from == *from && edge.to == to).map(|edge| edge.counts).unwrap_or_default()
    }

    pub(crate) fn by_caller(&self, to: &str) -> Counts {
        self.counts(&Caller::Workload(self.id("load-generator")), to)
    }

    /// Why this workload has turned somebody away, and how often.
    pub(crate) fn turned_away(&self, by: &str) -> Vec<(Reason, u64)> {
        let by = self.id(by);
        let all = self.edges.snapshot().turned_away;
        all.into_iter().filter(|one| one.by == by).map(|one| (one.why, one.times)).collect()
    }

    /// Waits until so many connections failed like this.
    pub(crate) async fn failed(&self, from: &Caller, to: &str, failure: Failure, times: u64) {
        until(|| self.counts(from, to).failed.contains(&(failure, times))).await;
    }
}

/// Waits until something holds that nobody tells of.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A replica that does this with each connection. It ends with the test's runtime.
pub(crate) async fn replica<F: Future<Output = ()> + Send + 'static>(
    does: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(does(stream));
        }
    });
    address
}

/// A replica that says what it hears, and ends when it has heard all.
pub(crate) async fn echo() -> SocketAddr {
    replica(|mut stream| async move {
        let (mut from, mut to) = stream.split();
        let _copied = tokio::io::copy(&mut from, &mut to).await;
        let _ended = to.shutdown().await;
    })
    .await
}

/// Where nobody listens. The port is not given to anybody else while the listener's address is held by a client socket.
pub(crate) fn nobody() -> (SocketAddr, tokio::net::TcpSocket) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (socket.local_addr().unwrap(), socket)
}

pub(crate) async fn dial(to: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await?;
    TlsConnector::from(Arc::clone(config)).connect(server_name(), stream).await
}

/// Says this and nothing more, and hears all of the answer.
pub(crate) async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, words: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(words).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Dials, and asks: TLS 1.3 lets a client believe that it is connected before the server has seen its certificate.
pub(crate) async fn call(to: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Vec<u8>> {
    ask(dial(to, config).await?, b"hello").await
}

/// So many bytes, of which no two parts are the same.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..count as u64).map(|n| u8::try_from((n * n / 251 + n) % 251).unwrap()).collect()
}

/// Whether a stream ended with a reset, and not as if all had been said.
pub(crate) fn was_reset<T: std::fmt::Debug>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
}

/// Always shows the same certificate, or none.
#[derive(Debug)]
pub(crate) struct Shows(pub(crate) Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// A client that takes any server, and shows this.
pub(crate) fn stranger(shows: Shows, versions: &[&'static rustls::SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    Arc::new(builder.with_client_cert_resolver(Arc::new(shows)))
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

//! What a sidecar costs: `cargo run --release -p seaworthy-mesh --example measure`.
//!
//! Client, sidecar and replica are in one process and share its processors, so the figures for TLS have both of its
//! ends in them.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example says what it measured, or fails")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use rustls::ClientConfig;
use seaworthy_mesh::{
    Authority, Clock, Edges, Sidecar, SystemClock,
    identity::{Lifetimes, Peers, server_name},
    sidecar::{Mode, Settings, listen},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_rustls::TlsConnector;

const CONNECTIONS: usize = 16;
const TURNS: u32 = 5_000;
const IDLE: usize = 1_000;
const BULK: usize = 256 * 1024 * 1024;

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

/// Where to connect, and how.
#[derive(Clone)]
struct Way {
    name: &'static str,
    to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

impl Way {
    async fn dial(&self) -> Box<dyn Both> {
        let stream = TcpStream::connect(self.to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                Box::new(TlsConnector::from(Arc::clone(config)).connect(server_name(), stream).await.unwrap())
            }
        }
    }
}

async fn echo() -> SocketAddr {
    let listener = listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _best_effort = stream.set_nodelay(true);
                let (mut from, mut to) = stream.split();
                let _copied = tokio::io::copy(&mut from, &mut to).await;
                let _ended = to.shutdown().await;
            });
        }
    });
    address
}

/// Requests and answers of 128 bytes, one at a time on each connection.
async fn turns(way: &Way) -> f64 {
    let mut all = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..CONNECTIONS {
        let way = way.clone();
        all.spawn(async move {
            let (mut stream, mut answer) = (way.dial().await, [0; 128]);
            for _ in 0..TURNS {
                stream.write_all(&[7; 128]).await.unwrap();
                stream.read_exact(&mut answer).await.unwrap();
            }
        });
    }
    all.join_all().await;
    CONNECTIONS as f64 * f64::from(TURNS) / (Instant::now() - begun).as_secs_f64()
}

async fn bulk(way: &Way) -> f64 {
    let (mut from, mut to) = tokio::io::split(way.dial().await);
    let begun = Instant::now();
    let writing = tokio::spawn(async move {
        let piece = vec![7; 64 * 1024];
        for _ in 0..BULK / piece.len() {
            to.write_all(&piece).await.unwrap();
        }
        to.shutdown().await.unwrap();
    });
    let (mut piece, mut heard) = (vec![0; 64 * 1024], 0);
    while heard < BULK {
        heard += from.read(&mut piece).await.unwrap();
    }
    writing.await.unwrap();
    BULK as f64 / 1e6 / (Instant::now() - begun).as_secs_f64()
}

async fn handshakes(way: &Way) -> f64 {
    let begun = Instant::now();
    for _ in 0..1_000 {
        let mut stream = way.dial().await;
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0; 1]).await.unwrap();
    }
    1_000.0 / (Instant::now() - begun).as_secs_f64()
}

fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4.0
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

async fn idle(way: &Way) -> Vec<Box<dyn Both>> {
    let before = resident();
    let mut open = Vec::new();
    for _ in 0..IDLE {
        let mut stream = way.dial().await;
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0; 1]).await.unwrap();
        open.push(stream);
    }
    let held = (resident() - before) / IDLE as f64;
    let begun = cpu();
    sleep(Duration::from_secs(10)).await;
    let spent = cpu().saturating_sub(begun);
    println!("{:<22} {IDLE} idle: {held:.1} KiB each, at all ends; {spent:?} of CPU in 10 s", way.name);
    open
}

#[tokio::main]
async fn main() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let authority = Authority::new("seaworthy.local", Lifetimes::default(), Arc::clone(&clock)).unwrap();
    let _rotation = authority.rotate_in_time();
    let edges = Edges::new(clock);
    let (replica, me) = (echo().await, authority.workload("replica/1").unwrap());
    let caller = authority.workload("load-generator").unwrap();
    let mut settings = Settings::new(Peers::exactly([caller.id().clone()]));
    let strict = Sidecar::start(listen(0).await.unwrap(), replica, &me, &settings, Arc::clone(&edges)).unwrap();
    settings.mode = Mode::Plaintext;
    let plain = Sidecar::start(listen(0).await.unwrap(), replica, &me, &settings, edges).unwrap();
    let tls = caller.client_config(Peers::exactly([me.id().clone()])).unwrap();
    let ways = [
        Way { name: "direct", to: replica, tls: None },
        Way { name: "sidecar, plaintext", to: plain.address(), tls: None },
        Way { name: "sidecar, mutual TLS", to: strict.address(), tls: Some(tls) },
    ];
    // All are kept, so that none is given the memory of another.
    let mut kept = Vec::new();
    for way in &ways {
        kept.push(idle(way).await);
    }
    drop(kept);
    for way in &ways {
        let (turns, bulk, new) = (turns(way).await, bulk(way).await, handshakes(way).await);
        println!(
            "{:<22} {turns:>8.0} turns/s {bulk:>6.0} MB/s each way {new:>6.0} new connections/s, one at a time",
            way.name
        );
    }
}

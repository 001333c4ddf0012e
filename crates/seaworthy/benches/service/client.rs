//! A client that costs little: prepared requests, answers read only as far as their length.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream as AsyncStream,
};

/// How requests come.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// Each connection sends its next request when it has its answer.
    AsFastAsItGoes { connections: usize },
    /// Requests are due at a constant rate over all connections.
    Rate { connections: usize, per_second: usize },
}

const GREETING: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

/// This thread, and those it starts, on one core.
pub(crate) fn pin_to(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("a second core");
}

/// On any of the first cores again.
pub(crate) fn anywhere() {
    let mut set = CpuSet::new();
    (0..64).for_each(|core| set.set(core));
    sched_setaffinity(None, &set).expect("any core");
}

/// Whether somebody answers a greeting.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut buffer = [0; 512];
    stream.write_all(GREETING).is_ok()
        && stream.read(&mut buffer).is_ok_and(|n| buffer[..n].starts_with(b"HTTP/1.1 200"))
}

/// Greets for some time; returns how many were answered.
pub(crate) fn greet(address: SocketAddr, load: Load, time: Duration) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (connections, pace) = match load {
        Load::AsFastAsItGoes { connections } => (connections, None),
        Load::Rate { connections, per_second } => {
            (connections, Some(Duration::from_secs_f64(connections as f64 / per_second as f64)))
        }
    };
    runtime.block_on(async move {
        let begun = tokio::time::Instant::now();
        let all: Vec<_> = (0..connections)
            .map(|n| {
                tokio::spawn(async move {
                    let mut stream = AsyncStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut buffer = [0; 1024];
                    let mut answered = 0;
                    // Connections take their turns, so that requests are spread evenly.
                    let mut due = begun + pace.unwrap_or_default().mul_f64(n as f64 / connections as f64);
                    while begun.elapsed() < time {
                        if let Some(pace) = pace {
                            tokio::time::sleep_until(due).await;
                            due += pace;
                        }
                        stream.write_all(GREETING).await.unwrap();
                        let n = stream.read(&mut buffer).await.unwrap();
                        assert!(buffer[..n].starts_with(b"HTTP/1.1 200") && buffer[..n].ends_with(b"World!\n"));
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        let mut answered = 0;
        for one in all {
            answered += one.await.unwrap();
        }
        answered
    })
}

/// What came of creating users.
pub(crate) struct Creates {
    pub(crate) created: usize,
    pub(crate) slowest: Duration,
    /// Creates of the client with the most and with the fewest.
    pub(crate) most: usize,
    pub(crate) least: usize,
}

/// Creates users from some clients at once, each as fast as it goes.
pub(crate) fn create(address: SocketAddr, clients: usize, time: Duration) -> Creates {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let run = std::process::id();
    runtime.block_on(async move {
        let all: Vec<_> = (0..clients)
            .map(|client| {
                tokio::spawn(async move {
                    let mut stream = AsyncStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut buffer = [0; 2048];
                    let (mut created, mut slowest) = (0_usize, Duration::ZERO);
                    while begun.elapsed() < time {
                        let email = format!("{run}.{clients}.{client}.{created}.{}@example.org", begun.elapsed().as_nanos());
                        let body = format!(r#"{{"name":"Ada Lovelace","email":"{email}"}}"#);
                        let request = format!(
                            "POST /v1/users HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        let sent = Instant::now();
                        stream.write_all(request.as_bytes()).await.unwrap();
                        let n = stream.read(&mut buffer).await.unwrap();
                        let answer = &buffer[..n];
                        assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(answer));
                        slowest = slowest.max(sent.elapsed());
                        created += 1;
                    }
                    (created, slowest)
                })
            })
            .collect();
        let mut seen = Creates { created: 0, slowest: Duration::ZERO, most: 0, least: usize::MAX };
        for one in all {
            let (created, slowest) = one.await.unwrap();
            seen.created += created;
            seen.slowest = seen.slowest.max(slowest);
            seen.most = seen.most.max(created);
            seen.least = seen.least.min(created);
        }
        seen
    })
}

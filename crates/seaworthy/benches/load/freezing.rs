//! A server that answers at once, and freezes for a second in every five. It knows when it answered.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello World!\n";

#[derive(Default)]
struct Gate {
    frozen: Mutex<bool>,
    thawed: Condvar,
    answered: Mutex<Vec<Instant>>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    gate: Arc<Gate>,
}

/// Response times, sorted.
pub(crate) struct Truth(Vec<Duration>);

impl Truth {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is a small number")]
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let freezing = Arc::clone(&gate);
        thread::spawn(move || {
            for _ in 0..20 {
                thread::sleep(Duration::from_secs(4));
                *freezing.frozen.lock().unwrap() = true;
                thread::sleep(Duration::from_secs(1));
                *freezing.frozen.lock().unwrap() = false;
                freezing.thawed.notify_all();
            }
        });
        let at = Arc::clone(&gate);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, at) = (stream.unwrap(), Arc::clone(&at));
                thread::spawn(move || answer(stream, &at));
            }
        });
        Self { address, gate }
    }

    /// What constant arrivals have waited for: the first to arrive was the first to be answered, and so on. The first
    /// is taken to have been answered at once.
    pub(crate) fn truth(&self, arrivals: usize, per_second: u32) -> Truth {
        let mut answered = self.gate.answered.lock().unwrap().clone();
        answered.sort();
        assert_eq!(answered.len(), arrivals, "not every arrival has come");
        // The fastest of all is the one that says when the schedule began.
        let spacing = Duration::from_secs(1) / per_second;
        let began = answered.iter().zip(0..).filter_map(|(at, n)| at.checked_sub(spacing * n)).min().unwrap();
        let mut times: Vec<Duration> =
            answered.iter().zip(0..).map(|(at, n)| at.saturating_duration_since(began + spacing * n)).collect();
        times.sort();
        Truth(times)
    }
}

fn answer(mut stream: TcpStream, gate: &Gate) {
    let mut request = [0; 4096];
    // Requests of a client that waits for its answer come one at a time.
    while stream.read(&mut request).is_ok_and(|n| n > 0) {
        let open = gate.thawed.wait_while(gate.frozen.lock().unwrap(), |frozen| *frozen).unwrap();
        drop(open);
        gate.answered.lock().unwrap().push(Instant::now());
        if stream.write_all(ANSWER).is_err() {
            return;
        }
    }
}

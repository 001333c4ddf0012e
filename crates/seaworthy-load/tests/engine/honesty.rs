//! A server that freezes: what is reported must be what somebody who arrived at that moment would have waited.

use std::{
    io::Write as _,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use seaworthy_core::{
    arrivals::{Profile, Rate, Spacing},
    recording::Recording,
};
use seaworthy_load::plan::Pace;
use tokio::time::Instant;

use crate::server::{OK, plan, read_request, serve};

/// When each request was answered, and whether it has to wait for that.
#[derive(Default)]
struct Gate {
    frozen: Mutex<bool>,
    thawed: Condvar,
    answered: Mutex<Vec<Instant>>,
}

fn wait_until(at: Instant) {
    while let Some(left) = at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

const SECONDS: u64 = 15;
const RATE: u64 = 1_000;

/// The time that a share of all did not exceed.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is a small number")]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The promise is about a clock: 1,000 requests a second for 15 s, at a server that freezes for 1 s in every 5.
#[test]
fn a_frozen_server_cannot_hide() {
    let gate = Arc::new(Gate::default());
    let at = Arc::clone(&gate);
    let server = serve(move |mut stream, _| {
        while read_request(&mut stream) {
            let open = at.thawed.wait_while(at.frozen.lock().unwrap(), |frozen| *frozen).unwrap();
            drop(open);
            at.answered.lock().unwrap().push(Instant::now());
            if stream.write_all(OK).is_err() {
                return;
            }
        }
    });
    let mut plan = plan(server, 0);
    plan.pace = Pace::Open {
        profile: Profile::constant(Rate::per_second(RATE as f64).unwrap(), Some(Duration::from_secs(SECONDS))),
        spacing: Spacing::Even,
        limit: None,
    };
    plan.connections.keep = 10;
    plan.timeouts.request = Duration::from_secs(10);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (recording, began) = runtime.block_on(async {
        let mut run = seaworthy_load::start(plan).unwrap();
        let began = run.began();
        let freezing = Arc::clone(&gate);
        thread::spawn(move || {
            for n in 0..SECONDS / 5 {
                let at = began + Duration::from_secs(5 * n + 4);
                wait_until(at);
                *freezing.frozen.lock().unwrap() = true;
                wait_until(at + Duration::from_secs(1));
                *freezing.frozen.lock().unwrap() = false;
                freezing.thawed.notify_all();
            }
        });
        let mut recording = Recording::default();
        while let Some(interval) = run.next().await {
            recording.add(interval);
        }
        (recording, began)
    });
    assert_eq!((recording.counts.arrived, recording.counts.good), (RATE * SECONDS, RATE * SECONDS));

    // The first to arrive was the first to be answered, and so on.
    let mut answered = gate.answered.lock().unwrap().clone();
    answered.sort();
    let due = (0..).map(|n| began + Duration::from_secs(1) * n / u32::try_from(RATE).unwrap());
    let mut truth: Vec<Duration> =
        answered.iter().zip(due).map(|(answered, due)| answered.saturating_duration_since(due)).collect();
    truth.sort();
    let said = recording.response_times();
    // The slowest few are left to the benchmark: a single late wake-up of a busy machine is in them.
    for (share, at_least, exact) in [(0.9, 0.49, true), (0.99, 0.94, true), (0.999, 0.99, false), (1.0, 0.995, false)] {
        let (said, truth) = (said.quantile(share).unwrap().as_secs_f64(), quantile(&truth, share).as_secs_f64());
        assert!(!exact || (said / truth - 1.0).abs() < 0.01, "p{}: said {said}, was {truth}", share * 100.0);
        // Whatever the server has seen: half of those that arrived in a frozen second waited for half a second.
        assert!(said > at_least, "p{}: said {said}", share * 100.0);
    }
    // A client that waits with sending sees the freeze three times, in one in a thousand of its requests.
    let naive = recording.times(|_| true).service;
    assert!(naive.quantile(0.9).unwrap() < said.quantile(0.9).unwrap());
}

//! What the load generator costs and how exact it is, beside others in the same run: `cargo xtask bench`.
//!
//! Times belong to the machine; what is worth comparing are the ratios. The server runs on the first core and the
//! client on the second, one client after the other in turns; each figure is a median with its spread. Who is not
//! installed is left out: wrk, h2load and hey are packages; `WRK2` and `OHA` may name those programs.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark measures on the real clock, prints what it measured, and stops where it cannot"
)]

mod clients;
#[path = "../shared/figures.rs"]
mod figures;
mod freezing;
mod target;

use std::{fs, process::Stdio, time::Duration};

use clients::{Client, Seen};
use figures::{show, show_beside_first};
use serde_json::Value;
use target::Target;

/// Turns of each measurement.
const TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let named = |name: &str| arguments.iter().any(|wanted| name.contains(wanted.as_str()));
    let wanted = |name: &str| arguments.is_empty() || named(name);
    if wanted("cost") {
        cost();
    }
    if wanted("schedule") {
        schedule();
    }
    if wanted("freeze") {
        freeze();
    }
    if wanted("agree") {
        agree();
    }
    if wanted("watched") {
        watched();
    }
    // Ten minutes are only spent on whoever asks for them.
    if named("memory") {
        memory();
    }
}

/// Runs clients in turns, and shows what each costs beside the first that is there.
fn compare(title: &str, target: &Target, clients: &[Client]) {
    println!("\n{title}: CPU time of the client per request");
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); clients.len()];
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); clients.len()];
    for turn in 0..=TURNS {
        for (n, client) in clients.iter().enumerate() {
            let Seen { requests, cpu, took } = client.run(target);
            // The first turn warms up.
            if turn > 0 {
                costs[n].push(cpu.as_secs_f64() * 1e6 / requests as f64);
                rates[n].push(requests as f64 / took.as_secs_f64());
            }
        }
    }
    let names: Vec<&str> = clients.iter().map(|client| client.name).collect();
    show_beside_first(&names, "us", costs);
    println!(" requests that the server has seen");
    for (name, rates) in names.iter().zip(&mut rates) {
        show(name, "/s", rates);
    }
}

/// What a request costs the client.
fn cost() {
    let target = Target::start();
    compare("GET / at full speed, 32 connections", &target, &clients::at_full_speed());
    compare("GET / at 20,000 requests/s, 32 connections", &target, &clients::at_rate(20_000));
}

/// Whether what is due is sent when it is due.
fn schedule() {
    println!("\nThe schedule: what was asked, what was sent, and how late");
    let target = Target::start();
    for rate in [1_000, 20_000] {
        let (mut achieved, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let report = clients::report(&target, &["--rate", &rate.to_string(), "-z", "5s", "-c", "32"]);
            achieved.push(report["counts"]["begun"].as_f64().unwrap() / 5.0);
            p50.push(report["generator"]["send_lag_ms"]["p50"].as_f64().unwrap() * 1e3);
            p99.push(report["generator"]["send_lag_ms"]["p99"].as_f64().unwrap() * 1e3);
        }
        println!(" {rate} requests/s for 5 s, one thread");
        show("sent", "/s", &mut achieved);
        show("send lag p50", "us", &mut p50);
        show("send lag p99", "us", &mut p99);
    }
}

const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("max", 1.0)];

fn latency(report: &Value, quantile: &str) -> f64 {
    report["metrics"]["latency_ms"][quantile].as_f64().unwrap()
}

/// A server that freezes for 1 s in every 5, at 1,000 requests/s for 15 s.
fn freeze() {
    println!("\nA server that freezes for 1 s in every 5, 1,000 requests/s for 15 s: response times in ms");
    println!("  {:<6} {:>10} {:>10} {:>10}", "", "reported", "truth", "off by");
    let server = freezing::Server::start();
    let report = clients::report_at(server.address, &["--rate", "1000", "-z", "15s", "-c", "10"]);
    let truth = server.truth(15_000, 1_000);
    for (name, share) in QUANTILES {
        let (said, was) = (latency(&report, name), truth.quantile(share).as_secs_f64() * 1e3);
        println!("  {name:<6} {said:>10.3} {was:>10.3} {:>9.2}%", (said / was - 1.0) * 100.0);
    }
    println!("  arrivals {}, sent {}", report["counts"]["arrived"], report["counts"]["begun"]);
}

/// Percentiles of a steady server, as others see them.
fn agree() {
    println!("\nA steady server at 2,000 requests/s: response times in ms");
    let target = Target::start();
    let report = clients::report(&target, &["--rate", "2000", "-z", "10s", "-c", "32"]);
    let own: Vec<String> = QUANTILES.iter().map(|(name, _)| format!("{name} {:.3}", latency(&report, name))).collect();
    println!("  seaworthy: {}", own.join("  "));
    let service = &report["service_ms"];
    println!("  seaworthy, service times: p50 {} p90 {} p99 {}", service["p50"], service["p90"], service["p99"]);
    for (name, text) in clients::percentiles(&target) {
        println!("  {name}: {text}");
    }
}

/// What the live view adds.
fn watched() {
    println!("\nBeing watched on a terminal, 20,000 requests/s: CPU time of the client per request");
    let target = Target::start();
    let (mut plain, mut shown, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let cost = |client: Client| {
            let Seen { requests, cpu, .. } = client.run(&target);
            cpu.as_secs_f64() * 1e6 / requests as f64
        };
        let (alone, watched) = (cost(clients::unwatched()), cost(clients::watched()));
        if turn > 0 {
            plain.push(alone);
            shown.push(watched);
            ratio.push(watched / alone);
        }
    }
    show("plain", "us", &mut plain);
    show("with the live view", "us", &mut shown);
    show("ratio", "x", &mut ratio);
}

/// Memory over ten minutes.
fn memory() {
    println!("\nResident memory, 20,000 requests/s for ten minutes");
    let target = Target::start();
    let mut child = clients::seaworthy(target.address, &["--rate", "20000", "-z", "10m", "-c", "32", "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    for minute in 0..10 {
        std::thread::sleep(Duration::from_secs(59));
        let text = fs::read_to_string(&status).unwrap();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
        };
        println!("  after {:>2} min: {:.1} MiB now, {:.1} MiB at most", minute + 1, of("VmRSS:"), of("VmHWM:"));
    }
    assert!(child.wait().is_ok());
}

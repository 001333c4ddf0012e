//! What the service costs, beside others in the same run: `cargo xtask bench`.
//!
//! Absolute times belong to the machine; what is worth comparing are the ratios. Servers run on the first
//! core and clients on the second, in turns, and each figure is a median with its spread.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a benchmark measures on the real clock, prints what it measured, and stops where it cannot"
)]

mod client;
#[path = "../shared/figures.rs"]
mod figures;
mod servers;

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    process::Command,
    time::{Duration, Instant},
};

use client::Load;
use figures::{show, show_beside_first};
use servers::Running;

/// Turns of each measurement.
const TURNS: usize = 5;

/// How long one turn lasts.
const TURN: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(port) = arguments.iter().position(|argument| argument == servers::BARE_HYPER) {
        return servers::bare_hyper(arguments[port + 1].parse().expect("a port"));
    }
    let wanted = |name: &str| {
        let names: Vec<&String> = arguments.iter().skip(1).filter(|argument| !argument.starts_with("--")).collect();
        names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str()))
    };
    if wanted("greeting") {
        client::pin_to(1);
        greeting();
        client::anywhere();
    }
    if wanted("start") {
        start();
    }
    if wanted("size") {
        size();
    }
    if wanted("creates") {
        creates();
    }
}

/// CPU time of the server for each request, at full speed and at a constant rate.
fn greeting() {
    let dir = tempfile::TempDir::new().unwrap();
    for (title, load) in [
        ("GET / at full speed, 32 connections", Load::AsFastAsItGoes { connections: 32 }),
        ("GET / at 5,000 requests/s, 32 connections", Load::Rate { connections: 32, per_second: 5_000 }),
    ] {
        println!("\n{title}: CPU time of the server per request");
        let servers: Vec<(&str, Running)> = vec![
            ("nginx, return 200, no access log", servers::nginx(dir.path())),
            ("bare hyper, no metrics, no ids, no log", servers::start_bare_hyper()),
            ("seaworthy, metrics and request ids", servers::seaworthy(dir.path(), &["--log-level", "warn"])),
            ("seaworthy, and a log line each, to /dev/null", servers::seaworthy(dir.path(), &["--log", "json"])),
        ];
        let mut costs: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
        let mut rates: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
        for turn in 0..=TURNS {
            for (n, (_, server)) in servers.iter().enumerate() {
                let before = server.cpu();
                let begun = Instant::now();
                let requests = client::greet(server.address, load, TURN) as f64;
                let took = begun.elapsed().as_secs_f64();
                // The first turn warms up.
                if turn > 0 {
                    costs[n].push((server.cpu() - before) * 1e6 / requests);
                    rates[n].push(requests / took);
                }
            }
        }
        let names: Vec<&str> = servers.iter().map(|(name, _)| *name).collect();
        show_beside_first(&names, "us", costs);
        println!(" answered");
        for (name, rates) in names.iter().zip(&mut rates) {
            show(name, "/s", rates);
        }
    }
}

/// From exec to the first answer, and memory at rest.
fn start() {
    println!("\nFirst answer to GET / after exec");
    let fresh = || {
        let dir = tempfile::TempDir::new().unwrap();
        servers::first_answer(&mut servers::seaworthy_command(dir.path(), &["--log-level", "warn"]))
    };
    let kept = tempfile::TempDir::new().unwrap();
    let again = || servers::first_answer(&mut servers::seaworthy_command(kept.path(), &["--log-level", "warn"]));
    let bare = || servers::first_answer(&mut servers::bare_hyper_command());
    again();
    let runs = |one: &dyn Fn() -> Duration| (0..20).map(|_| one().as_secs_f64() * 1e3).collect::<Vec<f64>>();
    show("bare hyper", "ms", &mut runs(&bare));
    show("seaworthy, SQLite file there", "ms", &mut runs(&again));
    show("seaworthy, SQLite file to be made", "ms", &mut runs(&fresh));

    println!("\nResident memory at rest");
    let mut idle = Vec::new();
    let mut used = Vec::new();
    for _ in 0..TURNS {
        let dir = tempfile::TempDir::new().unwrap();
        let server = servers::seaworthy(dir.path(), &["--log-level", "warn"]);
        idle.push(server.resident_mib());
        client::greet(server.address, Load::AsFastAsItGoes { connections: 32 }, Duration::from_secs(1));
        used.push(server.resident_mib());
    }
    show("after the start", "MiB", &mut idle);
    show("after a second at full speed", "MiB", &mut used);
}

fn size() {
    println!("\nThe binary");
    let dir = tempfile::TempDir::new().unwrap();
    let stripped = dir.path().join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(env!("CARGO_BIN_EXE_seaworthy")).status().unwrap();
    assert!(done.success());
    println!("  stripped: {:.1} MB", fs::metadata(stripped).unwrap().len() as f64 / 1e6);
}

/// Durable creates beside what the disk can do by itself.
fn creates() {
    println!("\nDurable creates (no password), SQLite");
    let dir = tempfile::Builder::new().prefix("bench").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // On whatever core there is: durable writes wait for the disk, not for a core.
    let server = servers::seaworthy_anywhere(dir.path(), &["--log-level", "warn"]);
    for clients in [1, 16, 64] {
        let (mut syncs, mut rates, mut slowest, mut unfair) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for turn in 0..=TURNS {
            let disk = fdatasyncs(dir.path(), Duration::from_secs(1));
            let seen = client::create(server.address, clients, TURN);
            if turn > 0 {
                syncs.push(disk);
                rates.push(seen.created as f64 / TURN.as_secs_f64());
                slowest.push(seen.slowest.as_secs_f64() * 1e3);
                unfair.push(seen.most as f64 / seen.least.max(1) as f64);
            }
        }
        println!(" {clients} clients");
        let mut ratios: Vec<f64> = rates.iter().zip(&syncs).map(|(rate, disk)| rate / disk).collect();
        show("fdatasync of 4 KiB", "/s", &mut syncs);
        show("creates", "/s", &mut rates);
        show("creates per fdatasync", "x", &mut ratios);
        show("slowest create", "ms", &mut slowest);
        show("busiest client's creates, of the idlest's", "x", &mut unfair);
    }
}

/// How often the disk of this folder makes 4 KiB durable in a second: overwriting, as a commit does.
fn fdatasyncs(dir: &std::path::Path, time: Duration) -> f64 {
    const BLOCK: u64 = 4096;
    const BLOCKS: u64 = 256;
    let file = File::create(dir.join("fdatasync")).unwrap();
    file.write_all_at(&vec![1; usize::try_from(BLOCK * BLOCKS).unwrap()], 0).unwrap();
    file.sync_all().unwrap();
    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < time {
        file.write_all_at(&[2; 4096], n % BLOCKS * BLOCK).unwrap();
        file.sync_data().unwrap();
        n += 1;
    }
    n as f64 / begun.elapsed().as_secs_f64()
}

//! How well causes are found in worlds by chance, and what that costs: `cargo xtask bench diagnosis`.
//!
//! Each world is simulated from a seed of its own, healthy or with one or two causes planted. What the diagnosis finds
//! in its history is held against what the world itself knows of each request that failed.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark measures on the real clock, prints what it measured, and stops where it cannot"
)]

mod compare;
mod show;
mod size;
mod worlds;

use std::{
    num::NonZero,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use compare::{Compared, compare};
use worlds::{Sort, make};

/// Worlds, unless another number is asked for.
const WORLDS: u64 = 10_000;

/// How to use it.
const USAGE: &str = "usage: cargo xtask bench diagnosis [--worlds N] [--first SEED] | --seed SEED | --outcomes N";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (mut worlds, mut first, mut one, mut outcomes) = (WORLDS, 1, None, None);
    for pair in arguments.chunks(2) {
        let value = pair.get(1).and_then(|value| value.replace('_', "").parse::<u64>().ok());
        match (pair.first().map(String::as_str), value) {
            (Some("--worlds"), Some(value)) => worlds = value,
            (Some("--first"), Some(value)) => first = value,
            (Some("--seed"), Some(value)) => one = Some(value),
            (Some("--outcomes"), Some(value)) => outcomes = Some(value),
            _ => return println!("{USAGE}"),
        }
    }
    if let Some(outcomes) = outcomes {
        return size::measure(outcomes);
    }
    if let Some(seed) = one {
        return show::one(make(seed, Sort::Any));
    }
    let began = Instant::now();
    let compared = all(first, worlds);
    let took = began.elapsed();
    println!("{worlds} worlds from seed {first} on, in {:.0} s", took.as_secs_f64());
    show::all(&compared);
}

/// Judges so many worlds, on all cores, in the order of their seeds.
fn all(first: u64, worlds: u64) -> Vec<Compared> {
    let next = AtomicU64::new(first);
    let until = first + worlds;
    let work = || {
        let seeds = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < until));
        seeds.map(|seed| compare(make(seed, Sort::Any))).collect::<Vec<_>>()
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut compared: Vec<Compared> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a world that can be judged")).collect()
    });
    compared.sort_by_key(|world| world.made.seed);
    compared
}

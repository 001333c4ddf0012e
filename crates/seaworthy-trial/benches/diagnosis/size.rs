//! What it costs to judge a long trial.

use std::{fs, thread, time::Instant};

use seaworthy_core::{assessment::assess, drill::Drill, history::History};

use crate::worlds::{Made, Sort, happen, make};

/// Replicas that are replaced by each rollout.
const REPLICAS: u32 = 5;

/// Rollouts.
const ROLLOUTS: usize = 40;

/// Failures that are kept whole.
const FAILURES: f64 = 10_000.0;

/// Builds a trial with so many outcomes, and judges it.
pub(crate) fn measure(outcomes: u64) {
    // The memory of a thread's own is not used by others, so that what it has left does not hide what is used here.
    let made = thread::spawn(move || long(outcomes)).join();
    let history = made.expect("a long trial");
    let counts = history.intervals.iter().fold((0, 0), |(ended, whole), interval| {
        (ended + interval.counts.good + interval.counts.failed, whole + interval.whole.len())
    });
    println!(
        "{} outcomes in {} intervals, {} failures whole, {} events",
        counts.0,
        history.intervals.len(),
        counts.1,
        history.events.len()
    );
    let before = memory("VmRSS");
    // The most that it used from here on.
    fs::write("/proc/self/clear_refs", "5").expect("a kernel that forgets the most that was used");
    let began = Instant::now();
    let assessment = assess(&history);
    let took = began.elapsed();
    let most = memory("VmHWM");
    println!("with the history in memory: {before:.0} MiB");
    println!("assess: {:.2} s (bound: 2 s), {:.0} MiB more (bound: 200 MiB)", took.as_secs_f64(), most - before);
    let found = assessment.findings.iter().map(|finding| format!("{} {}", finding.count, finding.cause));
    println!("found: {}", found.collect::<Vec<_>>().join(", "));
}

/// A trial of many rollouts, each of which loses some requests.
fn long(outcomes: u64) -> History {
    let Made { mut plan, mut world, .. } = make(1, Sort::Healthy);
    let planted = seaworthy_trial::simulated::plant("endpoint-removal-race", &mut plan, &mut world);
    assert!(planted, "it can be planted");
    plan.deployment.replicas = REPLICAS;
    plan.deployment.template.pre_stop = None;
    plan.drills = [Drill::Baseline].into_iter().chain([Drill::Rollout; ROLLOUTS]).collect();
    let of = |rate: f64, fresh: f64| {
        let world = seaworthy_trial::simulated::World { rate, fresh, ..world };
        happen(&Made { seed: 1, planted: vec!["endpoint-removal-race"], plan: plan.clone(), world }).0
    };
    // How long it takes does not depend on the rate.
    let took = of(1.0, 0.0).footer.map_or(1.0, |footer| footer.duration.as_secs_f64());
    let rate = outcomes as f64 / took;
    let lives = f64::from(REPLICAS) * ROLLOUTS as f64;
    let unseen = ((plan.propagation.least + plan.propagation.most) / 2).as_secs_f64();
    of(rate, FAILURES / (lives * rate / f64::from(REPLICAS) * unseen))
}

/// A line of what the kernel knows of this process, in MiB.
fn memory(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

//! The memory of replicas, looked at ten times a second. It is no cgroup: what is used between two looks is not seen,
//! and nothing keeps a process from using it.

use std::{collections::BTreeMap, fs, time::Duration};

use seaworthy_core::event::Replica;
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{platform::Told, sockets};

/// From one look to the next.
const PERIOD: Duration = Duration::from_millis(100);

/// Looks at the replicas of a trial until nobody is told any more, and tells of each that has more than its limit.
pub(super) async fn watch(limit: u64, trial: String, tell: mpsc::Sender<Told>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !tell.is_closed() {
        ticks.tick().await;
        let trial = trial.clone();
        let Ok(over) = spawn_blocking(move || over(limit, &trial)).await else { return };
        for (replica, bytes) in over {
            let _told = tell.send(Told::OverMemory { replica, bytes }).await;
        }
    }
}

/// Replicas with more than the limit.
fn over(limit: u64, trial: &str) -> BTreeMap<Replica, u64> {
    let mut processes: BTreeMap<Replica, Vec<u32>> = BTreeMap::new();
    for (pid, of) in sockets::with_mark(trial) {
        if let Ok(replica) = of.parse() {
            processes.entry(Replica(replica)).or_default().push(pid);
        }
    }
    // What several processes share counts for each of them at first: that is quick, and never too little.
    processes.retain(|_, pids| pids.iter().map(|pid| resident(*pid)).sum::<u64>() > limit);
    let used = processes.into_iter().map(|(replica, pids)| (replica, pids.iter().map(|pid| share(*pid)).sum()));
    used.filter(|(_, used)| *used > limit).collect()
}

/// The resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    in_kib(&format!("/proc/{pid}/status"), "VmRSS:").unwrap_or(0)
}

/// The same, but of what it shares with others only its part.
fn share(pid: u32) -> u64 {
    in_kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:").unwrap_or_else(|| resident(pid))
}

/// A number of a file of the kernel's (`proc(5)`).
fn in_kib(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn the_memory_of_a_process_is_what_it_holds() {
        let before = resident(process::id());
        // Written, since memory that is only asked for is not there.
        let held = vec![1_u8; 64 << 20];
        let after = resident(process::id());
        assert!(after >= before + (60 << 20), "{before} {after} {}", held.len());
        assert!((1..=after * 2).contains(&share(process::id())));
        assert_eq!(resident(0), 0);
    }
}

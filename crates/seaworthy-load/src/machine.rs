//! What the machine has left for the generator: descriptors, ports, sockets that linger.

use std::{fs, time::Duration};

use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

/// How long a closed connection keeps its port from being used again to the same endpoint (Linux, `TCP_TIMEWAIT_LEN`).
pub const TIME_WAIT: Duration = Duration::from_mins(1);

/// CPU time that this thread has used.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Sockets in `TIME_WAIT`, of everybody in this network namespace (`/proc/net/sockstat`).
pub fn time_wait() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/sockstat").ok()?;
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace();
    words.find(|word| *word == "tw")?;
    words.next()?.parse().ok()
}

/// Open file descriptors of this process, and how many it may have.
pub fn descriptors() -> Option<(u64, u64)> {
    // The folder that is being read has a descriptor of its own.
    let open = (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1);
    Some((open, getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)))
}

/// How many source ports the system chooses from (`net.ipv4.ip_local_port_range`).
pub fn ports() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut bounds = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (bounds.next()?.ok()?, bounds.next()?.ok()?);
    Some(high.saturating_sub(low) + 1)
}

/// The most fresh connections per second that this machine can make for long to one endpoint, from so many source
/// addresses.
pub fn fresh_connections_per_second(sources: usize) -> Option<f64> {
    Some(ports()? as f64 * sources.max(1) as f64 / TIME_WAIT.as_secs_f64())
}

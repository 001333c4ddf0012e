//! The process, by the names that Prometheus client libraries agree on.

use std::time::SystemTime;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use rustix::{process::Resource, time::ClockId};

/// CPU, memory and file descriptors, read when they are asked for.
#[derive(Debug)]
pub(super) struct Process {
    started: f64,
}

impl Process {
    /// A process that started about now.
    pub(super) fn started_now() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self { started: now.map_or(0.0, |since| since.as_secs_f64()) }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let cpu = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "a process's CPU time is far below 2^52 ns")]
        let cpu = ConstCounter::new(cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9);
        let help = "User and system CPU time spent";
        cpu.encode(encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), cpu.metric_type())?)?;
        let mut gauge = |name, help, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        gauge("process_start_time", "When the process started, since the epoch", Some(&Unit::Seconds), self.started)?;
        // On a system without /proc these are left out rather than told as 0.
        if let Some((virtual_bytes, resident)) = memory() {
            gauge("process_virtual_memory", "Virtual memory", Some(&Unit::Bytes), virtual_bytes)?;
            gauge("process_resident_memory", "Resident memory", Some(&Unit::Bytes), resident)?;
        }
        if let Some(open) = open_fds() {
            gauge("process_open_fds", "Open file descriptors", None, open)?;
        }
        if let Some(most) = rustix::process::getrlimit(Resource::Nofile).current {
            #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
            gauge("process_max_fds", "The limit on open file descriptors", None, most as f64)?;
        }
        Ok(())
    }
}

/// Virtual and resident bytes (`proc_pid_statm(5)`).
fn memory() -> Option<(f64, f64)> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split(' ').map(str::parse::<f64>);
    #[expect(clippy::cast_precision_loss, reason = "a page has a few thousand bytes")]
    let page = rustix::param::page_size() as f64;
    Some((pages.next()?.ok()? * page, pages.next()?.ok()? * page))
}

fn open_fds() -> Option<f64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the folder that is being read.
    u32::try_from(count).ok().map(|count| f64::from(count.saturating_sub(1)))
}

//! The generator's own health: whether it was the generator that limited a result, and not the target.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{outcome::FailureKind, recording::Recording, text, time};

/// The latest that the generator may be at the 99th percentile.
///
/// Later than this, what is shown as the target's response time is in large part the generator's own. A timer that is
/// not late by more than a scheduling slice of a busy machine (a few milliseconds) stays below it.
pub const MOST_LAG: Duration = Duration::from_millis(10);

/// The share of its threads' time that a closed loop may compute.
///
/// Above it the next request waits for the generator and not for an answer. The rest is what a thread that is never
/// idle still loses to the kernel and to other processes.
pub const MOST_BUSY: f64 = 0.95;

/// What the generator measured of itself. How late it was is in the recording, as its send lag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generator {
    /// Threads that sent.
    pub threads: usize,
    /// CPU time of these threads while arrivals were due.
    #[serde(with = "time::as_nanos")]
    pub cpu: Duration,
    /// Wall time of that.
    #[serde(with = "time::as_nanos")]
    pub busy_for: Duration,
    /// Sockets in `TIME_WAIT` on this machine at the end, where that is known.
    pub time_wait: Option<u64>,
    /// File descriptors: the most in use, and the limit.
    pub descriptors: Option<(u64, u64)>,
    /// Ephemeral ports: the most in use, and how many there are.
    pub ports: Option<(u64, u64)>,
    /// Intervals that were handed over late, since a channel was full. None of them is lost.
    pub backlog: u64,
}

impl Generator {
    /// The share of their time that its threads computed, 0 to 1.
    pub fn busy(&self) -> f64 {
        let had = self.busy_for.as_secs_f64() * self.threads as f64;
        if had > 0.0 { self.cpu.as_secs_f64() / had } else { 0.0 }
    }
}

/// What of the generator limited a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitKind {
    /// It began requests late.
    Late,
    /// It had no source port for some.
    Ports,
    /// It had no file descriptor for some.
    Descriptors,
    /// It had no free connection for some.
    Connections,
    /// A closed loop had no more CPU.
    Cpu,
}

/// Why the generator, and not the target, limited a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What did.
    pub kind: LimitKind,
    /// One line with the numbers, and what would do.
    pub text: String,
}

/// What of the generator limited this result; nothing where the result is the target's own.
pub fn limits(generator: &Generator, recording: &Recording, closed_loop: bool) -> Vec<Limit> {
    let found = [
        if closed_loop { None } else { late(recording) },
        ports(generator, recording),
        descriptors(generator, recording),
        connections(recording),
        if closed_loop { cpu(generator) } else { None },
    ];
    found.into_iter().flatten().collect()
}

/// In a closed loop nothing is due before it is sent, so only an open loop can be late.
fn late(recording: &Recording) -> Option<Limit> {
    let lag = recording.send_lag.quantile(0.99).filter(|lag| *lag > MOST_LAG)?;
    let text = format!(
        "it was late: p99 of the send lag was {} (at most {MOST_LAG:?} is fair); use --threads, a quieter machine or a \
         lower rate",
        text::time(lag),
    );
    Some(Limit { kind: LimitKind::Late, text })
}

/// A request that never left this machine says nothing of the target, so one is too many.
fn ports(generator: &Generator, recording: &Recording) -> Option<Limit> {
    let failed = lacking(recording, FailureKind::NoPort)?;
    let there_are =
        generator.ports.map_or_else(String::new, |(_, all)| format!(" (there are {})", text::thousands(all)));
    let text = format!(
        "it had no free source port for {}{there_are}; use keep-alive or more source addresses",
        text::counted(failed, "request"),
    );
    Some(Limit { kind: LimitKind::Ports, text })
}

/// As with ports, one is too many.
fn descriptors(generator: &Generator, recording: &Recording) -> Option<Limit> {
    let failed = lacking(recording, FailureKind::NoDescriptor)?;
    let limit = generator
        .descriptors
        .map_or_else(String::new, |(_, limit)| format!(" (the limit is {})", text::thousands(limit)));
    let text = format!(
        "it had no free file descriptor for {}{limit}; raise the limit with `ulimit -n`",
        text::counted(failed, "request"),
    );
    Some(Limit { kind: LimitKind::Descriptors, text })
}

fn lacking(recording: &Recording, what: FailureKind) -> Option<u64> {
    Some(recording.failures_that(|class| class.kind == what)).filter(|failed| *failed > 0)
}

/// An arrival that was due and not sent is missing from every other number, so one is too many.
fn connections(recording: &Recording) -> Option<Limit> {
    let missing = Some(recording.not_sent).filter(|missing| *missing > 0)?;
    let text = format!(
        "it never sent {} since no connection came free; raise --max-connections, but a target that no longer \
         answers causes this too",
        text::counted(missing, "request"),
    );
    Some(Limit { kind: LimitKind::Connections, text })
}

/// An open loop that lacks CPU is late, and that is measured; a closed one is just slower.
fn cpu(generator: &Generator) -> Option<Limit> {
    (generator.busy() > MOST_BUSY).then(|| {
        let threads = text::counted(generator.threads as u64, "thread");
        let were = if generator.threads == 1 { "was" } else { "were" };
        let text = format!(
            "the generator's own {threads} {were} busy all the time ({:.0}% of it): the target may be able to do \
             more; use --threads",
            generator.busy().min(1.0) * 100.0,
        );
        Limit { kind: LimitKind::Cpu, text }
    })
}

#[cfg(test)]
mod tests;

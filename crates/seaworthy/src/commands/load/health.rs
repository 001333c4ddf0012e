//! What the generator uses of its machine, looked at each second.

use std::time::Duration;

use seaworthy_core::{generator::Generator, interval::Gauges};
use seaworthy_load::machine;

/// The most that was seen in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    descriptors: Option<(u64, u64)>,
    /// Sockets that hold a port: open ones of ours, and everybody's that linger.
    ports: Option<u64>,
    time_wait: Option<u64>,
}

impl Health {
    /// Looks at the machine.
    pub(crate) fn sample(&mut self, gauges: Gauges) {
        if let Some((open, limit)) = machine::descriptors() {
            let most = self.descriptors.map_or(0, |(most, _)| most);
            self.descriptors = Some((most.max(open), limit));
        }
        self.time_wait = machine::time_wait();
        if let Some(lingering) = self.time_wait {
            self.ports = self.ports.max(Some(lingering + gauges.open));
        }
    }

    /// The generator's health over the run.
    pub(crate) fn over(self, threads: usize, cpu: Duration, busy_for: Duration, backlog: u64) -> Generator {
        Generator {
            threads,
            cpu,
            busy_for,
            time_wait: machine::time_wait(),
            descriptors: self.descriptors,
            ports: self.ports.zip(machine::ports()),
            backlog,
        }
    }
}

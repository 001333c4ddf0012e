//! The timeline for spreadsheets: a header row, then a row for each slot in which something happened.
//!
//! | column | what it is |
//! | --- | --- |
//! | `begin_s` | when the slot begins, in seconds since the start |
//! | `length_s` | how long it is, in seconds |
//! | `arrived` | requests that became due |
//! | `begun` | requests on which work began |
//! | `good` | good answers |
//! | `failed` | requests that ended without one; those that the end of the run cut short are not among them |
//! | `retried` | requests that were sent again |
//! | `queued` | arrivals that had waited for a free connection |
//! | `opened` | connections opened |
//! | `open`, `in_flight`, `waiting` | connections, requests and waiting arrivals at the slot's end |
//! | `bytes` | bytes of bodies received |
//! | `p50_ms`, `p99_ms`, `max_ms` | response times of what ended in it, time-outs as at least theirs; empty without any |
//! | `cpu_ms` | CPU time of the generator's threads |

use std::{fmt::Write as _, time::Duration};

use super::Report;
use crate::{outcome::FailureKind, recording::Slot};

/// Its header row.
const HEADER: &str = "begin_s,length_s,arrived,begun,good,failed,retried,queued,opened,open,in_flight,waiting,bytes,\
                      p50_ms,p99_ms,max_ms,cpu_ms\n";

/// The report in this form.
pub fn render(report: &Report<'_>) -> String {
    let length = report.recording.slot_length().as_secs_f64();
    let mut csv = HEADER.to_owned();
    for (begin, slot) in report.recording.timeline() {
        let Slot { counts, gauges, .. } = slot;
        let times = slot.response_times();
        let row = writeln!(
            csv,
            "{:.1},{length:.1},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.3}",
            begin.since_start().as_secs_f64(),
            counts.arrived,
            counts.begun,
            counts.good,
            slot.failures_that(|class| class.kind != FailureKind::Unfinished),
            counts.retried,
            counts.queued,
            counts.opened,
            gauges.open,
            gauges.in_flight,
            gauges.waiting,
            counts.bytes,
            millis(times.quantile(0.5)),
            millis(times.quantile(0.99)),
            millis(times.max()),
            slot.cpu.as_secs_f64() * 1e3,
        );
        debug_assert!(row.is_ok(), "a string takes what is written to it");
    }
    csv
}

fn millis(time: Option<Duration>) -> String {
    time.map_or_else(String::new, |time| format!("{:.3}", time.as_secs_f64() * 1e3))
}

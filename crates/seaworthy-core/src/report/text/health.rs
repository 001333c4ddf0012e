//! The generator's own health in the text report, in two lines.

use super::layout::Page;
use crate::{
    report::Report,
    text::{counted, thousands, time},
};

/// How late it was, and what it used.
pub(super) fn generator(page: &mut Page, report: &Report<'_>) {
    for (n, line) in lines(report).iter().enumerate() {
        page.field(if n == 0 { "generator" } else { "" }, line);
    }
}

/// The same, a line each.
pub(in crate::report) fn lines(report: &Report<'_>) -> Vec<String> {
    let (generator, recording) = (report.generator, report.recording);
    let lag = &recording.send_lag;
    let threads = counted(generator.threads as u64, "thread");
    let used = format!("{threads}, CPU {:.0}%", generator.busy() * 100.0);
    let late = match (lag.quantile(0.5), lag.quantile(0.99), lag.max()) {
        // A closed loop owes nothing to a schedule.
        (Some(half), Some(most), Some(max)) if !report.run.closed_loop => {
            format!("; send lag p50 {}, p99 {}, max {}", time(half), time(most), time(max))
        }
        _ => String::new(),
    };
    let of = |what: &str, (used, all): (u64, u64)| format!("{} of {} {what}", thousands(used), thousands(all));
    let parts = [
        generator.descriptors.map(|used| of("descriptors", used)),
        generator.ports.map(|used| of("ports", used)),
        generator.time_wait.map(|count| format!("{} in TIME_WAIT", counted(count, "socket"))),
        (generator.backlog > 0).then(|| format!("{} recorded late", counted(generator.backlog, "interval"))),
    ];
    let second: Vec<String> = parts.into_iter().flatten().collect();
    let second = (!second.is_empty()).then(|| second.join(", "));
    [used + &late].into_iter().chain(second).collect()
}

//! Times in the text report: percentiles, their shape, and by where requests went and over what.

use std::{net::SocketAddr, time::Duration};

use super::layout::Page;
use crate::{
    histogram::Histogram,
    interval::{Lane, Times},
    outcome::ConnectionKind,
    report::{Report, summary::QUANTILES},
    text::{counted, thousands, time},
};

/// Rows of the picture.
const MOST_ROWS: usize = 10;

/// Characters of its longest bar.
const BAR: u64 = 36;

/// Times that make a picture.
const FEWEST_TIMES: u64 = 10;

/// Endpoints that are shown; there may be thousands of pods.
const MOST_ENDPOINTS: usize = 12;

/// Where the times between two powers of ten may be divided (preferred numbers, ISO 3), and every how many powers; from
/// fine to coarse.
const DIVISIONS: [(&[u64], usize); 6] = [
    (&[100, 125, 160, 200, 250, 315, 400, 500, 630, 800], 1),
    (&[100, 160, 250, 400, 630], 1),
    (&[100, 200, 500], 1),
    (&[100, 300], 1),
    (&[100], 1),
    (&[100], 2),
];

/// Percentiles of the three times that there are of a request.
pub(super) fn ladder(page: &mut Page, report: &Report<'_>) {
    let recording = report.recording;
    let (response, service) = (recording.response_times(), recording.service_times());
    let times = recording.times(|_| true);
    if response.is_empty() {
        return;
    }
    page.gap();
    page.line("                response     service  first byte");
    page.line("              (from due) (from sent) (from sent)");
    let columns = [&response, &service, &times.first_byte];
    let row = |page: &mut Page, name: &str, of: &dyn Fn(&Histogram) -> Option<Duration>| {
        let cells: Vec<String> = columns.iter().map(|times| format!("{:>11}", cell(of(times)))).collect();
        page.line(&format!("{name:<12} {}", cells.join(" ")));
    };
    row(page, "min", &Histogram::min);
    for (millionths, name) in QUANTILES {
        row(page, name, &|times| told(times, millionths));
    }
    row(page, "max", &Histogram::max);
    if let Some((_, name)) = QUANTILES.iter().find(|(millionths, _)| !response.resolves(*millionths)) {
        page.line(&format!("-: {} are too few to tell {name} from the max", thousands(response.count())));
    }
    left_out(page, &times);
}

/// What these times are of, where that is not only good answers.
fn left_out(page: &mut Page, times: &Times<Histogram>) {
    let mut notes = Vec::new();
    if !times.timed_out.is_empty() {
        let timed_out = counted(times.timed_out.count(), "time-out");
        notes.push(format!("with {timed_out} as at least the time until then (but not in first byte)"));
    }
    if !times.failed.is_empty() {
        notes.push(format!("without {} that did not time out", counted(times.failed.count(), "failure")));
    }
    if !notes.is_empty() {
        page.field("", &notes.join("; "));
    }
}

fn told(times: &Histogram, millionths: u32) -> Option<Duration> {
    times.resolves(millionths).then(|| times.quantile(f64::from(millionths) / 1e6)).flatten()
}

fn cell(of: Option<Duration>) -> String {
    of.map_or_else(|| "-".to_owned(), time)
}

/// How response times are spread: a bar for each bin that is not empty.
pub(super) fn shape(page: &mut Page, report: &Report<'_>) {
    let times = report.recording.response_times();
    if times.count() < FEWEST_TIMES {
        return;
    }
    let finest =
        DIVISIONS.iter().map(|(division, step)| bins(&times, division, *step)).find(|bins| bins.len() <= MOST_ROWS);
    let bins = finest.unwrap_or_default();
    let longest = bins.iter().map(|bin| bin.count).max().unwrap_or(1);
    page.gap();
    page.line("response times");
    for Bin { from, to, count } in bins {
        // What there is leaves a mark, however little it is.
        let bar = "#".repeat(usize::try_from((count * BAR).div_ceil(longest)).unwrap_or(0));
        let share = count as f64 * 100.0 / times.count() as f64;
        // The count beside the share is exact.
        page.line(&format!("  {:>6} to {:>6}  {bar:<36} {:>11} {share:>6.1}%", time(from), time(to), thousands(count)));
    }
}

/// Times above one bound and up to another.
#[derive(Clone, Copy, Debug)]
struct Bin {
    from: Duration,
    to: Duration,
    count: u64,
}

/// The bins that are not empty.
fn bins(times: &Histogram, division: &[u64], step: usize) -> Vec<Bin> {
    let edges = (0..=12).step_by(step).flat_map(|power| division.iter().map(move |part| part * 10_u64.pow(power)));
    let mut bins = Vec::new();
    let (mut from, mut above) = (Duration::ZERO, times.count());
    for to in edges.map(Duration::from_nanos) {
        let beyond = times.count_above(to);
        if beyond < above {
            bins.push(Bin { from, to, count: above - beyond });
        }
        (from, above) = (to, beyond);
    }
    bins
}

fn lanes_head(page: &mut Page, what: &str) {
    page.gap();
    page.line(&format!("{what:<24}{:>12}{:>10}{:>10}{:>10}{:>10}", "requests", "failed", "p50", "p99", "max"));
}

fn lane(page: &mut Page, name: &str, times: &Times<Histogram>) {
    let failed = times.failed.count() + times.timed_out.count();
    let count = times.response.count() + failed;
    let mut response = times.response.clone();
    response.merge(&times.timed_out);
    let (half, most, max) = (told(&response, 500_000), told(&response, 990_000), response.max());
    page.line(&format!(
        "{name:<24}{:>12}{:>10}{:>10}{:>10}{:>10}",
        thousands(count),
        thousands(failed),
        cell(half),
        cell(most),
        cell(max),
    ));
}

/// A line for each kind of connection, where more than one was used: they lose requests for different reasons.
pub(super) fn by_connection(page: &mut Page, report: &Report<'_>) {
    let recording = report.recording;
    let used: Vec<ConnectionKind> = ConnectionKind::ALL
        .into_iter()
        .filter(|kind| recording.lanes.keys().any(|lane| lane.connection == *kind))
        .collect();
    if used.len() < 2 {
        return;
    }
    lanes_head(page, "over a connection");
    for kind in used {
        let name = match kind {
            ConnectionKind::Fresh => "  fresh (used once)",
            ConnectionKind::First => "  first (then kept)",
            ConnectionKind::Reused => "  reused",
        };
        lane(page, name, &recording.times_over(kind));
    }
}

/// A line for each endpoint, where there was more than one.
pub(super) fn by_endpoint(page: &mut Page, report: &Report<'_>) {
    let recording = report.recording;
    let mut endpoints: Vec<Option<SocketAddr>> = recording.lanes.keys().map(|lane| lane.endpoint).collect();
    endpoints.dedup();
    if endpoints.len() < 2 {
        return;
    }
    lanes_head(page, "to endpoint");
    for endpoint in endpoints.iter().take(MOST_ENDPOINTS) {
        let name = endpoint.map_or_else(|| "none reached".to_owned(), |address| address.to_string());
        // An IPv6 address is longer than its column.
        if name.len() > 21 {
            page.line(&format!("  {name}"));
        }
        let name = if name.len() > 21 { String::new() } else { format!("  {name}") };
        lane(page, &name, &recording.times(|lane: &Lane| lane.endpoint == *endpoint));
    }
    if endpoints.len() > MOST_ENDPOINTS {
        page.line(&format!("  and {} more", endpoints.len() - MOST_ENDPOINTS));
    }
}

/// What was done before the first byte, and waiting for a connection.
pub(super) fn phases(page: &mut Page, report: &Report<'_>) {
    let times = report.recording.times(|_| true);
    let queue = &report.recording.queue_time;
    page.gap();
    for (name, times) in [("dns", &times.dns), ("connect", &times.connect), ("handshake", &times.tls)] {
        if let (Some(half), Some(max)) = (times.quantile(0.5), times.max()) {
            let count = thousands(times.count());
            page.field(name, &format!("{count} times: half within {}, max {}", time(half), time(max)));
        }
    }
    if let (Some(most), Some(max)) = (queue.quantile(0.99), queue.max()) {
        let waited = counted(report.recording.counts.queued.max(queue.count()), "arrival");
        let text = format!("{waited} waited for a free connection: p99 {}, max {}", time(most), time(max));
        page.field("queue", &text);
    }
}

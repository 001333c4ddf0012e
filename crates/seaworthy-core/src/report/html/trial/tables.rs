//! The tables of a trial: promised, seen and lost by drill; and what the chart shows, in numbers.

use std::time::Duration;

use crate::{
    assessment::{Percentiles, Row},
    report::{
        html::{
            bins::Bins,
            build::Html,
            lanes::{Lane, State, spent},
            parts::{Cell, folded, table},
            picture::{Picture, to_millis},
            scale::clock,
        },
        trial::{TrialReport, columns, event_words, words},
    },
    text::{counted, number, thousands, time},
    verdict::Verdict,
};

/// Events that are listed.
const MOST_EVENTS: usize = 400;

/// Replicas that are listed.
const MOST_LANES: usize = 300;

/// A row for each drill, and for each that there should have been.
pub(in crate::report::html) fn drills(html: &mut Html, report: &TrialReport<'_>, which: &str) {
    let (rows, missing) = (&report.assessment.drills, &report.assessment.missing);
    let columns = columns(rows);
    let mut heads = vec!["drill", "verdict", "promised", "seen", "requests"];
    heads.extend(columns.iter().map(|column| match column.name {
        "kept" => "lost: kept",
        "fresh" => "lost: fresh",
        "allow" => "allowed",
        "retry" => "retried",
        "back" => "back after",
        other => other,
    }));
    heads.push("p99 ms");
    let mut all: Vec<(String, Vec<Cell>)> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let mut cells = vec![
            Cell::Came(row.verdict, row.verdict.label().to_owned()),
            Cell::text(row.drill.promise()),
            Cell::Texts(seen(row)),
            Cell::Number(thousands(row.keep_alive.ended + row.fresh.ended)),
        ];
        cells.extend(columns.iter().map(|column| {
            let shown = column.cells.get(n).cloned().unwrap_or_default();
            if matches!(column.name, "kept" | "fresh" | "unknown") { Cell::harm(shown) } else { Cell::Number(shown) }
        }));
        cells.push(triple(row, |of| of.p99));
        all.push((row.drill.label().to_owned(), cells));
    }
    for drill in missing {
        let cells = vec![
            Cell::Came(Verdict::Inconclusive, "not run".to_owned()),
            Cell::text(drill.promise()),
            Cell::text("it never began"),
        ];
        let rest = vec![Cell::Number(String::new()); heads.len() - cells.len() - 1];
        all.push((drill.label().to_owned(), [cells, rest].concat()));
    }
    table(html, format!("drills {which}: promised, seen and lost").replace(" :", ":").as_str(), &heads, &all);
    if !rows.is_empty() {
        let words = "Lost: by clients that keep their connections, and by those that open one for each request. p99: before / \
                     during / after the disturbance.";
        html.class("p", "muted").text(words);
    }
}

/// What came of it.
fn seen(row: &Row) -> Vec<String> {
    let happened = row.happened.as_ref().unwrap_or_else(|missing| missing);
    let mut lines = row.reasons.clone();
    if !lines.contains(happened) {
        lines.push(happened.clone());
    }
    lines
}

fn triple(row: &Row, of: impl Fn(&Percentiles) -> Option<Duration>) -> Cell {
    let shown: Vec<String> = row.times.iter().map(|times| words::millis(of(times))).collect();
    let same = shown.iter().skip(1).all(|time| time == "-");
    Cell::Number(if same { shown.first().cloned().unwrap_or_default() } else { shown.join(" / ") })
}

/// Response times, before, during and after each disturbance.
fn times(html: &mut Html, report: &TrialReport<'_>) {
    let of = |row: &Row| {
        let cells = vec![triple(row, |of| of.p50), triple(row, |of| of.p99), triple(row, |of| of.max)];
        (row.drill.label().to_owned(), cells)
    };
    let rows: Vec<_> = report.assessment.drills.iter().map(of).collect();
    table(html, "response times in ms: before / during / after", &["drill", "p50 ms", "p99 ms", "max ms"], &rows);
}

/// What the chart shows.
pub(super) fn numbers(html: &mut Html, report: &TrialReport<'_>, picture: &Picture) {
    folded(html, "Response times by drill", |html| times(html, report));
    folded(html, "Requests by time", |html| bins(html, &picture.bins));
    if !picture.lanes.is_empty() {
        folded(html, "Replicas", |html| replicas(html, &picture.lanes));
    }
    events(html, report);
}

/// Requests by time.
pub(in crate::report::html) fn bins(html: &mut Html, bins: &Bins) {
    let shown = |of: Option<Duration>| of.map_or_else(|| "-".to_owned(), time);
    let rows: Vec<_> = bins
        .each()
        .filter(|(_, _, bin)| bin.due + bin.answered + bin.failed > 0)
        .map(|(from, _, bin)| {
            let cells = vec![
                Cell::Number(thousands(bin.due)),
                Cell::Number(thousands(bin.answered)),
                Cell::harm(thousands(bin.failed)),
                Cell::Number(shown(bin.p50)),
                Cell::Number(shown(bin.p99)),
                Cell::Number(shown(bin.max)),
            ];
            (clock(from), cells)
        })
        .collect();
    let name = format!("requests in each {}", clock(bins.width()));
    table(html, &name, &["from", "due", "answered", "failed", "p50", "p99", "max"], &rows);
}

fn replicas(html: &mut Html, lanes: &[Lane]) {
    let rows: Vec<_> = lanes
        .iter()
        .take(MOST_LANES)
        .map(|lane| {
            let at = |at: Option<crate::time::Moment>| at.map_or_else(|| "-".to_owned(), |at| clock(to_millis(at)));
            let failed: u64 = lane.failures.iter().map(|failures| failures.count).sum();
            let cells = vec![
                Cell::Number(lane.revision.map_or_else(|| "-".to_owned(), |revision| revision.to_string())),
                Cell::Number(at(lane.parts.first().map(|part| part.from))),
                Cell::Number(at(lane.parts.last().map(|part| part.to))),
                Cell::Number(format!("{} s", number((spent(lane, State::Ready).as_secs_f64() * 10.0).round() / 10.0))),
                Cell::harm(thousands(failed)),
                Cell::text(lane.marks.last().map(|mark| mark.words.clone()).unwrap_or_default()),
            ];
            (lane.replica.to_string(), cells)
        })
        .collect();
    let heads = ["replica", "revision", "from", "to", "ready for", "failed", "last event"];
    table(html, "replicas", &heads, &rows);
    more(html, lanes.len(), MOST_LANES, "replica");
}

fn events(html: &mut Html, report: &TrialReport<'_>) {
    let all: Vec<_> = report
        .events
        .iter()
        .filter_map(|(at, event)| event_words(event).map(|(_, words)| (clock(to_millis(*at)), vec![Cell::text(words)])))
        .collect();
    if all.is_empty() {
        return;
    }
    folded(html, "Events", |html| {
        table(html, "events", &["at", "what"], all.get(..MOST_EVENTS).unwrap_or(&all));
        more(html, all.len(), MOST_EVENTS, "event");
    });
}

fn more(html: &mut Html, all: usize, shown: usize, what: &str) {
    let more = all.saturating_sub(shown);
    if more > 0 {
        html.class("p", "muted").text(&format!("and {} in the history", counted(more as u64, &format!("more {what}"))));
    }
}

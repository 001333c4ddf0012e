//! The table of drills: what was promised, and under it what came of it.
//!
//! Columns that are zero in every row are left out, so that what is left has room on one line.

use std::time::Duration;

use crate::{
    assessment::{Counted, Percentiles, Row},
    drill::Drill,
    report::{
        text::layout::{Page, WIDTH},
        trial::{TrialReport, words::millis},
    },
    text::{thousands, time},
    verdict::Verdict,
};

/// Before a drill's name.
const VERDICT: usize = 9;

/// Before its promise.
const NAME: usize = 13;

/// Of a triple of times.
const TRIPLE: usize = 16;

/// Numbers of one kind, a cell for each drill.
#[derive(Debug)]
pub(in crate::report) struct Column {
    pub(in crate::report) name: &'static str,
    pub(in crate::report) cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(String::len).chain([self.name.len()]).max().unwrap_or(0) + 1
    }
}

/// A row for each drill, and for each that there should have been.
pub(super) fn drills(page: &mut Page, report: &TrialReport<'_>) {
    let (rows, missing) = (&report.assessment.drills, &report.assessment.missing);
    let columns = columns(rows);
    let width = columns.iter().map(Column::width).sum::<usize>();
    // Times beyond a quarter of an hour are wider than their place.
    let triples = rows.iter().map(|row| times(row).len()).max().unwrap_or(0).max(3 * TRIPLE);
    let one_line = width + triples <= WIDTH;
    if !rows.is_empty() {
        head(page, &columns, width, one_line);
    }
    for (n, row) in rows.iter().enumerate() {
        title(page, word(row.verdict), row.drill);
        let cells = columns.iter().map(|column| cell(column, column.cells.get(n).map_or("", |cell| cell)));
        both(page, &cells.collect::<String>(), &times(row), one_line);
    }
    for drill in missing {
        title(page, "not run", *drill);
    }
}

/// Counts and times: beside each other where they fit.
fn both(page: &mut Page, counts: &str, times: &str, one_line: bool) {
    if one_line {
        page.line(&format!("{counts}{times}"));
    } else {
        page.line(counts);
        page.line(times);
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive | Verdict::Unjudged => "inconcl.",
    }
}

fn title(page: &mut Page, word: &str, drill: Drill) {
    // The longest names leave no room, and there is always a space.
    let name = drill.label();
    page.hanging(&format!("{word:VERDICT$}{name:before$} ", before = NAME - 1), VERDICT + NAME, drill.promise());
}

fn head(page: &mut Page, columns: &[Column], width: usize, one_line: bool) {
    // Over the first two columns, which are always there.
    let over = format!("{:width$}", "  lost over");
    let triples = ["p50", "p99", "max"].map(|name| format!("{name:^TRIPLE$}")).concat();
    let what = "times in ms, before, during and after";
    let names: String = columns.iter().map(|column| cell(column, column.name)).collect();
    if one_line {
        page.line(&format!("{over}  {what}"));
        page.line(&format!("{names}{triples}"));
    } else {
        page.line(&over);
        page.line(&names);
        page.line(&format!("  {what}"));
        page.line(&triples);
    }
}

fn cell(column: &Column, text: &str) -> String {
    format!("{text:>0$}", column.width())
}

/// What is counted in any of the drills, and how soon all were back.
pub(in crate::report) fn columns(rows: &[Row]) -> Vec<Column> {
    let count = |name, always: bool, of: &dyn Fn(&Row) -> u64| {
        let counts: Vec<u64> = rows.iter().map(of).collect();
        let any = always || counts.iter().any(|count| *count > 0);
        any.then(|| Column { name, cells: counts.into_iter().map(thousands).collect() })
    };
    let sum = |of: fn(&Counted) -> u64| move |row: &Row| of(&row.keep_alive) + of(&row.fresh);
    let recoveries = rows.iter().map(|row| row.recovery.map_or_else(|| "-".to_owned(), time)).collect();
    let recovered = rows.iter().any(|row| row.recovery.is_some());
    let found = [
        count("kept", true, &|row| row.keep_alive.lost),
        count("fresh", true, &|row| row.fresh.lost),
        count("allow", false, &sum(|counted| counted.allowed)),
        count("retry", false, &sum(|counted| counted.retried)),
        count("shed", false, &sum(|counted| counted.shed)),
        count("unknown", false, &sum(|counted| counted.unknown)),
        recovered.then_some(Column { name: "back", cells: recoveries }),
    ];
    found.into_iter().flatten().collect()
}

/// Before, during and after: the median, the 99th percentile, the longest.
fn times(row: &Row) -> String {
    let triple = |of: fn(&Percentiles) -> Option<Duration>| {
        let [before, during, after] = row.times.each_ref().map(|times| millis(of(times)));
        format!("  {before:>4} {during:>4} {after:>4}")
    };
    [triple(|times| times.p50), triple(|times| times.p99), triple(|times| times.max)].concat()
}

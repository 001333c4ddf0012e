//! A history as a file: NDJSON, a record a line, in the order in which they are recorded. Described in `docs/history.md`.
//!
//! Lines are only ever appended, so that whatever was recorded is there, however the tool ends: a file without a footer
//! is a history that was cut off.

use std::fmt;

use serde::Serialize;

use super::{Footer, Header, History, Records, interval};
use crate::{audit::Audit, event::Event, interval::Interval, time::Moment};

pub use super::reader::Reader;

/// The form of these lines. Keys may be added to it; where one is changed or removed, or another kind of record or
/// event comes, the number goes up.
pub const SCHEMA: &str = "seaworthy.history/2";

/// A line of the file.
#[derive(Debug, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    Header {
        schema: &'static str,
        #[serde(flatten)]
        header: &'a Header,
    },
    Event {
        at: Moment,
        #[serde(flatten)]
        event: &'a Event,
    },
    Interval(Box<interval::Line>),
    Flood(Box<interval::Line>),
    Audit(&'a Audit),
    Footer {
        #[serde(flatten)]
        footer: &'a Footer,
        records: &'a Records,
    },
}

impl Line<'_> {
    fn text(&self) -> String {
        // Neither a key that is not text nor a type that refuses is in it.
        serde_json::to_string(self).expect("a line of plain values")
    }
}

/// The first line, without its end.
pub fn header(header: &Header) -> String {
    Line::Header { schema: SCHEMA, header }.text()
}

/// The line of an event, without its end.
pub fn event(at: Moment, event: &Event) -> String {
    Line::Event { at, event }.text()
}

/// The line of an interval, without its end.
pub fn interval(interval: &Interval) -> String {
    Line::Interval(Box::new(interval.into())).text()
}

/// The line of an interval of requests that a drill added, without its end.
pub fn flood(interval: &Interval) -> String {
    Line::Flood(Box::new(interval.into())).text()
}

/// The line of what became of the writes, without its end.
pub fn audit(audit: &Audit) -> String {
    Line::Audit(audit).text()
}

/// The last line, without its end, after so many records.
pub fn footer(footer: &Footer, records: &Records) -> String {
    Line::Footer { footer, records }.text()
}

/// A whole history, a line for each record: events and intervals by when they were recorded.
pub fn all(history: &History) -> String {
    let mut text = header(&history.header) + "\n";
    let mut events = history.events.iter().peekable();
    for seen in &history.intervals {
        let end = crate::time::nanos(crate::interval::INTERVAL).saturating_mul(seen.index.saturating_add(1));
        while let Some((at, what)) = events.next_if(|(at, _)| at.nanos() < end) {
            text += &(event(*at, what) + "\n");
        }
        text += &(interval(seen) + "\n");
    }
    for (at, what) in events {
        text += &(event(*at, what) + "\n");
    }
    for seen in &history.floods {
        text += &(flood(seen) + "\n");
    }
    if let Some(writes) = &history.audit {
        text += &(audit(writes) + "\n");
    }
    if let Some(ended) = &history.footer {
        text += &(footer(ended, &Records::of(history)) + "\n");
    }
    text
}

/// Why a file is no history that this tool can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it, and what would do, in one line.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a history from its lines. A last line that is cut off is as if it was not there: the tool was ended in the
/// middle of writing it.
pub fn read(lines: impl IntoIterator<Item: AsRef<str>>) -> Result<History, Unreadable> {
    let mut reader = Reader::default();
    for line in lines {
        reader.line(line.as_ref())?;
    }
    reader.finish()
}

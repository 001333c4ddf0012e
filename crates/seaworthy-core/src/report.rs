//! A run as others read it: people, dashboards, pipelines.

pub mod csv;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub(crate) mod summary;
pub mod text;
pub mod trial;

use std::time::Duration;

use crate::{
    generator::Generator,
    recording::Recording,
    verdict::{Judgement, Writes},
};

/// Everything that is reported of a run.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was run.
    pub run: &'a Description,
    /// What was seen.
    pub recording: &'a Recording,
    /// The generator's own health.
    pub generator: &'a Generator,
    /// Writes, where a ledger was kept.
    pub writes: Option<&'a Writes>,
    /// The verdict.
    pub judgement: &'a Judgement,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The version of this tool.
    pub tool_version: String,
    /// The command line, without its secrets.
    pub command: String,
    /// The target's address.
    pub target: String,
    /// What was sent.
    pub scenario: String,
    /// What was asked: `1,000/s for 15s, evenly spaced`, or `as fast as 32 connections go`.
    pub profile: String,
    /// Whether requests were sent as fast as answers came, and not when they were due.
    pub closed_loop: bool,
    /// Decides everything that was left to chance.
    pub seed: u64,
    /// `HTTP/1.1`, `HTTP/2, TLS`.
    pub protocol: String,
    /// How many connections, and how they were used.
    pub connections: String,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long looking up, connecting and shaking hands may take.
    pub connect_timeout: Duration,
    /// What counted as a good answer.
    pub expected: String,
    /// When it began: RFC 3339, UTC.
    pub began: String,
    /// The same, since the Unix epoch.
    pub unix_began: Duration,
    /// From the start to the last arrival due, or the stop. Rates are over it.
    pub duration: Duration,
    /// From the start to the end of the last request.
    pub elapsed: Duration,
    /// Whether it was cut short by whoever started it.
    pub interrupted: bool,
    /// Where it was measured from.
    pub machine: String,
}

/// A form that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// Everything, for programs.
    Json,
    /// The timeline, for spreadsheets.
    Csv,
    /// For pipelines: JUnit's XML.
    Junit,
    /// For GitHub's step summaries.
    Markdown,
    /// Distributions over time, for HdrHistogram's tools.
    Hlog,
    /// One page with all of it, and a chart.
    Html,
}

impl Format {
    /// The report in this form.
    pub fn render(self, report: &Report<'_>) -> String {
        match self {
            Self::Text => text::render(report),
            Self::Json => json::render(report),
            Self::Csv => csv::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
            Self::Hlog => hlog::render(report),
            Self::Html => html::load(report),
        }
    }
}

/// The form that a file's name asks for.
pub fn by_ending(file_name: &str) -> Result<Format, String> {
    const ENDINGS: &str = ".html, .json, .csv, .xml (JUnit), .md, .hlog or .txt";
    let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match &*ending {
        "txt" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv),
        "xml" => Ok(Format::Junit),
        "md" => Ok(Format::Markdown),
        "hlog" => Ok(Format::Hlog),
        "html" | "htm" => Ok(Format::Html),
        _ => Err(format!("has no known ending; give {ENDINGS}")),
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

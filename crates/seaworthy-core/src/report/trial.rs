//! A trial as others read it: people, pipelines, programs, reviewers.

pub mod causes;
mod json;
mod junit;
mod markdown;
pub(in crate::report) mod proof;
mod text;
pub(in crate::report) mod words;
pub(in crate::report) mod writes;

use std::time::Duration;

pub(in crate::report) use self::{
    json::{events::words as event_words, target},
    text::table::columns,
};
use super::html;
use crate::{
    assessment::Assessment,
    event::Event,
    history::{Footer, Header, History},
    time::Moment,
};

/// Everything that is reported of a trial.
#[derive(Clone, Copy, Debug)]
pub struct TrialReport<'a> {
    /// All that was recorded.
    pub history: &'a History,
    /// What was to be done.
    pub header: &'a Header,
    /// What happened, in the order of time.
    pub events: &'a [(Moment, Event)],
    /// How it ended; nothing where it was cut off.
    pub footer: Option<&'a Footer>,
    /// What it came to.
    pub assessment: &'a Assessment,
}

impl<'a> TrialReport<'a> {
    /// Of a history, and what it came to.
    pub fn new(history: &'a History, assessment: &'a Assessment) -> Self {
        let History { header, events, intervals: _, floods: _, audit: _, footer } = history;
        Self { history, header, events, footer: footer.as_ref(), assessment }
    }

    /// From the start to the last thing that is known of.
    pub(in crate::report) fn took(&self) -> Duration {
        let last = self.events.iter().map(|(at, _)| at.since_start()).max();
        last.into_iter().chain(self.footer.map(|footer| footer.duration)).max().unwrap_or_default()
    }

    /// Why not all of it is there, where it is not.
    pub(in crate::report) const fn partial(&self) -> Option<&'static str> {
        match (self.assessment.interrupted, self.footer) {
            (true, _) => Some("interrupted: partial"),
            (false, None) => Some("cut off: partial"),
            (false, Some(_)) => None,
        }
    }
}

/// A form that a trial's report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialFormat {
    /// For people at a terminal: the verdict on one screen.
    Text,
    /// Everything, for programs.
    Json,
    /// For pipelines: JUnit's XML.
    Junit,
    /// For a pull request.
    Markdown,
    /// For an incident channel: one page with all of it, and a chart.
    Html,
}

impl TrialFormat {
    /// The report in this form. The same input gives the same bytes.
    pub fn render(self, report: &TrialReport<'_>) -> String {
        match self {
            Self::Text => text::render(report),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
            Self::Html => html::trial(report),
        }
    }

    /// The form that a file's name asks for.
    pub fn by_ending(file_name: &str) -> Result<Self, String> {
        const ENDINGS: &str = ".html, .json, .xml (JUnit), .md or .txt";
        let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match &*ending {
            "txt" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Junit),
            "md" => Ok(Self::Markdown),
            "html" | "htm" => Ok(Self::Html),
            _ => Err(format!("has no known ending; give {ENDINGS}")),
        }
    }
}

#[cfg(test)]
pub(in crate::report) mod sample;
#[cfg(test)]
mod tests;

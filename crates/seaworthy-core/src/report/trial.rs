//! A trial as others read it: people, pipelines, programs, reviewers.

pub mod causes;
mod json;
mod junit;
mod markdown;
mod proof;
mod text;
mod words;
mod writes;

use std::time::Duration;

use crate::{
    assessment::Assessment,
    event::Event,
    history::{Footer, Header, History},
    time::Moment,
};

/// Everything that is reported of a trial.
#[derive(Clone, Copy, Debug)]
pub struct TrialReport<'a> {
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
        Self { header, events, footer: footer.as_ref(), assessment }
    }

    /// From the start to the last thing that is known of.
    fn took(&self) -> Duration {
        let last = self.events.iter().map(|(at, _)| at.since_start()).max();
        last.into_iter().chain(self.footer.map(|footer| footer.duration)).max().unwrap_or_default()
    }

    /// Why not all of it is there, where it is not.
    const fn partial(&self) -> Option<&'static str> {
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
}

impl TrialFormat {
    /// The report in this form. The same input gives the same bytes.
    pub fn render(self, report: &TrialReport<'_>) -> String {
        match self {
            Self::Text => text::render(report),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
        }
    }

    /// The form that a file's name asks for.
    pub fn by_ending(file_name: &str) -> Result<Self, String> {
        const ENDINGS: &str = ".json, .xml (JUnit), .md or .txt";
        let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match &*ending {
            "txt" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "xml" => Ok(Self::Junit),
            "md" => Ok(Self::Markdown),
            "html" | "htm" => Err(format!("ends in .{ending}, but HTML comes in a later version; give {ENDINGS}")),
            _ => Err(format!("has no known ending; give {ENDINGS}")),
        }
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

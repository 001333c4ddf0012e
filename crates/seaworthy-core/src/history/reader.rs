//! Reading a history, a line at a time.

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Footer, Header, History,
    checks::{self, MOST_DRILLS, Order, Records},
    interval,
    lines::{SCHEMA, Unreadable},
};
use crate::{audit::Audit, event::Event, interval::Interval, report::summary::one_line, time::Moment};

/// Characters of what is wrong that are told.
const MOST_WORDS: usize = 200;

/// What there is to say where nobody can have written a line on purpose.
const CHANGED: &str = "the file was damaged or changed: read the copy that the trial wrote";

/// More than this was never counted in a trial.
const MOST_LEFT: u64 = 1 << 48;

/// What a line is, by the keys that all records have.
#[derive(Debug, Deserialize)]
struct Kind {
    record: String,
    schema: Option<String>,
    at: Option<Moment>,
}

/// What the last line says of those before it.
#[derive(Debug, Deserialize)]
struct Ending {
    records: Records,
    #[serde(flatten)]
    footer: Footer,
}

/// Reads a history, a line at a time.
#[derive(Debug, Default)]
pub struct Reader {
    read: u64,
    drills: usize,
    header: Option<Header>,
    events: Vec<(Moment, Event)>,
    intervals: Vec<Interval>,
    order: Order,
    floods: Vec<Interval>,
    audit: Option<Audit>,
    footer: Option<Footer>,
    /// A line that was cut off. It is what is wrong, unless it is the last one.
    cut: Option<Unreadable>,
}

impl Reader {
    /// Takes the next line in, with or without its end. After an error the file is not worth reading on.
    pub fn line(&mut self, line: &str) -> Result<(), Unreadable> {
        self.read = self.read.saturating_add(1);
        if line.trim().is_empty() {
            return Ok(());
        }
        if let Some(cut) = self.cut.take() {
            return Err(cut);
        }
        match serde_json::from_str::<Kind>(line) {
            Ok(kind) => self.record(&kind, line),
            Err(error) if is_cut_off(&error, line) => {
                self.cut = Some(self.wrong(&error, CHANGED));
                Ok(())
            }
            Err(error) if self.header.is_none() => Err(self.wrong(&error, &not_one())),
            Err(error) => Err(self.wrong(&error, CHANGED)),
        }
    }

    /// The history, once there are no more lines.
    pub fn finish(self) -> Result<History, Unreadable> {
        let Some(header) = self.header else {
            let why =
                if self.cut.is_some() { "the header is cut off: nothing was recorded" } else { "nothing is in it" };
            return Err(Unreadable { line: 1, why: format!("{why}; {}", not_one()) });
        };
        let Self { events, intervals, floods, audit, footer, .. } = self;
        Ok(History { header, events, intervals, floods, audit, footer })
    }

    fn record(&mut self, kind: &Kind, line: &str) -> Result<(), Unreadable> {
        match (&*kind.record, &self.header, &self.footer) {
            ("header", None, _) => {
                self.known(kind.schema.as_deref())?;
                let header: Header = self.of(line)?;
                checks::header(&header).map_err(|why| self.damaged(&why))?;
                self.header = Some(header);
            }
            ("header", Some(_), _) => return Err(self.unfit("a second header; a file holds one history")),
            (_, None, _) => return Err(self.unfit(&format!("it comes before any header; {}", not_one()))),
            (_, _, Some(_)) => return Err(self.unfit("it comes after the footer, which is the last line; remove it")),
            ("event", ..) => {
                let event = self.event(kind.at, line)?;
                self.events.push(event);
            }
            ("interval", ..) => {
                let interval = self.interval(line)?;
                self.order.next(&self.intervals, &interval).map_err(|why| self.damaged(why))?;
                self.intervals.push(interval);
            }
            ("flood", ..) => {
                let interval = self.interval(line)?;
                self.floods.push(interval);
            }
            ("audit", ..) => self.audit = Some(self.audit(line)?),
            ("footer", Some(header), _) => self.footer = Some(self.footer(header, line)?),
            (other, ..) => {
                return Err(self.unfit(&format!("`{other}` is no record of {SCHEMA}; {CHANGED}")));
            }
        }
        Ok(())
    }

    fn event(&mut self, at: Option<Moment>, line: &str) -> Result<(Moment, Event), Unreadable> {
        let at = at.ok_or_else(|| self.damaged("an event without `at`"))?;
        if self.events.last().is_some_and(|(before, _)| at < *before) {
            return Err(self.damaged("it happened before the event before it"));
        }
        let event = self.of(line)?;
        self.drills += usize::from(matches!(event, Event::DrillBegun { .. }));
        if self.drills > MOST_DRILLS {
            return Err(self.damaged(&format!("it is the {}th drill, which are too many", self.drills)));
        }
        Ok((at, event))
    }

    fn interval(&self, line: &str) -> Result<Interval, Unreadable> {
        let line: interval::Line = self.of(line)?;
        let interval = line.interval().map_err(|why| self.damaged(why))?;
        checks::interval(&interval).map_err(|why| self.damaged(why))?;
        Ok(interval)
    }

    fn footer(&self, header: &Header, line: &str) -> Result<Footer, Unreadable> {
        let Ending { records, footer } = self.of(line)?;
        if footer.not_sent.max(footer.unfinished) > MOST_LEFT {
            return Err(self.damaged("it counts more than there can be"));
        }
        let (events, intervals, audited) = (&self.events, &self.intervals, self.audit.is_some());
        let seen = Records::counted(events.len(), intervals.len(), self.floods.len(), audited);
        if let Some(why) = records.differ(&seen) {
            return Err(self.damaged(&why));
        }
        checks::end(header, &footer, events, intervals, audited).map_err(|why| self.damaged(why))?;
        Ok(footer)
    }

    fn audit(&self, line: &str) -> Result<Audit, Unreadable> {
        if self.audit.is_some() {
            return Err(self.unfit("a second audit of the writes; a trial has one"));
        }
        let audit: Audit = self.of(line)?;
        let Audit { acknowledged, unknown, recovered, not_executed, refused, .. } = audit;
        let Audit { kept, lost, stale, unverified, duplicated, .. } = audit;
        let executed = [acknowledged, unknown, recovered, not_executed, refused];
        let counts = executed.into_iter().chain([kept, lost, stale, unverified, duplicated]);
        if counts.max() > Some(MOST_LEFT) {
            return Err(self.damaged("it counts more than there can be"));
        }
        checks::audit(&audit).map_err(|why| self.damaged(why))?;
        Ok(audit)
    }

    fn known(&self, schema: Option<&str>) -> Result<(), Unreadable> {
        match schema {
            Some(SCHEMA) => Ok(()),
            Some(other) if other.starts_with("seaworthy.history/") => Err(self.unfit(&format!(
                "it is of version {other}, and this seaworthy reads {SCHEMA}; use the version that wrote it"
            ))),
            Some(other) => Err(self.unfit(&format!("it is of {other}; {}", not_one()))),
            None => Err(self.unfit(&format!("the header has no `schema`; {}", not_one()))),
        }
    }

    fn of<T: DeserializeOwned>(&self, line: &str) -> Result<T, Unreadable> {
        serde_json::from_str(line).map_err(|error| self.wrong(&error, CHANGED))
    }

    fn wrong(&self, error: &serde_json::Error, instead: &str) -> Unreadable {
        // Each line is a document of its own to the parser, so that only its column means something.
        let said = one_line(&error.to_string().replace(" at line 1 column ", ", at character "), MOST_WORDS);
        self.unfit(&format!("{said}; {instead}"))
    }

    /// What nobody can have written on purpose.
    fn damaged(&self, why: &str) -> Unreadable {
        self.unfit(&format!("{why}; {CHANGED}"))
    }

    fn unfit(&self, why: &str) -> Unreadable {
        Unreadable { line: self.read, why: one_line(why, 2 * MOST_WORDS) }
    }
}

/// Whether all that is wrong with a line is that its end is missing. A number's sign alone is no end that was missed to the
/// parser, but an error in what it has.
fn is_cut_off(error: &serde_json::Error, line: &str) -> bool {
    error.is_eof() || error.is_syntax() && error.column() >= line.trim_end().len() && line.ends_with('-')
}

fn not_one() -> String {
    format!("a history begins with {{\"record\":\"header\",\"schema\":\"{SCHEMA}\": give one that a trial wrote")
}

//! Where in a manifest something is, and what is wrong there.

use thiserror::Error;

/// Characters of a message; what a manifest has in it may be longer than anybody reads.
const LONGEST: usize = 300;

/// Why a manifest cannot be read: where, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {problem}")]
pub struct Invalid {
    place: String,
    problem: String,
}

impl Invalid {
    pub(super) fn new(place: &str, problem: &str) -> Self {
        Self { place: line(place), problem: line(problem) }
    }
}

/// A place in a manifest: `document 2 (line 14), spec.replicas`.
#[derive(Clone, Debug)]
pub(super) struct Field {
    document: String,
    path: String,
}

impl Field {
    /// A document; the words for it are empty where it is the only one.
    pub(super) const fn document(words: String) -> Self {
        Self { document: words, path: String::new() }
    }

    /// A field of what is here; of nothing, or of a whole path.
    pub(super) fn of(&self, path: &str) -> Self {
        let dot = if self.path.is_empty() || path.is_empty() { "" } else { "." };
        Self { document: self.document.clone(), path: format!("{}{dot}{path}", self.path) }
    }

    /// An item of a list here.
    pub(super) fn nth(&self, list: &str, index: usize) -> Self {
        self.of(&format!("{list}[{index}]"))
    }

    /// What is wrong here.
    pub(super) fn invalid(&self, problem: impl AsRef<str>) -> Invalid {
        let place = match (self.document.is_empty(), self.path.is_empty()) {
            (true, true) => "manifest".into(),
            (true, false) => self.path.clone(),
            (false, true) => self.document.clone(),
            (false, false) => format!("{}, {}", self.document, self.path),
        };
        Invalid::new(&place, problem.as_ref())
    }
}

/// Lines that somebody reads; a manifest of ten thousand variables does not get as many.
const MOST_LINES: usize = 100;

/// What is read but not followed, in the order in which it was met.
#[derive(Debug, Default)]
pub(super) struct Notes {
    lines: Vec<String>,
    more: usize,
}

impl Notes {
    /// Adds a line, once.
    pub(super) fn add(&mut self, text: impl AsRef<str>) {
        let text = line(text.as_ref());
        if self.lines.contains(&text) {
            return;
        }
        if self.lines.len() < MOST_LINES {
            self.lines.push(text);
        } else {
            self.more += 1;
        }
    }

    /// The lines.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more lines like these", self.more));
        }
        self.lines
    }
}

/// One line, of characters that a terminal shows and does not obey.
fn line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if harmless(c) { c } else { ' ' }).take(LONGEST + 1).collect();
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST - 3).chain("...".chars()).collect();
    }
    line
}

/// Whether it neither moves a terminal's cursor nor turns the text around.
fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Somebody's text within a sentence: short.
pub(super) fn shown(text: &str) -> String {
    const LONG: usize = 60;
    if text.chars().count() <= LONG {
        return text.into();
    }
    text.chars().take(LONG - 3).chain("...".chars()).collect()
}

/// Names within a sentence: the first ones, where there are many.
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 10;
    let mut text = names.iter().take(MOST).map(|name| shown(name.as_ref())).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.extend([" and ", &more.to_string(), " more"]);
    }
    text
}

//! Laying text out: labelled fields that wrap, within 78 columns.

use crate::report::summary::one_line;

/// The most characters in a line.
pub(in crate::report) const WIDTH: usize = 78;

/// Characters before the text of a field.
const INDENT: usize = 14;

/// More than this of one field is cut off.
const MOST: usize = 1_000;

/// Lines of text.
#[derive(Debug, Default)]
pub(in crate::report) struct Page(String);

impl Page {
    /// An empty line, unless there is one.
    pub(in crate::report) fn gap(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    /// A line as it is, which has to fit.
    pub(in crate::report) fn line(&mut self, line: &str) {
        let line = line.trim_end();
        self.0 += line;
        self.0.push('\n');
    }

    /// The first line, for people and for whoever looks for its first word.
    pub(in crate::report) fn head(&mut self, word: &str, text: &str) {
        let line = format!("{word}  {text}");
        if line.chars().count() <= WIDTH { self.line(&line) } else { self.field(word, text) }
    }

    /// A label, and text beside it that goes on below.
    pub(in crate::report) fn field(&mut self, label: &str, text: &str) {
        // A label that leaves no space of its own pushes the first word on.
        let lead = if label.chars().count() < INDENT { format!("{label:INDENT$}") } else { format!("{label}  ") };
        self.hanging(&lead, INDENT, text);
    }

    /// Text after a lead, that goes on below with so many spaces before it.
    pub(in crate::report) fn hanging(&mut self, lead: &str, indent: usize, text: &str) {
        let mut line = lead.to_owned();
        let mut used = line.chars().count();
        let mut begun = false;
        for word in one_line(text, MOST).split(' ') {
            let mut rest: Vec<char> = word.chars().collect();
            if begun && used + 1 + rest.len() > WIDTH {
                self.line(&line);
                line = " ".repeat(indent);
                used = indent;
            } else if begun {
                line.push(' ');
                used += 1;
            }
            begun = true;
            // An address without spaces may be longer than a line.
            while used + rest.len() > WIDTH {
                let after = rest.split_off(WIDTH - used);
                line.extend(rest);
                self.line(&line);
                line = " ".repeat(indent);
                used = indent;
                rest = after;
            }
            used += rest.len();
            line.extend(rest);
        }
        self.line(&line);
    }

    /// Everything.
    pub(in crate::report) fn text(self) -> String {
        self.0
    }
}

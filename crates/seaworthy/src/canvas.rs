//! Lines of text in parts of different styles, cut to the width of a terminal.

use std::fmt::Write as _;

/// How something is shown where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Bar,
}

impl Style {
    /// The terminal's code for it (ECMA-48, SGR).
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Bar => Some("36"),
        }
    }
}

/// A line in parts of different styles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    pub(crate) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// Cut to the terminal's width.
    pub(crate) fn render(&self, width: usize, colour: bool) -> String {
        let mut left = width;
        let mut out = String::new();
        for (style, text) in &self.0 {
            let shown: String = text.chars().take(left).map(visible).collect();
            left -= shown.chars().count();
            match style.code().filter(|_| colour && !shown.is_empty()) {
                Some(code) => {
                    let _infallible = write!(out, "\x1b[{code}m{shown}\x1b[0m");
                }
                None => out.push_str(&shown),
            }
        }
        out
    }
}

/// Only what a terminal shows in one cell: letters of other scripts may take two, and control characters do things.
fn visible(c: char) -> char {
    if c == ' ' || c.is_ascii_graphic() || ('▁'..='█').contains(&c) || c == '░' { c } else { '?' }
}

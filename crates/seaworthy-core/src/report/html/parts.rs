//! What the pages are made of: the verdict with its sign, tables, lists of facts.

use super::build::Html;
use crate::verdict::Verdict;

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// A number, or a time.
    Number(String),
    /// A number that somebody has to look at.
    Hot(String),
    /// Texts, one under the other.
    Texts(Vec<String>),
    /// A verdict, with its sign.
    Came(Verdict, String),
}

impl Cell {
    /// One text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Texts(vec![text.into()])
    }

    /// A count that should be nothing.
    pub(super) fn harm(shown: String) -> Self {
        if matches!(&*shown, "0" | "-" | "") { Self::Number(shown) } else { Self::Hot(shown) }
    }

    const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Hot(_))
    }
}

/// A table in a box of its own: its name, the heads of its columns, and rows, each with its own head.
pub(super) fn table(html: &mut Html, name: &str, heads: &[&str], rows: &[(String, Vec<Cell>)]) {
    let is_number = |column: usize| {
        column > 0 && rows.iter().find_map(|(_, cells)| cells.get(column - 1)).is_some_and(Cell::is_number)
    };
    html.class("div", "scroll").with("role", "region").with("tabindex", "0").with("aria-label", name).holds(|html| {
        html.tag("table").holds(|html| {
            html.tag("thead").holds(|html| {
                html.tag("tr").holds(|html| {
                    for (column, head) in heads.iter().enumerate() {
                        let class = if is_number(column) { "n" } else { "t" };
                        html.class("th", class).with("scope", "col").text(head);
                    }
                });
            });
            html.tag("tbody").holds(|html| {
                for (head, cells) in rows {
                    html.tag("tr").holds(|html| {
                        html.tag("th").with("scope", "row").text(head);
                        for cell in cells {
                            self::cell(html, cell);
                        }
                    });
                }
            });
        });
    });
}

fn cell(html: &mut Html, cell: &Cell) {
    match cell {
        Cell::Number(shown) => html.class("td", "n").text(shown),
        Cell::Hot(shown) => html.class("td", "n hot").text(shown),
        Cell::Texts(texts) => {
            let long = texts.iter().any(|text| text.chars().count() > 24);
            html.class("td", if long { "wide" } else { "t" }).holds(|html| match &**texts {
                [one] => html.text(one),
                texts => texts.iter().for_each(|text| html.tag("p").text(text)),
            });
        }
        Cell::Came(verdict, words) => html.tag("td").holds(|html| came(html, *verdict, words)),
    }
}

/// A verdict in a word, with its sign.
pub(super) fn came(html: &mut Html, verdict: Verdict, words: &str) {
    let class = match verdict {
        Verdict::Pass => "came v-pass",
        Verdict::Fail => "came v-fail",
        Verdict::Inconclusive => "came v-open",
        Verdict::Unjudged => "came v-none",
    };
    html.class("span", class).holds(|html| {
        sign(html, verdict, "14");
        html.text(words);
    });
}

/// Each verdict has a shape of its own.
pub(super) fn sign(html: &mut Html, verdict: Verdict, size: &str) {
    let shape = match verdict {
        Verdict::Pass => "M12 2A10 10 0 1 1 12 22A10 10 0 1 1 12 2ZM7 12.5L10.5 16L17 8.5",
        Verdict::Fail => "M8 2H16L22 8V16L16 22H8L2 16V8ZM8 8L16 16M16 8L8 16",
        Verdict::Inconclusive => "M12 2L22.5 21H1.5ZM12 9V14M12 17V17.5",
        Verdict::Unjudged => "M3 3H21V21H3ZM8 12H16",
    };
    let drawn = html.tag("svg").with("width", size).with("height", size).with("viewBox", "0 0 24 24");
    drawn.with("aria-hidden", "true").holds(|html| html.class("path", "sign").with("d", shape).empty());
}

/// The class of a verdict's box.
pub(super) const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "verdict v-pass",
        Verdict::Fail => "verdict v-fail",
        Verdict::Inconclusive => "verdict v-open",
        Verdict::Unjudged => "verdict v-none",
    }
}

/// The verdict on all of it in a word and in a line, why, and how it was come to.
pub(super) fn verdict(html: &mut Html, verdict: Verdict, [word, headline, how]: [&str; 3], reasons: &[String]) {
    html.class("header", tone(verdict)).holds(|html| {
        sign(html, verdict, "26");
        html.tag("div").holds(|html| {
            html.tag("h1").text(word);
            html.tag("p").text(headline);
            list(html, reasons);
            html.class("p", "how").text(how);
        });
    });
}

/// Reasons that the headline does not give already.
pub(super) fn unsaid(headline: &str, reasons: &[String]) -> Vec<String> {
    reasons.iter().filter(|reason| !headline.contains(*reason)).cloned().collect()
}

/// Lines, if there are any.
pub(super) fn list(html: &mut Html, lines: &[String]) {
    if !lines.is_empty() {
        html.tag("ul").holds(|html| lines.iter().for_each(|line| html.tag("li").text(line)));
    }
}

/// A part of the page, under its name.
pub(super) fn section(html: &mut Html, name: &str, inside: impl FnOnce(&mut Html)) {
    html.tag("section").holds(|html| {
        html.tag("h2").text(name);
        inside(html);
    });
}

/// What is there to be opened.
pub(super) fn folded(html: &mut Html, name: &str, inside: impl FnOnce(&mut Html)) {
    html.tag("details").holds(|html| {
        html.tag("summary").text(name);
        inside(html);
    });
}

/// A list of facts.
pub(super) fn facts(html: &mut Html, all: &[(&'static str, Vec<String>)]) {
    html.class("dl", "facts").holds(|html| {
        for (name, texts) in all.iter().filter(|(_, texts)| !texts.is_empty()) {
            html.tag("dt").text(name);
            for text in texts {
                html.tag("dd").holds(
                    |html| {
                        if *name == "command" { html.tag("code").text(text) } else { html.text(text) }
                    },
                );
            }
        }
    });
}

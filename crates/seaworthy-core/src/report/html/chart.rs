//! The chart: one axis of time, and all rows aligned on it.
//!
//! What belongs to a moment has its place in percent of the width, so that the page may have any. Beside it stands a
//! column with the names of the rows, which stays where it is while the chart scrolls in its box.

pub(super) mod evidence;
mod heads;
mod numbers;
mod replicas;

use super::{
    build::{Html, number, percent},
    lanes::{Glyph, Mark, State},
    picture::{Axes, Picture, to_millis},
    scale::{clock, mark},
};
use crate::{text::thousands, time::Moment};

/// What names in a chart are laid out for, in pixels: no chart is narrower.
const NARROWEST: f64 = 760.0;

/// Of the column beside it.
const GUTTER: &str = "112";

/// Replicas that are drawn of those that are folded away.
const MOST_FOLDED: usize = 260;

/// Of a glyph.
const GLYPH: f64 = 9.0;

/// Between rows.
const GAP: f64 = 12.0;

/// A chart that is being drawn: names on the left, the rest on the right.
#[derive(Debug)]
struct Drawing<'a> {
    picture: &'a Picture,
    axes: &'a Axes,
    /// Before the names of what can be linked to, where a page has several charts.
    prefix: &'a str,
    names: Html,
    plot: Html,
    /// Where the next row begins.
    top: f64,
}

/// Draws a chart.
pub(super) fn draw(html: &mut Html, picture: &Picture, axes: &Axes, prefix: &str, title: &str) {
    let (names, plot) = (Html::default(), Html::default());
    let mut drawing = Drawing { picture, axes, prefix, names, plot, top: 0.0 };
    let shown = replicas::shown(picture);
    drawing.heads();
    let begin = drawing.top;
    drawing.ticks();
    drawing.marks();
    drawing.numbers();
    drawing.evidence();
    drawing.lanes(&shown.0);
    drawing.ticks();
    drawing.framed(html, begin, &format!("{title}: time, requests, times, drills and replicas"), &summary(picture));
    legend(html, picture);
    if !shown.1.is_empty() {
        let (names, plot) = (Html::default(), Html::default());
        let mut rest = Drawing { picture, axes, prefix, names, plot, top: 0.0 };
        rest.ticks();
        rest.lanes(shown.1.get(..MOST_FOLDED).unwrap_or(&shown.1));
        let count = thousands(shown.1.len() as u64);
        html.tag("details").holds(|html| {
            html.tag("summary").text(&format!("{count} more replicas, to which less happened"));
            rest.framed(html, 0.0, &format!("{title}: {count} more replicas"), "A lane for each replica.");
            if shown.1.len() > MOST_FOLDED {
                html.class("p", "muted").text(&format!("The first {MOST_FOLDED} of them are drawn."));
            }
        });
    }
}

/// What is seen, for whoever does not see it.
fn summary(picture: &Picture) -> String {
    let failed: u64 = picture.bins.all.iter().map(|bin| bin.failed).sum();
    let due: u64 = picture.bins.all.iter().map(|bin| bin.due).sum();
    let took = clock(to_millis(picture.end));
    let mut words = vec![format!("{took}: {} requests due, {} failed.", thousands(due), thousands(failed))];
    words.extend(picture.bands.iter().map(|band| {
        let [from, to] = [band.window.0, band.window.1].map(|at| clock(to_millis(at)));
        format!("{} from {from} to {to}.", band.drill)
    }));
    words.extend((!picture.lanes.is_empty()).then(|| format!("{} replicas.", picture.lanes.len())));
    words.push("The tables on this page have the same in numbers.".to_owned());
    words.join(" ")
}

impl Drawing<'_> {
    /// From a moment to another, as begin and width.
    fn span(&self, (from, to): (Moment, Moment)) -> (String, String) {
        let (from, to) = (self.axes.at(from), self.axes.at(to));
        (percent(from), percent((to - from).max(0.0)))
    }

    /// A name beside a row, so far below its top.
    fn name(&mut self, below: f64, class: &'static str, text: &str) {
        let y = number(self.top + below);
        self.names.class("text", class).with("x", "0").with("y", y).text(text);
    }

    /// The marks of the axis, in words.
    fn ticks(&mut self) {
        let places = self.axes.time.seconds(11.0);
        for at in &places {
            let place = self.axes.time.place(*at);
            let class = if place < 0.02 {
                "tick begin"
            } else if place > 0.97 {
                "tick end"
            } else {
                "tick"
            };
            let y = number(self.top + 12.0);
            self.plot.class("text", class).with("x", percent(place)).with("y", y).text(&mark(*at));
        }
        self.name(12.0, "unit", "time");
        self.top += 18.0;
    }

    /// Both columns in their box, with what lies under all rows.
    fn framed(self, html: &mut Html, begin: f64, title: &str, words: &str) {
        let height = number(self.top);
        let mut under = Html::default();
        self.bands(&mut under, begin);
        let Self { names, plot, .. } = self;
        let focusable =
            html.class("div", "chart").with("role", "region").with("tabindex", "0").with("aria-label", title);
        focusable.holds(|html| {
            let column = html.class("svg", "names").with("width", GUTTER).with("height", &height);
            column.with("role", "group").with("aria-label", "rows of the chart").holds(|html| html.append(&names));
            let drawn = html.class("svg", "plot").with("height", &height).with("role", "img").with("aria-label", title);
            drawn.holds(|html| {
                html.tag("desc").text(words);
                html.append(&under);
                html.append(&plot);
            });
        });
    }

    /// Glyphs at their moments, so far below the top, with what they stand for. What would lie on another stands beside it.
    fn glyphs(&mut self, below: f64, marks: Vec<(&Mark, String)>) {
        let (mut end, y) = (f64::NEG_INFINITY, number(self.top + below));
        for (mark, words) in marks {
            let here = self.axes.at(mark.at) * NARROWEST;
            let from = here.max(end);
            end = from + GLYPH;
            let (class, shape) = shape(mark.glyph);
            let at = self.plot.class("svg", "at").with("x", percent(self.axes.at(mark.at))).with("y", &y);
            at.holds(|html| {
                let drawn = html.class("path", class).with("d", shape);
                // A chart that is wider has more room than is needed.
                let moved = (from - here).min(4.0 * GLYPH);
                let drawn = if moved > 0.0 {
                    drawn.with("transform", format!("translate({} 0)", number(moved)))
                } else {
                    drawn
                };
                drawn.holds(|html| html.tag("title").text(&words));
            });
        }
    }
}

/// Marks that are too near to each other share a glyph.
fn apart<'a>(axes: &Axes, marks: &'a [Mark]) -> Vec<(&'a Mark, String)> {
    /// Words that one glyph has.
    const MOST_WORDS: usize = 4;
    let mut apart: Vec<(&Mark, Vec<String>)> = Vec::new();
    for mark in marks {
        let words = format!("{}: {}", clock(to_millis(mark.at)), mark.words);
        let near = |other: &Mark| other.glyph == mark.glyph && axes.at(mark.at) - axes.at(other.at) < 0.004;
        match apart.iter_mut().rev().take(4).find(|(other, _)| near(other)) {
            Some((_, all)) => all.push(words),
            None => apart.push((mark, vec![words])),
        }
    }
    let told = |mut words: Vec<String>| {
        let more = words.len().saturating_sub(MOST_WORDS);
        words.truncate(MOST_WORDS);
        words.extend((more > 0).then(|| format!("and {more} more")));
        words.join("\n")
    };
    apart.into_iter().map(|(mark, words)| (mark, told(words))).collect()
}

/// Each has a shape of its own, around its place.
const fn shape(glyph: Glyph) -> (&'static str, &'static str) {
    match glyph {
        Glyph::Term => ("gl warn", "M-5-4H5L0 5Z"),
        Glyph::Kill => ("gl bad cross", "M-4-4L4 4M4-4L-4 4"),
        Glyph::Exit => ("gl", "M-3.5-3.5H3.5V3.5H-3.5Z"),
        Glyph::Start => ("gl good", "M-4-5L5 0L-4 5Z"),
        Glyph::Other => ("gl info", "M0-5L4.5 0L0 5L-4.5 0Z"),
    }
}

/// What patterns, glyphs and lines stand for.
fn legend(html: &mut Html, picture: &Picture) {
    let states = State::ALL
        .into_iter()
        .filter(|state| picture.lanes.iter().any(|lane| lane.parts.iter().any(|part| part.state == *state)));
    let glyphs = [
        (Glyph::Term, "SIGTERM, disturbed"),
        (Glyph::Kill, "killed, or broken"),
        (Glyph::Exit, "ended, or done"),
        (Glyph::Start, "begun, or begun again"),
        (Glyph::Other, "other"),
    ];
    let any = |glyph: Glyph| {
        picture.lanes.iter().flat_map(|lane| &lane.marks).chain(&picture.marks).any(|mark| mark.glyph == glyph)
    };
    if picture.lanes.is_empty() && picture.marks.is_empty() {
        return;
    }
    html.class("ul", "legend").holds(|html| {
        for state in states {
            let (top, height) = state.height();
            entry(html, state.label(), |html| {
                let shape = html.class("rect", state.class()).with("x", "1").with("width", "24");
                shape.with("y", number(top + 2.0)).with("height", number(height)).empty();
            });
        }
        if picture.lanes.iter().any(|lane| !lane.failures.is_empty()) {
            entry(html, "requests that failed", |html| replicas::failure(html, "12", 1.0).empty());
        }
        if picture.lanes.iter().any(|lane| !lane.seen.is_empty()) {
            entry(html, "seen by clients", |html| {
                html.class("rect", "seen")
                    .with("x", "1")
                    .with("y", "7")
                    .with("width", "24")
                    .with("height", "2.5")
                    .empty();
            });
        }
        for (glyph, words) in glyphs.into_iter().filter(|(glyph, _)| any(*glyph)) {
            entry(html, words, |html| {
                let (class, shape) = shape(glyph);
                html.class("path", class).with("transform", "translate(13 7)").with("d", shape).empty();
            });
        }
    });
}

fn entry(html: &mut Html, words: &str, drawn: impl FnOnce(&mut Html)) {
    html.tag("li").holds(|html| {
        html.tag("svg").with("width", "26").with("height", "14").with("aria-hidden", "true").holds(drawn);
        html.text(words);
    });
}

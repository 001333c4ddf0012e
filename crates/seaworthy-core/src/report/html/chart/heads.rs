//! What is above all rows, and under them: the drills, the events of all, and the lines of the axis.

use super::{Drawing, GAP, NARROWEST, apart};
use crate::report::html::{
    build::{Html, number, percent},
    picture::{Band, to_millis},
    scale::clock,
};

/// Of a letter of a drill's name, about, in pixels.
const LETTER: f64 = 6.6;

/// Of a line of names.
const LINE: f64 = 15.0;

/// Lines of names at most.
const MOST_LINES: usize = 14;

impl Drawing<'_> {
    /// The names of the drills, on as many lines as keep them apart.
    pub(super) fn heads(&mut self) {
        let mut ends: Vec<f64> = Vec::new();
        for band in &self.picture.bands {
            let width = band.drill.label().len() as f64 * LETTER + 8.0;
            let begin = self.axes.at(band.window.0) * NARROWEST;
            // The last ones may have no room to their right.
            let (from, class) =
                if begin + width > NARROWEST { (NARROWEST - width, "drill end") } else { (begin, "drill") };
            let free = ends.iter().position(|end| *end <= from);
            let line = free.unwrap_or_else(|| ends.len().min(MOST_LINES - 1));
            if line == ends.len() {
                ends.push(0.0);
            }
            if let Some(end) = ends.get_mut(line) {
                *end = from + width;
            }
            let y = number(line as f64 * LINE + 11.0);
            let right = class == "drill end";
            let x = if right { "100%".to_owned() } else { percent(self.axes.at(band.window.0)) };
            let place = self.plot.class("svg", "at").with("x", x).with("y", "0");
            let dx = if right { "-3" } else { "4" };
            place.holds(|html| html.class("text", class).with("x", dx).with("y", y).text(band.drill.label()));
        }
        if !ends.is_empty() {
            self.name(11.0, "row", "drills");
        }
        self.top += ends.len() as f64 * LINE;
    }

    /// Events that concern all replicas.
    pub(super) fn marks(&mut self) {
        if self.picture.marks.is_empty() {
            return;
        }
        self.name(13.0, "row", "events");
        self.glyphs(9.0, apart(self.axes, &self.picture.marks));
        self.top += 18.0 + GAP / 2.0;
    }

    /// Under all rows: the drills as bands, where they disturb, and a line for each mark of the axis.
    pub(super) fn bands(&self, under: &mut Html, begin: f64) {
        let (all, below) = (number(self.top), number((self.top - begin).max(0.0)));
        for (band, odd) in self.picture.bands.iter().zip([false, true].into_iter().cycle()) {
            self.band(under, band, odd, &all, (&number(begin), &below));
        }
        for at in self.axes.time.seconds(11.0) {
            let x = percent(self.axes.time.place(at));
            let line = under.class("line", "grid").with("x1", &x).with("x2", &x);
            line.with("y1", number(begin + 16.0)).with("y2", number((self.top - 18.0).max(0.0))).empty();
        }
    }

    fn band(&self, under: &mut Html, band: &Band, odd: bool, all: &str, (top, below): (&str, &str)) {
        let (x, width) = self.span(band.window);
        let class = if odd { "band odd" } else { "band" };
        under.class("rect", class).with("x", &x).with("width", width).with("y", "0").with("height", all).empty();
        under.class("line", "edge").with("x1", &x).with("x2", &x).with("y1", "0").with("y2", all).empty();
        let Some((from, to)) = band.disturbed else { return };
        let (x, width) = self.span((from, to));
        let words = format!("{} disturbs: {} to {}", band.drill, clock(to_millis(from)), clock(to_millis(to)));
        let shape =
            under.class("rect", "disturbed").with("x", x).with("width", width).with("y", top).with("height", below);
        shape.holds(|html| html.tag("title").text(&words));
    }
}

//! The rows of numbers: what was due and answered, what failed, and how long answers took.

use std::{fmt::Write as _, time::Duration};

use super::{Drawing, GAP};
use crate::{
    report::html::{
        bins::{Bin, Bins},
        build::number,
        scale::{Axis, clock, latency},
    },
    text::{number as shown, thousands, time},
    time::Moment,
};

/// Of the rows of rates and of times.
const HIGH: f64 = 88.0;

/// Of the row of failures, and that of a flood.
const LOW: f64 = 44.0;

/// Of a row with nothing in it but words.
const EMPTY: f64 = 18.0;

impl Drawing<'_> {
    /// All of them, and under the pointer what each bin holds.
    pub(super) fn numbers(&mut self) {
        let begin = self.top;
        self.rates();
        self.failures();
        self.latencies();
        self.flood();
        let height = number((self.top - begin - GAP).max(0.0));
        for (from, to, bin) in self.picture.bins.each().filter(|(_, _, bin)| bin.due + bin.answered + bin.failed > 0) {
            let (x, width) = self.span((Moment::from(from), Moment::from(to)));
            let shape = self.plot.class("rect", "hit").with("x", x).with("width", width);
            let shape = shape.with("y", number(begin)).with("height", &height);
            shape.holds(|html| html.tag("title").text(&told(from, to, bin)));
        }
    }

    fn rates(&mut self) {
        let axis = self.axes.rate;
        self.title("requests /s", &[("l-due", "due"), ("l-answered", "answered")]);
        self.scale(axis, HIGH, shown);
        let of = |count: fn(&Bin) -> u64| {
            let rate =
                move |(from, to, bin): (Duration, Duration, &Bin)| (from, to, Some(Bins::rate(from, to, count(bin))));
            self.steps(axis, HIGH, self.picture.bins.each().map(rate))
        };
        let (due, answered) = (of(|bin| bin.due), of(|bin| bin.answered));
        let lines = [("area", closed(&answered)), ("l-answered", answered), ("l-due", due)];
        self.lines(HIGH, &lines);
        self.top += HIGH + GAP;
    }

    fn failures(&mut self) {
        self.title("failed /s", &[]);
        let Some(axis) = self.axes.failed else {
            return self.nothing("none failed");
        };
        self.scale(axis, LOW, shown);
        for (from, to, bin) in self.picture.bins.each().filter(|(_, _, bin)| bin.failed > 0) {
            let (x, width) = self.span((Moment::from(from), Moment::from(to)));
            // The least is seen, too.
            let height = (axis.place(Bins::rate(from, to, bin.failed)) * LOW).max(2.0);
            let bar = self.plot.class("rect", "failed").with("x", x).with("width", width);
            bar.with("y", number(self.top + LOW - height)).with("height", number(height)).empty();
        }
        self.top += LOW + GAP;
    }

    fn latencies(&mut self) {
        let Some(axis) = self.axes.latency else {
            self.title("times", &[]);
            return self.nothing("no answers");
        };
        let log = if axis.is_log() { "times (log)" } else { "times" };
        self.title(log, &[("l-p50", "p50"), ("l-p99", "p99"), ("l-max", "max")]);
        self.scale(axis, HIGH, latency);
        let of = |time: fn(&Bin) -> Option<Duration>| {
            let nanos = move |(from, to, bin): (Duration, Duration, &Bin)| {
                (from, to, time(bin).map(|time| time.as_nanos() as f64))
            };
            self.steps(axis, HIGH, self.picture.bins.each().map(nanos))
        };
        let lines = [("l-max", of(|bin| bin.max)), ("l-p99", of(|bin| bin.p99)), ("l-p50", of(|bin| bin.p50))];
        self.lines(HIGH, &lines);
        self.top += HIGH + GAP;
    }

    /// What was asked beyond the trial's own rate.
    fn flood(&mut self) {
        let floods = &self.picture.floods;
        let most = floods.iter().map(|(_, rate)| *rate).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        self.title("flood /s, in all", &[]);
        let axis = Axis::count(f64::from(most));
        self.scale(axis, LOW, shown);
        let ends = floods.iter().skip(1).map(|(at, _)| *at).chain([self.picture.end]);
        for ((from, rate), to) in floods.iter().zip(ends).filter(|((_, rate), _)| *rate > 0) {
            let (x, width) = self.span((*from, to));
            let height = axis.place(f64::from(*rate)) * LOW;
            let bar = self.plot.class("rect", "flood").with("x", x).with("width", width);
            let bar = bar.with("y", number(self.top + LOW - height)).with("height", number(height));
            let words = format!("{} requests a second in all", thousands(u64::from(*rate)));
            bar.holds(|html| html.tag("title").text(&words));
        }
        self.top += LOW + GAP;
    }

    /// The name of a row, and under it what its lines are.
    fn title(&mut self, name: &str, lines: &[(&'static str, &str)]) {
        self.name(10.0, "row", name);
        for ((class, words), below) in lines.iter().zip([24.0, 38.0, 52.0]) {
            let y = number(self.top + below - 4.0);
            let line = self.names.class("line", class).with("x1", "0").with("x2", "18");
            line.with("y1", &y).with("y2", &y).empty();
            let text = self.names.class("text", "unit").with("x", "23").with("y", number(self.top + below));
            text.text(words);
        }
    }

    fn nothing(&mut self, words: &str) {
        let y = number(self.top + 11.0);
        self.plot.class("text", "unit").with("x", "4").with("y", y).text(words);
        self.top += EMPTY + GAP;
    }

    /// The marks of a row's own axis: a line each, with its value in the column of names.
    fn scale(&mut self, axis: Axis, height: f64, words: impl Fn(f64) -> String) {
        for mark in axis.marks() {
            let y = self.top + height - axis.place(mark) * height;
            let line = self.plot.class("line", "grid").with("x1", "0").with("x2", "100%");
            line.with("y1", number(y)).with("y2", number(y)).empty();
            // Beside the name of the row there is no room.
            let y = (y + 4.0).max(self.top + 9.0);
            self.names.class("text", "value").with("x", "106").with("y", number(y)).text(&words(mark));
        }
    }

    /// Steps from bin to bin, in thousandths of the width; where there is no value there is no line.
    fn steps(
        &self,
        axis: Axis,
        height: f64,
        values: impl Iterator<Item = (Duration, Duration, Option<f64>)>,
    ) -> String {
        let mut path = String::new();
        let mut open = false;
        for (from, to, value) in values {
            let Some(value) = value else {
                open = false;
                continue;
            };
            let [from, to] = [from, to].map(|at| number(self.axes.time.place(at.as_secs_f64()) * 1e3));
            let y = number(height - axis.place(value) * height);
            let written = if open { write!(path, "V{y}H{to}") } else { write!(path, "M{from} {y}H{to}") };
            debug_assert!(written.is_ok(), "a string takes what is written to it");
            open = true;
        }
        path
    }

    /// Paths that are as wide as the chart, whatever its width.
    fn lines(&mut self, height: f64, lines: &[(&'static str, String)]) {
        let y = number(self.top);
        let inner = self.plot.class("svg", "fit").with("x", "0").with("y", y).with("width", "100%");
        let inner = inner.with("height", number(height)).with("viewBox", format!("0 0 1000 {}", number(height)));
        inner.with("preserveAspectRatio", "none").holds(|html| {
            for (class, path) in lines.iter().filter(|(_, path)| !path.is_empty()) {
                html.class("path", class).with("d", path).empty();
            }
        });
    }
}

/// The area under steps without a gap.
fn closed(steps: &str) -> String {
    let begin = steps.strip_prefix('M').and_then(|rest| rest.split(' ').next());
    begin.map_or_else(String::new, |begin| format!("{steps}V{}H{begin}Z", number(HIGH)))
}

/// A bin in words.
fn told(from: Duration, to: Duration, bin: &Bin) -> String {
    let words = format!(
        "{} to {}: {} due, {} answered, {} failed",
        clock(from),
        clock(to),
        thousands(bin.due),
        thousands(bin.answered),
        thousands(bin.failed)
    );
    let times = [("p50", bin.p50), ("p99", bin.p99), ("max", bin.max)];
    let times = times.into_iter().filter_map(|(name, of)| of.map(|of| format!("{name} {}", time(of))));
    [words].into_iter().chain(times).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_ends_where_it_began() {
        assert_eq!(closed("M10 5H20V7H30"), "M10 5H20V7H30V88H10Z");
        assert_eq!(closed(""), "");
    }
}

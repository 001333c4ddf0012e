//! A row for each finding: where its evidence is.

use super::{Drawing, GAP};
use crate::report::html::{
    build::{Html, number, percent},
    picture::{Spot, to_millis},
    scale::clock,
};

/// Of a row.
const HEIGHT: f64 = 28.0;

/// Places of a finding that are drawn.
const MOST_SPOTS: usize = 60;

/// The name of a place, to be linked to.
pub(in crate::report::html) fn anchor(prefix: &str, finding: usize, spot: usize) -> String {
    format!("{prefix}f{finding}-{spot}")
}

/// The places of a finding that are drawn, with their numbers.
pub(in crate::report::html) fn drawn(spots: &[Spot]) -> impl Iterator<Item = (usize, &Spot)> {
    (1..).zip(spots).take(MOST_SPOTS)
}

/// When and where something is.
pub(in crate::report::html) fn place(spot: &Spot) -> String {
    let (from, to) = (clock(to_millis(spot.when.0)), clock(to_millis(spot.when.1)));
    let when = if from == to { from } else { format!("{from} to {to}") };
    spot.replica.map_or_else(|| when.clone(), |replica| format!("{when}, {replica}"))
}

impl Drawing<'_> {
    /// Findings, in their order.
    pub(super) fn evidence(&mut self) {
        for (number_, finding) in (1_usize..).zip(&self.picture.findings) {
            let y = number(self.top + 12.0);
            let link = self.names.tag("a").with("href", format!("#{}f{number_}", self.prefix));
            link.holds(|html| {
                html.class("text", "row link").with("x", "0").with("y", y).text(&format!("finding {number_}"));
            });
            self.caption(finding.spots.first(), &finding.cause);
            for (n, spot) in drawn(&finding.spots) {
                self.spot(&anchor(self.prefix, number_, n), spot, finding.mild);
            }
            self.top += HEIGHT;
        }
        if !self.picture.findings.is_empty() {
            self.top += GAP;
        }
    }

    /// The cause's name over its first place, as far as there is room for it.
    fn caption(&mut self, first: Option<&Spot>, cause: &str) {
        let begin = first.map_or(0.0, |spot| self.axes.at(spot.when.0));
        let class = if begin > 0.6 { "cause end" } else { "cause" };
        let y = number(self.top + 11.0);
        self.plot.class("text", class).with("x", percent(begin)).with("y", y).text(cause);
    }

    fn spot(&mut self, id: &str, spot: &Spot, mild: bool) {
        let (x, width) = self.span(spot.when);
        let y = number(self.top + 15.0);
        let words = format!("{}\n{}", place(spot), spot.words);
        self.plot.class("g", if mild { "spot mild" } else { "spot" }).with("id", id).holds(|html: &mut Html| {
            html.tag("title").text(&words);
            html.tag("rect").with("x", &x).with("width", width).with("y", &y).with("height", "8").empty();
            // However short it is, it is seen.
            html.class("svg", "at").with("x", x).with("y", y).holds(|html| {
                html.tag("rect").with("x", "-1.5").with("width", "3").with("y", "0").with("height", "8").empty();
            });
        });
    }
}

//! A lane for each replica.

use std::collections::BTreeMap;

use super::{Drawing, apart};
use crate::{
    event::Replica,
    report::html::{
        build::{Html, Tag, number, percent},
        lanes::{Lane, Part},
        picture::{Picture, to_millis},
        scale::clock,
    },
    text::counted,
    time::Moment,
};

/// Lanes that are drawn with everything else; more of them are folded away.
const MOST: usize = 40;

/// Things that are drawn of all lanes together, of each kind, and of a lane at the least and at the most: a page is not to
/// grow with what flaps for hours.
const MOST_THINGS: usize = 3_000;
const OF_A_LANE: (usize, usize) = (6, 150);

/// Of a lane.
const HEIGHT: f64 = 29.0;

/// From a lane's top to its states.
const STATES: f64 = 12.0;

/// Of a number that stands for a finding.
const CHIP: f64 = 13.0;

/// Those to which most happened, and the others.
pub(super) fn shown(picture: &Picture) -> (Vec<&Lane>, Vec<&Lane>) {
    let mut by_interest: Vec<&Lane> = picture.lanes.iter().collect();
    by_interest.sort_by_key(|lane| {
        let failures: u64 = lane.failures.iter().map(|failures| failures.count).sum();
        std::cmp::Reverse((failures > 0, lane.marks.len() > 1, lane.marks.len().min(3), failures))
    });
    let first: Vec<Replica> = by_interest.iter().take(MOST).map(|lane| lane.replica).collect();
    picture.lanes.iter().partition(|lane| first.contains(&lane.replica))
}

/// Failures at a place: a line through the lane.
pub(super) fn failure<'a>(html: &'a mut Html, x: &str, y: f64) -> Tag<'a> {
    let line = html.class("line", "lost").with("x1", x).with("x2", x);
    line.with("y1", number(y)).with("y2", number(y + 13.0))
}

impl Drawing<'_> {
    /// The lanes of these.
    pub(super) fn lanes(&mut self, lanes: &[&Lane]) {
        let chips = chips(self.picture);
        let (least, most) = OF_A_LANE;
        let most = (MOST_THINGS / self.picture.lanes.len().max(1)).clamp(least, most);
        for lane in lanes {
            let y = number(self.top + STATES + 9.0);
            self.names.class("text", "row").with("x", "0").with("y", &y).text(&lane.replica.to_string());
            if let Some(revision) = lane.revision {
                let text = self.names.class("text", "value").with("x", "106").with("y", y);
                text.text(&format!("rev {revision}"));
            }
            self.parts(&lane.parts, most);
            for (from, to) in lane.seen.iter().take(most) {
                let (x, width) = self.span((*from, *to));
                let shape = self.plot.class("rect", "seen").with("x", x).with("width", width);
                shape.with("y", number(self.top + STATES + 12.0)).with("height", "2.5").empty();
            }
            self.lost(lane);
            let mut marks = apart(self.axes, &lane.marks);
            marks.truncate(most);
            self.glyphs(STATES + 5.0, marks);
            self.chips(chips.get(&lane.replica).map_or(&[], Vec::as_slice));
            self.top += HEIGHT;
        }
    }

    /// Its states, and one shape for all of them that are too many to be told apart.
    fn parts(&mut self, parts: &[Part], most: usize) {
        parts.iter().take(most).for_each(|part| self.part(part));
        let rest = parts.get(most..).unwrap_or_default();
        if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
            let (x, width) = self.span((first.from, last.to));
            let shape = self.plot.class("rect", "st s-many").with("x", x).with("width", width);
            let shape = shape.with("y", number(self.top + STATES)).with("height", "10");
            let words = format!("{} more, in the history", counted(rest.len() as u64, "state"));
            shape.holds(|html| html.tag("title").text(&words));
        }
    }

    fn part(&mut self, part: &Part) {
        let (x, width) = self.span((part.from, part.to));
        let (top, height) = part.state.height();
        let shape = self.plot.class("rect", part.state.class()).with("x", x).with("width", width);
        let shape = shape.with("y", number(self.top + STATES + top)).with("height", number(height));
        let (from, to) = (clock(to_millis(part.from)), clock(to_millis(part.to)));
        shape.holds(|html| html.tag("title").text(&format!("{}: {from} to {to}", part.state.label())));
    }

    fn lost(&mut self, lane: &Lane) {
        let y = self.top + STATES - 1.5;
        for failures in &lane.failures {
            let x = percent(self.axes.at(failures.from));
            let (from, to) = (clock(to_millis(failures.from)), clock(to_millis(failures.to)));
            let when = if from == to { from } else { format!("{from} to {to}") };
            let words = format!("{when}: {} failed", counted(failures.count, "request"));
            failure(&mut self.plot, &x, y).holds(|html| html.tag("title").text(&words));
        }
    }

    /// The numbers of findings, where they begin; those that begin together beside each other.
    fn chips(&mut self, chips: &[(Moment, usize)]) {
        let (mut place, mut beside) = (-1.0, 0.0);
        for (at, finding) in chips {
            let here = self.axes.at(*at);
            // In pixels of the narrowest chart.
            beside = if (here - place) * super::NARROWEST < CHIP { beside + CHIP } else { 0.0 };
            place = if beside > 0.0 { place } else { here };
            let (x, y) = (percent(place), number(self.top));
            let dx = if place > 0.97 { -beside - CHIP } else { beside };
            self.plot.class("svg", "at").with("x", x).with("y", y).holds(|html| {
                let shape = html.class("rect", "chip").with("x", number(dx)).with("y", "0");
                shape.with("width", number(CHIP - 1.5)).with("height", "10.5").with("rx", "2").empty();
                let text = html.class("text", "chip").with("x", number(dx + (CHIP - 1.5) / 2.0)).with("y", "8.5");
                text.text(&finding.to_string());
            });
        }
    }
}

/// Where findings begin, by replica: each once for what is near to each other.
fn chips(picture: &Picture) -> BTreeMap<Replica, Vec<(Moment, usize)>> {
    let near = picture.end.nanos() / 25;
    let mut chips = BTreeMap::<Replica, Vec<(Moment, usize)>>::new();
    for (number, finding) in (1..).zip(&picture.findings) {
        for spot in &finding.spots {
            let Some(replica) = spot.replica else { continue };
            let known = chips.entry(replica).or_default();
            let is_near = |(at, of): &(Moment, usize)| *of == number && spot.when.0.nanos().abs_diff(at.nanos()) < near;
            if !known.iter().any(is_near) {
                known.push((spot.when.0, number));
            }
        }
    }
    for chips in chips.values_mut() {
        chips.sort_unstable();
    }
    chips
}

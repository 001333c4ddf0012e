//! One page for people: the verdict, a chart with all that happened on one axis of time, and the findings with their places
//! in it.
//!
//! It is one file that fetches nothing and runs nothing. All in it that comes from elsewhere goes through
//! [`build::Html`], which escapes it; what it says in words is what the other forms of the report say.

mod bins;
mod build;
mod chart;
mod compare;
mod facts;
mod lanes;
mod load;
mod parts;
mod picture;
mod scale;
mod trial;

pub use self::compare::compare;

use self::build::Html;
use super::{Report, trial::TrialReport};

/// What such a document begins with, so that nothing else is taken for one.
pub const BEGINNING: &str = "<!DOCTYPE html>\n<html lang=\"en\" data-seaworthy=\"report/1\">\n";

/// The style sheet, and the hash by which a browser knows that it is ours.
const STYLE: &str = include_str!("html/style.css");
const STYLE_HASH: &str = "sha256-iaMbHebFKj6Ix2lphSEgebh6aIJfwaeLeK7cyLPneZU=";

/// The page of a trial.
pub fn trial(report: &TrialReport<'_>) -> String {
    trial::page(report)
}

/// The page of a run under load.
pub fn load(report: &Report<'_>) -> String {
    load::page(report)
}

/// A whole document.
fn document(title: &str, inside: impl FnOnce(&mut Html)) -> String {
    let mut html = Html::default();
    html.constant(BEGINNING);
    html.tag("head").holds(|html| {
        html.tag("meta").with("charset", "utf-8").empty();
        let policy = format!("default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; form-action 'none'");
        html.tag("meta").with("http-equiv", "Content-Security-Policy").with("content", policy).empty();
        html.tag("meta").with("name", "viewport").with("content", "width=device-width, initial-scale=1").empty();
        html.tag("meta").with("name", "color-scheme").with("content", "light dark").empty();
        html.tag("title").text(title);
        html.tag("style").constant(STYLE);
    });
    html.tag("body").holds(|html| {
        patterns(html);
        inside(html);
    });
    html.constant("</html>\n");
    html.into_text()
}

/// What states are filled with, so that they are told apart without colour.
fn patterns(html: &mut Html) {
    html.class("svg", "defs").with("aria-hidden", "true").holds(|html| {
        html.tag("defs").holds(|html| {
            let lines = [
                ("p-starting", "6", "p-info", "M-1 7L7-1M-1 1L1-1M5 7L7 5"),
                ("p-terminating", "4", "p-warn", "M1 0V4"),
                ("p-stripes", "4", "p-muted", "M0 1H4"),
                ("p-dots", "4", "p-dot", "M1 1H3V3H1Z"),
                ("p-cut", "8", "p-good", "M0 0H4V8H0Z"),
            ];
            for (id, size, class, path) in lines {
                let pattern = html.tag("pattern").with("id", id).with("patternUnits", "userSpaceOnUse");
                pattern.with("width", size).with("height", size).holds(|html| {
                    html.class("path", class).with("d", path).empty();
                });
            }
        });
    });
}

#[cfg(test)]
mod tests;

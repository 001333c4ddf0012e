//! The page of a run under load: the same without drills and replicas.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::{
    build::Html,
    chart, document,
    parts::{self, Cell, section},
    picture::{Axes, Picture},
    trial::{bins, thresholds},
};
use crate::{
    histogram::Histogram,
    report::{
        Report,
        summary::{QUANTILES, failures, headline, one_line, word},
        text::{health, ledger},
    },
    text::{counted, long_time, thousands, time},
};

/// Failures that are listed, and endpoints.
const MOST: usize = 100;

/// Characters of an error's own words.
const MOST_WORDS: usize = 300;

/// The page.
pub(super) fn page(report: &Report<'_>) -> String {
    let picture = Picture::of_load(report.recording, report.run.elapsed);
    let axes = Axes::of(&[&picture]);
    let verdict = report.judgement.verdict;
    document(&format!("{}: load on {}", word(verdict), report.run.target), |html| {
        let run = report.run;
        let how = format!("{}, against {} ({})", run.profile, run.target, run.protocol);
        let headline = headline(report);
        let reasons = parts::unsaid(&headline, &report.judgement.reasons);
        parts::verdict(html, verdict, [word(verdict), &headline, &how], &reasons);
        html.tag("main").holds(|html| {
            thresholds(html, &report.judgement.thresholds);
            section(html, "What happened", |html| {
                if run.closed_loop {
                    html.class("p", "muted").text(
                        "A closed loop sends when an answer has come: while the target stalls nothing is sent, so these times \
                         hide the waiting.",
                    );
                }
                chart::draw(html, &picture, &axes, "", "the run");
            });
            section(html, "Times", |html| times(html, report));
            endpoints(html, report);
            failed(html, report);
            if let Some(writes) = report.writes {
                section(html, "Writes", |html| parts::list(html, &ledger(writes)));
            }
            section(html, "To make it again", |html| repeat(html, report));
            section(html, "In numbers", |html| {
                parts::folded(html, "Requests by time", |html| bins(html, &picture.bins));
            });
        });
        html.tag("footer").text(&format!("seaworthy {}", run.tool_version));
    })
}

fn shown(of: Option<Duration>) -> Cell {
    Cell::Number(of.map_or_else(|| "-".to_owned(), time))
}

/// A quantile, where there are enough times to tell it.
fn told(times: &Histogram, millionths: u32) -> Option<Duration> {
    times.quantile(f64::from(millionths) / 1e6).filter(|_| times.resolves(millionths))
}

fn times(html: &mut Html, report: &Report<'_>) {
    let (response, service) = (report.recording.response_times(), report.recording.service_times());
    if response.is_empty() {
        html.class("p", "muted").text("There was no answer whose time could be told.");
        return;
    }
    let row = |name: &str, of: &dyn Fn(&Histogram) -> Option<Duration>| {
        (name.to_owned(), vec![shown(of(&response)), shown(of(&service))])
    };
    let mut rows = vec![row("min", &Histogram::min)];
    rows.extend(QUANTILES.map(|(millionths, name)| row(name, &|times| told(times, millionths))));
    rows.push(row("max", &Histogram::max));
    parts::table(html, "times", &["quantile", "response, from due", "service, from sent"], &rows);
}

/// Where requests went, where that was to several.
fn endpoints(html: &mut Html, report: &Report<'_>) {
    let mut by_endpoint = BTreeMap::<SocketAddr, (Histogram, u64)>::new();
    for (lane, times) in &report.recording.lanes {
        let Some(endpoint) = lane.endpoint else { continue };
        let (sum, failed) = by_endpoint.entry(endpoint).or_default();
        sum.merge(&times.response);
        sum.merge(&times.timed_out);
        *failed += times.failed.count() + times.timed_out.count();
    }
    if by_endpoint.len() < 2 {
        return;
    }
    let rows: Vec<_> = by_endpoint
        .iter()
        .take(MOST)
        .map(|(endpoint, (times, failed))| {
            let quantile = |millionths| shown(told(times, millionths));
            let cells = vec![
                Cell::Number(thousands(times.count())),
                Cell::harm(thousands(*failed)),
                quantile(500_000),
                quantile(990_000),
                shown(times.max()),
            ];
            (endpoint.to_string(), cells)
        })
        .collect();
    section(html, "Endpoints", |html| {
        let heads = ["endpoint", "answers and time-outs", "failed", "p50", "p99", "max"];
        parts::table(html, "endpoints", &heads, &rows);
        let more = by_endpoint.len().saturating_sub(MOST);
        if more > 0 {
            html.class("p", "muted").text(&format!("and {}", counted(more as u64, "more endpoint")));
        }
    });
}

fn failed(html: &mut Html, report: &Report<'_>) {
    let classes = failures(report);
    if classes.is_empty() {
        return;
    }
    let mut rows: Vec<_> = classes
        .iter()
        .take(MOST)
        .map(|class| {
            let texts = [
                class.words.clone(),
                class.connection.label().to_owned(),
                class.when.clone().unwrap_or_default(),
                one_line(class.detail.unwrap_or_default(), MOST_WORDS),
            ];
            (thousands(class.count), texts.map(Cell::text).to_vec())
        })
        .collect();
    let rest: u64 = classes.iter().skip(MOST).map(|class| class.count).sum();
    if rest > 0 {
        rows.push((thousands(rest), vec![Cell::text("others"), Cell::text(""), Cell::text(""), Cell::text("")]));
    }
    section(html, "Failures", |html| {
        parts::table(html, "failures", &["failures", "what", "connection", "when", "most often"], &rows);
    });
}

fn repeat(html: &mut Html, report: &Report<'_>) {
    let run = report.run;
    let one = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    let outs = format!("{} a request, {} to connect", long_time(run.timeout), long_time(run.connect_timeout));
    let took = format!("{}, and took {}", run.began, time(run.elapsed));
    let all = [
        ("command", one(&run.command)),
        ("target", one(&format!("{}, {}", run.target, run.protocol))),
        ("scenario", one(&run.scenario)),
        ("asked", one(&run.profile)),
        ("connections", one(&run.connections)),
        ("good is", one(&run.expected)),
        ("time-outs", one(&outs)),
        ("generator", health::lines(report)),
        ("version", one(&format!("seaworthy {}", run.tool_version))),
        ("seed", one(&run.seed.to_string())),
        ("began", one(&took)),
        ("machine", one(&run.machine)),
    ];
    parts::facts(html, &all);
}

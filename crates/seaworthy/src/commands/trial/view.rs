//! The live view: which drill runs, what comes next, and live figures. Pure: what is known in, lines out.

use std::{collections::BTreeMap, time::Duration};

use seaworthy_core::{
    cluster::Standing,
    drill::Drill,
    event::{Event, Release, Replica},
    interval::{Gauges, Interval},
    recording::Recording,
    text,
    time::Moment,
};
use seaworthy_trial::local::Watched;

use super::options::Options;
use crate::{
    canvas::{Line, Style},
    commands::load::live::Live,
};

/// The most lines: what a terminal of 24 has, with room for the prompt.
const MOST_LINES: usize = 22;

/// Replicas that are shown.
const REPLICAS: usize = 6;

/// What is known while a trial goes on.
#[derive(Debug)]
pub(crate) struct Watch {
    target: String,
    load: String,
    drill: Option<Drill>,
    /// What was seen in each drill so far.
    seen: BTreeMap<Drill, Recording>,
    broken: Vec<Drill>,
    live: Live,
    in_view: Vec<Replica>,
}

impl Watch {
    pub(crate) fn new(options: &Options) -> Self {
        let header = &options.header;
        Self {
            target: header.target.clone(),
            load: format!(
                "{} of {}, {:.0}% on fresh connections, seed {}",
                per_second(header.rate),
                header.request,
                header.fresh * 100.0,
                header.seed
            ),
            drill: None,
            seen: BTreeMap::new(),
            broken: Vec::new(),
            live: Live::default(),
            in_view: Vec::new(),
        }
    }

    /// Something happened.
    pub(crate) fn event(&mut self, event: &Event) {
        if let Event::DrillBegun { drill } = event {
            self.drill = Some(*drill);
        } else if let Event::DrillBroken { drill, .. } = event {
            self.broken.push(*drill);
        } else if let Event::View { replicas } = event {
            self.in_view.clone_from(replicas);
        }
    }

    /// Requests ended.
    pub(crate) fn add(&mut self, interval: &Interval) {
        self.live.add(interval);
        if let Some(drill) = self.drill {
            self.seen.entry(drill).or_default().add(interval.clone());
        }
    }

    pub(crate) fn gauges(&self) -> Gauges {
        self.live.gauges()
    }

    /// A drill in a line: `1,342 good, 3 failed, 2 sent again, p99 1.21ms`.
    pub(crate) fn sums(&self, drill: Drill) -> String {
        let Some(recording) = self.seen.get(&drill) else { return "no request yet".to_owned() };
        let again = match recording.counts.retried {
            0 => String::new(),
            retried => format!(", {} sent again", text::thousands(retried)),
        };
        format!(
            "{} good, {} failed{again}, p99 {}",
            text::thousands(recording.counts.good),
            text::thousands(recording.failed()),
            recording.response_times().quantile(0.99).map_or_else(|| "-".to_owned(), text::time)
        )
    }
}

fn per_second(rate: f64) -> String {
    format!("{}/s", text::number(rate))
}

/// A frame: at most `height - 1` lines.
pub(crate) fn frame(watch: &Watch, now: &Watched, at: Moment, width: usize, height: usize) -> Vec<Line> {
    let mut lines = vec![
        Line::default().and(Style::Strong, format!("sea trial of {}", watch.target)),
        Line::default().and(Style::Faint, watch.load.clone()),
        progress(now, at, width),
        Line::default(),
    ];
    lines.extend(drills(watch, now, at));
    lines.push(Line::default());
    lines.extend(replicas(watch, &now.standings));
    lines.push(Line::default());
    lines.extend(second(watch));
    let most = MOST_LINES.min(height.saturating_sub(1));
    if lines.len() > most {
        // Empty lines go first, from the end.
        while let Some(empty) = lines.iter().rposition(|line| *line == Line::default()).filter(|_| lines.len() > most) {
            lines.remove(empty);
        }
        lines.truncate(most);
    }
    lines
}

fn progress(now: &Watched, at: Moment, width: usize) -> Line {
    let progress = &now.progress;
    let (done, coming) = (progress.done.len(), progress.next.len());
    let all = done + coming + usize::from(progress.drill.is_some());
    let words = match progress.drill {
        Some(drill) => format!("  {}, drill {} of {all}: {drill}", clock(at), done + 1),
        None => format!("  {}, {}", clock(at), progress.stage),
    };
    let cells = width.saturating_sub(words.chars().count()).min(32);
    let full = (cells * done).checked_div(all).unwrap_or(0);
    Line::default()
        .and(Style::Bar, "█".repeat(full))
        .and(Style::Faint, "░".repeat(cells - full))
        .and(Style::Plain, words)
}

fn clock(at: Moment) -> String {
    text::long_time(Duration::from_secs(at.since_start().as_secs()))
}

/// A line a drill: those that are over with their sums, the one that runs with what it does, and those that come.
fn drills(watch: &Watch, now: &Watched, at: Moment) -> Vec<Line> {
    // The longest name, and a space.
    const NAME: usize = 17;
    let progress = &now.progress;
    let mut lines = Vec::new();
    for drill in &progress.done {
        let failed = watch.seen.get(drill).map_or(0, Recording::failed);
        let style = if failed > 0 || watch.broken.contains(drill) { Style::Bad } else { Style::Good };
        let name = format!("{:<NAME$}", drill.label());
        lines.push(Line::default().and(style, name).and(Style::Plain, watch.sums(*drill)));
    }
    if let Some(drill) = progress.drill {
        let since = text::long_time(Duration::from_secs(at.since(progress.since).as_secs()));
        let name = format!("{:<NAME$}", drill.label());
        lines.push(Line::default().and(Style::Strong, name).and(Style::Plain, watch.sums(drill)));
        lines.push(Line::default().and(Style::Faint, format!("{:NAME$}{since}: {}", "", progress.stage)));
        lines.push(Line::default().and(Style::Faint, format!("{:NAME$}promise: {}", "", drill.promise())));
    }
    if !progress.next.is_empty() {
        let names: Vec<&str> = progress.next.iter().map(|drill| drill.label()).collect();
        let name = format!("{:<NAME$}", "next");
        lines.push(Line::default().and(Style::Faint, name).and(Style::Faint, names.join(", ")));
    }
    lines
}

/// A line a replica, those that do something first.
fn replicas(watch: &Watch, standings: &[Standing]) -> Vec<Line> {
    let mut shown: Vec<&Standing> = standings.iter().collect();
    shown.sort_by_key(|standing| (standing.ready && !standing.terminating, standing.replica));
    let left_out = shown.len().saturating_sub(REPLICAS);
    shown.truncate(REPLICAS);
    shown.sort_by_key(|standing| standing.replica);
    let mut lines: Vec<Line> = shown.into_iter().map(|standing| replica(watch, standing)).collect();
    if left_out > 0 {
        lines.push(
            Line::default().and(Style::Faint, format!("and {}", text::counted(left_out as u64, "ready replica"))),
        );
    }
    lines
}

fn replica(watch: &Watch, standing: &Standing) -> Line {
    let (state, style) = match standing {
        Standing { terminating: true, .. } => ("terminating", Style::Bar),
        Standing { running: false, .. } => ("not running", Style::Bad),
        Standing { ready: true, .. } => ("ready", Style::Good),
        Standing { .. } => ("not ready", Style::Bar),
    };
    let bad = if standing.release == Release::Bad { ", the bad release" } else { "" };
    let seen = if watch.in_view.contains(&standing.replica) { "clients see it" } else { "clients do not" };
    let restarts = match standing.restarts {
        0 => String::new(),
        restarts => format!(", {}", text::counted(restarts.into(), "restart")),
    };
    Line::default()
        .and(Style::Plain, format!("{:<12}", standing.replica.to_string()))
        .and(style, format!("{state:<13}"))
        .and(Style::Faint, format!("{seen}, {}{bad}{restarts}", standing.revision))
}

/// The last second that is whole.
fn second(watch: &Watch) -> Vec<Line> {
    let Some(second) = watch.live.whole_seconds().next_back() else { return Vec::new() };
    let time = |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), text::time);
    let gauges = watch.live.gauges();
    let failed = if second.counts.failed > 0 { Style::Bad } else { Style::Plain };
    vec![
        Line::default()
            .and(Style::Faint, format!("{:<12}", "last second"))
            .and(Style::Plain, format!("{} good, ", text::thousands(second.counts.good)))
            .and(failed, format!("{} failed", text::thousands(second.counts.failed)))
            .and(Style::Plain, format!(", p50 {}, p99 {}", time(second.quantile(0.5)), time(second.quantile(0.99)))),
        Line::default().and(Style::Faint, format!("{:<12}", "open")).and(
            Style::Plain,
            format!("{}, {} in flight", text::counted(gauges.open, "connection"), text::thousands(gauges.in_flight)),
        ),
    ]
}

//! The loop: what the platform and the load tell goes into the history and onto the screen. The one place where the two
//! meet.

use std::time::Duration;

use seaworthy_core::{
    audit::Audit,
    event::Event,
    history::{Footer, History, Records, lines},
    interval::{INTERVAL, Interval},
    time::Moment,
};
use seaworthy_load::{Ended, Run, endpoints::Endpoints, plan::Plan as Load, run};
use seaworthy_trial::local::{Running, Seen};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    audit::{self, Reading},
    flood::Flood,
    folder::Folder,
    options::{Options, Shown},
    said,
    view::{self, Watch},
};
use crate::{
    commands::load::health::Health,
    screen::{self, Screen},
    signals::Signals,
};

/// How often the view is drawn, and the history handed to the kernel.
const DRAW: Duration = Duration::from_millis(250);

/// How long the load's threads have to start before the first request is due.
const LEAD: Duration = Duration::from_millis(30);

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) history: History,
    /// Whether somebody asked it to end.
    pub(crate) interrupted: bool,
    /// Who answers in place of the target.
    pub(crate) foreign: Option<String>,
    /// Why the target could not be started at all.
    pub(crate) not_started: Option<String>,
    /// Why there was no load.
    pub(crate) broken: Option<std::io::Error>,
}

/// A trial under way.
struct Drive<'a> {
    options: &'a Options,
    folder: &'a mut Folder,
    epoch: Instant,
    driven: Driven,
    watch: Watch,
    health: Health,
    load: Option<Run>,
    flood: Flood,
    /// What is known of a load that has ended, while what it wrote is read back.
    ended: Option<Ended>,
    reading: Option<Reading>,
    /// Intervals from the trial's start to the load's.
    later: u64,
    /// Whether all drills are made, and only what is open is waited for.
    over: bool,
}

/// Takes everything in until the trial is over and all that it started has ended.
pub(crate) async fn drive(
    options: &Options,
    folder: &mut Folder,
    history: History,
    epoch: Instant,
    running: &mut Running,
    signals: &mut Signals,
    screen: &mut Screen,
) -> Driven {
    let driven = Driven { history, interrupted: false, foreign: None, not_started: None, broken: None };
    let mut drive = Drive {
        options,
        folder,
        epoch,
        driven,
        watch: Watch::new(options),
        health: Health::default(),
        load: None,
        flood: Flood::default(),
        ended: None,
        reading: None,
        later: 0,
        over: false,
    };
    let mut ticks = interval(DRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            _ = signals.next() => drive.interrupt(running),
            // Drawing comes before taking more in: under load there is always more.
            _ = ticks.tick() => drive.show(running, screen),
            seen = running.next() => match seen {
                Some(Seen::Event(at, event)) => drive.event(at, event, running, screen),
                Some(Seen::Over) => drive.over(running),
                None => break,
            },
            interval = next(&mut drive.load) => match interval {
                Some(interval) => {
                    let interval = interval.later(drive.later);
                    drive.folder.record(&lines::interval(&interval));
                    drive.watch.add(&interval);
                    drive.driven.history.intervals.push(interval);
                }
                None => drive.load_over(running, screen),
            },
            interval = drive.flood.next() => match interval {
                Some(interval) => drive.flooded(interval, running),
                None => drive.flood_ended(),
            },
            audited = audit::next(&mut drive.reading, options) => {
                audited.said.into_iter().for_each(|line| drive.say(&line, screen));
                drive.audited(audited.audit);
                drive.load_ended(running);
            }
        }
    }
    drive.load_over(running, screen);
    if let Some(reading) = drive.reading.take() {
        reading.abandon();
        drive.audited(audit::unread(&reading, options));
    }
    drive.load_ended(running);
    drive.folder.flush();
    drive.driven
}

/// The next interval of a load; never, where there is none.
pub(crate) async fn next(load: &mut Option<Run>) -> Option<Interval> {
    match load {
        Some(run) => run.next().await,
        None => std::future::pending().await,
    }
}

/// Begins a load where an interval of the trial does, so that its intervals are the trial's, and says how many of them later.
pub(crate) fn begin(load: Load, epoch: Instant) -> std::io::Result<(Run, u64)> {
    let now = Instant::now().saturating_duration_since(epoch) + LEAD;
    let intervals = now.as_nanos().div_ceil(INTERVAL.as_nanos());
    let began = epoch + INTERVAL.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX));
    Ok((run::start_at(load, began)?, u64::try_from(intervals).unwrap_or(u64::MAX)))
}

impl Drive<'_> {
    /// The first time the trial ends; the second time, or when it is over anyway, nothing is waited for.
    fn interrupt(&mut self, running: &Running) {
        if (self.driven.interrupted || self.over)
            && let Some(run) = &self.load
        {
            run.abandon();
            self.flood.abandon();
        }
        if let Some(reading) = &self.reading {
            reading.abandon();
        }
        self.driven.interrupted = true;
        running.interrupt();
    }

    fn event(&mut self, at: Moment, event: Event, running: &Running, screen: &mut Screen) {
        self.folder.record(&lines::event(at, &event));
        if event == Event::Established {
            self.begin_load(running);
        }
        if let Err(error) = self.flood.event(at, &event, self.options, self.epoch, running) {
            self.driven.broken = Some(error);
            running.interrupt();
        }
        if let Event::Foreign { holder, replica } = &event
            && self.driven.foreign.is_none()
        {
            self.driven.foreign = Some(format!("{holder} answers on the port of {replica}"));
            running.interrupt();
        }
        // A program that is not there does not come with time.
        if let Event::NotStarted { why, .. } = &event
            && self.load.is_none()
            && self.driven.not_started.is_none()
        {
            self.driven.not_started = Some(why.clone());
            running.interrupt();
        }
        self.watch.event(&event);
        if self.options.shown == Shown::Lines
            && let Some(line) = said::line(at, &event, &self.watch)
        {
            screen.err(line);
        }
        self.driven.history.events.push((at, event));
    }

    /// The load begins.
    fn begin_load(&mut self, running: &Running) {
        let load = Load { endpoints: Endpoints::View(running.view()), ..self.options.load.clone() };
        match begin(load, self.epoch) {
            Ok((run, later)) => {
                (self.load, self.later) = (Some(run), later);
                running.load_begun();
            }
            Err(error) => {
                self.driven.broken = Some(error);
                running.interrupt();
            }
        }
    }

    /// No more drills. What is open is answered before the replicas end.
    fn over(&mut self, running: &Running) {
        self.over = true;
        self.flood.abandon();
        match &self.load {
            Some(run) => run.stop(),
            None => running.load_ended(),
        }
    }

    /// What became of requests that a drill added.
    fn flooded(&mut self, interval: Interval, running: &Running) {
        // The footer is the last line: what comes after it is of a trial that was ended in the middle.
        if self.driven.history.footer.is_some() {
            return;
        }
        let interval = self.flood.on_the_trials_clock(interval);
        self.folder.record(&lines::flood(&interval));
        self.driven.history.floods.push(interval);
        if self.flood.is_saturated(self.driven.history.header.rate, &self.driven.history) {
            running.saturated();
        }
    }

    fn flood_ended(&mut self) {
        if let Err(error) = self.flood.ended() {
            self.driven.broken.get_or_insert(error);
        }
    }

    /// Nothing is sent any more: what was written is read back before the replicas end.
    fn load_over(&mut self, running: &Running, screen: &mut Screen) {
        let Some(run) = self.load.take() else { return };
        match run.end() {
            Ok(mut ended) => {
                if let Some(ledger) = ended.ledger.take() {
                    let load = Load { endpoints: Endpoints::View(running.view()), ..self.options.load.clone() };
                    let reading = Reading::begin(load, ledger, self.later);
                    self.say(&reading.words(), screen);
                    self.reading = Some(reading);
                }
                self.ended = Some(ended);
            }
            Err(error) => self.driven.broken = Some(error),
        }
        if self.reading.is_none() {
            self.load_ended(running);
        }
    }

    fn audited(&mut self, audit: Audit) {
        self.reading = None;
        self.folder.record(&lines::audit(&audit));
        self.driven.history.audit = Some(audit);
    }

    /// All that was asked of the replicas is answered: they may end.
    fn load_ended(&mut self, running: &Running) {
        if let Some(ended) = self.ended.take() {
            let footer = self.footer(&ended);
            self.folder.record(&lines::footer(&footer, &Records::of(&self.driven.history)));
            self.driven.history.footer = Some(footer);
        }
        running.load_ended();
    }

    fn say(&self, line: &str, screen: &mut Screen) {
        if self.options.shown == Shown::Lines {
            screen.err(crate::cli::printable(line));
        }
    }

    fn footer(&self, ended: &Ended) -> Footer {
        let cpu = self.driven.history.intervals.iter().map(|interval| interval.cpu).sum();
        Footer {
            duration: ended.duration,
            not_sent: ended.not_sent,
            unfinished: ended.unfinished,
            generator: self.health.over(self.options.load.threads.get(), cpu, ended.elapsed, ended.backlog),
            interrupted: self.driven.interrupted,
        }
    }

    fn show(&mut self, running: &Running, screen: &mut Screen) {
        self.folder.flush();
        self.health.sample(self.watch.gauges());
        if let Shown::View { colour } = self.options.shown {
            let now = Instant::now().saturating_duration_since(self.epoch).into();
            let (width, height) = screen::size();
            let frame = view::frame(&self.watch, &running.watched(), now, width, height);
            screen.frame(frame.iter().map(|line| line.render(width, colour)).collect());
        }
    }
}

//! The loop of `up`: what the platform, the load and the console tell, and what each of them is told.

use std::time::{Duration, SystemTime};

use seaworthy_console::{Answer, Asked, Console};
use seaworthy_core::{
    cluster::Standing,
    event::Event,
    history::{Footer, History},
    time::Moment,
};
use seaworthy_load::{Run, endpoints::Endpoints, plan::Plan as Load};
use seaworthy_trial::local::{Running, Seen};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{
    drills::{self, Drills},
    picture::Picture,
    ways::Ways,
};
use crate::{
    commands::{
        load::health::Health,
        trial::{
            drive::{self, Driven},
            folder::Folder,
        },
    },
    screen::Screen,
    signals::Signals,
};

/// How often a line is said where nobody watches a terminal.
const SAID: u64 = 10;

/// All that runs.
pub(super) struct System<'a> {
    pub(super) load: Option<&'a Load>,
    pub(super) ways: Ways,
    pub(super) console: Console,
    pub(super) asked: mpsc::Receiver<Asked>,
    pub(super) picture: Picture,
    pub(super) drills: Drills,
    pub(super) session: &'a Folder,
    pub(super) epoch: Instant,
    pub(super) on_terminal: bool,
    pub(super) quiet: bool,
    /// What is said once the target is there.
    pub(super) welcome: Vec<String>,
}

struct Loop<'a> {
    system: System<'a>,
    driven: Driven,
    /// Whether the target was there.
    was_there: bool,
    run: Option<Run>,
    later: u64,
    health: Health,
    over: bool,
    said: u64,
}

/// Goes on until somebody ends it, or it cannot go on.
pub(super) async fn drive(
    system: System<'_>,
    running: &mut Running,
    signals: &mut Signals,
    screen: &mut Screen,
) -> Driven {
    let history = system.drills.begun();
    let driven = Driven { history, interrupted: false, foreign: None, not_started: None, broken: None };
    let mut now =
        Loop { system, driven, was_there: false, run: None, later: 0, health: Health::default(), over: false, said: 0 };
    let second = Duration::from_secs(1);
    let mut ticks = interval_at(now.system.epoch + second, second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            _ = signals.next() => now.interrupt(running),
            _ = ticks.tick() => now.tick(running, screen),
            seen = running.next() => match seen {
                Some(Seen::Event(at, event)) => now.event(at, event, running, screen).await,
                Some(Seen::Over) => now.over(running),
                None => break,
            },
            interval = drive::next(&mut now.run) => match interval {
                Some(interval) => {
                    let interval = interval.later(now.later);
                    now.system.picture.interval(&interval);
                    now.system.drills.interval(interval);
                }
                None => now.load_over(running),
            },
            Some(asked) = now.system.asked.recv() => now.ask(asked, running).await,
        }
    }
    now.load_over(running);
    now.system.console.close().await;
    now.driven
}

impl Loop<'_> {
    /// The first time it drains; the second time, or when it is over anyway, nothing is waited for.
    fn interrupt(&mut self, running: &Running) {
        if (self.driven.interrupted || self.over)
            && let Some(run) = &self.run
        {
            run.abandon();
        }
        self.driven.interrupted = true;
        running.interrupt();
    }

    fn now(&self) -> Moment {
        Instant::now().saturating_duration_since(self.system.epoch).into()
    }

    async fn event(&mut self, at: Moment, event: Event, running: &Running, screen: &mut Screen) {
        let own = drills::place(&event).map(|(_, address)| address);
        let event = self.reached(event, running).await;
        if let Event::View { replicas } = &event {
            self.system.ways.show(replicas);
        } else if let Event::Gone { replica } = &event {
            self.system.ways.remove(*replica);
        } else if event == Event::Established {
            self.established(running, screen);
        } else if let Event::NotStarted { why, .. } = &event
            && !self.was_there
        {
            // A program that is not there does not come with time.
            self.driven.not_started.get_or_insert_with(|| why.clone());
            running.interrupt();
        } else if let Event::Foreign { holder, replica } = &event {
            self.driven.foreign.get_or_insert_with(|| format!("{holder} answers on the port of {replica}"));
            running.interrupt();
        }
        if !self.was_there {
            self.driven.history.events.push((at, event.clone()));
        }
        self.system.picture.event(at, &event, own);
        self.system.drills.event(at, event);
    }

    /// The event with the address that clients reach.
    async fn reached(&mut self, event: Event, running: &Running) -> Event {
        let Some((replica, own)) = drills::place(&event) else { return event };
        match self.system.ways.add(replica, own).await {
            Ok(address) => Event::Placed { replica, address },
            Err(why) => {
                self.driven.broken.get_or_insert_with(|| std::io::Error::other(format!("no way to {replica}: {why}")));
                running.interrupt();
                event
            }
        }
    }

    fn established(&mut self, running: &Running, screen: &mut Screen) {
        self.was_there = true;
        self.driven.history.events.clear();
        for line in std::mem::take(&mut self.system.welcome) {
            self.say(&line, screen);
        }
        let Some(load) = self.system.load else { return running.load_begun() };
        let load = Load { endpoints: Endpoints::View(self.system.ways.view()), ..load.clone() };
        match drive::begin(load, self.system.epoch) {
            Ok((run, later)) => {
                (self.run, self.later) = (Some(run), later);
                running.load_begun();
            }
            Err(error) => {
                self.driven.broken = Some(error);
                running.interrupt();
            }
        }
    }

    async fn ask(&mut self, asked: Asked, running: &Running) {
        let (_, replicas) = self.system.picture.ready();
        let wanted = drills::wanted(asked.command, replicas);
        let refused = match self.system.drills.busy() {
            Some(busy) => Err(format!("{busy}; one drill at a time, so that each is judged by itself")),
            None => running.ask(wanted).await.unwrap_or_else(|_gone| Err("it is ending".to_owned())),
        };
        let answer = if let Err(why) = refused {
            Answer::Refused(why)
        } else {
            let record = self.system.drills.begin(self.now(), wanted.drill, asked.command.to_string(), asked.by);
            let id = record.id;
            self.system.picture.drill(record);
            Answer::Accepted(id)
        };
        // Whoever asked may be gone.
        let _told = asked.answer.send(answer);
    }

    /// A second is over.
    fn tick(&mut self, running: &Running, screen: &mut Screen) {
        self.health.sample(self.system.picture.gauges());
        self.settle(screen);
        let busy = self.busy(running);
        let snapshot = self.system.picture.take(&self.system.ways, SystemTime::now(), busy);
        self.said += 1;
        if !self.system.quiet && self.was_there {
            let line = figures(&self.system.picture, &snapshot);
            if self.system.on_terminal {
                screen.frame(vec![line]);
            } else if self.said.is_multiple_of(SAID) {
                screen.err(line);
            }
        }
        self.system.console.publish(snapshot);
    }

    /// Why nothing can be asked for, where that is so.
    fn busy(&self, running: &Running) -> Option<String> {
        if self.over || self.driven.interrupted {
            return Some("it is ending".to_owned());
        }
        if !self.was_there {
            return Some("the target starts".to_owned());
        }
        let standings = running.watched().standings;
        let lacks = standings.iter().filter(|standing: &&Standing| !standing.available || standing.terminating).count();
        self.system.drills.busy().or_else(|| (lacks > 0).then(|| "replicas come or go".to_owned()))
    }

    /// A drill that is over is judged, and kept.
    fn settle(&mut self, screen: &mut Screen) {
        let (now, threads, health) = (self.now(), self.system.load.map_or(1, |load| load.threads.get()), self.health);
        let footer = |history: &History| {
            let cpu = history.intervals.iter().map(|interval| interval.cpu).sum();
            let seen =
                Duration::from_millis(100).saturating_mul(u32::try_from(history.intervals.len()).unwrap_or(u32::MAX));
            let generator = health.over(threads, cpu, seen, 0);
            Footer { duration: now.since_start(), not_sent: 0, unfinished: 0, generator, interrupted: false }
        };
        let Some((record, part)) = self.system.drills.settle(now, footer) else { return };
        let kept = match drills::keep(self.system.session, &record, &part) {
            Ok(path) => format!("kept in {path}"),
            Err(error) => format!("not kept: {error}"),
        };
        self.say(&drills::words(&record, &kept), screen);
        self.system.picture.drill(record);
    }

    fn say(&self, line: &str, screen: &mut Screen) {
        if !self.system.quiet {
            screen.err(crate::cli::printable(line));
        }
    }

    /// Nothing is disturbed any more. What is open is answered before the replicas end.
    fn over(&mut self, running: &Running) {
        self.over = true;
        match &self.run {
            Some(run) => run.stop(),
            None => running.load_ended(),
        }
    }

    fn load_over(&mut self, running: &Running) {
        if let Some(run) = self.run.take() {
            if let Err(error) = run.end() {
                self.driven.broken.get_or_insert(error);
            }
            running.load_ended();
        }
    }
}

/// The last second in a line: `3 of 3 ready, 20/s, p99 1.2 ms, 0 of 1,234 lost`.
fn figures(picture: &Picture, snapshot: &seaworthy_console::model::Snapshot) -> String {
    let (ready, wanted) = picture.ready();
    let p99 = snapshot.overall.p99_ms.map_or_else(|| "-".to_owned(), |p99| format!("{p99:.1} ms"));
    let thousands = seaworthy_core::text::thousands;
    format!(
        "{ready} of {wanted} ready, {:.0}/s, p99 {p99}, {} of {} lost",
        snapshot.overall.arrivals_per_s,
        thousands(snapshot.sums.failed),
        thousands(snapshot.sums.requests)
    )
}

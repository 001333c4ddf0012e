//! The loop: takes what the engine hands over, shows it, and stops when it is told to.

use std::time::Duration;

use jiff::Timestamp;
use seaworthy_core::recording::Recording;
use seaworthy_load::Run;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval as Ticks, MissedTickBehavior, interval_at},
};

use super::{
    health::Health,
    lines,
    live::Live,
    metrics,
    ops::Question,
    options::{Options, Shown},
    snapshot, view,
};
use crate::{
    screen::{self, Screen},
    signals::{Asked, Signals},
};

/// How often the view is drawn.
const DRAW: Duration = Duration::from_millis(250);

/// How long after its end a second is looked at: all threads have handed it over by then.
const SETTLED: Duration = Duration::from_millis(200);

/// A run that is this short needs no lines.
const SHORT: Duration = Duration::from_secs(2);

/// What was seen, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) recording: Recording,
    pub(crate) health: Health,
    /// Who asked it to stop, if anybody did.
    pub(crate) asked: Option<Asked>,
    /// Whether somebody could not wait until what was acknowledged was read back.
    pub(crate) unread: bool,
}

/// Takes everything in until the run has ended.
pub(crate) async fn drive(
    run: &mut Run,
    options: &Options,
    signals: &mut Signals,
    questions: &mut mpsc::Receiver<Question>,
    screen: &mut Screen,
) -> Seen {
    let began = run.began();
    let mut watch = Watch { options, live: Live::default(), seen: Seen::default(), told: 0, began };
    let mut ticks = ticks(began);
    loop {
        tokio::select! {
            biased;
            asked = signals.next() => {
                if watch.seen.asked.is_none() { run.stop() } else { run.abandon() }
                watch.seen.asked.get_or_insert(asked);
            }
            Some(question) = questions.recv() => {
                // Whoever asked may be gone.
                let _told = question.send(metrics::text(&watch.seen.recording, watch.live.gauges()));
            }
            // Drawing comes before taking more in: under load there is always more.
            now = ticks.tick() => watch.show(now, screen),
            interval = run.next() => match interval {
                Some(interval) => {
                    watch.live.add(&interval);
                    watch.seen.recording.add(interval);
                }
                None => return watch.seen,
            },
        }
    }
}

fn ticks(began: Instant) -> Ticks {
    let mut ticks = interval_at(began + SETTLED, DRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// A run as it is watched.
struct Watch<'a> {
    options: &'a Options,
    live: Live,
    seen: Seen,
    /// Seconds that have been told of.
    told: u64,
    began: Instant,
}

impl Watch<'_> {
    fn show(&mut self, now: Instant, screen: &mut Screen) {
        let elapsed = now.saturating_duration_since(self.began);
        let over = elapsed.saturating_sub(SETTLED).as_secs();
        if over > self.told {
            self.seen.health.sample(self.live.gauges());
        }
        // Where some were missed, only the last few are still known.
        for index in self.told.max(over.saturating_sub(5))..over {
            self.tell(index, screen);
        }
        self.told = over;
        if let Shown::View { colour } = self.options.shown {
            let stopping = self.seen.asked.is_some();
            let Options { scenario, paced, .. } = self.options;
            let snapshot = snapshot::take(scenario, paced, &self.live, &self.seen.recording, elapsed, stopping);
            let (width, height) = screen::size();
            screen.frame(view::frame(&snapshot, width, height, colour));
        }
    }

    /// A line about a second that is over.
    fn tell(&self, index: u64, screen: &mut Screen) {
        let Some(second) = self.live.second(index) else { return };
        match self.options.shown {
            Shown::Log => screen.out(lines::log(Timestamp::now(), second)),
            Shown::Lines if lines::is_told(index) && self.options.paced.duration.is_none_or(|all| all > SHORT) => {
                screen.err(lines::progress(second, self.live.gauges()));
            }
            Shown::Lines | Shown::View { .. } | Shown::Nothing => {}
        }
    }
}

//! The load that a drill adds: a run of its own, with connections of its own, beside that of the trial.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use seaworthy_core::{
    arrivals::{Profile, Spacing},
    drill::Drill,
    event::Event,
    flood,
    history::History,
    interval::{INTERVAL, Interval},
    time::Moment,
};
use seaworthy_load::{
    Run,
    endpoints::Endpoints,
    plan::{Connections, Pace, Plan as Load, Timeouts, Weighted, Workload},
    request::Request,
    run,
};
use seaworthy_trial::local::Running;
use tokio::time::Instant;

use super::options::Options;
use crate::descriptors;

/// How long its threads have to start before the first request is due.
const LEAD: Duration = Duration::from_millis(30);

/// The longest that its clients wait. Those who wait for longer would be what a target has to come back from.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most connections that it has open at once: a target that does no more does not get more of them.
const MOST_CONNECTIONS: usize = 2_000;

/// Connections that it keeps and uses in turn.
const KEPT: usize = 50;

/// Addresses that it connects from, which are not those of the trial's own load: their source ports are their own.
const SOURCES: std::ops::RangeInclusive<u8> = 21..=28;

/// Longer than any flood.
const ENDLESS: Duration = Duration::from_hours(12);

/// What a step needs to be told in full after its end: its last intervals come later.
const LATER: Duration = Duration::from_millis(300);

/// The load that a drill adds, where there is any.
#[derive(Debug, Default)]
pub(super) struct Flood {
    run: Option<Run>,
    /// Intervals from the trial's start to its own.
    later: u64,
    /// When which rate was asked for, and when the last of it was over.
    changes: Vec<(Moment, u32)>,
    /// From when on what came of the step before can be told.
    told_from: Option<Moment>,
}

impl Flood {
    /// It begins with the first event of a flood, and ends with the last.
    pub(super) fn event(
        &mut self,
        at: Moment,
        event: &Event,
        options: &Options,
        epoch: Instant,
        running: &Running,
    ) -> io::Result<()> {
        if let Event::Flooded { drill, rate } = event {
            if self.changes.is_empty() {
                self.begin(*drill, options, epoch, running)?;
            } else {
                self.told_from = Some(at + LATER);
            }
            self.changes.push((at, *rate));
        } else if let Event::FloodEnded { .. } = event {
            self.changes.clear();
            self.told_from = None;
            self.stop();
        }
        Ok(())
    }

    /// As with the trial's own load, where an interval of the trial does.
    fn begin(&mut self, drill: Drill, options: &Options, epoch: Instant, running: &Running) -> io::Result<()> {
        let now = Instant::now().saturating_duration_since(epoch) + LEAD;
        let intervals = now.as_nanos().div_ceil(INTERVAL.as_nanos());
        self.later = u64::try_from(intervals).unwrap_or(u64::MAX);
        let began = epoch + INTERVAL.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX));
        self.run = Some(run::start_at(load(drill, options, running)?, began)?);
        Ok(())
    }

    /// What became of what was added; never, where there is nothing.
    pub(super) async fn next(&mut self) -> Option<Interval> {
        match &mut self.run {
            Some(run) => run.next().await,
            None => std::future::pending().await,
        }
    }

    /// An interval of it as one of the trial.
    pub(super) fn on_the_trials_clock(&self, interval: Interval) -> Interval {
        interval.later(self.later)
    }

    /// Whether the target did no more at the step that is over than before. Looked at once for each step.
    pub(super) fn is_saturated(&mut self, own: f64, history: &History) -> bool {
        let Some(from) = self.told_from else { return false };
        let interval = history.floods.last().map_or(0, |interval| interval.index);
        if INTERVAL.saturating_mul(u32::try_from(interval).unwrap_or(u32::MAX)) < from.since_start() {
            return false;
        }
        self.told_from = None;
        let steps = flood::steps(&self.changes, &history.intervals, &history.floods);
        flood::is_saturated(own, &steps)
    }

    /// No more is added; what is open is finished.
    pub(super) fn stop(&self) {
        if let Some(run) = &self.run {
            run.stop();
        }
    }

    /// Ends at once.
    pub(super) fn abandon(&self) {
        if let Some(run) = &self.run {
            run.abandon();
        }
    }

    /// All that was added has ended.
    pub(super) fn ended(&mut self) -> io::Result<()> {
        self.run.take().map_or(Ok(()), |run| run.end().map(|_ended| ()))
    }
}

/// Half of the descriptors that there are: the trial's own load has the others. The limit is not raised, since replicas
/// that start later would have it, too.
fn most_connections() -> usize {
    let half = descriptors::allowed().saturating_sub(descriptors::OTHERS) / 2;
    usize::try_from(half).unwrap_or(MOST_CONNECTIONS).clamp(KEPT, MOST_CONNECTIONS)
}

/// The trial's own requests, but nothing that is written: what a flood writes would be taken for the trial's own.
fn unfollowed(workload: &Workload) -> Workload {
    let only = |request: &Request| Arc::from([Weighted { request: request.clone(), weight: 1 }]);
    Workload::Requests(match workload {
        Workload::Requests(requests) => Arc::clone(requests),
        Workload::Users(plan) => only(&plan.like),
        Workload::Writes(plan) => Arc::clone(&plan.requests),
    })
}

/// As the trial's own load, but more of it.
fn load(drill: Drill, options: &Options, running: &Running) -> io::Result<Load> {
    let own = options.header.rate;
    let asked = &options.plan.asked;
    // The last step goes on until it is told to end.
    let stage =
        |rate: u32, takes: Duration| format!("{} for {}ms", (f64::from(rate) - own).max(1.0), takes.as_millis());
    let rates = if drill == Drill::Overload { &*asked.overload } else { &[asked.liveness] };
    let takes = |step: usize| if step + 1 == rates.len() { ENDLESS } else { asked.step };
    let stages: Vec<String> = rates.iter().enumerate().map(|(step, rate)| stage(*rate, takes(step))).collect();
    let profile: Profile = stages.join(", ").parse().map_err(io::Error::other)?;
    let Load { timeouts, connections, .. } = &options.load;
    Ok(Load {
        pace: Pace::Open { profile, spacing: Spacing::Even, limit: None },
        endpoints: Endpoints::View(running.view()),
        connections: Connections {
            keep: KEPT,
            most: most_connections(),
            fresh: connections.fresh,
            sources: SOURCES.map(|last| IpAddr::from([127, 0, 0, last])).collect(),
        },
        timeouts: Timeouts { connect: timeouts.connect.min(PATIENCE), request: timeouts.request.min(PATIENCE) },
        workload: unfollowed(&options.load.workload),
        keep_answers: false,
        // Another stream of chance than that of the trial's own requests.
        seed: options.load.seed ^ 1,
        ..options.load.clone()
    })
}

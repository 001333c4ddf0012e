//! What a chart shows, before anything of it is drawn.

use std::{collections::BTreeSet, time::Duration};

use super::{
    bins::Bins,
    lanes::{self, Glyph, Lane, Mark},
    scale::Axis,
};
use crate::{
    diagnosis::{Finding, Harm},
    drill::Drill,
    event::{Event, Replica},
    lives::Lives,
    recording::Recording,
    report::trial::{TrialReport, event_words, words},
    text::counted,
    time::Moment,
};

/// A drill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Which.
    pub(super) drill: Drill,
    /// Its begin and its end.
    pub(super) window: (Moment, Moment),
    /// From the disturbance until all was as it should be again.
    pub(super) disturbed: Option<(Moment, Moment)>,
}

/// Where a finding shows.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// From when until when.
    pub(super) when: (Moment, Moment),
    /// On which replica, where it is one.
    pub(super) replica: Option<Replica>,
    /// What is there, in words.
    pub(super) words: String,
}

/// Where the evidence of a finding is.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The cause's name, as it is read.
    pub(super) cause: String,
    /// Whether nothing was lost by it but what may be, or it is the tool's own doing.
    pub(super) mild: bool,
    /// All the places; never none.
    pub(super) spots: Vec<Spot>,
}

/// All that a chart shows.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// What became of the requests.
    pub(super) bins: Bins,
    /// Until when anything is known.
    pub(super) end: Moment,
    /// The drills.
    pub(super) bands: Vec<Band>,
    /// Events that concern all replicas.
    pub(super) marks: Vec<Mark>,
    /// How much was asked beyond the trial's own rate, from when on; 0 where it was nothing.
    pub(super) floods: Vec<(Moment, u32)>,
    /// The findings, in their order.
    pub(super) findings: Vec<Evidence>,
    /// The replicas.
    pub(super) lanes: Vec<Lane>,
}

/// The axes that pictures have in common, so that they can be compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    /// Seconds.
    pub(super) time: Axis,
    /// Requests a second.
    pub(super) rate: Axis,
    /// Failed ones a second; nothing where none failed.
    pub(super) failed: Option<Axis>,
    /// Response times; nothing where there is none.
    pub(super) latency: Option<Axis>,
}

impl Picture {
    /// Of a trial.
    pub(super) fn of_trial(report: &TrialReport<'_>) -> Self {
        let lives = Lives::of(report.history);
        let bins = Bins::of_history(report.history);
        let end = lives.end().max(Moment::from(bins.end())).max(Moment::from(report.took()));
        let band =
            |row: &crate::assessment::Row| Band { drill: row.drill, window: row.window, disturbed: row.disturbed };
        let bands: Vec<Band> = report.assessment.drills.iter().map(band).collect();
        let findings = report.assessment.findings.iter().map(|finding| evidence(report, finding, end)).collect();
        let lanes = lanes::of(report, &lives, end);
        let marks = report.events.iter().filter_map(|(at, event)| of_all(*at, event)).collect();
        Self { bins, end, bands, marks, floods: lives.floods().to_vec(), findings, lanes }
    }

    /// Of a run under load.
    pub(super) fn of_load(recording: &Recording, elapsed: Duration) -> Self {
        let bins = Bins::of_recording(recording);
        let end = Moment::from(bins.end().max(elapsed));
        let (bands, marks, floods, findings, lanes) = (vec![], vec![], vec![], vec![], vec![]);
        Self { bins, end, bands, marks, floods, findings, lanes }
    }
}

impl Axes {
    /// Those in which all of these pictures have room.
    pub(super) fn of(pictures: &[&Picture]) -> Self {
        let most = |of: fn(&super::bins::Bin) -> u64| pictures.iter().map(|one| one.bins.most(of)).fold(0.0, f64::max);
        let end = pictures.iter().map(|one| one.end).max().unwrap_or_default();
        let spans = || pictures.iter().filter_map(|one| one.bins.span());
        let least = spans().map(|(least, _)| least).min();
        let longest = spans().map(|(_, longest)| longest).max();
        let failed = most(|bin| bin.failed);
        Self {
            time: Axis::time(end.since_start()),
            rate: Axis::count(most(|bin| bin.due).max(most(|bin| bin.answered))),
            failed: (failed > 0.0).then(|| Axis::count(failed)),
            latency: least.zip(longest).map(|(least, longest)| Axis::latency(least, longest)),
        }
    }

    /// Where a moment is, from 0 to 1.
    pub(super) fn at(&self, moment: Moment) -> f64 {
        self.time.place(moment.since_start().as_secs_f64())
    }
}

/// To the millisecond.
pub(super) fn to_millis(at: Moment) -> Duration {
    let at = at.since_start();
    at.saturating_sub(Duration::from_nanos(u64::from(at.subsec_nanos() % 1_000_000)))
}

/// Where a finding shows: where its failures ended; where it is in no failure, on its replicas while its drills took; and
/// where that says nothing, either, all the time.
fn evidence(report: &TrialReport<'_>, finding: &Finding, end: Moment) -> Evidence {
    let groups = report.assessment.groups.iter().filter(|group| group.cause == finding.cause);
    let spot = |group: &crate::assessment::Group| Spot {
        when: (group.when.0.min(end), group.when.1.clamp(group.when.0.min(end), end)),
        replica: group.replica,
        words: format!("{} in {}", counted(group.count, "failure"), words::group(group)),
    };
    let mut spots = joined(groups.map(spot).collect());
    if spots.is_empty() {
        let rows = report.assessment.drills.iter().filter(|row| finding.drills.contains(&row.drill));
        let mut windows: Vec<((Moment, Moment), String)> =
            rows.map(|row| (row.disturbed.unwrap_or(row.window), row.drill.to_string())).collect();
        if windows.is_empty() {
            windows.push(((Moment::START, end), "all the time".to_owned()));
        }
        let replicas: BTreeSet<Option<Replica>> = finding.replicas.iter().copied().map(Some).collect();
        let replicas = if replicas.is_empty() { BTreeSet::from([None]) } else { replicas };
        for (when, name) in windows {
            let whose = |replica: Option<Replica>| replica.map_or_else(String::new, |replica| format!(", {replica}"));
            let of =
                |replica: &Option<Replica>| Spot { when, replica: *replica, words: name.clone() + &whose(*replica) };
            spots.extend(replicas.iter().map(of));
        }
    }
    spots.sort_by_key(|spot| spot.when);
    let mild = finding.own || finding.harm == Harm::Requests && finding.lost() == 0;
    Evidence { cause: words::cause(&finding.cause), mild, spots }
}

/// What is at the same time on the same replica is one place.
fn joined(mut spots: Vec<Spot>) -> Vec<Spot> {
    spots.sort_by_key(|spot| (spot.replica, spot.when));
    let mut joined: Vec<Spot> = Vec::new();
    for spot in spots {
        match joined.last_mut() {
            Some(last) if last.replica == spot.replica && spot.when.0 <= last.when.1 => {
                last.when.1 = last.when.1.max(spot.when.1);
                last.words = format!("{}\n{}", last.words, spot.words);
            }
            _ => joined.push(spot),
        }
    }
    joined
}

/// An event that concerns all replicas. Begins and ends of drills are drawn as bands.
fn of_all(at: Moment, event: &Event) -> Option<Mark> {
    if matches!(event, Event::DrillBegun { .. } | Event::DrillEnded { .. }) {
        return None;
    }
    let (replica, words) = event_words(event)?;
    if replica.is_some() && !matches!(event, Event::Disturbed { .. }) {
        return None;
    }
    let glyph = match event {
        Event::DrillBroken { .. } | Event::RolloutStuck { .. } | Event::DatabaseDown { .. } | Event::Interrupted => {
            Glyph::Kill
        }
        Event::Disturbed { .. } | Event::Flooded { .. } => Glyph::Term,
        Event::RolloutBegun { .. } | Event::Scaled { .. } | Event::DatabaseUp | Event::Established => Glyph::Start,
        Event::RolloutDone { .. } | Event::Settled { .. } | Event::FloodEnded { .. } => Glyph::Exit,
        Event::DrillBegun { .. }
        | Event::DrillEnded { .. }
        | Event::Created { .. }
        | Event::Placed { .. }
        | Event::Started { .. }
        | Event::NotStarted { .. }
        | Event::Probed { .. }
        | Event::Ready { .. }
        | Event::Unready { .. }
        | Event::Available { .. }
        | Event::Terminating { .. }
        | Event::PreStopBegun { .. }
        | Event::PreStopEnded { .. }
        | Event::Signalled { .. }
        | Event::Disposition { .. }
        | Event::Exited { .. }
        | Event::BackingOff { .. }
        | Event::Gone { .. }
        | Event::Frozen { .. }
        | Event::Thawed { .. }
        | Event::Endpoints { .. }
        | Event::View { .. }
        | Event::ListenerUp { .. }
        | Event::ListenerDown { .. }
        | Event::Foreign { .. }
        | Event::Blind { .. }
        | Event::NetworkBroken { .. }
        | Event::NetworkHealed { .. } => Glyph::Other,
    };
    Some(Mark { at, glyph, words })
}

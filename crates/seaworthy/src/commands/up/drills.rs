//! The drills that were asked for: what each cost, judged as a trial's is, by its part of the history alone.

use std::time::Duration;

use seaworthy_console::{
    Command,
    model::{Cost, DrillRecord, DrillState},
};
use seaworthy_core::{
    assessment::{Assessment, assess},
    drill::Drill,
    event::{Event, Replica},
    history::{Footer, History, lines},
    time::Moment,
    trial::Wanted,
};

use crate::commands::trial::folder::Folder;

/// How much of the time before a drill is its baseline.
const QUIET: Duration = Duration::from_secs(10);

/// How long after a drill what was still under way has to end before it is judged.
const LATE: Duration = Duration::from_secs(1);

/// How much is kept when nothing is asked for.
const KEPT: Duration = Duration::from_mins(1);

/// A drill of which nobody has said yet what it cost.
#[derive(Debug)]
struct Open {
    record: DrillRecord,
    /// When it ended.
    ended: Option<Moment>,
}

/// What was recorded, and what came of what was asked for.
#[derive(Debug)]
pub(super) struct Drills {
    history: History,
    open: Option<Open>,
    made: u64,
    forgotten: Moment,
}

/// What a command asks for.
pub(super) fn wanted(command: Command, replicas: u32) -> Wanted {
    let drill = command.drill(replicas);
    match command {
        Command::Kill { replica } => Wanted { replica: Some(replica), ..drill.into() },
        Command::Freeze { replica, seconds } => {
            let freeze = Some(Duration::from_secs(seconds.into()));
            Wanted { replica: Some(replica), freeze, ..drill.into() }
        }
        Command::Scale { replicas } => Wanted { replicas: Some(replicas), ..drill.into() },
        Command::RollOut {} | Command::BadRelease {} => drill.into(),
    }
}

impl Drills {
    /// Of a history in which nothing has happened yet.
    pub(super) const fn new(history: History) -> Self {
        Self { history, open: None, made: 0, forgotten: Moment::START }
    }

    /// What there is before anything happens.
    pub(super) fn begun(&self) -> History {
        History { events: Vec::new(), intervals: Vec::new(), ..self.history.clone() }
    }

    /// One is begun: its record.
    pub(super) fn begin(&mut self, at: Moment, drill: Drill, what: String, by: String) -> DrillRecord {
        self.made += 1;
        // One drill after the other leaves no time for it: what the last one kept is not needed any more.
        self.forget(at, QUIET);
        let record = DrillRecord {
            id: self.made,
            drill,
            what,
            asked: at,
            by,
            state: DrillState::Running,
            began: Some(at),
            ended: None,
            cost: None,
            findings: Vec::new(),
        };
        self.open = Some(Open { record: record.clone(), ended: None });
        record
    }

    pub(super) fn event(&mut self, at: Moment, event: Event) {
        if let (Event::DrillEnded { .. }, Some(open)) = (&event, &mut self.open) {
            open.ended = Some(at);
        }
        // Each probe that passes is an event, and says nothing that `Ready` does not.
        if !matches!(event, Event::Probed { passed: true, .. }) {
            self.history.events.push((at, event));
        }
    }

    pub(super) fn interval(&mut self, interval: seaworthy_core::interval::Interval) {
        self.history.intervals.push(interval);
    }

    /// Whether one goes on, or is not judged yet: why nothing can be asked for.
    pub(super) fn busy(&self) -> Option<String> {
        let open = self.open.as_ref()?;
        let state = if open.ended.is_some() { "is being judged" } else { "goes on" };
        Some(format!("{} {state}", open.record.what))
    }

    /// Forgets what was longer ago than that.
    fn forget(&mut self, now: Moment, than: Duration) {
        self.forgotten = Moment::from(now.since_start().saturating_sub(than));
        self.history.forget(self.forgotten);
    }

    /// The drill that can be judged by now, judged; and what is no longer needed is forgotten.
    pub(super) fn settle(
        &mut self,
        now: Moment,
        footer: impl FnOnce(&History) -> Footer,
    ) -> Option<(DrillRecord, History)> {
        let Some(ended) = self.open.as_ref().and_then(|open| open.ended) else {
            if self.open.is_none() && now.since(self.forgotten) > KEPT.saturating_mul(2) {
                self.forget(now, KEPT);
            }
            return None;
        };
        if now < ended + LATE {
            return None;
        }
        let open = self.open.take()?;
        let part = self.history.last_drill(QUIET, footer(&self.history))?;
        let judged = assess(&part);
        let record = DrillRecord {
            state: DrillState::Done,
            ended: Some(ended),
            cost: cost(&judged, open.record.drill),
            findings: judged.findings.iter().map(Into::into).collect(),
            ..open.record
        };
        Some((record, part))
    }
}

/// What a drill cost its clients.
fn cost(judged: &Assessment, drill: Drill) -> Option<Cost> {
    let row = judged.drills.iter().find(|row| row.drill == drill)?;
    let [keep, fresh] = [row.keep_alive, row.fresh];
    let worst = row.times.iter().filter_map(|times| times.max).max();
    Some(Cost {
        lost: keep.lost + keep.allowed + fresh.lost + fresh.allowed,
        retried: keep.retried + fresh.retried,
        worst_ms: worst.map(|worst| worst.as_secs_f64() * 1_000.0),
        outage_s: row.recovery.unwrap_or_default().as_secs_f64(),
    })
}

/// Keeps the history of a drill where `diagnose` and `report` find it.
pub(super) fn keep(session: &Folder, record: &DrillRecord, history: &History) -> std::io::Result<String> {
    let mut folder = session.beside(&format!("{}-{}", record.id, record.drill))?;
    for line in lines::all(history).lines() {
        folder.record(line);
    }
    folder.flush();
    Ok(folder.path.display().to_string())
}

/// What a drill came to, in a line.
pub(super) fn words(record: &DrillRecord, judged: &str) -> String {
    let lost = record.cost.map_or(0, |cost| cost.lost);
    let causes: Vec<&str> = record.findings.iter().map(|finding| finding.cause.as_str()).collect();
    let why = if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
    format!("{}: {} lost{why}; {judged}", record.what, lost)
}

/// Whose port it is.
pub(super) fn place(event: &Event) -> Option<(Replica, std::net::SocketAddr)> {
    if let Event::Placed { replica, address } = event { Some((*replica, *address)) } else { None }
}

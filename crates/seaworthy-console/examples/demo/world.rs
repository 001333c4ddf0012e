//! A made-up system that behaves as one would expect: replicas that start, are replaced and killed, and what that costs.
//!
//! It has no clock: one step is one second, and the same seed gives the same run.

mod drills;
mod picture;

use std::collections::{BTreeMap, VecDeque};

use seaworthy_console::{
    Answer, Command,
    model::{DrillRecord, DrillState, Finding, Mark, MarkKind, Phase, PhaseChange, Snapshot, Sums},
};
use seaworthy_core::{
    event::{Replica, Revision},
    time::Moment,
};

/// What the replicas share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// A file that they read themselves.
    Sqlite,
    /// A server, over mutual TLS.
    MariaDb,
}

/// A replica of the made-up system.
#[derive(Clone, Copy, Debug)]
struct Unit {
    phase: Phase,
    revision: u32,
    restarts: u32,
}

/// Something that will happen.
#[derive(Clone, Debug)]
enum Action {
    Phase(u32, Phase),
    Create(u32),
    Restart(u32),
    Mark(MarkKind, Option<u32>, String),
    /// Requests are lost at a replica.
    Lose(u32, u64),
    /// Requests are sent again.
    Retry(u64),
    Slow(f64),
    NextRevision,
    Wanted(u32),
    Found(Finding),
    End,
}

/// The made-up system.
#[derive(Debug)]
pub(crate) struct World {
    store: Store,
    wall_begin_ms: u64,
    second: u64,
    random: u64,
    wanted: u32,
    revision: u32,
    last_replica: u32,
    units: BTreeMap<u32, Unit>,
    agenda: Vec<(u64, Action)>,
    drill: Option<DrillRecord>,
    changed: Vec<DrillRecord>,
    last_drill: u64,
    sums: Sums,
    slow_ms: f64,
    lost_now: VecDeque<(u32, u64)>,
    phases: Vec<PhaseChange>,
    marks: Vec<Mark>,
}

impl World {
    /// Three replicas at fifty requests a second, from a time of the day on.
    pub(crate) fn new(store: Store, wall_begin_ms: u64, seed: u64) -> Self {
        let mut world = Self {
            store,
            wall_begin_ms,
            second: 0,
            random: seed,
            wanted: 3,
            revision: 1,
            last_replica: 0,
            units: BTreeMap::new(),
            agenda: Vec::new(),
            drill: None,
            changed: Vec::new(),
            last_drill: 0,
            sums: Sums::default(),
            slow_ms: 0.0,
            lost_now: VecDeque::new(),
            phases: Vec::new(),
            marks: Vec::new(),
        };
        for index in 0..3_u64 {
            let replica = world.number();
            world.plan(100 + index * 40, Action::Create(replica));
            world.plan(1_300 + index * 170, Action::Phase(replica, Phase::Ready));
        }
        world
    }

    /// The next second.
    pub(crate) fn step(&mut self) -> Snapshot {
        self.second += 1;
        let until = self.second * 1000;
        self.slow_ms = 0.0;
        self.lost_now.clear();
        self.agenda.sort_by_key(|(at, _)| *at);
        while self.agenda.first().is_some_and(|(at, _)| *at <= until) {
            let (at, action) = self.agenda.remove(0);
            self.apply(at, action);
        }
        let snapshot = self.picture();
        self.units.retain(|_, unit| unit.phase != Phase::Gone);
        snapshot
    }

    /// What it says to a command.
    pub(crate) fn ask(&mut self, command: Command, by: &str) -> Answer {
        if let Some(reason) = self.busy() {
            return Answer::Refused(reason);
        }
        if let Command::Kill { replica } | Command::Freeze { replica, .. } = command
            && self.units.get(&replica.0).is_none_or(|unit| unit.phase != Phase::Ready)
        {
            return Answer::Refused(format!("{replica} is not ready, so nothing would come of it."));
        }
        self.last_drill += 1;
        self.drill = Some(DrillRecord {
            id: self.last_drill,
            drill: command.drill(self.wanted),
            what: command.to_string(),
            asked: millis(self.second * 1000),
            by: by.to_owned(),
            state: DrillState::Waiting,
            began: None,
            ended: None,
            cost: None,
            findings: Vec::new(),
        });
        self.changed.extend(self.drill.clone());
        self.carry_out(command);
        Answer::Accepted(self.last_drill)
    }

    fn busy(&self) -> Option<String> {
        let running = self.drill.as_ref().map(|drill| format!("A drill is under way: {}.", drill.what));
        let starting = || (self.second < 3).then(|| "The replicas are starting.".to_owned());
        running.or_else(starting)
    }

    fn apply(&mut self, at: u64, action: Action) {
        match action {
            Action::Create(replica) => {
                let unit = Unit { phase: Phase::Starting, revision: self.revision, restarts: 0 };
                self.units.insert(replica, unit);
                self.enter(at, replica, Phase::Starting);
            }
            Action::Phase(replica, phase) => self.enter(at, replica, phase),
            Action::Restart(replica) => {
                if let Some(unit) = self.units.get_mut(&replica) {
                    unit.restarts += 1;
                }
                self.enter(at, replica, Phase::Starting);
                self.mark(at, MarkKind::Restarted, Some(replica), "restarted in its place");
            }
            Action::Mark(kind, replica, text) => self.mark(at, kind, replica, &text),
            Action::Lose(replica, count) => {
                self.lost_now.push_back((replica, count));
                self.costs(|cost| (cost.lost, cost.outage_s) = (cost.lost + count, cost.outage_s + 0.4));
            }
            Action::Retry(count) => self.costs(|cost| cost.retried += count),
            Action::Slow(by) => {
                self.slow_ms = by;
                self.costs(|cost| cost.worst_ms = Some(cost.worst_ms.map_or(by, |worst| worst.max(by))));
            }
            Action::NextRevision => self.revision += 1,
            Action::Wanted(replicas) => self.wanted = replicas,
            Action::Found(finding) => self.change(|drill| drill.findings.push(finding)),
            Action::End => {
                self.change(|drill| (drill.state, drill.ended) = (DrillState::Done, Some(millis(at))));
                self.mark(at, MarkKind::DrillEnded, None, "drill ended");
                self.drill = None;
            }
        }
    }

    fn enter(&mut self, at: u64, replica: u32, phase: Phase) {
        if let Some(unit) = self.units.get_mut(&replica) {
            unit.phase = phase;
            let revision = Revision(unit.revision);
            self.phases.push(PhaseChange { at: millis(at), replica: Replica(replica), revision, phase });
        }
    }

    fn mark(&mut self, at: u64, kind: MarkKind, replica: Option<u32>, text: &str) {
        let replica = replica.map(Replica);
        self.marks.push(Mark { at: millis(at), replica, kind, text: text.to_owned() });
    }

    fn costs(&mut self, change: impl FnOnce(&mut seaworthy_console::model::Cost)) {
        self.change(|drill| change(drill.cost.get_or_insert_default()));
    }

    fn change(&mut self, change: impl FnOnce(&mut DrillRecord)) {
        if let Some(drill) = &mut self.drill {
            change(drill);
            self.changed.push(drill.clone());
        }
    }

    fn plan(&mut self, at: u64, action: Action) {
        self.agenda.push((at, action));
    }

    fn number(&mut self) -> u32 {
        self.last_replica += 1;
        self.last_replica
    }

    /// A number from 0 to 1 (`SplitMix64`).
    fn chance(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A moment of the run.
fn millis(ms: u64) -> Moment {
    Moment::from_nanos(ms * 1_000_000)
}

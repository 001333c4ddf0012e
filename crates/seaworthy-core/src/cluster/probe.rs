//! The probes of one replica: when a question is put, and what the answers come to.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    deployment::{Probe, ProbeKind, Template},
    time::Moment,
};

/// A period of nothing would put questions without end at one moment.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// The probes of one replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    /// Questions put until now, of all its processes: their numbers are never given twice.
    numbered: u64,
    /// The last result in the history, for each. A restart in place does not forget it.
    recorded: BTreeMap<ProbeKind, bool>,
    /// Those that run, for the process that runs.
    active: BTreeMap<ProbeKind, Prober>,
}

/// One probe of one process.
#[derive(Clone, Debug)]
struct Prober {
    /// When the next question is due.
    due: Moment,
    /// The question that is not answered yet.
    open: Option<u64>,
    /// The last answer, and how many like it there were in a row.
    streak: Option<(bool, u32)>,
    /// What the answers have come to; nothing before a first startup probe has decided.
    good: Option<bool>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// It is to be in the history: it failed, or it is not what the last one was.
    pub(super) notable: bool,
    /// What the probe has turned to by it, where it has.
    pub(super) turned: Option<bool>,
}

impl Probes {
    /// A process has started. Only its startup probe runs, where there is one; says whether the others run already.
    pub(super) fn begin(&mut self, template: &Template, now: Moment) -> bool {
        self.active.clear();
        if let Some(probe) = &template.startup {
            self.active.insert(ProbeKind::Startup, Prober::new(now + probe.initial_delay, None));
        } else {
            self.begin_others(template, now);
        }
        template.startup.is_none()
    }

    /// The startup probe has passed: the others run from now on. What would have been due before is due now.
    pub(super) fn begin_others(&mut self, template: &Template, started: Moment) {
        self.active.clear();
        for (kind, good) in [(ProbeKind::Readiness, false), (ProbeKind::Liveness, true)] {
            if let Some(probe) = template.probe(kind) {
                self.active.insert(kind, Prober::new(started + probe.initial_delay, Some(good)));
            }
        }
    }

    /// The process is to end for good: nobody asks any more whether it lives.
    pub(super) fn keep_readiness(&mut self) {
        self.active.retain(|kind, _| *kind == ProbeKind::Readiness);
    }

    /// No more questions; an answer that is still to come is ignored.
    pub(super) fn end(&mut self) {
        self.active.clear();
    }

    /// The question that is due next.
    pub(super) fn next(&self) -> Option<(Moment, ProbeKind)> {
        let free = self.active.iter().filter(|(_, prober)| prober.open.is_none());
        free.map(|(kind, prober)| (prober.due, *kind)).min()
    }

    /// Puts a question: its number.
    pub(super) fn ask(&mut self, kind: ProbeKind, template: &Template, now: Moment) -> Option<u64> {
        let prober = self.active.get_mut(&kind)?;
        let period = template.probe(kind)?.period.max(SHORTEST_PERIOD);
        self.numbered += 1;
        prober.open = Some(self.numbered);
        prober.due = now + period;
        Some(self.numbered)
    }

    /// Takes an answer; nothing where nobody waits for it.
    pub(super) fn answer(&mut self, kind: ProbeKind, number: u64, passed: bool, template: &Template) -> Option<Answer> {
        let probe = template.probe(kind)?;
        let prober = self.active.get_mut(&kind).filter(|prober| prober.open == Some(number))?;
        let turned = prober.take(probe, passed);
        let before = self.recorded.insert(kind, passed);
        Some(Answer { notable: !passed || before != Some(passed), turned })
    }
}

impl Prober {
    const fn new(due: Moment, good: Option<bool>) -> Self {
        Self { due, open: None, streak: None, good }
    }

    fn take(&mut self, probe: &Probe, passed: bool) -> Option<bool> {
        self.open = None;
        let length = match self.streak {
            Some((last, length)) if last == passed => length.saturating_add(1),
            Some(_) | None => 1,
        };
        self.streak = Some((passed, length));
        let threshold = if passed { probe.success_threshold } else { probe.failure_threshold };
        let turns = length >= threshold && self.good != Some(passed);
        turns.then(|| {
            self.good = Some(passed);
            passed
        })
    }
}

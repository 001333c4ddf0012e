//! Replicas that were ended though they were only busy, or still starting: what that costs where no request is lost by it.

use std::time::Duration;

use super::{
    Confidence, Found, Harm, Rule, crash, entries,
    found::seconds,
    liveness,
    observed::{Observing, Seen},
    oom,
};
use crate::{
    change::Change,
    deployment::{Probe, ProbeKind},
    event::{Reason, Release, Signal},
    lives::{Life, Run},
    text::counted,
    time::Moment,
};

pub(super) const STARTING: Rule = Rule {
    id: "probe-kill-while-starting",
    title: "a probe restarted a replica that was still starting, so that it had to begin again",
    harm: Harm::Restarts,
    entry: entries::startup::PROBE_KILL,
    mends,
    changes,
    ..Rule::OBSERVED
};

/// Ends under a load that is more than usual, by what did them. They break a promise also where all that was lost by them
/// may be.
static BUSY: [Rule; 3] = [
    Rule { harm: Harm::Restarts, ..liveness::RULE },
    Rule { harm: Harm::Restarts, ..oom::RULE },
    Rule { harm: Harm::Restarts, ..crash::RULE },
];

/// The least that a start may take in what is proposed.
const LEAST: Duration = Duration::from_mins(1);

/// The period of a startup probe that is proposed: a start is noticed soon.
const PERIOD: Duration = Duration::from_secs(1);

/// A replica that was ended, and when.
#[derive(Clone, Copy, Debug)]
struct End<'a> {
    life: &'a Life,
    run: &'a Run,
    at: Moment,
    /// The probe that did it.
    probe: Option<ProbeKind>,
}

impl End<'_> {
    /// How long its process had run.
    fn after(&self) -> Duration {
        self.at.since(self.run.started)
    }

    /// Whether it had not come so far as to serve.
    fn is_of_start(&self) -> bool {
        let Self { life, run, at, .. } = self;
        let listened = life.listening.any(run.started, *at);
        let answered = life.answers.range(run.started..*at).next().is_some();
        !life.ready.any(run.started, *at) || !listened && !answered
    }

    /// From when its replica came to be until it was ready in the end: how long the start took with all that was done to it.
    fn whole(&self) -> Option<Duration> {
        let ready = self.life.ready.next_begin(self.at)?;
        Some(ready.since(self.life.created.unwrap_or(self.run.started)))
    }
}

/// What was ended so: while it started, and under load.
pub(super) fn seen(observing: &Observing<'_>) -> Vec<Seen> {
    let busy = BUSY.iter().filter_map(|rule| busy(observing, rule));
    starting(observing).into_iter().chain(busy).collect()
}

/// The ends of a replica by a probe while it was starting. What never works is no slow start.
fn of_start(life: &Life) -> impl Iterator<Item = End<'_>> {
    let good = life.release != Some(Release::Bad);
    by_signal(life).filter(move |end| good && end.probe.is_some() && end.is_of_start())
}

/// The ends of a replica by a probe, or for its memory.
fn by_signal(life: &Life) -> impl Iterator<Item = End<'_>> {
    life.signals.iter().filter_map(|(at, signal, reason)| {
        let probe = match (signal, reason) {
            (Signal::Term | Signal::Kill, Reason::Liveness) => Some(ProbeKind::Liveness),
            (Signal::Term | Signal::Kill, Reason::Startup) => Some(ProbeKind::Startup),
            (Signal::Kill, Reason::OutOfMemory) => None,
            (
                Signal::Term | Signal::Kill | Signal::Stop | Signal::Cont,
                Reason::Liveness
                | Reason::Startup
                | Reason::OutOfMemory
                | Reason::Termination
                | Reason::GraceOver
                | Reason::Drill
                | Reason::Cleanup,
            ) => return None,
        };
        Some(End { life, run: life.run_at(*at)?, at: *at, probe })
    })
}

fn starting(observing: &Observing<'_>) -> Option<Seen> {
    // Before the first drill all of them start at once, on one machine.
    let in_drill = |end: &End<'_>| observing.window(end.at).is_some();
    let ends: Vec<End<'_>> = observing.lives.all().flat_map(of_start).filter(in_drill).collect();
    // One that came to be ready was slow. Of the others it is only known that they were not ready yet.
    let sure = ends.iter().all(|end| end.whole().is_some());
    let mut seen = Seen::of(&STARTING, if sure { Confidence::Proven } else { Confidence::Likely });
    let template = &observing.history.header.deployment.template;
    for end in &ends {
        let End { life, at, .. } = end;
        let Some(kind) = end.probe else { continue };
        let allows = template.probe(kind).map_or_else(String::new, |probe| format!("; {}", allows(kind, probe)));
        seen.evidence.push(format!(
            "the {} probe ended {} {} after its process had started, before it was ready{allows}",
            kind.label(),
            life.replica,
            seconds(end.after())
        ));
        if let Some(frozen) = life.frozen.all().iter().find(|span| span.holds(*at)) {
            let stood = seconds(at.since(frozen.from));
            seen.evidence.push(format!("the drill had held its start up for {stood} by then"));
        }
        if let Some(whole) = end.whole() {
            seen.evidence.push(format!("{} was ready {} after it came to be", life.replica, seconds(whole)));
        }
        seen.add(observing, life.replica, 1, std::iter::once(*at));
    }
    if !ends.is_empty() && template.startup.is_none() {
        seen.evidence.push("there is no startup probe, for which the liveness probe would wait".to_owned());
    }
    (!ends.is_empty()).then_some(seen)
}

/// How long a probe lets a process start.
fn allows(kind: ProbeKind, probe: &Probe) -> String {
    let Probe { initial_delay, period, failure_threshold, .. } = probe;
    format!(
        "{}Probe allows about {}: initialDelaySeconds {} + periodSeconds {} x failureThreshold {failure_threshold}",
        kind.label(),
        seconds(*initial_delay + period.saturating_mul(*failure_threshold)),
        initial_delay.as_secs_f64(),
        period.as_secs_f64()
    )
}

/// Twice what the slowest start took, and no less than a minute.
fn needed(found: &Found<'_>) -> Duration {
    let took = |end: End<'_>| end.whole().unwrap_or_default().max(end.after());
    let slowest = found.lives().flat_map(of_start).map(took).max().unwrap_or_default();
    slowest.saturating_mul(2).max(LEAST)
}

/// So many periods are no shorter than a time.
fn failures(time: Duration, period: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(period.as_nanos().max(1))).unwrap_or(u32::MAX)
}

/// Whether a probe of a kind ended one of them while it started.
fn by(found: &Found<'_>, kind: ProbeKind) -> bool {
    found.lives().flat_map(of_start).any(|end| end.probe == Some(kind))
}

fn changes(found: &Found<'_>) -> Vec<Change> {
    let template = &found.history.header.deployment.template;
    let needed = needed(found);
    let longer = |kind, probe: &Probe| Change::Patience(kind, probe.timeout, failures(needed, probe.period));
    let mut changes = Vec::new();
    if let Some(probe) = template.startup.as_ref().filter(|_| by(found, ProbeKind::Startup)) {
        changes.push(longer(ProbeKind::Startup, probe));
    }
    if let Some(probe) = template.liveness.as_ref().filter(|_| by(found, ProbeKind::Liveness)) {
        changes.push(match &template.startup {
            None => Change::Startup(probe.check.clone(), PERIOD, failures(needed, PERIOD)),
            // That one was content already.
            Some(_) => longer(ProbeKind::Liveness, probe),
        });
    }
    changes
}

fn mends(found: &Found<'_>) -> String {
    let (template, needed) = (&found.history.header.deployment.template, needed(found));
    let (kind, period) = match (&template.startup, by(found, ProbeKind::Liveness), &template.liveness) {
        (Some(_), true, Some(probe)) => (ProbeKind::Liveness, probe.period),
        (Some(probe), ..) => (ProbeKind::Startup, probe.period),
        (None, ..) => (ProbeKind::Startup, PERIOD),
    };
    let place = if template.startup.is_none() { ", which the others wait for" } else { "" };
    format!(
        "a {}Probe{place}, with periodSeconds {} and failureThreshold {}: together {} or more, at least twice as long as \
         the start took",
        kind.label(),
        period.as_secs_f64(),
        failures(needed, period),
        seconds(needed)
    )
}

/// Replicas that ended while more was asked of them than usual, or until the end of a drill that asks for it.
fn busy(observing: &Observing<'_>, rule: &'static Rule) -> Option<Seen> {
    let mut seen = Seen::of(rule, Confidence::Proven);
    let mut times: Vec<Moment> = Vec::new();
    for life in observing.lives.all().filter(|life| life.release != Some(Release::Bad)) {
        for at in ends(rule, life).into_iter().filter(|at| is_of_flood(observing, *at)) {
            seen.add(observing, life.replica, 1, std::iter::once(at));
            times.push(at);
        }
    }
    let (first, last) = times.iter().min().zip(times.iter().max())?;
    let from = seconds(first.since_start());
    let when =
        if first == last { format!("at {from}") } else { format!("from {from} to {}", seconds(last.since_start())) };
    seen.evidence.push(format!("{} by it, {when} of the trial", counted(seen.count, "restart")));
    Some(seen)
}

/// When a replica was ended so, but not as it started.
fn ends(rule: &Rule, life: &Life) -> Vec<Moment> {
    if rule.id == crash::RULE.id {
        let own = life.runs.iter().filter(|run| life.ended_by_itself(run));
        return own.filter_map(|run| run.ended.map(|(at, _)| at)).collect();
    }
    let probe = (rule.id == liveness::RULE.id).then_some(ProbeKind::Liveness);
    let those = by_signal(life).filter(|end| end.probe == probe && (probe.is_none() || !end.is_of_start()));
    those.map(|end| end.at).collect()
}

/// Whether a drill had asked for more at a moment.
fn is_of_flood(observing: &Observing<'_>, at: Moment) -> bool {
    let Some((from, _)) = observing.window(at).filter(|(_, drill)| drill.floods()) else { return false };
    observing.lives.floods().iter().any(|(since, rate)| *rate > 0 && from <= *since && *since <= at)
}

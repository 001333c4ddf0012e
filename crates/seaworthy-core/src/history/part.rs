//! One drill of a history that goes on, as a history of its own: it is judged as any trial is.

use std::time::Duration;

use super::{Footer, Header, History};
use crate::{
    drill::Drill,
    event::{Event, Replica},
    interval::{INTERVAL, Interval},
    time::{self, Moment},
};

impl History {
    /// The last drill, with up to `quiet` of the time before it as its baseline, as if the trial had begun then. Nothing where
    /// there was no drill. The footer is that of a load that ended now.
    ///
    /// Replicas that were there at that moment came to be at the start of it.
    pub fn last_drill(&self, quiet: Duration, footer: Footer) -> Option<Self> {
        let begun = |(at, event): &(Moment, Event)| {
            if let Event::DrillBegun { drill } = event { Some((*at, *drill)) } else { None }
        };
        let (began, drill) = self.events.iter().rev().find_map(begun)?;
        let before = self.events.iter().take_while(|(at, _)| *at < began);
        // Another drill's time is not quiet.
        let least = before
            .filter(|(_, event)| matches!(event, Event::DrillEnded { .. } | Event::Established))
            .map(|(at, _)| *at);
        let first = least.max()?.nanos().max(began.nanos().saturating_sub(time::nanos(quiet)));
        let from = first.div_ceil(time::nanos(INTERVAL));
        let start = Moment::from_nanos(from.saturating_mul(time::nanos(INTERVAL)));
        let earlier = |at: Moment| Moment::from(at.since(start));
        let mut events = self.standing(start);
        // What is too short is no baseline.
        let has_baseline = began.since(start) >= INTERVAL.saturating_mul(5);
        events.push((Moment::START, Event::Established));
        if has_baseline {
            events.push((Moment::START, Event::DrillBegun { drill: Drill::Baseline }));
        }
        for (at, event) in self.events.iter().filter(|(at, _)| *at >= start) {
            if has_baseline && (*at, event) == (began, &Event::DrillBegun { drill }) {
                events.push((earlier(*at), Event::DrillEnded { drill: Drill::Baseline }));
            }
            events.push((earlier(*at), event.clone()));
        }
        let drills = if has_baseline { vec![Drill::Baseline, drill] } else { vec![drill] };
        let intervals = self.intervals.iter().filter(|interval| interval.index >= from);
        let mut header = Header { drills, ..self.header.clone() };
        header.deployment.replicas = self.wanted(start);
        Some(Self {
            header,
            events,
            intervals: intervals.map(|interval| interval.clone().earlier(from)).collect(),
            floods: Vec::new(),
            audit: None,
            footer: Some(Footer { duration: footer.duration.saturating_sub(start.since_start()), ..footer }),
        })
    }

    /// Forgets what was before a moment, but for what still holds then. What is left can no longer be judged from its start.
    pub fn forget(&mut self, before: Moment) {
        let keep = before.nanos() / time::nanos(INTERVAL);
        self.intervals.retain(|interval| interval.index >= keep);
        let wanted = self.wanted(before);
        let mut events = self.standing(before);
        let lasts = |event: &Event| matches!(event, Event::Established | Event::DrillEnded { .. });
        events.extend(self.events.iter().rfind(|(at, event)| *at < before && lasts(event)).cloned());
        events.extend(self.events.iter().filter(|(at, _)| *at >= before).cloned());
        self.events = events;
        self.header.deployment.replicas = wanted;
    }

    /// How many replicas were wanted at a moment.
    fn wanted(&self, at: Moment) -> u32 {
        let scaled = |(_, event): &(Moment, Event)| if let Event::Scaled { to, .. } = event { Some(*to) } else { None };
        let before = self.events.iter().rev().filter(|(when, _)| *when < at);
        before.clone().find_map(scaled).unwrap_or(self.header.deployment.replicas)
    }

    /// How each replica that was there at a moment came to be as it was, and what clients had heard of, at the start.
    fn standing(&self, at: Moment) -> Vec<(Moment, Event)> {
        let before = || self.events.iter().filter(|(when, _)| *when < at).map(|(_, event)| event);
        let gone: Vec<Replica> = before()
            .filter_map(|event| if let Event::Gone { replica } = event { Some(*replica) } else { None })
            .collect();
        let last =
            |wanted: fn(&Event) -> bool| self.events.iter().rposition(|(when, event)| *when < at && wanted(event));
        let seen = [
            last(|event| matches!(event, Event::Endpoints { .. })),
            last(|event| matches!(event, Event::View { .. })),
            last(|event| matches!(event, Event::DatabaseUp | Event::DatabaseDown { .. })),
        ];
        let stands = |place: usize, event: &Event| {
            seen.contains(&Some(place)) || of(event).is_some_and(|replica| !gone.contains(&replica))
        };
        let kept = self.events.iter().enumerate().filter(|(place, (when, event))| *when < at && stands(*place, event));
        kept.map(|(_, (_, event))| (Moment::START, event.clone())).collect()
    }
}

/// Whose coming to be it is a part of. Questions of probes are none, but for the last word on them, which is `Ready`.
const fn of(event: &Event) -> Option<Replica> {
    match event {
        Event::Created { replica, .. }
        | Event::Placed { replica, .. }
        | Event::Started { replica, .. }
        | Event::NotStarted { replica, .. }
        | Event::Ready { replica }
        | Event::Unready { replica }
        | Event::Available { replica }
        | Event::Terminating { replica, .. }
        | Event::PreStopBegun { replica }
        | Event::PreStopEnded { replica, .. }
        | Event::Signalled { replica, .. }
        | Event::Disposition { replica, .. }
        | Event::Exited { replica, .. }
        | Event::BackingOff { replica, .. }
        | Event::Frozen { replica }
        | Event::Thawed { replica }
        | Event::ListenerUp { replica }
        | Event::ListenerDown { replica } => Some(*replica),
        Event::Established
        | Event::DrillBegun { .. }
        | Event::Disturbed { .. }
        | Event::Settled { .. }
        | Event::DrillBroken { .. }
        | Event::DrillEnded { .. }
        | Event::RolloutBegun { .. }
        | Event::RolloutDone { .. }
        | Event::RolloutStuck { .. }
        | Event::Scaled { .. }
        | Event::Probed { .. }
        | Event::Gone { .. }
        | Event::Endpoints { .. }
        | Event::View { .. }
        | Event::Foreign { .. }
        | Event::Blind { .. }
        | Event::Flooded { .. }
        | Event::FloodEnded { .. }
        | Event::DatabaseUp
        | Event::DatabaseDown { .. }
        | Event::NetworkBroken { .. }
        | Event::NetworkHealed { .. }
        | Event::Interrupted => None,
    }
}

impl Interval {
    /// The same, so many intervals earlier. What began before that began at the start.
    #[must_use]
    fn earlier(mut self, by: u64) -> Self {
        let time = Duration::from_nanos(time::nanos(INTERVAL).saturating_mul(by));
        let earlier = |at: Moment| Moment::from(at.since_start().saturating_sub(time));
        self.index = self.index.saturating_sub(by);
        let whole = self.whole.iter_mut().map(|attempt| &mut attempt.outcome);
        for outcome in whole.chain(&mut self.answers) {
            for at in [&mut outcome.due, &mut outcome.begun, &mut outcome.done] {
                *at = earlier(*at);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assessment::{
            assess,
            sample::{Ending, Failing, Sample, at},
        },
        interval::Interval,
        verdict::Verdict,
    };

    const QUIET: Duration = Duration::from_secs(3);

    /// With and without losses.
    fn samples() -> [History; 3] {
        let mut lossy = Sample::rollout(Ending::AT_ONCE);
        for tenth in 1..8 {
            lossy.fail(Failing::refused(15.0 + f64::from(tenth) / 10.0, 0));
        }
        let mut killed = Sample::kill();
        killed.fail(Failing::refused(15.2, 1));
        [lossy.history(), Sample::rollout(Ending::GRACEFUL).history(), killed.history()]
    }

    fn part(history: &History) -> History {
        history.last_drill(QUIET, history.footer.clone().unwrap()).unwrap()
    }

    #[test]
    fn a_drill_is_judged_as_in_the_history_that_it_is_a_part_of() {
        for history in samples() {
            let (whole, part) = (assess(&history), assess(&part(&history)));
            let (of_whole, of_part) = (whole.drills.last().unwrap(), part.drills.last().unwrap());
            assert_eq!((of_whole.drill, of_whole.verdict), (of_part.drill, of_part.verdict), "{:?}", of_part.reasons);
            assert_eq!((of_whole.keep_alive, of_whole.fresh), (of_part.keep_alive, of_part.fresh));
            let causes = |findings: &[crate::diagnosis::Finding]| -> Vec<_> {
                findings
                    .iter()
                    .map(|finding| (finding.cause.clone(), finding.count, finding.replicas.clone()))
                    .collect()
            };
            assert_eq!(causes(&whole.findings), causes(&part.findings));
            assert_eq!(part.drills.first().map(|row| (row.drill, row.verdict)), Some((Drill::Baseline, Verdict::Pass)));
            assert_eq!(part.drills.first().unwrap().window, (Moment::START, Moment::from(QUIET)));
        }
    }

    #[test]
    fn what_is_forgotten_changes_nothing_of_what_comes_after() {
        for history in samples() {
            let began = |event: &Event| matches!(event, Event::DrillBegun { drill } if *drill != Drill::Baseline);
            let began = history.events.iter().find(|(_, event)| began(event)).unwrap().0;
            let mut shorter = history.clone();
            shorter.forget(Moment::from(began.since_start().saturating_sub(QUIET)));
            assert!(shorter.events.len() < history.events.len() && shorter.intervals.len() < history.intervals.len());
            assert_eq!(assess(&part(&shorter)), assess(&part(&history)));
        }
    }

    #[test]
    fn without_a_quiet_time_there_is_no_baseline() {
        let history = Sample::kill().history();
        let part = history.last_drill(Duration::from_millis(100), Footer::default()).unwrap();
        assert_eq!(part.header.drills, [Drill::Kill]);
        assert!(Sample::new(&[]).history().last_drill(QUIET, Footer::default()).is_none(), "there was no drill");
    }

    #[test]
    fn times_before_the_start_are_at_the_start() {
        let [history, ..] = samples();
        let failed = history.intervals.iter().find(|interval: &&Interval| !interval.whole.is_empty()).unwrap();
        let due = failed.whole[0].outcome.due;
        let moved = failed.clone().earlier(failed.index);
        let start = Moment::from(INTERVAL.saturating_mul(u32::try_from(failed.index).unwrap()));
        assert_eq!((moved.index, moved.whole[0].outcome.due), (0, Moment::from(due.since(start))));
        assert_eq!(failed.clone().earlier(failed.index + 100).whole[0].outcome.due, at(0.0));
    }
}

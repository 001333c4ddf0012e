//! Parts of a trial of which nothing is recorded, though the load was there.

use std::{collections::BTreeMap, time::Duration};

use super::History;
use crate::{event::Event, interval::INTERVAL, time::Moment};

/// A load begins so many intervals after the first drill at most.
const LEAD: u64 = 5;

/// A thread that gets no CPU at the end hands over so many of its intervals only after it, at most.
const LATE: u64 = 5;

impl History {
    /// How much of the drills no interval of a thread is of, where that is more than there can be.
    ///
    /// Each thread hands over an interval every tenth of a second, with nothing in it, too. One that is late has two of the
    /// same index, so that they are counted.
    pub fn unrecorded(&self) -> Option<Duration> {
        let threads = self.footer.as_ref()?.generator.threads;
        let slot = |at: &Moment| at.nanos() / crate::time::nanos(INTERVAL);
        let mut events = self.events.iter();
        let begun = events.find(|(_, event)| matches!(event, Event::DrillBegun { .. })).map(|(at, _)| slot(at))?;
        let ended = events.rfind(|(_, event)| matches!(event, Event::DrillEnded { .. })).map(|(at, _)| slot(at))?;
        let mut by_thread: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        for interval in self.intervals.iter().filter(|interval| (begun..ended).contains(&interval.index)) {
            by_thread.entry(interval.thread).or_insert((interval.index, 0)).1 += 1;
        }
        let missing = |(first, count): &(u64, u64)| {
            let from = if *first <= begun.saturating_add(LEAD) { *first } else { begun };
            ended.saturating_sub(from).saturating_sub(*count)
        };
        let none = (by_thread.len() < threads.max(1)).then_some(ended.saturating_sub(begun));
        let most = by_thread.values().map(missing).chain(none).max().filter(|most| *most > LATE)?;
        Some(Duration::from_nanos(crate::time::nanos(INTERVAL).saturating_mul(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assessment::{
            assess,
            sample::{Ending, Sample},
        },
        history::{Records, lines},
        verdict::Verdict,
    };

    /// A trial that passes: its drills are from 2 s to 26 s.
    fn passing() -> History {
        Sample::rollout(Ending::GRACEFUL).history()
    }

    fn without(from: u64, to: u64) -> History {
        let mut history = passing();
        history.intervals.retain(|interval| !(from..to).contains(&interval.index));
        history
    }

    #[test]
    fn a_hole_in_a_history_is_told_wherever_it_is() {
        let (file, whole) = (lines::all(&without(140, 180)), lines::all(&passing()));
        assert!(!file.contains(&lines::footer(passing().footer.as_ref().unwrap(), &Records::of(&passing()))));
        for (file, verdict) in [(whole, Verdict::Pass), (file, Verdict::Inconclusive)] {
            let read = lines::read(file.lines()).unwrap();
            assert_eq!(assess(&read).verdict, verdict, "{:?}", assess(&read).reasons);
        }
        let reasons = assess(&without(140, 180)).reasons;
        assert_eq!(reasons[0], "it has no record of 4.0 s of the load", "{reasons:?}");
        for (from, to, tenths) in [(0, 40, 20), (0, 28, 8), (150, 157, 7), (200, 300, 60), (0, 300, 240)] {
            let missing = without(from, to).unrecorded().map(|time| time.as_millis() / 100);
            assert_eq!(missing, Some(tenths), "{from}..{to}");
        }
    }

    #[test]
    fn a_thread_that_was_late_or_began_with_the_first_drill_left_nothing_out() {
        assert_eq!(passing().unrecorded(), None);
        assert_eq!(without(0, 24).unrecorded(), None);
        let mut late = passing();
        // It got no CPU for 2 s, and then handed over all of them at once.
        for interval in late.intervals.iter_mut().filter(|interval| (100..120).contains(&interval.index)) {
            interval.index = 120;
        }
        assert_eq!(late.unrecorded(), None);
    }

    #[test]
    fn a_thread_of_which_there_is_nothing_is_missed() {
        let mut two = passing();
        two.footer.as_mut().unwrap().generator.threads = 2;
        assert_eq!(two.unrecorded(), Some(Duration::from_secs(24)));
        let others: Vec<_> =
            two.intervals.iter().cloned().map(|one| crate::interval::Interval { thread: 1, ..one }).collect();
        two.intervals.extend(others);
        assert_eq!(two.unrecorded(), None);
        two.intervals.retain(|interval| interval.thread == 0 || !(150..160).contains(&interval.index));
        assert!(two.unrecorded().is_some_and(|time| time >= Duration::from_secs(1)));
        // What has no end is told already.
        two.footer = None;
        assert_eq!(two.unrecorded(), None);
    }
}

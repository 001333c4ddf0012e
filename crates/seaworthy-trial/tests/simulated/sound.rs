//! A simulated history is one that a real trial could have left.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use seaworthy_core::{
    drill::Drill,
    event::{Event, Replica},
    interval::INTERVAL,
    time::Moment,
    trial::End,
};
use seaworthy_trial::simulated::{Simulated, World, run};

use crate::world::{attempts, each, plan, planted, world};

fn all(simulated: &Simulated) -> (String, String) {
    (format!("{:?}", simulated.events), format!("{:?} {:?}", simulated.intervals, simulated.footer))
}

#[test]
fn the_same_seed_gives_the_same_trial_and_another_one_another() {
    for cause in ["none", "grace-period-too-short", "exit-on-sigterm"] {
        let (first, second, other) = (planted(cause, 7), planted(cause, 7), planted(cause, 8));
        assert_eq!(all(&first), all(&second));
        assert_ne!(all(&first).0, all(&other).0, "{cause}: events");
        assert_ne!(all(&first).1, all(&other).1, "{cause}: requests");
    }
}

#[test]
fn time_goes_on_and_everything_is_in_its_interval() {
    for (cause, simulated) in each() {
        assert!(simulated.events.is_sorted_by_key(|(at, _)| *at), "{cause}");
        let begun = begun(simulated);
        let first = simulated.intervals[0].index;
        for (n, interval) in simulated.intervals.iter().enumerate() {
            assert_eq!((interval.index, interval.thread), (first + n as u64, 0), "{cause}");
            let begins = Moment::from(INTERVAL * u32::try_from(interval.index).unwrap());
            for attempt in &interval.whole {
                let outcome = &attempt.outcome;
                assert!(begun <= outcome.due && outcome.due <= outcome.begun && outcome.begun <= outcome.done);
                assert!(begins <= outcome.done && outcome.done <= begins + INTERVAL, "{cause}: {outcome:?}");
            }
        }
        assert_eq!(begun, Moment::from(INTERVAL * u32::try_from(first).unwrap()), "{cause}");
    }
}

fn begun(simulated: &Simulated) -> Moment {
    let first = simulated.events.iter().find(|(_, event)| matches!(event, Event::DrillBegun { .. }));
    first.expect("a drill begins").0
}

#[test]
fn every_request_that_arrives_is_counted_once() {
    for (cause, simulated) in each() {
        let sum = simulated.intervals.iter().fold([0; 5], |mut sum, interval| {
            let counts = &interval.counts;
            let more = [counts.arrived, counts.begun, counts.good, counts.failed, counts.retried];
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            sum
        });
        let [arrived, begun_work, good, failed, retried] = sum;
        assert_eq!((arrived, arrived), (begun_work, good + failed), "{cause}");
        let loaded = Moment::from(simulated.footer.duration).since(begun(simulated));
        assert!((loaded.as_secs_f64() * 200.0 - arrived as f64).abs() <= 1.0, "{cause}: {arrived} in {loaded:?}");
        assert_eq!(attempts(simulated).filter(|attempt| attempt.retried).count() as u64, retried);
        assert_eq!(simulated.footer.unfinished, 0);
        assert_eq!(simulated.intervals.last().unwrap().gauges.in_flight, 0);
    }
}

#[test]
fn drills_begin_and_end_where_intervals_do() {
    let (_, simulated) = &each()[0];
    let mut drills = Vec::new();
    for (at, event) in &simulated.events {
        if let Event::DrillBegun { drill } = event {
            assert_eq!(at.nanos() % 100_000_000, 0, "{drill}");
            drills.push(*drill);
        }
    }
    assert_eq!(drills, Drill::DEFAULT);
    let established = simulated.events.iter().find(|(_, event)| *event == Event::Established).unwrap().0;
    let wait = begun(simulated).since(established);
    assert!((INTERVAL..INTERVAL * 2).contains(&wait), "{wait:?}");
}

#[test]
fn the_prober_sees_each_listener_come_and_go_in_turn() {
    for (cause, simulated) in each() {
        let mut open: BTreeMap<Replica, bool> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        for (_, event) in &simulated.events {
            match event {
                Event::ListenerUp { replica } => assert_ne!(open.insert(*replica, true), Some(true), "{cause}"),
                Event::ListenerDown { replica } => assert_eq!(open.insert(*replica, false), Some(true), "{cause}"),
                Event::Gone { replica } => drop(gone.insert(*replica)),
                _ => {}
            }
        }
        // A rollout of the only replica ends the one, and so do a termination and what is scaled up again.
        assert!(gone.len() >= 3, "{cause}");
        assert!(gone.iter().all(|replica| open.get(replica) != Some(&true)), "{cause}: {open:?}");
    }
}

#[test]
fn an_arrival_rate_that_is_none_sends_nothing() {
    for rate in [0.0, -1.0, f64::NAN] {
        let simulated = run(plan(&[Drill::Baseline], 1), World { rate, ..world(1) });
        assert_eq!(simulated.end, Some(End::Done));
        assert!(simulated.intervals.iter().all(|interval| interval.counts.arrived == 0));
        assert!(simulated.footer.duration > Duration::from_secs(5));
    }
}

use super::*;
use crate::{
    interval::{Counts, Recorder},
    outcome::{ConnectionKind, Outcome, Phases},
};

fn at(seconds: f64) -> Moment {
    Moment::from(Duration::from_secs_f64(seconds))
}

/// Slots from a second to another, each with so many arrivals and good answers, and so much CPU time.
fn slots(from: u64, to: u64, arrived: u64, good: u64, cpu: Duration) -> Vec<Interval> {
    let counts = Counts { arrived, good, begun: arrived, ..Counts::default() };
    (from * 10..to * 10).map(|index| Interval { index, counts, cpu, ..Interval::default() }).collect()
}

/// One answer that the generator was so late with.
fn late(index: u64, lag: Duration) -> Interval {
    let mut recorder = Recorder::new(0);
    let due = slot(index);
    recorder.ended(Outcome {
        due,
        queued: Duration::ZERO,
        begun: due + lag,
        done: due + lag,
        endpoint: None,
        connection: ConnectionKind::Fresh,
        idle: None,
        phases: Phases::default(),
        end: Ok(200),
        bytes: 0,
    });
    let taken = recorder.take(due, crate::interval::Gauges::default(), Duration::ZERO);
    Interval { index, ..taken }
}

#[test]
fn more_is_asked_twice_at_a_time_up_to_the_most() {
    assert_eq!(rates(200, 5_000), [400, 800, 1_600, 3_200, 5_000]);
    assert_eq!(rates(200, 3_200), [400, 800, 1_600, 3_200]);
    assert_eq!(rates(200, 300), [300]);
    assert_eq!(rates(200, 200), [0; 0]);
    assert_eq!(rates(0, 10), [10]);
    assert_eq!(rates(u32::MAX, u32::MAX), [0; 0]);
}

#[test]
fn goodput_is_that_of_all_requests_together_once_a_step_has_begun() {
    let own = slots(0, 20, 20, 20, Duration::ZERO);
    // From 2 s on 200 more per second, of which half are good; from 4 s on 600 more.
    let mut added = slots(2, 4, 20, 10, Duration::ZERO);
    added.extend(slots(4, 6, 60, 5, Duration::ZERO));
    let steps = steps(&[(at(2.0), 400), (at(4.0), 800), (at(6.0), 0)], &own, &added);
    let found: Vec<_> = steps.iter().map(|step| (step.asked, step.good.round(), step.due.round())).collect();
    assert_eq!(found, [(400, 300.0, 400.0), (800, 250.0, 800.0)]);
    assert!(steps.iter().all(|step| step.limit.is_none()), "{steps:?}");
    // A step that has only begun says nothing.
    assert_eq!(super::steps(&[(at(2.0), 400), (at(2.5), 0)], &own, &added), []);
}

#[test]
fn what_the_generator_could_not_do_is_not_the_targets() {
    let own = slots(0, 4, 20, 20, Duration::ZERO);
    let of = |added: &[Interval]| {
        let steps = steps(&[(at(2.0), 400), (at(4.0), 0)], &own, added);
        steps[0].limit.clone().unwrap_or_default()
    };
    let fine = slots(2, 4, 20, 20, Duration::from_millis(50));
    assert_eq!(of(&fine), "");
    assert_eq!(of(&slots(2, 4, 20, 20, Duration::from_millis(98))), "its thread was busy 98% of the time");
    assert_eq!(of(&slots(2, 4, 8, 8, Duration::ZERO)), "only 280/s became due");
    let mut slow = fine;
    slow.push(late(30, Duration::from_millis(150)));
    assert!(of(&slow).starts_with("p99 of its send lag was 150"), "{}", of(&slow));
}

#[test]
fn no_more_good_answers_than_before_is_saturation() {
    let step = |good| Step { asked: 1, from: at(0.0), to: at(1.0), good, due: 1.0, limit: None };
    for (goods, saturated) in [
        (vec![], false),
        (vec![400.0], false),
        (vec![205.0], true),
        (vec![400.0, 800.0], false),
        (vec![400.0, 430.0], true),
        (vec![800.0, 400.0], true),
        (vec![800.0, 400.0, 850.0], true),
    ] {
        let steps: Vec<Step> = goods.iter().map(|good| step(*good)).collect();
        assert_eq!(is_saturated(200.0, &steps), saturated, "{goods:?}");
    }
}

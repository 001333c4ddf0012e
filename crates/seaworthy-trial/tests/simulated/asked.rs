//! The drills that are only made when they are asked for, as far as a simulated world can have them.

use seaworthy_core::{
    drill::Drill,
    event::{Event, Replica},
    time::Moment,
    trial::{Asked, End},
};
use seaworthy_trial::simulated::{Simulated, run};

use crate::world::{attempts, plan, seconds, world};

fn made(drill: Drill) -> Simulated {
    let mut plan = plan(&[Drill::Baseline, drill], 1);
    plan.asked = Asked { database: drill == Drill::DatabaseRestart, ..Asked::default() };
    let simulated = run(plan, world(1));
    assert_eq!(simulated.end, Some(End::Done));
    let broken = simulated.events.iter().find(|(_, event)| matches!(event, Event::DrillBroken { .. }));
    assert_eq!(broken, None);
    simulated
}

fn at(simulated: &Simulated, what: impl Fn(&Event) -> bool) -> Moment {
    simulated.events.iter().find(|(_, event)| what(event)).expect("it happened").0
}

#[test]
fn a_replacement_that_hangs_as_it_starts_gets_nothing_before_it_answers() {
    let simulated = made(Drill::SlowStart);
    let frozen = at(&simulated, |event| *event == Event::Frozen { replica: Replica(4) });
    let thawed = at(&simulated, |event| *event == Event::Thawed { replica: Replica(4) });
    assert!((seconds(5)..seconds(6)).contains(&thawed.since(frozen)), "{:?}", thawed.since(frozen));
    let listens = at(&simulated, |event| *event == Event::ListenerUp { replica: Replica(4) });
    let seen = at(&simulated, |event| matches!(event, Event::View { replicas } if replicas.contains(&Replica(4))));
    assert!(thawed < listens && listens < seen);
    assert_eq!(attempts(&simulated).filter(|attempt| !attempt.retried).count(), 0);
}

#[test]
fn twice_as_many_replicas_are_there_for_a_while() {
    let simulated = made(Drill::Balance);
    let seen = at(&simulated, |event| matches!(event, Event::View { replicas } if replicas.len() == 6));
    let down = at(&simulated, |event| *event == Event::Scaled { from: 6, to: 3 });
    assert!((seconds(10)..seconds(11)).contains(&down.since(seen)), "{:?}", down.since(seen));
}

#[test]
fn a_database_goes_and_comes() {
    let simulated = made(Drill::DatabaseRestart);
    let down = at(&simulated, |event| matches!(event, Event::DatabaseDown { exit: Some(_) }));
    let ups: Vec<Moment> =
        simulated.events.iter().filter(|(_, event)| *event == Event::DatabaseUp).map(|(at, _)| *at).collect();
    assert_eq!(ups.len(), 2);
    assert!(ups[0] <= at(&simulated, |event| matches!(event, Event::Created { .. })));
    assert!(ups[1].since(down) >= seconds(3));
}

//! The drills that are only made when they are asked for.

use super::*;
use crate::network::Break;

fn asked() -> Asked {
    Asked {
        overload: vec![400, 800, 1_600],
        step: Duration::from_secs(2),
        liveness: 2_000,
        slow_start: Duration::from_secs(5),
        balance: Duration::from_secs(10),
        database: true,
        database_down: Duration::from_secs(3),
        network: Break::ALL.to_vec(),
        network_for: Duration::from_secs(6),
    }
}

fn world(drills: &[Drill]) -> World {
    let liveness = Probe { period: Duration::from_secs(1), ..Probe::new(Check::Tcp { port: None }) };
    let mut plan = Plan { asked: asked(), ..plan(drills, 3) };
    plan.deployment.template.liveness = Some(liveness);
    World::new(plan)
}

impl World {
    fn at(&self, what: impl Fn(&Event) -> bool) -> Vec<Moment> {
        self.events.iter().filter(|(_, event)| what(event)).map(|(at, _)| *at).collect()
    }

    fn once(&self, what: impl Fn(&Event) -> bool) -> Moment {
        let found = self.at(what);
        assert_eq!(found.len(), 1, "{:#?}", self.events);
        found[0]
    }

    fn rates(&self) -> Vec<u32> {
        let rates = self
            .events
            .iter()
            .filter_map(|(_, event)| if let Event::Flooded { rate, .. } = event { Some(*rate) } else { None });
        rates.collect()
    }
}

fn seconds(from: Moment, to: Moment) -> u64 {
    to.since(from).as_secs()
}

#[test]
fn all_drills_together_end_with_what_was_wanted_at_first() {
    let world = world(&Drill::ALL).run();
    assert_eq!(world.broken(), [""; 0]);
    let ended = world.at(|event| matches!(event, Event::DrillEnded { .. }));
    assert_eq!(ended.len(), Drill::ALL.len());
    let settled = world.at(|event| matches!(event, Event::Settled { .. }));
    assert_eq!(settled.len(), Drill::ALL.len() - 1);
    assert_eq!(world.trial.deployment().replicas, 3);
}

#[test]
fn an_overload_asks_for_more_in_steps_and_then_gives_time() {
    let world = world(&[Drill::Overload]).run();
    let from = world.at(|event| matches!(event, Event::Flooded { .. }));
    assert_eq!(world.rates(), [400, 800, 1_600]);
    let over = world.once(|event| *event == Event::FloodEnded { drill: Drill::Overload });
    assert_eq!((seconds(from[0], from[1]), seconds(from[1], from[2]), seconds(from[2], over)), (2, 2, 2));
    let settled = world.once(|event| matches!(event, Event::Settled { .. }));
    assert!(settled.since(over) > crate::flood::SETTLING, "what comes too late is to be seen");
}

#[test]
fn an_overload_ends_with_the_step_in_which_the_target_is_known_to_do_no_more() {
    let mut world = world(&[Drill::Overload]);
    world.tell(Input::Cluster(Told::Tick));
    while world.rates().len() < 2 {
        world.step();
    }
    let second = world.now;
    world.tell(Input::Saturated);
    let world = world.run();
    assert_eq!(world.rates(), [400, 800]);
    assert_eq!(seconds(second, world.once(|event| matches!(event, Event::FloodEnded { .. }))), 2);
}

#[test]
fn a_flood_ends_however_its_drill_does() {
    let mut world = world(&[Drill::Overload]);
    world.tell(Input::Cluster(Told::Tick));
    while world.rates().is_empty() {
        world.step();
    }
    world.tell(Input::Interrupt);
    world.once(|event| *event == Event::FloodEnded { drill: Drill::Overload });
}

#[test]
fn liveness_is_asked_for_longer_than_it_needs_to_give_up() {
    let world = world(&[Drill::Liveness]).run();
    assert_eq!(world.rates(), [2_000]);
    let from = world.once(|event| matches!(event, Event::Flooded { .. }));
    let over = world.once(|event| matches!(event, Event::FloodEnded { .. }));
    // 3 failures a second apart, a second for the last one, and 2 s more.
    assert_eq!(seconds(from, over), 6);
}

#[test]
fn a_replacement_hangs_from_its_start_and_nobody_else_does() {
    let world = world(&[Drill::SlowStart]).run();
    assert_eq!(world.broken(), [""; 0]);
    let deleted = world
        .events
        .iter()
        .find_map(|(_, event)| if let Event::Disturbed { replica, .. } = event { *replica } else { None });
    let stopped: Vec<Replica> = world
        .events
        .iter()
        .filter_map(|(_, event)| {
            let Event::Signalled { replica, signal: Signal::Stop, reason: Reason::Drill } = event else { return None };
            Some(*replica)
        })
        .collect();
    assert_eq!(stopped, [Replica(4)]);
    assert_ne!(deleted, Some(Replica(4)));
    let started = world.once(|event| matches!(event, Event::Started { replica: Replica(4), .. }));
    let frozen = world.once(|event| matches!(event, Event::Frozen { .. }));
    assert!(frozen.since(started) <= Duration::from_millis(1));
    assert_eq!(seconds(frozen, world.once(|event| matches!(event, Event::Thawed { .. }))), 5);
    assert!(world.once(|event| matches!(event, Event::Settled { .. })) > frozen);
}

#[test]
fn twice_as_many_are_watched_and_taken_away_again() {
    let world = world(&[Drill::Balance]).run();
    let up = world.once(|event| *event == Event::Scaled { from: 3, to: 6 });
    let down = world.once(|event| *event == Event::Scaled { from: 6, to: 3 });
    let last_seen = world
        .at(|event| matches!(event, Event::View { replicas } if replicas.len() == 6))
        .into_iter()
        .find(|at| (up..down).contains(at))
        .expect("clients see all of them");
    assert!((10..=11).contains(&seconds(last_seen, down)), "{}", seconds(last_seen, down));
}

#[test]
fn a_database_is_there_first_and_away_for_as_long_as_asked() {
    let world = world(&[Drill::DatabaseRestart]).run();
    let up = world.at(|event| *event == Event::DatabaseUp);
    let created = world.at(|event| matches!(event, Event::Created { .. }));
    assert!(up[0] <= created[0]);
    let disturbed = world.once(|event| matches!(event, Event::Disturbed { .. }));
    let down = world.once(|event| *event == Event::DatabaseDown { exit: Some(Exit::Signal(9)) });
    assert!(disturbed <= down);
    assert_eq!(seconds(down, up[1]), 3);
    assert!(seconds(up[1], world.once(|event| matches!(event, Event::Settled { .. }))) >= 1);
}

#[test]
fn without_its_database_no_replica_is_started() {
    let mut world = world(&[Drill::DatabaseRestart]);
    world.database = false;
    let world = world.run();
    assert_eq!(world.trial.end(), Some(End::NeverReady));
    assert_eq!(world.trial.lacking(), "the database does not take connections on {port:database}");
    assert!(world.at(|event| matches!(event, Event::Created { .. })).is_empty());
}

#[test]
fn a_database_that_does_not_start_again_breaks_the_drill() {
    let mut world = world(&[Drill::DatabaseRestart]);
    world.tell(Input::Cluster(Told::Tick));
    while world.at(|event| matches!(event, Event::DatabaseDown { .. })).is_empty() {
        world.step();
    }
    world.database = false;
    let world = world.run();
    assert_eq!(world.broken(), ["the database ended again as it was started"]);
}

#[test]
fn what_a_drill_lacks_is_said() {
    for (drill, words) in [
        (Drill::Overload, "nothing says how much more"),
        (Drill::Liveness, "nothing says how much more"),
        (Drill::DatabaseRestart, "there is no database"),
    ] {
        let world = World::new(plan(&[drill], 3)).run();
        assert!(world.broken()[0].starts_with(words), "{:?}", world.broken());
    }
    let mut aimless = plan(&[Drill::Network], 3);
    aimless.asked.network.clear();
    assert_eq!(World::new(aimless).run().broken(), ["nothing says how the network is to be broken"]);
    let mut plan = plan(&[Drill::Liveness], 3);
    plan.asked.liveness = 2_000;
    assert_eq!(World::new(plan).run().broken(), ["there is no liveness probe"]);
}

#[test]
fn a_replica_that_only_starts_again_is_no_replacement() {
    let mut world = world(&[Drill::SlowStart]);
    world.tell(Input::Cluster(Told::Tick));
    while world.at(|event| matches!(event, Event::Disturbed { .. })).is_empty() {
        world.step();
    }
    let replica = Replica(3);
    world.tell(Input::Cluster(Told::Exited { replica, exit: Exit::Code(1) }));
    world.tell(Input::Cluster(Told::Started { replica, pid: None }));
    let stopped = |event: &Event| matches!(event, Event::Signalled { signal: Signal::Stop, .. });
    assert_eq!(world.at(stopped).len(), 0);
}

#[test]
fn each_break_lasts_as_long_as_asked_and_then_there_is_time_to_recover() {
    let world = world(&[Drill::Network]).run();
    assert_eq!(world.broken(), [""; 0]);
    let broken = world.at(|event| matches!(event, Event::NetworkBroken { .. }));
    let healed = world.at(|event| matches!(event, Event::NetworkHealed { dropped: 7, .. }));
    assert_eq!((broken.len(), healed.len(), world.healed), (2, 2, 2));
    for (broken, healed) in broken.iter().zip(&healed) {
        assert_eq!(seconds(*broken, *healed), 6);
    }
    let settled = world.once(|event| matches!(event, Event::Settled { .. }));
    // As long again as it was broken, and 1 s; and 1 s more to see what comes too late.
    assert_eq!((seconds(healed[0], broken[1]), seconds(healed[1], settled)), (8, 8));
    let hows = world.events.iter().filter_map(|(_, event)| {
        let Event::NetworkBroken { replica, how } = event else { return None };
        Some((*replica, *how))
    });
    let disturbed = world
        .events
        .iter()
        .find_map(|(_, event)| if let Event::Disturbed { replica, .. } = event { *replica } else { None });
    let picked = disturbed.expect("one was picked");
    assert_eq!(hows.collect::<Vec<_>>(), [(picked, Break::Partition), (picked, Break::Loss)]);
}

#[test]
fn a_network_that_cannot_be_broken_breaks_the_drill() {
    let mut world = world(&[Drill::Network]);
    world.unbreakable = Some("nft: Operation not permitted".to_owned());
    let world = world.run();
    assert_eq!(world.broken(), ["the network could not be broken: nft: Operation not permitted"]);
    assert_eq!(world.at(|event| matches!(event, Event::NetworkBroken { .. })).len(), 0);
}

#[test]
fn a_broken_network_is_mended_however_its_drill_ends() {
    let mut world = world(&[Drill::Network]);
    world.tell(Input::Cluster(Told::Tick));
    while world.at(|event| matches!(event, Event::NetworkBroken { .. })).is_empty() {
        world.step();
    }
    assert_eq!(world.healed, 0);
    world.tell(Input::Interrupt);
    assert_eq!(world.healed, 1);
}

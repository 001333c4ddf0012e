use super::*;
use crate::cluster::Effect;

/// A trial that is there, with nothing asked of it.
fn idle(drills: &[Drill]) -> World {
    let plan = plan(drills, 3);
    let mut world = World { trial: Trial::open(plan.clone()), ..World::new(plan) };
    world.tell(Input::Cluster(Told::Tick));
    world.run_for(Duration::from_secs(20));
    world
}

impl World {
    /// Goes on for so long.
    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) =
            [self.coming.keys().next().map(|(at, _)| *at), self.trial.wake()].into_iter().flatten().min()
        {
            if next > until {
                break;
            }
            self.step();
        }
        self.now = until;
    }

    fn ask(&mut self, wanted: impl Into<Wanted>) -> Result<(), String> {
        let mut effects: Vec<Effect> = Vec::new();
        let asked = self.trial.ask(self.now, wanted.into(), &mut effects);
        for effect in effects {
            self.carry_out(effect);
        }
        asked
    }
}

#[test]
fn drills_are_made_as_they_are_asked_for() {
    let mut world = idle(&[]);
    assert_eq!(world.trial.end(), None, "it waits to be asked");
    for drill in [Drill::Rollout, Drill::Kill, Drill::BadRelease, Drill::Rollout] {
        world.ask(drill).unwrap();
        let refused = world.ask(Drill::Kill).unwrap_err();
        assert!(refused.contains(&format!("{} goes on", drill.label())), "{refused}");
        world.run_for(Duration::from_mins(2));
        assert_eq!(world.trial.progress().drill, None);
    }
    let drills: Vec<Drill> = world.trial.progress().done;
    assert_eq!(drills, [Drill::Rollout, Drill::Kill, Drill::BadRelease, Drill::Rollout]);
    world.tell(Input::Interrupt);
    assert_eq!(world.trial.end(), Some(End::Done));
    assert_eq!(world.ask(Drill::Kill), Err("it is over".to_owned()));
}

#[test]
fn who_is_asked_for_is_who_is_picked() {
    let mut world = idle(&[]);
    let wanted = Wanted { replica: Some(Replica(2)), ..Drill::Kill.into() };
    world.ask(wanted).unwrap();
    world.run_for(Duration::from_mins(1));
    let disturbed: Vec<Option<Replica>> = world
        .events
        .iter()
        .filter_map(|(_, event)| if let Event::Disturbed { replica, .. } = event { Some(*replica) } else { None })
        .collect();
    assert_eq!(disturbed, [Some(Replica(2))]);
    let nobody = Wanted { replica: Some(Replica(9)), ..Drill::Freeze.into() };
    assert!(world.ask(nobody).unwrap_err().contains("replica 9 is not available"));
}

#[test]
fn it_is_scaled_to_what_is_asked_for_and_stays_so() {
    let mut world = idle(&[]);
    let to = |drill: Drill, replicas| Wanted { replicas: Some(replicas), ..drill.into() };
    for (drill, replicas) in [(Drill::ScaleUp, 6), (Drill::ScaleDown, 1), (Drill::ScaleUp, 2)] {
        world.ask(to(drill, replicas)).unwrap();
        world.run_for(Duration::from_mins(1));
        assert_eq!(world.trial.standings().len(), replicas as usize);
        let refused = world.ask(to(drill, replicas)).unwrap_err();
        assert!(refused.ends_with("already"), "{refused}");
    }
    assert!(world.ask(to(Drill::ScaleDown, 0)).is_err());
}

#[test]
fn a_drill_that_does_not_come_to_its_end_is_not_the_last_one() {
    let mut world = idle(&[]);
    world.stops = false;
    world.ask(Drill::Freeze).unwrap();
    world.run_for(Duration::from_mins(10));
    assert!(world.events.iter().any(|(_, event)| matches!(event, Event::DrillBroken { .. })));
    assert_eq!(world.trial.end(), None);
    world.ask(Drill::Rollout).unwrap();
}

#[test]
fn what_is_not_as_it_should_be_is_disturbed_by_nothing_but_a_new_release() {
    let mut world = idle(&[]);
    world.healthy = false;
    world.run_for(Duration::from_secs(30));
    assert!(world.ask(Drill::BadRelease).unwrap_err().contains("0 of 3 replicas available"));
    world.ask(Drill::Rollout).unwrap();
}

#[test]
fn what_the_plan_has_comes_first() {
    let mut world = idle(&[Drill::Baseline]);
    world.run_for(Duration::from_secs(20));
    assert_eq!((world.trial.progress().done, world.trial.end()), (vec![Drill::Baseline], None));
}

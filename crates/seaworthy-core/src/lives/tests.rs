use super::*;
use crate::{
    assessment::sample::{Ending, Sample, address, at},
    event::Exit,
};

#[test]
fn a_life_is_told_by_its_events() {
    let history = Sample::rollout(Ending { pre_stop: 2.0, ..Ending::GRACEFUL }).history();
    let lives = Lives::of(&history);
    let life = lives.at(address(1)).unwrap();
    assert_eq!(life.replica, Replica(1));
    assert_eq!(life.revision, Some(Revision(1)));
    assert_eq!(life.terminating.unwrap().0, at(18.0));
    assert_eq!(life.stopped(), Some(at(20.0)));
    assert_eq!(life.view.all(), [Span { from: at(1.0), to: Some(at(19.0)) }]);
    assert_eq!(life.listening.all(), [Span { from: at(0.3), to: Some(at(21.5)) }]);
    assert_eq!(life.exit_after(at(18.0)), Some((at(21.5), Exit::Code(0))));
    assert!(life.run_at(at(21.0)).is_some() && life.run_at(at(22.0)).is_none());
    assert!(life.answers.keys().all(|slot| *slot < at(19.0)), "it answers nobody who does not see it");
    assert!(!life.ended_by_itself(&life.runs[0]), "it was told to end");
    assert!(lives.at(address(77)).is_none());
}

#[test]
fn a_restart_in_place_is_one_life_with_two_runs() {
    let lives = Lives::of(&Sample::kill().history());
    let life = lives.get(Replica(1)).unwrap();
    assert_eq!(life.runs.iter().map(|run| run.restart).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(life.view.all().len(), 2);
    assert_eq!(life.listening.next_begin(at(15.0)), Some(at(15.4)));
    assert!(life.terminating.is_none());
}

#[test]
fn endpoints_are_counted_over_time() {
    let mut sample = Sample::new(&[]);
    sample.endpoints(5.0, &[], &[0, 1]).endpoints(6.0, &[], &[]).view(6.5, &[]);
    sample.event(7.0, Event::Scaled { from: 3, to: 1 });
    let lives = Lives::of(&sample.history());
    assert_eq!(lives.usable(at(0.1)), None);
    assert_eq!(lives.usable(at(1.0)), Some(3));
    assert_eq!(lives.usable(at(5.0)), Some(2), "where none is ready, those that end are used");
    assert_eq!(lives.usable(at(6.0)), Some(0));
    assert_eq!((lives.viewed(at(6.4)), lives.viewed(at(6.5))), (Some(3), Some(0)));
    assert_eq!((lives.wanted(at(6.9)), lives.wanted(at(7.0))), (3, 1));
}

#[test]
fn a_rollout_is_under_way_until_it_is_done() {
    let lives = Lives::of(&Sample::rollout(Ending::GRACEFUL).history());
    for (seconds, rolling) in [(13.9, false), (14.0, true), (22.9, true), (23.1, false)] {
        assert_eq!(lives.rolled(at(seconds), at(seconds)), rolling, "{seconds}");
    }
}

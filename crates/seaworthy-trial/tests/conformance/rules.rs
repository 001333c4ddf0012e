//! The rules.

use std::time::Duration;

use seaworthy_core::{
    deployment::Strategy,
    drill::Drill,
    event::{Event, Exit, Reason, Release, Signal},
};

use crate::{
    platforms::{FREEZE, OnSigterm, PROPAGATION, Platform, case},
    story::Story,
};

/// A busy machine is late by so much.
const LATE: Duration = Duration::from_secs(2);

fn story(on: &Platform, case: &crate::platforms::Case) -> Story {
    let story = Story(on(case));
    story.is_whole(&case.plan.drills);
    story
}

pub(crate) fn a_rollout_never_has_too_few_or_too_many(on: &Platform) {
    let case = case(&[Drill::Baseline, Drill::Rollout]);
    let story = story(on, &case);
    let (from, _) = story.disturbed(Drill::Rollout);
    let rollout = story.since(from);
    for (at, endpoints) in rollout.endpoints() {
        let ready = endpoints.iter().filter(|endpoint| endpoint.ready).count();
        let stay = endpoints.iter().filter(|endpoint| !endpoint.terminating).count();
        // 25 % of three: one more at most, and none less.
        assert!(ready >= 3 && stay <= 4, "{ready} ready of {stay} at {at:?}: {story}");
    }
    let ended = rollout.all(|event| matches!(event, Event::Gone { .. }));
    let made = rollout.all(|event| matches!(event, Event::Created { .. }));
    assert_eq!((ended.len(), made.len()), (3, 3), "{story}");
    assert!(rollout.all(|event| matches!(event, Event::RolloutDone { .. })).len() == 1, "{story}");
    let exits = rollout.all(|event| matches!(event, Event::Exited { exit: Exit::Code(0), .. }));
    assert_eq!(exits.len(), 3, "{story}");
}

pub(crate) fn clients_hear_of_each_change_later(on: &Platform) {
    let case = case(&[Drill::Baseline, Drill::Terminate]);
    let story = story(on, &case);
    let (_, picked) = story.disturbed(Drill::Terminate);
    let picked = picked.unwrap();
    let terminating =
        story.first("its end", |event| matches!(event, Event::Terminating { replica, .. } if *replica == picked));
    let left = story.views().into_iter().find(|(at, view)| *at >= terminating && !view.contains(&picked));
    let (left, _) = left.unwrap_or_else(|| panic!("clients never heard of it: {story}"));
    let lag = left.since(terminating);
    assert!(lag >= PROPAGATION && lag < PROPAGATION + LATE, "{lag:?}: {story}");
    // It still serves, although it is not ready for new clients.
    let states: Vec<_> = story.endpoints().into_iter().filter(|(at, _)| *at >= terminating).collect();
    let state = states.iter().flat_map(|(_, all)| all.iter()).find(|endpoint| endpoint.replica == picked).unwrap();
    assert!(state.terminating && state.serving && !state.ready, "{state:?}: {story}");
}

pub(crate) fn the_grace_period_ends_what_ignores_sigterm(on: &Platform) {
    let mut case = case(&[Drill::Baseline, Drill::ScaleDown])
        .with(|deployment| deployment.template.grace = Duration::from_millis(2_500));
    case.on_sigterm = OnSigterm::Ignores;
    let story = story(on, &case);
    let begun = story.first("the end", |event| matches!(event, Event::Terminating { .. }));
    let killed = story.first("SIGKILL", |event| {
        matches!(event, Event::Signalled { signal: Signal::Kill, reason: Reason::GraceOver, .. })
    });
    let took = killed.since(begun);
    assert!(took >= Duration::from_millis(2_500) && took < Duration::from_millis(2_500) + LATE, "{took:?}: {story}");
    assert_eq!(story.all(|event| matches!(event, Event::Exited { exit: Exit::Signal(9), .. })).len(), 1, "{story}");
}

pub(crate) fn pre_stop_comes_before_sigterm(on: &Platform) {
    let sleep = Duration::from_millis(1_500);
    let case = case(&[Drill::Baseline, Drill::ScaleDown]).sleeping_before_sigterm(sleep);
    let story = story(on, &case);
    let begun = story.first("the end", |event| matches!(event, Event::Terminating { .. }));
    let asked = story.first("SIGTERM", |event| matches!(event, Event::Signalled { signal: Signal::Term, .. }));
    let took = asked.since(begun);
    assert!(took >= sleep && took < sleep + LATE, "{took:?}: {story}");
    let ended = story.first("the hook's end", |event| matches!(event, Event::PreStopEnded { failed: None, .. }));
    assert!(ended <= asked, "{story}");
}

pub(crate) fn what_is_killed_is_restarted_in_its_place(on: &Platform) {
    let story = story(on, &case(&[Drill::Baseline, Drill::Kill]));
    let (at, picked) = story.disturbed(Drill::Kill);
    let picked = picked.unwrap();
    let after = story.since(at);
    after.first("its death", |event| *event == Event::Exited { replica: picked, exit: Exit::Signal(9) });
    after.first(
        "its restart",
        |event| matches!(event, Event::Started { replica, restart: 1, .. } if *replica == picked),
    );
    let unready = after.first("unready", |event| *event == Event::Unready { replica: picked });
    assert!(after.first("ready again", |event| *event == Event::Ready { replica: picked }) > unready, "{story}");
    assert_eq!(after.all(|event| matches!(event, Event::Created { .. })).len(), 0, "{story}");
    // The direct prober saw it come back.
    after.first("its listener", |event| *event == Event::ListenerUp { replica: picked });
}

pub(crate) fn what_hangs_is_taken_out_and_comes_back(on: &Platform) {
    let story = story(on, &case(&[Drill::Baseline, Drill::Freeze]));
    let (at, picked) = story.disturbed(Drill::Freeze);
    let picked = picked.unwrap();
    let after = story.since(at);
    let frozen = after.first("frozen", |event| *event == Event::Frozen { replica: picked });
    let unready = after.first("unready", |event| *event == Event::Unready { replica: picked });
    let thawed = after.first("thawed", |event| *event == Event::Thawed { replica: picked });
    let ready = after.first("ready again", |event| *event == Event::Ready { replica: picked });
    assert!(frozen < unready && unready < thawed && thawed < ready, "{story}");
    let length = thawed.since(frozen);
    assert!(length >= FREEZE && length < FREEZE + LATE, "{length:?}: {story}");
    let out = after.views().into_iter().find(|(_, view)| !view.contains(&picked)).unwrap();
    let back = after.views().into_iter().rfind(|(_, view)| view.contains(&picked)).unwrap();
    assert!(out.0 > unready && back.0 > ready, "{story}");
    assert_eq!(after.all(|event| matches!(event, Event::Exited { .. })).len(), 0, "{story}");
}

pub(crate) fn replicas_come_and_go_as_they_are_wanted(on: &Platform) {
    let story = story(on, &case(&[Drill::Baseline, Drill::ScaleDown, Drill::ScaleUp]));
    let (down, _) = story.disturbed(Drill::ScaleDown);
    let (up, _) = story.disturbed(Drill::ScaleUp);
    story.first("fewer", |event| *event == Event::Scaled { from: 3, to: 2 });
    story.first("more", |event| *event == Event::Scaled { from: 2, to: 3 });
    let gone = story.first("gone", |event| matches!(event, Event::Gone { .. }));
    assert!(gone > down && gone < up, "{story}");
    let after = story.since(up);
    assert_eq!(after.all(|event| matches!(event, Event::Created { .. })).len(), 1, "{story}");
    assert_eq!(after.views().last().unwrap().1.len(), 3, "{story}");
}

pub(crate) fn a_release_that_crashes_is_backed_off_and_rolled_back(on: &Platform) {
    let story = story(on, &case(&[Drill::Baseline, Drill::BadRelease]));
    let (at, _) = story.disturbed(Drill::BadRelease);
    let after = story.since(at);
    after.first("the bad one", |event| matches!(event, Event::RolloutBegun { release: Release::Bad, .. }));
    let waits = after.first("a back-off", |event| matches!(event, Event::BackingOff { .. }));
    let undone = after.first("the way back", |event| matches!(event, Event::RolloutBegun { back_to: Some(_), .. }));
    assert!(waits < undone, "{story}");
    // The old ones served all the time.
    for (at, endpoints) in after.endpoints() {
        assert!(endpoints.iter().filter(|endpoint| endpoint.ready).count() == 3, "{at:?}: {story}");
    }
    assert!(after.views().iter().all(|(_, view)| view.len() == 3), "{story}");
}

pub(crate) fn recreate_has_a_gap(on: &Platform) {
    let case = case(&[Drill::Baseline, Drill::Rollout]).with(|deployment| deployment.strategy = Strategy::Recreate);
    let story = story(on, &case);
    let (at, _) = story.disturbed(Drill::Rollout);
    let after = story.since(at);
    let gone = after.all(|event| matches!(event, Event::Gone { .. }));
    let made = after.first("a new one", |event| matches!(event, Event::Created { .. }));
    assert!(gone.iter().take(3).all(|gone| *gone <= made) && gone.len() == 3, "{story}");
    // Those that end go on serving while there is no other: what clients see is empty only after that.
    assert!(after.views().iter().any(|(_, view)| view.is_empty()), "{story}");
}

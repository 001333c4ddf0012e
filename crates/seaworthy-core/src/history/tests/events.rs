//! One of each event.

use crate::{
    deployment::ProbeKind,
    drill::Drill,
    event::{Endpoint, Event, Exit, Reason, Release, Replica, Revision, Signal},
    history::lines,
    network::Break,
    time::Moment,
};
use std::time::Duration;

pub(crate) fn all() -> Vec<(Moment, Event)> {
    let (replica, revision, drill) = (Replica(2), Revision(3), Drill::ScaleDown);
    let second = Duration::from_secs(1);
    let words = || "a \"word\"\n\u{1b}[31m".to_owned();
    let events = vec![
        Event::Established,
        Event::DrillBegun { drill },
        Event::Disturbed { drill, replica: Some(replica) },
        Event::Disturbed { drill, replica: None },
        Event::Settled { drill },
        Event::DrillBroken { drill, why: words() },
        Event::DrillEnded { drill },
        Event::Flooded { drill, rate: 4_000 },
        Event::FloodEnded { drill },
        Event::DatabaseUp,
        Event::DatabaseDown { exit: None },
        Event::DatabaseDown { exit: Some(Exit::Signal(9)) },
        Event::RolloutBegun { revision, release: Release::Bad, back_to: Some(Revision(1)) },
        Event::RolloutDone { revision },
        Event::RolloutStuck { revision },
        Event::Scaled { from: 3, to: 2 },
        Event::Created { replica, revision, release: Release::Good },
        Event::Placed { replica, address: "[::1]:8080".parse().unwrap() },
        Event::Started { replica, restart: 1, pid: Some(4_321) },
        Event::NotStarted { replica, why: words() },
        Event::Probed { replica, probe: ProbeKind::Readiness, passed: false, detail: words(), took: second },
        Event::Ready { replica },
        Event::Unready { replica },
        Event::Available { replica },
        Event::Terminating { replica, grace: second },
        Event::PreStopBegun { replica },
        Event::PreStopEnded { replica, failed: Some(words()) },
        Event::Signalled { replica, signal: Signal::Term, reason: Reason::GraceOver },
        Event::Exited { replica, exit: Exit::Code(-1) },
        Event::Exited { replica, exit: Exit::Signal(9) },
        Event::BackingOff { replica, delay: second },
        Event::Gone { replica },
        Event::Frozen { replica },
        Event::Thawed { replica },
        Event::NetworkBroken { replica, how: Break::Partition },
        Event::NetworkHealed { replica, how: Break::Loss, dropped: 123 },
        Event::Endpoints { endpoints: vec![Endpoint { replica, ready: true, serving: true, terminating: false }] },
        Event::View { replicas: vec![replica, Replica(7)] },
        Event::ListenerUp { replica },
        Event::ListenerDown { replica },
        Event::Foreign { replica, holder: words() },
        Event::Blind { what: words() },
        Event::Interrupted,
    ];
    (0..).map(|n| Moment::from_nanos(n * 12_345_678)).zip(events).collect()
}

#[test]
fn each_is_a_line_of_its_own() {
    for (at, event) in all() {
        let line = lines::event(at, &event);
        assert!(line.starts_with(&format!("{{\"record\":\"event\",\"at\":{},\"event\":\"", at.nanos())), "{line}");
        assert!(!line.chars().any(char::is_control), "{line}");
    }
}

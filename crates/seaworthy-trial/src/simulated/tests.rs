//! The world by itself: what a list of effects does to it, and what its clients see.

use std::time::Duration;

use seaworthy_core::{
    cluster::{self, Effect},
    deployment::{Check, Probe, ProbeKind, Template},
    event::{Event, Exit, Reason, Release, Replica, Revision, Signal},
    interval::Interval,
    outcome::{ConnectionKind, FailureKind, Outcome, Phase},
    time::Moment,
    trial::Input,
};

use super::{Behaviour, OnTerm, World, sea::Sea};

const ONE: Replica = Replica(1);
const TWO: Replica = Replica(2);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A world whose processes listen after 100 ms and answer in 10 ms, with a request each 100 ms.
fn world(fresh: f64) -> World {
    World {
        rate: 10.0,
        fresh,
        connections: 1,
        timeout: ms(2_000),
        idempotent: true,
        behaviour: Behaviour { start: (ms(100), ms(100)), service: (ms(10), ms(10)), ..Behaviour::default() },
        seed: 1,
        limit: Duration::MAX,
    }
}

struct Script {
    sea: Sea,
    told: Vec<(Moment, Input)>,
}

impl Script {
    /// Two replicas listen, and clients see the first.
    fn begin(world: World) -> Self {
        let get = Check::Http { port: None, path: "/".to_owned(), headers: Vec::new(), tls: false };
        let template = Template {
            startup: None,
            readiness: Some(Probe::new(get)),
            liveness: Some(Probe::new(Check::Tcp { port: None })),
            pre_stop: None,
            grace: ms(30_000),
        };
        let mut script = Self { sea: Sea::new(&template, world), told: Vec::new() };
        for replica in [ONE, TWO] {
            script.does(Effect::Place { replica, revision: Revision(1), release: Release::Good });
            script.does(Effect::Start { replica });
        }
        script.does(Effect::View { replicas: vec![ONE] });
        script
    }

    /// The same, and requests arrive since 1 s.
    fn loaded(world: World) -> Self {
        let mut script = Self::begin(world);
        script.until(1_000_000);
        script.sea.begin_load();
        script
    }

    fn does(&mut self, effect: Effect) {
        self.sea.carry_out(effect);
    }

    fn signals(&mut self, signal: Signal) {
        self.does(Effect::Signal { replica: ONE, signal, reason: Reason::Drill });
    }

    /// Lets time pass until so many microseconds after the start.
    fn until(&mut self, micros: u64) {
        let until = Moment::from(Duration::from_micros(micros));
        while self.sea.agenda.next_at().is_some_and(|at| at <= until) {
            if let Some(input) = self.sea.next() {
                self.told.push((self.sea.agenda.now(), input));
            }
        }
        self.sea.agenda.pass(until);
    }

    /// What became of the requests until now.
    fn seen(self) -> Interval {
        let now = self.sea.agenda.now();
        self.sea.clients.into_intervals(now).pop().expect("requests have arrived")
    }

    fn probes(&self) -> Vec<(ProbeKind, bool, &str, Duration)> {
        let probed = self.told.iter().filter_map(|(_, input)| match input {
            Input::Cluster(cluster::Input::Probed { probe, passed, detail, took, .. }) => {
                Some((*probe, *passed, detail.as_str(), *took))
            }
            Input::Cluster(_)
            | Input::LoadBegun
            | Input::Frozen { .. }
            | Input::Saturated
            | Input::DatabaseUp
            | Input::DatabaseDown { .. }
            | Input::NetworkBroken { .. }
            | Input::NetworkHealed { .. }
            | Input::Interrupt => None,
        });
        probed.collect()
    }

    fn exits(&self) -> Vec<Exit> {
        let exited = self.told.iter().filter_map(|(_, input)| match input {
            Input::Cluster(cluster::Input::Exited { exit, .. }) => Some(*exit),
            Input::Cluster(_)
            | Input::LoadBegun
            | Input::Frozen { .. }
            | Input::Saturated
            | Input::DatabaseUp
            | Input::DatabaseDown { .. }
            | Input::NetworkBroken { .. }
            | Input::NetworkHealed { .. }
            | Input::Interrupt => None,
        });
        exited.collect()
    }
}

/// How a failure looks, and how long it took.
fn look(outcome: &Outcome) -> (ConnectionKind, Phase, FailureKind, Duration) {
    let failure = outcome.end.as_ref().expect_err("it is a failure");
    (outcome.connection, failure.phase, failure.kind, outcome.service_time())
}

fn failures(seen: &Interval) -> Vec<(ConnectionKind, Phase, FailureKind, Duration)> {
    seen.whole.iter().filter(|attempt| !attempt.retried).map(|attempt| look(&attempt.outcome)).collect()
}

#[test]
fn a_process_is_started_and_answers_probes_once_it_listens() {
    let mut script = Script::begin(world(1.0));
    let probe = |number| Effect::Probe { replica: ONE, probe: ProbeKind::Readiness, number };
    script.until(50_000);
    script.does(probe(1));
    script.until(150_000);
    script.does(probe(2));
    script.until(200_000);
    let started = Input::Cluster(cluster::Input::Started { replica: ONE, pid: None });
    assert_eq!(script.told[0], (Moment::from(ms(2)), started));
    let readiness = ProbeKind::Readiness;
    assert_eq!(
        script.probes(),
        [(readiness, false, "connection refused", ms(1)), (readiness, true, "answered 200", ms(1))]
    );
    let up = |replica| move |(_, event): &(Moment, Event)| *event == Event::ListenerUp { replica };
    assert!(script.sea.events.iter().any(up(ONE)) && script.sea.events.iter().any(up(TWO)));
}

#[test]
fn a_frozen_process_answers_no_probe_but_its_kernel_takes_connections() {
    let mut script = Script::begin(world(1.0));
    script.until(500_000);
    script.signals(Signal::Stop);
    script.signals(Signal::Stop);
    script.does(Effect::Probe { replica: ONE, probe: ProbeKind::Readiness, number: 1 });
    script.does(Effect::Probe { replica: ONE, probe: ProbeKind::Liveness, number: 2 });
    script.until(2_000_000);
    let frozen = script.told.iter().filter(|(_, input)| matches!(input, Input::Frozen { frozen: true, .. })).count();
    assert_eq!(frozen, 1, "the kernel says so once");
    assert_eq!(
        script.probes(),
        [
            (ProbeKind::Liveness, true, "connected", ms(1)),
            (ProbeKind::Readiness, false, "no answer within 1s", ms(1_000)),
        ]
    );
    // A probe that was put shortly before is answered late, and only once.
    script.does(Effect::Probe { replica: ONE, probe: ProbeKind::Readiness, number: 3 });
    script.until(2_500_000);
    script.signals(Signal::Cont);
    script.until(5_000_000);
    assert_eq!(script.probes()[2..], [(ProbeKind::Readiness, true, "answered 200", ms(501))]);
    assert!(!script.sea.events.iter().any(|(_, event)| *event == Event::ListenerDown { replica: ONE }));
}

#[test]
fn requests_to_a_frozen_process_wait_until_it_goes_on_or_their_time_is_over() {
    let mut script = Script::loaded(world(1.0));
    script.until(1_999_000);
    script.signals(Signal::Stop);
    script.until(4_500_000);
    script.signals(Signal::Cont);
    script.until(4_599_000);
    let seen = script.seen();
    // Those of 2.0 to 2.5 s have had their time; that of 2.5 s just so.
    assert_eq!(failures(&seen), vec![(ConnectionKind::Fresh, Phase::Wait, FailureKind::TimedOut, ms(2_000)); 6]);
    assert_eq!((seen.counts.arrived, seen.counts.good, seen.gauges.in_flight), (36, 30, 0));
}

#[test]
fn a_killed_process_resets_what_nobody_has_read_and_closes_the_rest() {
    let mut script = Script::loaded(world(1.0));
    script.until(1_105_000);
    script.signals(Signal::Kill);
    script.until(1_110_000);
    let closed = (ConnectionKind::Fresh, Phase::Wait, FailureKind::Closed);
    let (kind, phase, failure, took) = failures(&script.seen())[0];
    assert_eq!(((kind, phase, failure), took), (closed, Duration::from_micros(5_050)));

    let mut script = Script::loaded(world(1.0));
    script.until(1_099_000);
    script.signals(Signal::Stop);
    script.until(1_105_000);
    script.signals(Signal::Kill);
    script.until(1_110_000);
    assert_eq!(script.exits(), [Exit::Signal(9)]);
    assert_eq!(
        failures(&script.seen()),
        [(ConnectionKind::Fresh, Phase::Wait, FailureKind::Reset, Duration::from_micros(5_050))]
    );
}

#[test]
fn a_frozen_process_does_not_read_from_connections_that_it_has() {
    let mut script = Script::loaded(World { idempotent: false, ..world(0.0) });
    script.until(1_050_000);
    script.signals(Signal::Stop);
    script.until(1_105_000);
    script.signals(Signal::Kill);
    script.until(1_110_000);
    assert_eq!(
        failures(&script.seen()),
        [(ConnectionKind::Reused, Phase::Wait, FailureKind::Reset, Duration::from_micros(5_050))]
    );
}

#[test]
fn a_closed_port_refuses_and_an_empty_view_has_nobody_to_ask() {
    let mut script = Script::loaded(world(1.0));
    script.until(1_050_000);
    script.signals(Signal::Kill);
    script.until(1_150_000);
    script.does(Effect::View { replicas: Vec::new() });
    script.until(1_250_000);
    let seen = script.seen();
    assert_eq!(
        failures(&seen),
        [
            (ConnectionKind::Fresh, Phase::Connect, FailureKind::Refused, Duration::from_micros(100)),
            (ConnectionKind::Fresh, Phase::Connect, FailureKind::NoEndpoint, Duration::ZERO),
        ]
    );
    assert!(seen.whole[0].outcome.endpoint.is_some() && seen.whole[1].outcome.endpoint.is_none());
    assert_eq!((seen.counts.begun, seen.counts.opened, seen.counts.good), (3, 1, 1));
}

#[test]
fn an_idle_connection_that_was_closed_in_time_loses_nothing() {
    let mut script = Script::loaded(world(0.0));
    script.until(1_150_000);
    script.signals(Signal::Kill);
    script.does(Effect::View { replicas: vec![TWO] });
    script.until(1_250_000);
    let seen = script.seen();
    assert_eq!((seen.counts.closed_idle, seen.counts.opened), (1, 2));
    assert_eq!((seen.counts.good, seen.counts.failed, seen.counts.retried), (3, 0, 0));
}

#[test]
fn one_that_is_closed_while_a_request_is_under_way_is_sent_again_where_that_is_safe() {
    for (idempotent, expected) in [(true, (3, 0, 1)), (false, (2, 1, 0))] {
        let mut script = Script::loaded(World { idempotent, ..world(0.0) });
        // The request is sent at the moment at which the process ends: FIN and it meet.
        script.until(1_200_000);
        script.signals(Signal::Kill);
        script.does(Effect::View { replicas: vec![TWO] });
        script.until(1_250_000);
        let seen = script.seen();
        assert_eq!((seen.counts.good, seen.counts.failed, seen.counts.retried), expected, "{idempotent}");
        assert_eq!((seen.counts.arrived, seen.counts.begun, seen.counts.closed_idle), (3, 3, 0));
        assert_eq!(
            look(&seen.whole[0].outcome),
            (ConnectionKind::Reused, Phase::Wait, FailureKind::Closed, Duration::from_micros(50))
        );
    }
}

#[test]
fn a_draining_process_finishes_and_sends_its_clients_away() {
    let behaviour = Behaviour { on_term: OnTerm::Drain { serve_on: ms(300) }, ..world(0.0).behaviour };
    let mut script = Script::loaded(World { behaviour, ..world(0.0) });
    script.until(1_105_000);
    script.signals(Signal::Term);
    // Requests go on over connections that are opened to it, once each.
    script.until(1_390_000);
    script.does(Effect::View { replicas: vec![TWO] });
    script.until(1_650_000);
    assert_eq!(script.exits(), [Exit::Code(0)]);
    let seen = script.seen();
    assert_eq!((seen.counts.good, seen.counts.failed, seen.counts.retried, seen.counts.closed_idle), (7, 0, 0, 0));
    // Before the signal one, which is told at once to close; two while it drains; then one that is kept.
    assert_eq!(seen.counts.opened, 4);
}

#[test]
fn the_share_of_fresh_connections_is_spread_evenly() {
    for (fresh, of_a_hundred) in [(0.0, 0), (0.1, 10), (0.5, 50), (0.99, 99), (1.0, 100), (7.0, 100)] {
        let mut script = Script::loaded(world(fresh));
        script.until(10_990_000);
        let seen = script.seen();
        let kinds = |kind| {
            let of = seen.lanes.iter().filter(|(lane, _)| lane.connection == kind);
            of.map(|(_, times)| unpacked(&times.response)).sum::<u64>()
        };
        assert_eq!(seen.counts.good, 100);
        assert_eq!(kinds(ConnectionKind::Fresh), of_a_hundred, "{fresh}");
        assert_eq!(kinds(ConnectionKind::First), u64::from(of_a_hundred < 100), "one is kept");
    }
}

fn unpacked(packed: &seaworthy_core::histogram::Packed) -> u64 {
    let mut histogram = seaworthy_core::histogram::Histogram::default();
    packed.add_to(&mut histogram);
    histogram.count()
}

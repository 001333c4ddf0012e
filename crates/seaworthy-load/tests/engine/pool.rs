//! How what is due is spread over connections, and what becomes of what finds none.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::SocketAddr,
    num::NonZero,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use seaworthy_core::{
    arrivals::{Profile, Rate, Spacing},
    outcome::{ConnectionKind, FailureKind},
    recording::Recording,
};
use seaworthy_load::{
    endpoints::Endpoints,
    plan::{Pace, Protocol, UsersPlan, Workload},
};

use crate::server::{OK, answering, plan, read_request, request, run, serve, watched};

fn at(rate: f64, duration: Duration) -> Pace {
    Pace::Open {
        profile: Profile::constant(Rate::per_second(rate).unwrap(), Some(duration)),
        spacing: Spacing::Even,
        limit: None,
    }
}

/// Answers each request after a while.
fn slow(while_: Duration) -> SocketAddr {
    serve(move |mut stream, _| {
        while read_request(&mut stream) {
            thread::park_timeout(while_);
            if stream.write_all(OK).is_err() {
                return;
            }
        }
    })
}

/// What was due is accounted for, whatever became of it.
fn is_accounted_for(recording: &Recording, not_sent: u64, unfinished: u64) {
    let counts = &recording.counts;
    assert_eq!(counts.arrived, counts.good + counts.failed + not_sent + unfinished, "{counts:?}");
}

#[test]
fn connections_are_opened_until_there_are_enough_and_used_in_turn() {
    let mut plan = plan(answering(OK), 40);
    plan.connections.keep = 8;
    let (recording, _) = run(plan);
    assert_eq!((recording.counts.good, recording.counts.opened), (40, 8));
    assert_eq!(recording.times_over(ConnectionKind::First).response.count(), 8);
    assert_eq!(recording.times_over(ConnectionKind::Reused).response.count(), 32);
}

#[test]
fn a_server_that_says_close_is_believed() {
    // It would go on, but has said that it will not.
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let (recording, _) = run(plan(answering(answer), 5));
    assert_eq!((recording.counts.good, recording.counts.opened), (5, 5));
}

#[test]
fn arrivals_that_find_no_free_connection_open_one_and_at_the_limit_wait_visibly() {
    let mut plan = plan(slow(Duration::from_millis(100)), 20);
    plan.pace = Pace::Open {
        profile: Profile::constant(Rate::per_second(1000.0).unwrap(), None),
        spacing: Spacing::Even,
        limit: Some(20),
    };
    plan.connections.most = 4;
    plan.timeouts.request = Duration::from_secs(10);
    let (recording, ended) = run(plan);
    assert_eq!((recording.counts.good, recording.counts.opened, recording.counts.queued), (20, 4, 16));
    is_accounted_for(&recording, ended.not_sent, ended.unfinished);
    // Four at a time: the last have waited for four others, and that is in their response time, not in their service.
    let times = recording.times(|_| true);
    assert!(times.response.max().unwrap() >= Duration::from_millis(470), "{:?}", times.response.max());
    assert!(times.service.quantile(0.5).unwrap() < Duration::from_millis(300), "{:?}", times.service.quantile(0.5));
    assert!(recording.queue_time.max().unwrap() >= Duration::from_millis(370));
}

#[test]
fn what_is_never_sent_is_counted() {
    let mut plan = plan(serve(|mut stream, _| while read_request(&mut stream) {}), 30);
    plan.connections.most = 2;
    let (recording, ended) = run(plan);
    assert!(ended.not_sent > 0);
    is_accounted_for(&recording, ended.not_sent, ended.unfinished);
}

#[test]
fn fresh_connections_are_for_one_request_each() {
    let mut fresh = plan(answering(OK), 10);
    fresh.connections.fresh = 1.0;
    let (recording, _) = run(fresh.clone());
    assert_eq!((recording.counts.good, recording.counts.opened), (10, 10));
    assert_eq!(recording.times_over(ConnectionKind::Fresh).connect.count(), 10);

    fresh.protocol = Protocol::Http1;
    fresh.connections.fresh = 0.5;
    fresh.pace = at(500.0, Duration::from_millis(400));
    let (recording, _) = run(fresh);
    assert_eq!(recording.counts.good, 200);
    let share = recording.times_over(ConnectionKind::Fresh).response.count();
    // Six standard deviations around a half.
    assert!((58..=142).contains(&share), "{share}");
}

#[test]
fn a_fresh_arrival_takes_the_place_of_an_idle_connection() {
    let mut plan = plan(answering(OK), 60);
    plan.connections.most = 1;
    plan.connections.fresh = 0.5;
    let (recording, ended) = run(plan);
    assert_eq!((recording.counts.good, ended.not_sent), (60, 0));
}

#[test]
fn connections_come_from_the_addresses_that_are_given() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let server = {
        let seen = Arc::clone(&seen);
        serve(move |mut stream, _| {
            seen.lock().unwrap().insert(stream.peer_addr().unwrap().ip());
            while read_request(&mut stream) && stream.write_all(OK).is_ok() {}
        })
    };
    let mut plan = plan(server, 9);
    plan.connections.fresh = 1.0;
    plan.connections.sources = (2..5).map(|n| [127, 0, 0, n].into()).collect();
    assert_eq!(run(plan).0.counts.good, 9);
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn a_view_can_change_while_it_runs() {
    let (one, other) = (answering(OK), answering(OK));
    let (view, seen) = tokio::sync::watch::channel(Arc::from([one]));
    let mut plan = plan(one, 100);
    plan.endpoints = Endpoints::View(seen);
    plan.connections.fresh = 1.0;
    let (recording, _) = watched(plan, |_, recording| {
        if recording.counts.good > 20 {
            view.send_replace(Arc::from([other]));
        }
    });
    let to = |endpoint: SocketAddr| recording.times(|lane| lane.endpoint == Some(endpoint)).response.count();
    assert!(to(one) > 20 && to(other) > 0, "{:?}", recording.lanes.keys());
    assert_eq!(to(one) + to(other), 100);
}

#[test]
fn connections_are_spread_over_the_endpoints_by_chance() {
    let servers = [answering(OK), answering(OK), answering(OK)];
    let (_view, seen) = tokio::sync::watch::channel(Arc::from(servers));
    let mut plan = plan(servers[0], 0);
    plan.endpoints = Endpoints::View(seen);
    plan.connections.fresh = 1.0;
    plan.pace = at(500.0, Duration::from_millis(600));
    let (recording, _) = run(plan);
    for server in servers {
        let share = recording.times(|lane| lane.endpoint == Some(server)).response.count();
        // A third of 300, and six standard deviations around it.
        assert!((51..=149).contains(&share), "{share}: {:?}", recording.lanes.keys());
    }
}

#[test]
fn a_name_is_looked_up_once_or_for_each_connection() {
    let server = answering(OK);
    for (each, lookups) in [(false, 1), (true, 5)] {
        let mut plan = plan(server, 5);
        plan.connections.fresh = 1.0;
        plan.endpoints = Endpoints::Name { host: "localhost".into(), port: server.port(), each };
        let (recording, _) = run(plan);
        assert_eq!(recording.counts.good, 5, "{:?}", recording.failures);
        assert_eq!(recording.times(|_| true).dns.count(), lookups);
    }
}

#[test]
fn threads_share_what_is_due() {
    let mut plan = plan(answering(OK), 101);
    plan.threads = NonZero::new(3).unwrap();
    plan.connections.keep = 6;
    let (recording, _) = run(plan);
    assert_eq!((recording.counts.good, recording.counts.opened), (101, 6));
}

#[test]
fn a_closed_loop_sends_one_after_the_other() {
    let mut plan = plan(answering(OK), 0);
    plan.connections.keep = 3;
    plan.pace = Pace::Closed { duration: None, limit: Some(500) };
    let (recording, ended) = run(plan.clone());
    assert_eq!((recording.counts.good, recording.counts.opened), (500, 3));
    is_accounted_for(&recording, ended.not_sent, ended.unfinished);

    plan.pace = Pace::Closed { duration: Some(Duration::from_millis(300)), limit: None };
    let (recording, ended) = run(plan);
    assert!(recording.counts.good > 0 && recording.counts.failed == 0);
    assert_eq!(ended.duration, Duration::from_millis(300));
}

#[test]
fn a_closed_loop_times_its_first_request_as_well() {
    let mut plan = plan(slow(Duration::from_millis(60)), 0);
    plan.connections.keep = 3;
    plan.pace = Pace::Closed { duration: None, limit: Some(6) };
    let (recording, _) = run(plan);
    let first = recording.times_over(ConnectionKind::First);
    assert_eq!(first.response.count(), 3);
    assert!(first.response.min().unwrap() >= Duration::from_millis(59), "{:?}", first.response.min());
    assert!(first.first_byte.min().unwrap() >= Duration::from_millis(59), "{:?}", first.first_byte.min());
}

#[test]
fn so_many_requests_take_as_long_as_their_rate_says() {
    let (_, ended) = run(plan(answering(OK), 20));
    assert_eq!(ended.duration, Duration::from_millis(200));
}

#[test]
fn a_run_that_is_stopped_finishes_what_is_open() {
    for pace in [at(100.0, Duration::from_hours(1)), Pace::Closed { duration: None, limit: None }] {
        let mut plan = plan(slow(Duration::from_millis(50)), 0);
        plan.pace = pace;
        let (recording, ended) = watched(plan, |run, recording| {
            if recording.counts.arrived >= 5 {
                run.stop();
            }
        });
        assert!(recording.counts.good >= 5 && recording.counts.failed == 0, "{:?}", recording.counts);
        is_accounted_for(&recording, ended.not_sent, ended.unfinished);
    }
}

#[test]
fn a_run_that_is_abandoned_counts_what_was_open() {
    let mut plan = plan(serve(|mut stream, _| while read_request(&mut stream) {}), 0);
    plan.pace = at(100.0, Duration::from_hours(1));
    plan.timeouts.request = Duration::from_hours(1);
    plan.connections.most = 3;
    let (recording, ended) = watched(plan, |run, recording| {
        if recording.counts.arrived >= 5 {
            run.abandon();
        }
    });
    assert_eq!(ended.unfinished, 3);
    assert!(ended.not_sent > 0);
    is_accounted_for(&recording, ended.not_sent, ended.unfinished);
}

#[test]
fn an_answer_that_comes_after_the_end_still_counts() {
    let mut plan = plan(slow(Duration::from_millis(300)), 0);
    plan.pace = at(100.0, Duration::from_millis(50));
    let (recording, ended) = run(plan);
    assert_eq!((recording.counts.arrived, recording.counts.good), (5, 5));
    assert!(recording.failures_that(|class| class.kind == FailureKind::Unfinished) == 0);
    assert!(ended.elapsed >= Duration::from_millis(300) && ended.duration == Duration::from_millis(50));
}

#[test]
fn users_that_nobody_keeps_are_lost() {
    // It acknowledges every create, and knows nobody afterwards.
    let created = r#"{"id": 7, "name": "x"}"#;
    let server = serve(move |mut stream, _| {
        let mut request = Vec::new();
        let mut byte = [0];
        while std::io::Read::read(&mut stream, &mut byte).unwrap_or(0) == 1 {
            request.push(byte[0]);
            if !request.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&request).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            std::io::Read::read_exact(&mut stream, &mut body).unwrap();
            let (status, body) =
                if text.starts_with("post") { ("201 Created", created) } else { ("404 Not Found", "{}") };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            request.clear();
        }
    });
    let mut plan = plan(server, 40);
    let like = request(http::Method::GET, &format!("http://{server}/v1"));
    plan.workload = Workload::Users(Arc::new(UsersPlan { like, run: "test".into(), clean_up: false }));
    let (_, ended) = run(plan.clone());
    let mut ledger = ended.ledger.unwrap();
    let before = ledger.writes();
    assert!(before.acknowledged > 5 && before.unverified == before.acknowledged, "{before:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(seaworthy_load::read_back::read_back(&plan, &mut ledger, Duration::from_secs(20))).unwrap();
    let after = ledger.writes();
    assert_eq!((after.lost, after.unverified), (after.acknowledged, 0), "{after:?}");
}

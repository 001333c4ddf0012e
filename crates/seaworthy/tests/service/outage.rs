//! The database goes away and comes back; the service does neither.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    mariadb::MariaDb,
    server::{Backend, JSON, Server, eventually},
};

/// How long the database is away.
const OUTAGE: Duration = Duration::from_secs(10);

/// One request's end: what was asked, when it was answered and how, and how long that took.
struct Seen {
    users: bool,
    at: Instant,
    took: Duration,
    status: u16,
    body: String,
}

/// Asks the greeting and the users in turn, at a constant pace, on a connection that is kept.
fn load(server: &Server, stop: &AtomicBool, seen: &Mutex<Vec<Seen>>, writer: usize) {
    let mut client = server.connect();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let begun = Instant::now();
        let answer = match n % 3 {
            0 => client.request("GET", "/", &[], b""),
            1 => client.request("GET", "/v1/users?limit=5", &[], b""),
            _ => {
                let body = json!({"name": "n", "email": format!("{writer}.{n}@x")}).to_string();
                client.request("POST", "/v1/users", &[JSON], body.as_bytes())
            }
        };
        let answer = answer.expect("the connection stays");
        let (users, at, status) = (n % 3 != 0, Instant::now(), answer.status);
        if status == 503 {
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
        }
        let body = answer.text().to_owned();
        seen.lock().unwrap().push(Seen { users, at, took: begun.elapsed(), status, body });
        thread::sleep(Duration::from_millis(5));
    }
}

/// Takes the database away by `down` and brings it back by `up`, under load; judges what clients saw.
fn away(down: impl Fn(&MariaDb), up: impl Fn(&MariaDb), slowest: Duration) {
    let database = MariaDb::start();
    let server = Server::start(&["--database", &database.url("users")]);
    let (stop, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let (mut down_at, mut up_at) = (Instant::now(), Instant::now());
    thread::scope(|scope| {
        for writer in 0..4 {
            let (server, stop, seen) = (&server, &stop, &seen);
            scope.spawn(move || load(server, stop, seen, writer));
        }
        eventually("there is load", || seen.lock().unwrap().len() > 200);
        down_at = Instant::now();
        down(&database);
        while down_at.elapsed() < OUTAGE {
            assert_eq!((server.ops("/livez").status, server.ops("/readyz").status), (200, 200));
            thread::sleep(Duration::from_millis(50));
        }
        assert!(server.ops("/readyz?verbose").text().contains("[!]database away"));
        assert_eq!(server.metric("seaworthy_database_up"), Some(0.0));
        up(&database);
        up_at = Instant::now();
        eventually("users are served", || server.get("/v1/users?limit=1").status == 200);
        let back = seen.lock().unwrap().len();
        eventually("there is load on the new connections", || seen.lock().unwrap().len() > back + 400);
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(server.metric("seaworthy_database_up"), Some(1.0));
    let seen = seen.into_inner().unwrap();
    let good = |one: &Seen| matches!(one.status, 200 | 201);
    for one in &seen {
        if !one.users {
            assert_eq!(one.status, 200, "the greeting does not need the database");
        }
        assert!(good(one) || one.status == 503, "{} {}", one.status, one.body);
        assert!(!(good(one) && one.body.contains("detail")), "no error in a good answer: {}", one.body);
    }
    // Once it was noticed nobody waits: 503 at once. What was under way when it went may have to.
    let noticed = down_at + slowest;
    let during: Vec<&Seen> = seen.iter().filter(|one| one.users && one.at > noticed && one.at < up_at).collect();
    assert!(during.len() > 100 && during.iter().all(|one| one.status == 503), "{} during the outage", during.len());
    let mut waits: Vec<Duration> = during.iter().map(|one| one.took).collect();
    waits.sort();
    println!("503 took {:?} in the median, {:?} at most", waits[waits.len() / 2], waits[waits.len() - 1]);
    let last_bad = seen.iter().filter(|one| !good(one)).map(|one| one.at).max().expect("some were refused");
    println!("last 503 {:?} after the database was back", last_bad.saturating_duration_since(up_at));
    assert!(last_bad < up_at + Duration::from_secs(1), "{:?} after its return", last_bad.duration_since(up_at));
}

#[test]
fn killed_for_ten_seconds() {
    away(MariaDb::kill, MariaDb::up, Duration::from_secs(1));
}

#[test]
fn frozen_for_ten_seconds() {
    // It does not refuse, it does not answer: only time tells.
    away(|database| database.signal(Signal::STOP), |database| database.signal(Signal::CONT), Duration::from_secs(3));
}

#[test]
fn restarted_between_two_requests_nobody_notices() {
    let database = MariaDb::start();
    let server = Server::start(&["--database", &database.url("users")]);
    let mut client = server.connect();
    for round in 0..5 {
        for _ in 0..5 {
            assert_eq!(client.request("GET", "/v1/users", &[], b"").unwrap().status, 200);
        }
        database.kill();
        database.up();
        server.await_line(|line| line["message"] == "the database is away");
        eventually("it is there again", || {
            server.log().matches("the database is there").count() == round + 2 && server.get("/v1/users").status == 200
        });
        for _ in 0..20 {
            let answer = client.request("GET", "/v1/users", &[], b"").unwrap();
            assert_eq!(answer.status, 200, "no connection from before the restart is used: {answer:?}");
        }
    }
}

#[test]
fn a_file_that_was_removed_is_noticed() {
    let backend = Backend::sqlite();
    let server = backend.start();
    assert_eq!(server.create("Ada", "ada@example.org").status, 201);
    let Backend::Sqlite(dir) = &backend else { unreachable!("made above") };
    std::fs::remove_file(dir.path().join("users.db")).unwrap();
    server.await_line(|line| line["message"] == "the database is away");
}

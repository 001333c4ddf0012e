//! What was acknowledged is there, whatever is killed and whenever.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    client::Client,
    mariadb::MariaDb,
    server::{Backend, JSON, Server},
};

/// Writers at a time.
const WRITERS: usize = 4;

/// Emails by what was heard of them.
#[derive(Default)]
struct Ledger {
    acknowledged: Vec<String>,
    /// Sent, with a key, and no good answer came.
    unknown: Vec<String>,
}

/// Creates users as fast as it goes until `stop`, each with a key of its own.
fn write(server: &Server, round: usize, writer: usize, stop: &AtomicBool, ledger: &Mutex<Ledger>) {
    let mut client: Option<Client> = None;
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let email = format!("{round}.{writer}.{n}@example.org");
        let answer = match client.take().map_or_else(|| Client::connect(server.address), Ok) {
            Ok(mut connection) => {
                let body = json!({"name": "n", "email": email}).to_string();
                let headers = [JSON, ("idempotency-key", email.as_str())];
                let answer = connection.request("POST", "/v1/users", &headers, body.as_bytes());
                client = Some(connection).filter(|_| answer.is_ok());
                answer
            }
            Err(error) => Err(error),
        };
        let mut ledger = ledger.lock().unwrap();
        match answer {
            Ok(answer) if answer.status == 201 => ledger.acknowledged.push(email),
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                ledger.unknown.push(email);
            }
            Err(_gone) => ledger.unknown.push(email),
        }
    }
}

/// Every acknowledged user is there exactly once; an unknown one at most once, and sending it again with its
/// key settles it.
fn check(server: &Server, ledger: &Ledger) {
    for email in &ledger.unknown {
        let body = json!({"name": "n", "email": email}).to_string();
        let again = server.request("POST", "/v1/users", &[JSON, ("idempotency-key", email)], body.as_bytes());
        assert_eq!(again.status, 201, "{again:?}");
    }
    let mut emails: Vec<String> =
        server.all_users().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<String> = ledger.acknowledged.iter().chain(&ledger.unknown).cloned().collect();
    emails.sort();
    expected.sort();
    assert!(emails == expected, "{} users are there, {} were acknowledged or settled", emails.len(), expected.len());
}

/// Kills the service at a different moment of its writing in each round.
fn service_killed(backend: &Backend, rounds: usize) {
    let mut all = Ledger::default();
    for round in 0..rounds {
        let server = backend.start();
        let (stop, ledger) = (AtomicBool::new(false), Mutex::new(Ledger::default()));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (server, stop, ledger) = (&server, &stop, &ledger);
                scope.spawn(move || write(server, round, writer, stop, ledger));
            }
            // Some writes, then a moment that moves through the length of a commit.
            crate::server::eventually("some are acknowledged", || {
                ledger.lock().unwrap().acknowledged.len() >= 5 + round
            });
            thread::sleep(Duration::from_micros(137 * round as u64));
            server.signal(rustix::process::Signal::KILL);
            stop.store(true, Ordering::Relaxed);
        });
        let mut ledger = ledger.into_inner().unwrap();
        all.acknowledged.append(&mut ledger.acknowledged);
        all.unknown.append(&mut ledger.unknown);
        drop(server);
        let server = backend.start();
        check(&server, &all);
        all.acknowledged.append(&mut all.unknown);
    }
    assert!(all.acknowledged.len() > 10 * rounds, "{}", all.acknowledged.len());
}

#[test]
fn sqlite_when_the_service_is_killed() {
    service_killed(&Backend::sqlite(), 40);
}

#[test]
fn mariadb_when_the_service_is_killed() {
    service_killed(&Backend::mariadb(), 40);
}

#[test]
fn mariadb_when_mariadb_is_killed() {
    let database = MariaDb::start();
    let server = Server::start(&["--database", &database.url("users")]);
    let mut all = Ledger::default();
    for round in 0..8 {
        let (stop, ledger) = (AtomicBool::new(false), Mutex::new(Ledger::default()));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (server, stop, ledger) = (&server, &stop, &ledger);
                scope.spawn(move || write(server, round, writer, stop, ledger));
            }
            crate::server::eventually("some are acknowledged", || ledger.lock().unwrap().acknowledged.len() >= 20);
            thread::sleep(Duration::from_micros(311 * round as u64));
            database.kill();
            stop.store(true, Ordering::Relaxed);
        });
        database.up();
        crate::server::eventually("users are served again", || server.get("/v1/users?limit=1").status == 200);
        let mut ledger = ledger.into_inner().unwrap();
        all.acknowledged.append(&mut ledger.acknowledged);
        all.unknown.append(&mut ledger.unknown);
        check(&server, &all);
        all.acknowledged.append(&mut all.unknown);
    }
}

//! `seaworthy up` as its user sees it: on its addresses, on its console, and in its folder.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it found by panicking")]

mod system;

use std::{net::TcpListener, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use self::system::{System, request};

/// Edges of a second by their security.
fn secured(now: &Value, how: &str) -> usize {
    now["edges"].as_array().into_iter().flatten().filter(|edge| edge["security"]["is"] == how).count()
}

fn replicas(now: &Value, phase: &str) -> usize {
    now["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|node| node["kind"] == "replica" && node["phase"] == phase)
        .count()
}

#[test]
fn the_system_is_seen_working_disturbed_and_unharmed() {
    let place = TempDir::new().unwrap();
    let system = System::up(&place, &["--rate", "40"]);
    // The load generator's way to the address, and three from there to the replicas.
    let now = system.until(|now| replicas(now, "ready") == 3 && secured(now, "mtls") == 4);
    assert_eq!(secured(&now, "in-process"), 3, "{now}");
    let to_replica =
        &now["edges"].as_array().unwrap().iter().find(|edge| edge["to"] == "replica-1").unwrap()["security"];
    assert_eq!(
        (&to_replica["client"], &to_replica["server"]),
        (&"spiffe://seaworthy.local/load-generator".into(), &"spiffe://seaworthy.local/replica/1".into())
    );

    // Somebody from outside is answered by all, in the clear.
    for _ in 0..6 {
        assert_eq!(request(&system.service, "GET / HTTP/1.1", "", "").0, 200);
    }
    system.until(|now| secured(now, "plaintext") == 1);

    let rolled = system.done(r#"{"drill":"rollout"}"#);
    assert_eq!(rolled["cost"]["lost"], 0, "{rolled}");
    let now = system.until(|now| replicas(now, "ready") == 3 && now["busy"].is_null());
    let picked =
        now["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "replica").unwrap()["replica"].clone();
    let killed = system.done(&format!(r#"{{"drill":"kill","replica":{picked}}}"#));
    // What was in flight on it nobody can keep.
    assert!(killed["findings"].as_array().unwrap().iter().all(|finding| finding["cause"] == "killed"), "{killed}");
    system.until(|now| {
        let nodes = now["nodes"].as_array().into_iter().flatten();
        nodes.filter(|node| node["replica"] == picked && node["phase"] == "ready").any(|node| node["restarts"] == 1)
    });
    let (status, refused) = system.drill(&format!(r#"{{"drill":"kill","replica":{}}}"#, 99));
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("replica 99"), "{status} {refused}");

    // What each cost can be looked at again.
    let runs = place.path().join("seaworthy-up/runs");
    let kept = std::fs::read_dir(&runs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("1-rollout"));
    let again = Command::new(env!("CARGO_BIN_EXE_seaworthy")).arg("diagnose").arg(kept.unwrap()).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stdout).contains("a rolling update has no downtime"), "{again:?}");
    let (code, _) = system.interrupt();
    assert_eq!(code, Some(0));
}

#[test]
fn a_second_start_finds_the_users_again() {
    let place = TempDir::new().unwrap();
    let system = System::up(&place, &["--no-load"]);
    let body = r#"{"name":"Ada","email":"ada@example.org","password":"correct horse battery"}"#;
    let (status, said) =
        request(&system.service, "POST /v1/users HTTP/1.1", "Content-Type: application/json\r\n", body);
    assert_eq!(status, 201, "{said}");
    assert_eq!(system.interrupt().0, Some(0));
    let system = System::up(&place, &["--no-load", "--plaintext"]);
    let (_, users) = request(&system.service, "GET /v1/users HTTP/1.1", "", "");
    assert!(users.contains("ada@example.org"), "{users}");
    let now = system.until(|now| replicas(now, "ready") == 3);
    assert_eq!(secured(&now, "mtls"), 0, "{now}");
    assert_eq!(now["sums"]["requests"], 0, "nothing is sent");
    assert_eq!(system.interrupt().0, Some(0));
}

#[test]
fn certificates_are_renewed_while_it_runs_and_nothing_is_lost() {
    let place = TempDir::new().unwrap();
    let system = System::up(&place, &["--certificate-lifetime", "10s", "--rate", "40"]);
    let mut expiries = std::collections::BTreeSet::new();
    let now = system.until(|now| {
        for edge in now["edges"].as_array().into_iter().flatten() {
            expiries.extend(edge["security"]["expires_s"].as_i64());
        }
        expiries.len() >= 4
    });
    assert_eq!(now["sums"]["failed"], 0, "{now}");
    assert_eq!(system.interrupt().0, Some(0));
}

#[test]
fn a_target_of_somebodys_is_run_so_too() {
    let place = TempDir::new().unwrap();
    let command = ["--readiness", "tcp", "--", "python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"];
    let system = System::up(&place, &command);
    let now = system.until(|now| secured(now, "mtls") == 4);
    assert!(
        now["nodes"].as_array().unwrap().iter().all(|node| node["kind"] != "database"),
        "nobody knows its database"
    );
    assert_eq!(system.interrupt().0, Some(0));
}

#[test]
fn what_cannot_be_says_what_would_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--listen", &taken], 4, "is taken; end what listens there, or give another port"),
        (&["--listen", "127.0.0.1:0", "--console", &taken], 4, "--console: "),
        (&["--listen", "127.0.0.1:0", "--console", "0.0.0.0:0"], 2, "a console there needs a token"),
        (&["--drills", "kill"], 2, "--drills goes with `seaworthy trial`"),
        (&["--certificate-lifetime", "1s"], 2, "is too short; give at least 10s"),
        (&["--database", "mysql://a:b@h/x"], 2, "a password on a command line can be seen"),
        (&["--database", "sqlite:x.db", "--", "true"], 2, "a URL is for the built-in service"),
        (
            &["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--", "/nowhere"],
            4,
            "the target cannot be started: /nowhere",
        ),
    ];
    for (flags, code, words) in cases {
        let place = TempDir::new().unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_seaworthy"))
            .arg("up")
            .args(flags)
            .current_dir(place.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.lines().last().unwrap().contains(words), "{flags:?}: {said}");
    }
}

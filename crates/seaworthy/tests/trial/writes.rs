//! What was acknowledged must be there when all is over, whatever was done to the replicas.

use std::fs;

use serde_json::Value;

use crate::run::{Done, Place, SHORT, target};

const WRITE: &[&str] = &["--write", r#"POST /items {"name":"{key}"}"#, "--read", "GET /items/{id}"];

/// A trial of a store with a fault.
fn store(place: &Place, drills: &str, fault: &str, more: &[&str]) -> Done {
    let file = format!("file={}", place.path().join("items").display());
    let (program, fault) = (target("store.py"), format!("fault={fault}"));
    let flags = [SHORT, WRITE, &["--drills", drills, "--readiness", "/ period=200ms"], more].concat();
    place.trial(&flags, &["python3", &program, &fault, &file])
}

fn count(done: &Done, name: &str) -> u64 {
    done.report["writes"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {done:?}"))
}

/// Each acknowledged write is exactly one of these.
fn assert_adds_up(done: &Done) {
    let parts = ["kept", "lost", "stale", "unverified"].map(|name| count(done, name));
    assert_eq!(parts.iter().sum::<u64>(), count(done, "acknowledged"), "{done:?}");
}

#[test]
fn a_store_that_keeps_what_it_acknowledges() {
    let place = Place::new();
    let done = store(&place, "rollout,kill", "none", &["--list", "GET /items", "--delete", "DELETE /items/{id}"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_adds_up(&done);
    assert!(count(&done, "acknowledged") > 100, "{done:?}");
    assert_eq!(count(&done, "kept"), count(&done, "acknowledged"), "{done:?}");
    assert!(count(&done, "terminations") >= 4, "{done:?}");
    assert_eq!(done.report["writes"]["verdict"], "pass");
    assert!(done.stdout.contains("\nwrites   ") && done.stdout.contains(" kept, 0 lost"), "{}", done.stdout);
    assert!(done.stdout.lines().all(|line| line.chars().count() <= 80), "{}", done.stdout);
    // What was asked for is taken away again, and nothing else is.
    let deleted = fs::read_to_string(place.path().join("items.deleted")).unwrap();
    let made = fs::read_to_string(place.path().join("items")).unwrap();
    assert_eq!(deleted.lines().count(), made.lines().count(), "{done:?}");
    // The history says all of it, so it is judged again alike.
    let again = place.seaworthy(&["diagnose", "-o", "again.json", "-o", "again.xml"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let report = fs::read_to_string(place.path().join("again.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&report).unwrap()["writes"], done.report["writes"]);
    let junit = fs::read_to_string(place.path().join("again.xml")).unwrap();
    assert!(junit.contains(r#"name="writes" time="0"/>"#), "{junit}");
}

#[test]
fn a_store_that_says_what_it_is_asked_for_proves_nothing() {
    let by_key = ["--read", "GET /items/{key}"];
    let place = Place::new();
    let file = format!("file={}", place.path().join("items").display());
    let flags = [SHORT, &["--drills", "terminate", "--readiness", "/ period=200ms"], &WRITE[..2], &by_key].concat();
    let done = place.trial(&flags, &["python3", &target("store.py"), "fault=echoes", &file]);
    assert_eq!(done.code, 3, "{done:?}");
    assert_eq!((count(&done, "kept"), count(&done, "lost")), (0, 0), "{done:?}");
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("what was never written is read as if it was there"), "{}", done.stdout);
}

#[test]
fn a_list_that_cannot_be_read_finds_no_duplicates() {
    let done = store(&Place::new(), "terminate", "listless", &["--list", "GET /items"]);
    assert_eq!(done.code, 3, "{done:?}");
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("nobody looked for what is there twice"), "{}", done.stdout);
}

#[test]
fn a_store_that_forgets_with_its_process() {
    let done = store(&Place::new(), "rollout", "forgets", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert_adds_up(&done);
    let lost = count(&done, "lost");
    assert!(lost > 5 && count(&done, "kept") > 5 * lost, "{done:?}");
    let of = format!("{lost} of {} acknowledged writes are gone", count(&done, "acknowledged"));
    assert!(done.stdout.starts_with("NOT SEAWORTHY  ") && done.stdout.contains(&of), "{}", done.stdout);
    // No request was lost: without looking it would have passed.
    assert_eq!(done.lost("rollout"), 0, "{done:?}");
    let harmed = done.report["writes"]["harmed"].as_array().unwrap();
    let gone: Vec<&Value> = harmed.iter().filter(|one| one["harm"] == "lost").collect();
    assert_eq!(gone.len() as u64, lost);
    for one in gone {
        assert!(one["endpoint"].as_str().unwrap().starts_with("127.0.0.1:") && one["read"] == "404", "{one}");
        let (begin, end) = (&done.drill("baseline")["begin_ms"], &done.drill("rollout")["end_ms"]);
        let at = one["acknowledged_ms"].as_f64().unwrap();
        assert!(at >= begin.as_f64().unwrap() - 1_000.0 && at <= end.as_f64().unwrap() + 1_000.0, "{one}");
    }
}

#[test]
fn a_store_that_writes_twice() {
    let done = store(&Place::new(), "terminate", "twice", &["--list", "GET /items"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(count(&done, "duplicated") > 5 && count(&done, "lost") == 0, "{done:?}");
    assert!(done.stdout.contains("were sent once, and are there more often"), "{}", done.stdout);
    assert!(done.stdout.contains("2 times in the list"), "{}", done.stdout);
}

#[test]
fn a_store_that_shows_late_what_it_has() {
    let done = store(&Place::new(), "terminate", "stale", &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_adds_up(&done);
    assert!(count(&done, "stale") > 5 && count(&done, "lost") == 0, "{done:?}");
    assert!(done.stdout.contains("there only when read again"), "{}", done.stdout);
}

#[test]
fn a_store_that_cannot_be_read_proves_nothing() {
    let done = store(&Place::new(), "terminate", "broken", &[]);
    assert_eq!(done.code, 3, "{done:?}");
    assert_eq!(count(&done, "unverified"), count(&done, "acknowledged"), "{done:?}");
    assert!(done.stdout.contains("could not be read back: look at"), "{}", done.stdout);
}

#[test]
fn a_store_whose_answers_get_lost() {
    for (fault, resolved) in [("silent", "recovered"), ("nowhere", "not_executed")] {
        // Its id was in the answer, so only the list tells.
        let done = store(&Place::new(), "terminate", fault, &["--list", "GET /items", "--max-lost", "10000"]);
        assert_eq!(done.code, 0, "{fault}: {done:?}");
        assert!(count(&done, "unknown") > 5, "{fault}: {done:?}");
        assert_eq!(count(&done, resolved), count(&done, "unknown"), "{fault}: {done:?}");
        assert_eq!(count(&done, "lost") + count(&done, "unverified"), 0, "{fault}: {done:?}");
    }
}

#[test]
fn the_built_in_service_keeps_every_user() {
    for drill in ["rollout", "kill"] {
        let done = Place::new().trial(&[SHORT, &["--users", "--clean-up", "--drills", drill]].concat(), &[]);
        assert_eq!(done.code, 0, "{drill}: {done:?}");
        assert_adds_up(&done);
        assert!(count(&done, "acknowledged") > 100 && count(&done, "terminations") > 0, "{drill}: {done:?}");
        assert_eq!(count(&done, "kept"), count(&done, "acknowledged"), "{drill}: {done:?}");
        assert!(done.stderr.contains("cleaned up: ") && !done.stderr.contains(" left"), "{}", done.stderr);
        assert!(done.stdout.contains("durability: SQLite"), "{}", done.stdout);
    }
}

#[test]
fn what_cannot_be_followed_says_why_before_anything_is_run() {
    let write = WRITE[..2].to_vec();
    for (flags, says) in [
        (write.clone(), "--read 'GET /items/{id}'"),
        ([&write[..], &["--users"]].concat(), "--write does not go with --users"),
        (["--users", "--path", "/", "--body", "x"].to_vec(), "--body does not go with --users"),
        ([WRITE, &["--platform", "simulated"]].concat(), "--write is for a real target"),
        (["--users", "--platform", "simulated"].to_vec(), "--users is for a real target"),
        (["--read", "GET /{id}"].to_vec(), "--read goes with --write"),
        (["--clean-up"].to_vec(), "--clean-up goes with the users scenario"),
    ] {
        let done = Place::new().trial(&flags, &[]);
        assert_eq!(done.code, 2, "{flags:?}: {done:?}");
        assert!(done.error().contains(says), "{flags:?}: {}", done.error());
    }
}

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

/// A restart of a database that writes each item down so many seconds after it has acknowledged it.
fn database(lag: &str, early: &str) -> Done {
    let place = Place::new();
    let program = target("store.py");
    let database = format!("python3 {program} lag={lag} file={{dir}}/items");
    let drill = ["--drills", "database-restart", "--database", &database, "--database-down", "2s"];
    // The drill is about writes here, and takes what there was to write before it.
    let times = ["--baseline", "6s", "--before", "500ms", "--after", "500ms", "--propagation", "500ms", "--seed", "7"];
    let flags = [&times, WRITE, &drill, &["--readiness", "/ period=200ms", "--max-lost", "10000"]].concat();
    place.trial(&flags, &["python3", &program, "at=database", "file=none", early])
}

/// What a finding says, in one line.
fn evidence(done: &Done, cause: &str) -> String {
    let findings = done.report["findings"].as_array().unwrap();
    let found = findings.iter().find(|found| found["cause"] == cause).unwrap_or_else(|| panic!("{cause}: {done:?}"));
    let lines = found["evidence"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_database_that_loses_the_last_seconds_of_what_it_acknowledged() {
    let done = database("2.5", "early=");
    assert_eq!(done.code, 1, "{done:?}");
    let lost = count(&done, "lost");
    assert!(lost > 20 && count(&done, "kept") > 20, "{done:?}");
    let gone = format!("{lost} of {} acknowledged writes are gone", count(&done, "acknowledged"));
    assert!(done.stdout.starts_with(&format!("NOT SEAWORTHY  {gone}")), "{}", done.stdout);
    assert!(done.last_line().contains(&gone), "{}", done.stdout);
    assert_eq!(done.causes().get("non-durable-commit"), Some(&lost), "{}", done.stdout);
    let evidence = evidence(&done, "non-durable-commit");
    assert!(evidence.contains("that had been acknowledged before those are there"), "{evidence}");
    // Lines are broken where they are full.
    let told = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "the database was restarted 1 time after the first of them",
        "answered by replica ",
        "the database's settings are not known",
    ] {
        assert!(told.contains(words), "{words}: {}", done.stdout);
    }
}

#[test]
fn a_database_that_keeps_nothing() {
    let done = database("1000", "early=");
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(done.causes().get("ephemeral-db-storage"), Some(&count(&done, "lost")), "{}", done.stdout);
}

#[test]
fn a_database_that_keeps_what_it_acknowledged_and_a_service_that_does_not_wait_for_it() {
    let kept = database("0.001", "early=");
    let causes = kept.causes();
    assert!(!causes.contains_key("non-durable-commit") || count(&kept, "lost") < 5, "{}", kept.stdout);
    let done = database("0.001", "early=1");
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.causes().contains_key("ack-before-persist"), "{}", done.stdout);
    let evidence = evidence(&done, "ack-before-persist");
    assert!(evidence.contains("had been acknowledged while the database was away"), "{evidence}");
}

#[test]
fn a_database_that_ends_by_itself_is_told_at_once() {
    let later =
        "python3 -m http.server --bind 127.0.0.1 {port:database} & s=$!; sleep 2; kill $s; echo full >&2; exit 9";
    let later = format!("sh -c '{later}'");
    for (database, says) in [
        (
            "sh -c 'echo no space >&2; exit 7'",
            "ended by itself with exit code 7, before it took connections; its last words: \"no space\"",
        ),
        (&*later, "ended by itself with exit code 9, before all replicas were ready"),
        ("/none/such", "the database ended by itself with exit code 127, before it took connections"),
    ] {
        // Nobody waits for an hour.
        let flags = ["--drills", "database-restart", "--database", database, "--patience", "1h"];
        let done = Place::new().trial(&flags, &["sleep", "3600"]);
        assert_eq!(done.code, 4, "{done:?}");
        assert!(done.error().contains(says), "{says}: {}", done.error());
    }
}

#[test]
fn a_secret_of_a_command_is_nowhere_in_the_folder_of_its_run() {
    let place = Place::new();
    let database = "env PGPASSWORD=hunter2 sh -c 'exec python3 -m http.server --bind 127.0.0.1 {port:database}' \
                    -phunter2 --password=hunter2 --password \"hunter2\" root:hunter2@tcp(h:1)/db postgres://u:hunter2@h/db";
    let database = database.replace("root:hunter2@tcp(h:1)/db", "'root:hunter2@tcp(h:1)/db'");
    let flags = ["--drills", "database-restart", "--database", &database, "--database-down", "500ms", "-o", "r.md"];
    let server = target("server.py");
    let words = ["on_term=drain", "drain=1", "dsn=root:hunter2@tcp(h:1)/db", "password=hunter2"];
    let done = place.trial(&[SHORT, &flags].concat(), &[&["python3", &*server], &words[..]].concat());
    assert_eq!(done.code, 0, "{done:#?}");
    assert!(!format!("{done:?}").contains("hunter2"), "{done:?}");
    let folder = fs::read_dir(place.runs().join("latest")).unwrap();
    for path in folder.map(|entry| entry.unwrap().path()).chain([place.path().join("r.md")]) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hunter2"), "{}: {text}", path.display());
    }
}

#[test]
fn the_built_in_service_keeps_every_user_on_a_mariadb_that_is_killed() {
    let flags = ["--users", "--drills", "database-restart", "--database", "mariadb", "--database-down", "1s"];
    let done = Place::new().trial(&[SHORT, &flags, &["--rate", "100"]].concat(), &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_adds_up(&done);
    assert_eq!(count(&done, "kept"), count(&done, "acknowledged"), "{done:?}");
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the database was restarted 1 time after the first of them"), "{}", done.stdout);
    assert!(!said.contains("proves nothing") && said.contains("innodb_flush_log_at_trx_commit 1"), "{}", done.stdout);
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

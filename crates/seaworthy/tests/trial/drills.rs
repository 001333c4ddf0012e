//! The drills that are only made when they are asked for, on real processes.

use serde_json::Value;

use crate::run::{Done, Place, SHORT, target};

/// A trial of one drill, of a Python program in its own words.
fn trial(place: &Place, flags: &[&str], words: &[&str]) -> Done {
    let program = target(words[0]);
    let command: Vec<&str> = ["python3", &program].into_iter().chain(words[1..].iter().copied()).collect();
    place.trial(&[SHORT, flags].concat(), &command)
}

fn reasons(done: &Done, drill: &str) -> String {
    done.drill(drill)["reasons"].to_string()
}

/// Events of a kind in the history.
fn events(place: &Place, kind: &str) -> Vec<Value> {
    let history = std::fs::read_to_string(place.runs().join("latest/history.jsonl")).unwrap();
    let lines = history.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == kind).collect()
}

#[test]
fn a_target_that_refuses_what_is_too_much_comes_back() {
    let place = Place::new();
    let flags = ["--drills", "overload", "--rate", "100", "--overload-to", "1500", "--readiness", "tcp"];
    let done = trial(&place, &flags, &["worker.py", "takes=0.005", "queue=20"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let row = done.drill("overload");
    let shed: u64 = ["keep_alive", "fresh"].iter().map(|lane| row[*lane]["shed"].as_u64().unwrap()).sum();
    assert!(shed > 0, "{done:#?}");
    let proof = row["proof"].as_str().unwrap();
    // Three of them with 5 ms for each answer cannot do more than 600 a second.
    assert!(proof.contains("; peak ") && proof.contains("came back"), "{proof}");
    assert!(events(&place, "flooded").len() >= 3);
    assert_eq!(events(&place, "flood_ended").len(), 1);
    assert!(done.stderr.contains("overload: 200/s are asked of it"), "{done:#?}");
    // Judged again from what was recorded, it is the same.
    let again = place.seaworthy(&["diagnose"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&again.stdout).contains("; peak "));
}

#[test]
fn a_target_that_was_not_overloaded_was_not_put_to_the_test() {
    let flags = ["--drills", "overload", "--rate", "30", "--overload-to", "60", "--readiness", "tcp"];
    let done = trial(&Place::new(), &flags, &["worker.py"]);
    assert_eq!(done.code, 3, "{done:#?}");
    let said = reasons(&done, "overload");
    assert!(said.contains("it was not overloaded: all of 60/s was answered"), "{said}");
    assert!(said.contains("such as --overload-to 240"), "{said}");
}

#[test]
fn a_busy_replica_is_not_to_be_killed_for_being_busy() {
    let flags = [
        "--drills",
        "liveness",
        "--rate",
        "100",
        "--liveness-load",
        "1200",
        "--liveness",
        "/live period=1s timeout=1s failures=2",
        "--readiness",
        "tcp",
        "--timeout",
        "3s",
    ];
    let place = Place::new();
    let done = trial(&place, &flags, &["worker.py", "takes=0.01"]);
    assert_eq!(done.code, 1, "{done:#?}");
    let said = reasons(&done, "liveness");
    assert!(said.contains("its liveness probe had a replica restarted while more was asked"), "{said}");
    assert!(done.causes().contains_key("liveness-kill-under-load"), "{}", done.stdout);
    // The same with a probe that waits for nothing else.
    let done = trial(&Place::new(), &flags, &["worker.py", "takes=0.01", "queue=50", "apart=yes"]);
    assert_eq!(done.code, 0, "{done:#?}");
}

#[test]
fn a_liveness_probe_that_kills_the_busy_is_mended_by_more_patience() {
    let flags = ["--drills", "liveness", "--rate", "60", "--liveness-load", "900", "--readiness", "tcp", "--try-fix"];
    // On a busy machine Python alone may need longer to start than that probe gives it.
    let startup = ["--startup", "tcp period=1s failures=60"];
    let liveness = ["--liveness", "/live period=1s timeout=1s failures=2"];
    let done = trial(
        &Place::new(),
        &[&flags[..], &startup, &liveness].concat(),
        &["worker.py", "takes=0.01", "queue=20", "live=2"],
    );
    assert_eq!(done.code, 1, "{done:#?}");
    let words = "trying what would mend it: a liveness probe with a time-out of 5 s and 12 failures";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    let tried = &done.report["tried"];
    let causes = tried["causes"].as_array().unwrap();
    let killed = causes.iter().find(|one| one["cause"] == "liveness-kill-under-load").unwrap();
    assert!(killed["before"].as_u64().unwrap() > 0 && killed["after"] == 0, "{tried:#}");
}

#[test]
fn a_replica_that_hangs_as_it_starts_gets_no_request_before_it_can_answer() {
    let place = Place::new();
    let flags = ["--drills", "slow-start", "--slow-start", "2s", "--replicas", "2"];
    let words = ["server.py", "on_term=drain", "drain=2"];
    let done = trial(&place, &flags, &words);
    assert_eq!(done.code, 0, "{done:#?}");
    assert_eq!((events(&place, "frozen").len(), events(&place, "thawed").len()), (1, 1));
    // A startup probe that does not wait for it.
    let impatient = [&flags[..], &["--startup", "tcp period=300ms failures=3", "--try-fix"]].concat();
    let done = trial(&Place::new(), &impatient, &words);
    assert_eq!(done.code, 1, "{done:#?}");
    let said = reasons(&done, "slow-start");
    assert!(said.contains("its startup probe had a replica restarted though it only started slowly"), "{said}");
    assert!(done.causes().contains_key("probe-kill-while-starting"), "{}", done.stdout);
    assert!(done.stdout.contains("startupProbe allows about 0.90 s"), "{}", done.stdout);
    let tried = &done.report["tried"];
    assert_eq!(tried["verdict"], "pass", "{tried:#}");
    assert!(tried["manifest"].as_str().unwrap().contains("startupProbe: {timeoutSeconds: 1, failureThreshold: 200}"));
}

#[test]
fn new_replicas_get_their_share_but_not_of_clients_that_keep_their_connections() {
    let flags = ["--drills", "balance", "--balance", "4s", "--replicas", "2", "--connections", "20"];
    let words = ["server.py", "on_term=drain", "drain=2"];
    let fresh = trial(&Place::new(), &[&flags[..], &["--fresh", "100"]].concat(), &words);
    assert_eq!(fresh.code, 0, "{fresh:#?}");
    let place = Place::new();
    let kept = trial(&place, &flags, &words);
    assert_eq!(kept.code, 0, "{kept:#?}");
    let said = reasons(&kept, "balance");
    assert!(said.contains("clients that keep their connections did not reach the new replicas"), "{said}");
    assert!(!said.contains("fresh request"), "{said}");
    assert!(kept.causes().contains_key("no-rebalance-after-scale-up"), "{}", kept.stdout);
    assert!(!fresh.causes().contains_key("no-rebalance-after-scale-up"), "{}", fresh.stdout);
    // Where there are no others, four seconds do not show whether connections have a maximum age.
    let only = trial(&Place::new(), &[&flags[..], &["--fresh", "0"]].concat(), &words);
    assert_eq!(only.code, 3, "{only:#?}");
    assert!(reasons(&only, "balance").contains("--balance 60s"), "{only:#?}");
    let scaled: Vec<Value> = events(&place, "scaled").iter().map(|event| event["to"].clone()).collect();
    assert_eq!(scaled, [4, 2]);
}

#[test]
fn a_database_restarts_beside_the_built_in_service() {
    let place = Place::new();
    let flags = ["--drills", "database-restart", "--database", "mariadb", "--database-down", "1s"];
    let done = place.trial(&[SHORT, &flags, &["--path", "/users", "--rate", "100"]].concat(), &[]);
    assert_eq!(done.code, 0, "{done:#?}");
    let row = done.drill("database-restart");
    let allowed: u64 = ["keep_alive", "fresh"].iter().map(|lane| row[*lane]["allowed"].as_u64().unwrap()).sum();
    assert!(allowed > 50, "without a database nobody can be told who there is: {done:#?}");
    assert_eq!(events(&place, "database_up").len(), 2);
    assert_eq!(events(&place, "database_down")[0]["exit"]["signal"], 9);
    assert!(!place.runs().join("latest/database").exists(), "it goes with the trial");
}

#[test]
fn a_database_is_any_command_and_its_port_is_known_to_all() {
    let place = Place::new();
    let database = "python3 -m http.server --bind 127.0.0.1 {port:database}";
    let flags = ["--drills", "database-restart", "--database", database, "--database-down", "500ms"];
    let script = r#"echo "$DATABASE_PORT" {port:database}; exec python3 "$0" on_term=drain drain=1"#;
    let server = target("server.py");
    let done = place.trial(&[SHORT, &flags].concat(), &["sh", "-c", script, &server]);
    assert_eq!(done.code, 0, "{done:#?}");
    let said = std::fs::read_to_string(place.runs().join("latest/replica-1.log")).unwrap();
    let (known, filled) = said.lines().next().and_then(|line| line.split_once(' ')).unwrap();
    assert!(known == filled && known.parse::<u16>().is_ok(), "{said}");
}

#[test]
fn a_replica_that_uses_more_memory_than_it_may_is_killed_and_comes_back() {
    let place = Place::new();
    let flags = ["--drills", "scale-up", "--memory-limit", "128Mi", "--replicas", "2", "--max-lost", "100000"];
    let done = trial(&place, &flags, &["worker.py", "grows={dir}"]);
    let killed = events(&place, "signalled");
    let killed: Vec<_> = killed.iter().filter(|event| event["reason"] == "out_of_memory").collect();
    assert!(!killed.is_empty() && killed[0]["signal"] == "KILL", "{done:#?}");
    let replica = &killed[0]["replica"];
    let exits = events(&place, "exited");
    assert!(exits.iter().any(|event| event["replica"] == *replica && event["exit"]["signal"] == 9), "{exits:#?}");
    assert!(events(&place, "started").iter().any(|event| event["replica"] == *replica && event["restart"] == 1));
    let log = std::fs::read_to_string(place.runs().join(format!("latest/replica-{replica}.log"))).unwrap();
    assert!(log.contains("killed: it used "), "{log}");
    // One that stays below its limit is left alone.
    let place = Place::new();
    let flags = ["--drills", "scale-up", "--memory-limit", "256Mi", "--replicas", "2"];
    assert_eq!(trial(&place, &flags, &["worker.py"]).code, 0);
}

#[test]
fn what_cannot_be_asked_for_is_said_at_once() {
    let cases: &[(&[&str], &str)] = &[
        (&["--drills", "liveness"], "liveness needs a liveness probe"),
        (&["--drills", "database-restart"], "database-restart needs a database that can be restarted"),
        (&["--drills", "overload", "--overload-to", "100"], "--overload-to: \"100\" is no more than --rate"),
        (&["--drills", "overload", "--platform", "simulated"], "overload needs real processes"),
        (&["--database", "mariadb", "--platform", "simulated"], "--database goes with processes"),
        (&["--memory-limit", "1Gi", "--platform", "simulated"], "--memory-limit goes with processes"),
        (&["--memory-limit", "12Q"], "is no amount of memory; give such as 256Mi or 1Gi"),
        (&["--database", "postgres"], "the built-in service knows no other than mariadb"),
        (&["--database", "mariadb", "--port", "database"], "database is the name of the port of --database"),
        (&["--drills", "balance,spread"], "names a drill that there is not; there are baseline, "),
    ];
    for (flags, words) in cases {
        let done = Place::new().trial(flags, &[]);
        assert_eq!(done.code, 2, "{words}: {done:#?}");
        assert!(done.error().contains(words), "{words}: {done:#?}");
    }
}

//! The history of a trial: judged again, it says the same; with other expectations, something else.

use std::{fs, process::Command};

use serde_json::Value;

use crate::run::{Place, SHORT, target};

fn code(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_recorded_run_is_judged_again() {
    let place = Place::new();
    let program = target("server.py");
    let flags = [SHORT, &["--drills", "terminate", "--readiness", "/ period=200ms", "--record-all"]].concat();
    let done = place.trial(&flags, &["python3", &program]);
    assert_eq!(done.code, 1, "{done:?}");
    let (again, _) = code(place.seaworthy(&["diagnose", "-o", "again.json"]));
    assert_eq!(again, 1);
    let report = fs::read_to_string(place.path().join("again.json")).unwrap();
    assert_eq!(report, fs::read_to_string(place.runs().join("latest/report.json")).unwrap());
    let (forgiven, said) = code(place.seaworthy(&["diagnose", "runs/latest", "--max-lost", "100000"]));
    assert_eq!(forgiven, 0, "{said}");
    let (held, said) = code(place.seaworthy(&["diagnose", "--max-lost", "100000", "--threshold", "p99<1us"]));
    assert_eq!(held, 1, "{said}");

    // Every good answer is there, as was asked for.
    let history = fs::read_to_string(place.runs().join("latest/history.jsonl")).unwrap();
    let records: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let intervals = records.iter().filter(|record| record["record"] == "interval");
    let answers: usize = intervals.filter_map(|interval| interval["answers"].as_array()).map(Vec::len).sum();
    let good: u64 = done.report["drills"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| [&row["keep_alive"]["good"], &row["fresh"]["good"]])
        .map(|good| good.as_u64().unwrap())
        .sum();
    assert!(answers as u64 >= good, "{answers} of {good}");

    // A trial that was killed in the middle of a line can be judged, and cannot pass.
    let cut = place.path().join("cut.jsonl");
    fs::write(&cut, &history.as_bytes()[..history.len() * 2 / 3]).unwrap();
    let (cut_off, said) = code(place.seaworthy(&["diagnose", "cut.jsonl", "--max-lost", "100000"]));
    assert_eq!(cut_off, 3, "{said}");
}

#[test]
fn what_is_no_history_says_so() {
    let place = Place::new();
    fs::write(place.path().join("other.jsonl"), "{\"a\": 1}\n").unwrap();
    fs::write(place.path().join("empty.jsonl"), "").unwrap();
    for (run, says) in [
        ("nowhere", "cannot read nowhere"),
        ("other.jsonl", "line 1"),
        ("empty.jsonl", "cannot read empty.jsonl"),
        ("/dev/zero", "cannot read"),
    ] {
        let (code, said) = code(place.seaworthy(&["diagnose", run]));
        assert_eq!(code, 4, "{run}: {said}");
        assert!(said.contains(says) && said.lines().count() <= 2, "{run}: {said}");
    }
}

#[test]
fn what_cannot_be_told_is_no_success() {
    let place = Place::new();
    let done = place.trial(&["--platform", "simulated", "--seed", "1", "--drills", "terminate"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    for args in [
        &["causes"] as &[&str],
        &["causes", "--json"],
        &["causes", "--markdown"],
        &["causes", "crash"],
        &["trial", "--list-drills"],
        &["trial", "--plant", "list"],
        &["diagnose"],
        &["restore"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = place.seaworthy(args).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{args:?}: {said}");
        assert!(said.starts_with("seaworthy: cannot write ") && said.lines().count() == 1, "{args:?}: {said}");
        // Whoever stops reading wants no more.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.seaworthy(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
}

#[test]
fn a_history_that_lost_a_line_is_refused() {
    let place = Place::new();
    let done = place.trial(&["--platform", "simulated", "--seed", "1", "--drills", "terminate"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    let history = fs::read_to_string(place.runs().join("latest/history.jsonl")).unwrap();
    let lines: Vec<&str> = history.lines().collect();
    let changed = place.path().join("changed.jsonl");
    for n in [1, lines.len() / 2, lines.len() - 2] {
        fs::write(&changed, [&lines[..n], &lines[n + 1..]].concat().join("\n")).unwrap();
        let (code, said) = code(place.seaworthy(&["diagnose", "changed.jsonl"]));
        assert_eq!(code, 4, "{said}");
        assert!(said.contains(" came before it, and ") && said.lines().count() == 1, "{said}");
    }
}

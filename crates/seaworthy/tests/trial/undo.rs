//! However a trial ends, nothing of it stays.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Place, SHORT, target};

/// A trial that has begun its load.
fn under_way(place: &Place, command: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let args = [&["trial", "--baseline", "60s", "--propagation", "100ms", "--"], command].concat();
    let trial = place.seaworthy(&args);
    // Whoever runs the tests may ignore SIGHUP, as with `nohup`, and that is handed down.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(trial.get_program()).args(trial.get_args()).stdin(Stdio::null());
    command.current_dir(place.path()).env("SEAWORTHY_RUNS", place.runs());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("baseline: ") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
    }
    (child, stderr)
}

/// Processes that have this word in their command line.
fn running(word: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // The trial itself has it, too.
        let own = line.split(|byte| *byte == 0).any(|part| part == b"trial");
        !own && String::from_utf8_lossy(&line).contains(word)
    })
    .collect()
}

fn word(place: &Place) -> String {
    format!("mark={}", place.path().file_name().unwrap().to_str().unwrap())
}

#[test]
fn an_interrupted_trial_reports_what_it_saw_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let (mark, program) = (word(&place), target("server.py"));
        let (mut child, _stderr) = under_way(&place, &["python3", &program, &mark]);
        assert_eq!(running(&mark).len(), 3);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{stdout}");
        assert!(stdout.contains("interrupted"), "{stdout}");
        assert_eq!(running(&mark), [0; 0]);
        let folders = fs::read_dir(place.runs().join("latest")).unwrap().flatten();
        assert!(folders.into_iter().all(|entry| !entry.path().is_dir()), "a replica's directory is left");
    }
}

#[test]
fn what_a_killed_trial_leaves_is_ended_by_restore_and_by_the_next_one() {
    for by_restore in [true, false] {
        let place = Place::new();
        let (mark, program) = (word(&place), target("server.py"));
        // A shell with a child of its own, which leaves the group.
        let script = format!("setsid python3 {program} {mark} & exec python3 {program} port=0 {mark}");
        let (mut child, _stderr) = under_way(&place, &["sh", "-c", &script]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(running(&mark).len() >= 6, "they go on without it");
        let output = if by_restore {
            place.seaworthy(&["restore"]).output().unwrap()
        } else {
            place.seaworthy(&["trial", "--patience", "1s", "--", "sleep", "60"]).output().unwrap()
        };
        assert_eq!(running(&mark), [0; 0], "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8(said).unwrap().contains("ended"), "{by_restore}");
        let output = place.seaworthy(&["restore"]).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("nothing to restore"));
    }
}

#[test]
fn a_trial_that_runs_is_left_alone() {
    let place = Place::new();
    let (mark, program) = (word(&place), target("server.py"));
    let (mut child, _stderr) = under_way(&place, &["python3", &program, &mark]);
    let output = place.seaworthy(&["restore"]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("nothing to restore"));
    assert_eq!(running(&mark).len(), 3);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn what_leaves_its_group_and_hooks_under_way_end_with_their_replica() {
    let place = Place::new();
    let (mark, program) = (word(&place), target("server.py"));
    let script = format!("setsid python3 {program} {mark} & exec sleep 1000");
    let hook = format!("exec -- sleep 1000; echo {mark}");
    let flags = ["--drills", "terminate", "--readiness", "/ period=200ms", "--grace", "2s", "--pre-stop", &hook];
    let done = place.trial(&[SHORT, &flags].concat(), &["sh", "-c", &script]);
    assert!([0, 1].contains(&done.code), "{done:?}");
    assert_eq!(running(&mark), [0; 0], "{done:?}");
    assert!(done.stdout.contains("the preStop hook failed"), "{}", done.stdout);
}

#[test]
fn a_terminal_that_is_closed_ends_a_trial_as_ctrl_c_does() {
    let place = Place::new();
    let (mark, program) = (word(&place), target("server.py"));
    let (mut child, _stderr) = under_way(&place, &["python3", &program, &mark]);
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(running(&mark), [0; 0]);
}

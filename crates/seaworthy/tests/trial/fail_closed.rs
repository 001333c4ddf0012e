//! Nothing is proven by a trial that saw nothing: each way to see nothing is inconclusive, or an error with the way out.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::Stdio,
    thread::yield_now,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Place, SHORT, alone, target};

#[test]
fn a_target_that_never_gets_ready() {
    let place = Place::new();
    let done = place.trial(&["--patience", "1500ms"], &["sh", "-c", "echo 'no such module' >&2; exec sleep 60"]);
    assert_eq!(done.code, 4, "{done:?}");
    let error = done.error();
    for words in ["did not become ready within", "connection refused", "no such module"] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(done.stdout, "");
}

#[test]
fn a_target_that_its_liveness_probe_never_lets_live() {
    let place = Place::new();
    let program = target("server.py");
    let flags = ["--patience", "4s", "--replicas", "1", "--liveness", "/slow period=200ms timeout=100ms failures=1"];
    let done =
        place.trial(&[&flags[..], &["--readiness", "/ready delay=2s"]].concat(), &["python3", &program, "takes=1"]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.error().contains("liveness (GET /slow") && done.error().contains("restarted"), "{}", done.error());
}

#[test]
fn a_command_that_does_not_exist() {
    // It is not waited for: such a program does not come with time.
    let done = Place::new().trial(&["--patience", "1h"], &["no-such-program", "{port}"]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.error().contains("no-such-program"), "{done:?}");
}

#[test]
fn a_target_that_answers_on_another_port() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new();
    let program = target("server.py");
    let port = format!("port={port}");
    let done = place.trial(&["--patience", "2s", "--replicas", "1"], &["python3", &program, &port]);
    assert_eq!(done.code, 4, "{done:?}");
    let expected = format!("listens on {} instead", port.trim_start_matches("port="));
    assert!(done.error().contains(&expected) && done.error().contains("{port}"), "{done:?}");
}

#[test]
fn another_process_that_answers_for_it() {
    let place = Place::new();
    let program = target("server.py");
    // It leaves its group and takes off its mark, so nobody can tell that it was started by the trial; what was started
    // stays, and does nothing.
    let script = format!("setsid env -u SEAWORTHY_TRIAL python3 {program} exit_after=20 & exec sleep 60");
    let done = place.trial(&[SHORT, &["--replicas", "1"]].concat(), &["sh", "-c", &script]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.error().contains("answers on the port of replica 1"), "{done:?}");
}

#[test]
fn too_low_a_rate_to_meet_the_race() {
    let done = Place::new().trial(&[SHORT, &["--drills", "terminate", "--rate", "4"]].concat(), &[]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.starts_with("INCONCLUSIVE  ") && done.stdout.contains("--rate"), "{}", done.stdout);
    assert!(done.last_line().starts_with("inconclusive: "), "{}", done.stdout);
}

#[test]
fn a_tool_that_was_starved() {
    let place = Place::new();
    let mut command = place.seaworthy(&[&["trial", "--drills", "baseline"], SHORT].concat());
    let _alone = alone();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("baseline: ") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
    }
    // It does not run for half of the second in which it should send: what was due then is sent too late.
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    let stopped = Instant::now();
    while stopped.elapsed() < Duration::from_millis(500) {
        yield_now();
    }
    kill_process(pid, Signal::CONT).unwrap();
    let done = place.done(child.wait_with_output().unwrap());
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("the generator was late"), "{}", done.stdout);
}

#[test]
fn a_threshold_that_has_no_sample() {
    let place = Place::new();
    let flags = ["--drills", "baseline", "--threshold", "p99.999<1s"];
    let done = place.trial(&[SHORT, &flags].concat(), &[]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("p99.999<1s"), "{}", done.stdout);
}

#[test]
fn a_freeze_that_is_too_short_to_be_noticed() {
    let place = Place::new();
    let done = place.trial(&[SHORT, &["--drills", "freeze", "--freeze", "500ms"]].concat(), &[]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("--freeze"), "{}", done.stdout);
}

#[test]
fn a_hung_replica_that_nobody_notices() {
    let place = Place::new();
    // The kernel goes on accepting for a process that hangs, so a connection says nothing of it.
    let flags = ["--drills", "freeze", "--readiness", "tcp period=200ms failures=2", "--freeze", "4s"];
    let program = target("server.py");
    let done = place.trial(&[SHORT, &flags].concat(), &["python3", &program, "on_term=drain", "drain=1"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains("readiness does not notice"), "{}", done.stdout);
}

//! Verdicts, exit codes and files.

use std::{fs, net::TcpListener, process::Command};

use serde_json::json;

use crate::{
    run::{Done, file, load, report, run, url},
    server::{Backend, Server},
};

fn service() -> (Backend, Server) {
    let database = Backend::sqlite();
    let server = database.start();
    (database, server)
}

#[test]
fn thresholds_that_hold_pass() {
    let (_database, server) = service();
    let (done, report) = report(&[
        &url(server.address),
        "-n",
        "200",
        "-q",
        "200",
        "--threshold",
        "p90<10s",
        "--threshold",
        "failed<0.1%",
        "--threshold",
        "rate>1",
    ]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.first_line(), "PASS  200 requests, none failed, 3 of 3 thresholds hold");
    assert_eq!((&report["schema"], &report["verdict"]), (&json!("seaworthy.load/1"), &json!("pass")));
    assert_eq!(report["counts"]["arrived"], 200);
    assert_eq!(report["counts"]["good"], 200);
    // What goes on is said on stderr, and only the result on stdout.
    assert!(done.stderr.contains("200/s") && !done.stdout.contains("1s: "), "{done:?}");
}

#[test]
fn a_threshold_that_does_not_hold_fails() {
    let (_database, server) = service();
    let done = run(&[&url(server.address), "-n", "200", "-q", "400", "--threshold", "p50<1ns"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.first_line().starts_with("FAIL  200 requests, none failed, 1 of 1 threshold"), "{done:?}");
}

#[test]
fn without_thresholds_it_measures_and_judges_nothing() {
    let (_database, server) = service();
    let done = run(&[&url(server.address), "-n", "200", "-q", "400"]);
    assert_eq!((done.code, done.first_line()), (0, "MEASURED  200 requests, none failed, no threshold was given"));
}

#[test]
fn a_threshold_without_samples_is_inconclusive() {
    let (_database, server) = service();
    let done = run(&[&url(server.address), "-n", "20", "-q", "200", "--threshold", "p99.9<10s"]);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("p99.9 needs at least 1,000 answers"), "{done:?}");
}

#[test]
fn not_one_good_answer_fails() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let done = run(&[&url(free), "-n", "20", "-q", "200"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("connection refused"), "{done:?}");
    let (_database, server) = service();
    let done = run(&[&format!("{}nothing-here", url(server.address)), "-n", "20", "-q", "200"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("answered 404"), "{done:?}");
    let expected = &format!("{}nothing-here", url(server.address));
    assert_eq!(run(&[expected, "-n", "20", "-q", "200", "--expect-status", "404"]).code, 0);
}

#[test]
fn a_generator_that_was_the_limit_is_inconclusive() {
    let (_database, server) = service();
    let run = format!(
        "ulimit -n 32; exec {} load {} -n 100 -q 1000 -c 60 --threshold 'p50<10s'",
        env!("CARGO_BIN_EXE_seaworthy"),
        url(server.address)
    );
    let done: Done = Command::new("sh").args(["-c", &run]).env_clear().output().unwrap().into();
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.stdout.contains("file descriptor"), "{done:?}");
}

#[test]
fn every_format_is_written() {
    let (_database, server) = service();
    let dir = tempfile::TempDir::new().unwrap();
    let names = ["r.json", "r.csv", "r.xml", "r.md", "r.hlog", "r.txt", "r.html"].map(|name| file(dir.path(), name).1);
    let outputs: Vec<&str> = names.iter().flat_map(|name| ["-o", name]).collect();
    let url = url(server.address);
    let done = run(&[&["-n", "100", "-q", "500", "--threshold", "failed==0", &url][..], &outputs].concat());
    assert_eq!(done.code, 0, "{done:?}");
    for (name, begins) in
        names.iter().zip(["{", "begin_s,", "<?xml", "## PASS", "#[Logged by", "PASS  ", "<!DOCTYPE html>"])
    {
        let text = fs::read_to_string(name).unwrap();
        assert!(text.starts_with(begins), "{name}: {text}");
    }
    // Nothing else is left there.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), names.len());
}

#[test]
fn what_could_not_be_written_is_noticed_before_anything_is_sent() {
    let (_database, server) = service();
    let before = server.metric("seaworthy_http_requests_total");
    for (output, code, says) in [("/nowhere/r.json", 4, "no folder /nowhere"), ("r.pdf", 2, "r.pdf"), ("r", 2, "\"r\"")]
    {
        let done = run(&[&url(server.address), "-n", "10", "-o", output]);
        assert_eq!(done.code, code, "{output}: {done:?}");
        assert!(done.stderr.lines().count() <= 2 && done.stderr.contains(says), "{done:?}");
    }
    assert_eq!(server.metric("seaworthy_http_requests_total"), before);
}

#[test]
fn mistakes_are_told_in_a_line_that_says_what_would_do() {
    for (args, says) in [
        (&["http://127.0.0.1:1/", "-q", "fast"][..], "--rate"),
        (&["http://127.0.0.1:1/", "--stages", "5"], "100 for 30s"),
        (&["http://127.0.0.1:1/", "-d", "30s"], "-z 30s"),
        (&["http://127.0.0.1:1/", "-d10"], "-z 10"),
        (&["http://127.0.0.1:1/", "-R", "500"], "-q"),
        (&["http://127.0.0.1:1/", "--vus", "5"], "k6"),
        (&["http://127.0.0.1:1/", "--max", "-q", "5"], "--max"),
        (&["http://127.0.0.1:1/", "--cert", "a.pem"], "--key"),
        (&["http://127.0.0.1:1/", "--threshold", "p99<50"], "p99"),
        (&["http://127.0.0.1:1/", "--threshold", "fast"], "p99<50ms"),
        (&["http://127.0.0.1:1/", "-H", "no colon"], "Name: value"),
        (&["http://127.0.0.1:1/", "-c", "0"], "--connections"),
        (&["ftp://127.0.0.1/"], "ftp"),
        (&["http://me:secret@127.0.0.1/"], "Authorization"),
        (&[], "URL"),
    ] {
        let done = run(args);
        assert_eq!(done.code, 2, "{args:?}: {done:?}");
        assert!(done.stderr.lines().count() <= 2 && done.stderr.contains(says), "{args:?}: {}", done.stderr);
        assert!(!done.stderr.contains("secret"), "{done:?}");
        assert_eq!(done.stdout, "");
    }
}

#[test]
fn a_list_of_requests_with_weights() {
    let (_database, server) = service();
    let dir = tempfile::TempDir::new().unwrap();
    let (path, name) = file(dir.path(), "targets");
    fs::write(&path, "GET / 3\nAccept: text/plain\n\nGET /healthz 1\n").unwrap();
    let done = run(&[&url(server.address), "--targets", &name, "-n", "100", "-q", "500"]);
    assert_eq!(done.code, 0, "{done:?}");
    let healthz = server.metric("seaworthy_http_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"}");
    assert!((1.0..100.0).contains(&healthz.unwrap_or(0.0)), "{healthz:?}: {}", server.ops("/metrics").text());
}

#[test]
fn the_same_seed_is_the_same_run() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("Exit codes: 0"), "{}", help.stdout);
    let (_database, server) = service();
    let seed = |args: &[&str]| {
        report(&[&[&*url(server.address), "-n", "5", "-q", "500"], args].concat()).1["run"]["seed"].clone()
    };
    assert_eq!(seed(&["--seed", "42"]), json!("42"));
    let _drawn: u64 = seed(&[]).as_str().unwrap().parse().unwrap();
}

#[test]
fn a_summary_that_cannot_be_written_is_an_error() {
    let (_database, server) = service();
    let dir = tempfile::TempDir::new().unwrap();
    let (path, name) = file(dir.path(), "r.json");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done: Done = load(&[&url(server.address), "-n", "5", "-o", &name]).stdout(full).output().unwrap().into();
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.stderr.lines().last().unwrap().contains("cannot write the summary to stdout"), "{done:?}");
    assert!(path.exists());
}

#[test]
fn what_is_shown_has_no_secrets_and_no_control_characters() {
    let (_database, server) = service();
    let target = format!("{}?api_key=hunter2", url(server.address));
    let (done, report) = report(&[&target, "-n", "5", "-H", "X-Pin: hunter2"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!format!("{done:?} {report}").contains("hunter2"), "{done:?} {report}");
    for line in [
        &["http://h", "X-Pin: hunter2"] as &[&str],
        &["http://h", "--connect-to", "me:hunter2@h:80"],
        &["http://h", "-o", "/nowhere/\u{1b}[31mr.json"],
        &["http://h", "--\u{1b}[31m"],
    ] {
        let done = run(line);
        assert!(done.code == 2 || done.code == 4, "{done:?}");
        assert!(!done.stderr.contains("hunter2") && !done.stderr.contains('\u{1b}'), "{done:?}");
    }
    let dir = tempfile::TempDir::new().unwrap();
    let (path, name) = file(dir.path(), "\u{1b}[31m");
    fs::write(path, "\u{feff}GET /\n").unwrap();
    let done = run(&[&url(server.address), "-n", "5", "--targets", &name]);
    assert!(done.code == 0 && !done.stderr.contains('\u{1b}') && done.stderr.contains("\\u{1b}[31m"), "{done:?}");
}

#[test]
fn too_few_descriptors_are_said_to_be() {
    let command = format!("ulimit -n 6; exec {} load http://127.0.0.1:1/ -n 1", env!("CARGO_BIN_EXE_seaworthy"));
    let done: Done = Command::new("sh").args(["-c", &command]).output().unwrap().into();
    assert_eq!((done.code, &*done.stderr), (4, "seaworthy: ulimit -n is 6; at least 24 are needed\n"));
}

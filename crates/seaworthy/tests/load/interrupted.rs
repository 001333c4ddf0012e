//! Ctrl-C: nothing that was measured is lost.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    run::{file, load, url},
    server::Backend,
};

#[test]
fn an_interrupted_run_still_reports() {
    let database = Backend::sqlite();
    let server = database.start();
    let dir = tempfile::TempDir::new().unwrap();
    let (path, name) = file(dir.path(), "r.json");
    let mut child = load(&[&url(server.address), "-z", "1h", "-q", "100", "-o", &name])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A line a second says that it runs.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("1s: ") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stdout}");
    assert!(stdout.contains("it was interrupted after"), "{stdout}");
    assert!(fs::read_to_string(path).unwrap().contains("\"interrupted\": true"));
}

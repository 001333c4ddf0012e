//! Ctrl-C: nothing that was measured is lost.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Stdio,
};

use rustix::{
    fs::{OFlags, fcntl_setfl},
    process::{Pid, Signal, kill_process},
};

use crate::{
    run::{file, load, url},
    server::{Backend, eventually},
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

#[test]
fn a_pipe_that_nobody_reads_does_not_keep_a_signal_waiting() {
    let database = Backend::sqlite();
    let server = database.start();
    for to_stdout in [true, false] {
        let dir = tempfile::TempDir::new().unwrap();
        let (path, name) = file(dir.path(), "r.json");
        let (_reader, mut writer) = std::io::pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        while writer.write(&[0]).is_ok() {}
        fcntl_setfl(&writer, OFlags::empty()).unwrap();
        let mut command = load(&[&url(server.address), "-n", "5", "-o", &name]);
        let command = if to_stdout {
            command.stdout(writer).stderr(Stdio::null())
        } else {
            command.stdout(Stdio::null()).stderr(writer)
        };
        let mut child = command.spawn().unwrap();
        // The file is written first, then what is shown.
        eventually("the file is written", || path.exists());
        assert_eq!(child.try_wait().unwrap(), None, "nobody has read what it says");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn reading_back_can_be_interrupted() {
    let database = Backend::sqlite();
    let server = database.start();
    let dir = tempfile::TempDir::new().unwrap();
    let (path, name) = file(dir.path(), "r.json");
    let mut child = load(&[&url(server.address), "--scenario", "users", "-z", "2s", "-q", "200", "-o", &name])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("reading back ") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
    }
    // It answers no more, so this does not depend on who is faster.
    server.signal(Signal::STOP);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let code = child.wait().unwrap().code();
    server.signal(Signal::CONT);
    assert_eq!(code, Some(130));
    assert!(fs::read_to_string(path).unwrap().contains("\"interrupted\": true"));
}

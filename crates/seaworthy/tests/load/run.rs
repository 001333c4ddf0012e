//! Running `seaworthy load`, and looking at what it left.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::server::seaworthy;

/// `seaworthy load` with these arguments.
pub(crate) fn load(args: &[&str]) -> Command {
    let mut command = seaworthy();
    command.arg("load").args(args).stdin(Stdio::null());
    command
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// The verdict's line.
    pub(crate) fn first_line(&self) -> &str {
        self.stdout.lines().next().unwrap_or_default()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Done {
    load(args).output().expect("the binary runs").into()
}

/// Runs it with a JSON report.
pub(crate) fn report(args: &[&str]) -> (Done, Value) {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("report.json");
    let done = run(&[args, &["-o", file.to_str().unwrap()]].concat());
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{error}: {done:?}"));
    (done, serde_json::from_str(&text).unwrap())
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// Starts it, and returns once it has printed so many lines on stdout.
pub(crate) fn started(command: &mut Command, lines: usize) -> (Child, Vec<String>, BufReader<impl std::io::Read>) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = Vec::new();
    while seen.len() < lines {
        let mut line = String::new();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended after {seen:?}");
        seen.push(line);
    }
    (child, seen, stdout)
}

/// A file beside others in a folder.
pub(crate) fn file(dir: &Path, name: &str) -> (PathBuf, String) {
    let path = dir.join(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

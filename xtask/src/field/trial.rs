//! Runs the trials, and brings their reports.

use std::{
    env, fs,
    process::{Command, Output},
};

use super::{
    folder,
    install::{NODE_PATH, path},
};
use crate::run::{Outcome, cargo, root, say};

/// What is asked of each server: what a deploy does to it, and chance is the same each time.
const ASKED: &[&str] = &["trial", "--drills", "rollout,terminate", "--replicas", "3", "--seed", "1"];

/// The JSON report of a trial with these flags, of this command.
pub(super) fn report(flags: &[&str], command: &[&str]) -> Outcome<String> {
    // Somebody may have a binary already, and one that is not built for release measures itself.
    let mut seaworthy = match env::var_os("SEAWORTHY") {
        Some(binary) => Command::new(binary),
        None => cargo(&["run", "--release", "--locked", "--quiet", "--package", "seaworthy", "--"]),
    };
    say(&format!("+ seaworthy {} {} -- {}", ASKED.join(" "), flags.join(" "), command.join(" ")));
    let runs = folder().join("runs");
    seaworthy.args(ASKED).args(flags).arg("--").args(command).env("SEAWORTHY_RUNS", &runs);
    let output = output(&mut seaworthy)?;
    // Seaworthy, not seaworthy and inconclusive have a report.
    if !matches!(output.status.code(), Some(0 | 1 | 3)) {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().last().unwrap_or("the trial said nothing").to_owned());
    }
    let report = runs.join("latest/report.json");
    fs::read_to_string(&report).map_err(|error| format!("{}: {error}", report.display()))
}

/// What a server says of its version, in one line.
pub(super) fn version(command: &[&str]) -> Outcome<String> {
    let (program, arguments) = command.split_first().ok_or("nothing says the version")?;
    let output = output(Command::new(program).args(arguments))?;
    // nginx says it on stderr.
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(lines.join(", "))
}

/// Runs a command where the notes say that it runs.
fn output(command: &mut Command) -> Outcome<Output> {
    command.current_dir(root()).env("PATH", path()?).env("NODE_PATH", NODE_PATH);
    command.output().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))
}

//! `seaworthy diagnose`: judges a recorded run again, with other expectations if one likes.

use std::{fs, io::BufRead as _, io::BufReader, path::PathBuf, process::ExitCode};

use clap::{Arg, ArgMatches, Command};
use seaworthy_core::{
    history::{History, lines::Reader},
    report::trial::TrialFormat,
};

use super::trial::{self, folder};
use crate::{
    cli::Failure,
    outputs::Output,
    settings::{Environment, Setting, Values, setting, switch},
};

pub(crate) const NAME: &str = "diagnose";

/// The argument that names the run.
const RUN: &str = "RUN";

const JUDGED: &str = "What it is held to";
const RESULTS: &str = "Results";

/// A line that is longer is none of ours.
const LONGEST_LINE: u64 = 64 << 20;

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting(JUDGED, "max-lost", "N", "0", "Requests that each drill may lose, in place of what the trial was held to"),
    setting(JUDGED, "max-p99", "TIME", "", "The most that the 99th percentile of the response times may be while a drill disturbs"),
    setting(JUDGED, "threshold", "BOUND", "", "What must hold over the whole trial, in place of its own; several times for several").repeatable(),
    setting(JUDGED, "client-retries", "POLICY", "", "What a client's own retries would have hidden and doubled: '2', or '2 backoff=100ms on=connect+reset+timeout+gateway+5xx not-idempotent'"),
    setting(RESULTS, "output", "FILE", "", "Write the result there too; the ending says how: .json, .xml (JUnit), .md or .txt; several times for several").short('o').repeatable(),
    setting(RESULTS, "runs", "DIR", "seaworthy-runs", "Where the runs are kept"),
    switch(RESULTS, "quiet", "Nothing but errors; files are written all the same"),
];

pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("Judge a recorded trial again")
        .after_help("Exit codes are those of `seaworthy trial`.")
        .arg(Arg::new(RUN).help("The folder of a run, or its history; else the last one"))
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Reads a run, and judges it.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let named = matches.get_one::<String>(RUN).map(PathBuf::from);
    let run = match named {
        Some(run) => run,
        None => trial::runs(&values)?.join(folder::LATEST),
    };
    let mut history = read(&if run.is_dir() { run.join(folder::HISTORY) } else { run })?;
    let kept = &mut history.header.expectations;
    let given = trial::expectations(&values)?;
    if values.is_given("max-lost") {
        kept.max_lost = given.max_lost;
    }
    if given.max_p99.is_some() {
        kept.max_p99 = given.max_p99;
    }
    if given.client_retries.is_some() {
        kept.client_retries = given.client_retries;
    }
    if !given.thresholds.is_empty() {
        kept.thresholds = given.thresholds;
    }
    let outputs = Output::all(&values, TrialFormat::by_ending)?;
    trial::conclude(&history, None, &outputs, values.switch("quiet")?)
}

fn read(path: &std::path::Path) -> Result<History, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| Failure::could_not_run(format!("cannot read {}: {error}", path.display()));
    let file = fs::File::open(path).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound { "; name the folder of a run" } else { "" };
        cannot(&format!("{error}{hint}"))
    })?;
    let mut reader = Reader::default();
    let mut lines = BufReader::new(file);
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut lines, LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|error| cannot(&error))?;
        if read == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&line);
        reader.line(line.trim_end_matches('\n')).map_err(|error| cannot(&error))?;
    }
    reader.finish().map_err(|error| cannot(&error))
}

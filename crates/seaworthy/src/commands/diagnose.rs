//! `seaworthy diagnose`: judges a recorded run again, with other expectations if one likes.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command};
use seaworthy_core::{
    fix,
    history::{Expectations, History, lines::Reader},
    report::trial::TrialFormat,
};

use super::trial::{self, folder};
use crate::{
    cli::{Failure, printable},
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
    setting(RESULTS, "output", "FILE", "", "Write the result there too; the ending says how: .html, .json, .xml (JUnit), .md or .txt; several times for several").short('o').repeatable(),
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
    let given = trial::expectations(&values)?;
    let given_lost = values.is_given("max-lost");
    let quiet = values.switch("quiet")?;
    let (mut history, mut again) = recorded(&run, quiet)?;
    for history in again.iter_mut().chain([&mut history]) {
        hold(&mut history.header.expectations, &given, given_lost);
    }
    let outputs = Output::all(&values, TrialFormat::by_ending)?;
    trial::conclude(&history, &again, &outputs, quiet)
}

/// A run by its folder or its history, with the trials that `--try-fix` made of it.
pub(crate) fn recorded(run: &Path, quiet: bool) -> Result<(History, Vec<History>), Failure> {
    let (history, folder) = if run.is_dir() {
        (read(&run.join(folder::HISTORY))?, Some(run))
    } else {
        (read(run)?, run.parent().filter(|_| run.ends_with(folder::HISTORY)))
    };
    let again = folder.map_or_else(Vec::new, |folder| tried(folder, &history, quiet));
    Ok((history, again))
}

/// What was asked for takes the place of what the trial was held to.
fn hold(kept: &mut Expectations, given: &Expectations, given_lost: bool) {
    let given = given.clone();
    if given_lost {
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
}

/// The trials that `--try-fix` made of this one. What cannot be read of them, or is of another trial, is told, and is no
/// reason to say nothing of the first.
fn tried(folder: &Path, first: &History, quiet: bool) -> Vec<History> {
    let all = folder::again(folder).into_iter().map(|path| {
        let path = path.join(folder::HISTORY);
        let second = read(&path)?;
        match fix::is_again(first, &second) {
            Ok(()) => Ok(second),
            Err(why) => Err(Failure::could_not_run(format!("{}: {why}", path.display()))),
        }
    });
    let told = all.filter_map(|history| match history {
        Ok(history) => Some(history),
        Err(Failure { message, .. }) => {
            if !quiet {
                // Nobody may be reading; then nobody misses it.
                let _told = writeln!(io::stderr(), "{}", printable(&format!("left out of what was tried: {message}")));
            }
            None
        }
    });
    told.collect()
}

fn read(path: &Path) -> Result<History, Failure> {
    let cannot =
        |error: &dyn std::fmt::Display| Failure::could_not_run(format!("cannot read {}: {error}", path.display()));
    let file = fs::File::open(path).map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::NotFound { "; name the folder of a run" } else { "" };
        cannot(&format!("{error}{hint}"))
    })?;
    let mut reader = Reader::default();
    let mut lines = BufReader::new(file);
    loop {
        let mut line = Vec::new();
        let read =
            io::Read::take(&mut lines, LONGEST_LINE).read_until(b'\n', &mut line).map_err(|error| cannot(&error))?;
        if read == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&line);
        reader.line(line.trim_end_matches('\n')).map_err(|error| cannot(&error))?;
    }
    reader.finish().map_err(|error| cannot(&error))
}

//! `seaworthy restore`: undoes what a trial that was killed has left on this machine.

use std::process::ExitCode;

use clap::{ArgMatches, Command};
use seaworthy_trial::journal;

use super::trial;
use crate::{
    cli::Failure,
    settings::{Environment, Setting, Values, setting},
};

pub(crate) const NAME: &str = "restore";

const SETTINGS: &[Setting] = &[setting("Where", "runs", "DIR", "seaworthy-runs", "Where the runs are kept")];

pub(crate) fn command() -> Command {
    Command::new(NAME).about("End what a trial that was killed has left behind").args(SETTINGS.iter().map(Setting::arg))
}

/// Ends what is left, and says what that was.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let runs = trial::runs(&values)?;
    let restored = journal::restore(&runs)
        .map_err(|error| Failure::could_not_run(format!("cannot restore {}: {error}", runs.display())))?;
    let mut said: Vec<String> = restored
        .iter()
        .map(|left| format!("{}: {} ended\n", left.folder.display(), processes(left.processes)))
        .collect();
    if said.is_empty() {
        said.push(format!("nothing to restore in {}\n", runs.display()));
    }
    trial::list(&said.concat())
}

/// A number of processes, in words.
pub(crate) fn processes(count: usize) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

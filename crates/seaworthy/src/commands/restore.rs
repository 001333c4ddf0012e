//! `seaworthy restore`: undoes what a trial that was killed has left on this machine.

use std::{io::Write as _, process::ExitCode};

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
    let mut stdout = std::io::stdout().lock();
    // Nobody may be reading; it is done all the same.
    let _told = match &*restored {
        [] => writeln!(stdout, "nothing to restore in {}", runs.display()),
        restored => restored.iter().try_for_each(|left| {
            let ended = processes(left.processes);
            writeln!(stdout, "{}: {ended} ended", left.folder.display())
        }),
    };
    Ok(ExitCode::SUCCESS)
}

/// A number of processes, in words.
pub(crate) fn processes(count: usize) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

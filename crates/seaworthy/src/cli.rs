//! The command line: which subcommand, and how an error becomes an exit code.

use std::{ffi::OsString, io::Write as _, process::ExitCode};

use clap::{Command, error::ErrorKind};

use crate::{
    commands::{load, serve},
    settings::Environment,
};

/// Exit codes, for scripts. They are the same for every subcommand.
pub(crate) mod exit {
    /// What was asked for did not hold: for `serve`, that every request is answered before it ends; for `load`, a
    /// threshold, or that what was acknowledged is there.
    pub(crate) const FAILED: u8 = 1;
    /// The command line or a setting is wrong.
    pub(crate) const USAGE: u8 = 2;
    /// Nobody can know from this run whether what was asked for holds.
    pub(crate) const INCONCLUSIVE: u8 = 3;
    /// It could not run: an address in use, a file that cannot be read.
    pub(crate) const COULD_NOT_RUN: u8 = 4;
    /// It was interrupted before its end.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command did not run.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// One line that says what would do.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: exit::USAGE, message: message.into() }
    }

    pub(crate) fn could_not_run(message: impl Into<String>) -> Self {
        Self { code: exit::COULD_NOT_RUN, message: message.into() }
    }
}

/// Runs what the arguments ask for.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>, environment: Environment<'_>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    // Before anything is made of them: `-duration=30s` would be a body to be sent.
    if let [_, name, rest @ ..] = &*arguments
        && name == load::NAME
        && let Some(message) = load::foreign(rest)
    {
        return failed(Failure::usage(message));
    }
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // A closed pipe is no reason to complain about it.
            let _printed = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { exit::USAGE.into() };
        }
    };
    let done = match matches.subcommand() {
        Some((serve::NAME, matches)) => serve::run(matches, environment, serve::Audience::Operator),
        Some((load::NAME, matches)) => load::run(matches, environment),
        // Nothing was asked for: that is somebody who is new here.
        _ => serve::run(&matches, environment, serve::Audience::Newcomer),
    };
    done.unwrap_or_else(failed)
}

/// Says why, in one line.
fn failed(Failure { code, message }: Failure) -> ExitCode {
    let _printed = writeln!(std::io::stderr(), "seaworthy: {message}");
    code.into()
}

fn command() -> Command {
    Command::new("seaworthy")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Will my service survive a deploy?")
        .after_help(
            "With no command it starts the built-in service on 127.0.0.1:8080, with SQLite in\n\
             ./seaworthy-data, and prints what to try. All settings of `serve` can be given.\n\n\
             Exit codes: 0 done, 1 failed, 2 wrong usage, 3 inconclusive, 4 could not run,\n\
             130 interrupted.\n",
        )
        // The same settings without the subcommand, but its help is the place to read about them.
        .args(serve::SETTINGS.iter().map(|setting| setting.arg().hide(true)))
        .args_conflicts_with_subcommands(true)
        .subcommand(serve::command())
        .subcommand(load::command())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}

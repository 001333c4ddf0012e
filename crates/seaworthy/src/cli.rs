//! The command line: which subcommand, and how an error becomes an exit code.

use std::{ffi::OsString, io::Write as _, process::ExitCode};

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    commands::{causes, diagnose, lint, load, report, restore, serve, trial, up},
    descriptors,
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
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                let _printed = error.print();
                return ExitCode::SUCCESS;
            }
            if command_without_dashes(&error) {
                return failed(Failure::usage(
                    "there is an argument that nothing takes; what is to be run comes after a --: \
                     seaworthy trial [FLAGS] -- COMMAND",
                ));
            }
            if may_show_a_secret(&error) {
                return failed(Failure::usage(
                    "there is an argument that nothing takes; see --help, and quote a value that has a space in it",
                ));
            }
            let _printed = write!(std::io::stderr(), "{}", printable(&error.render().to_string()));
            return exit::USAGE.into();
        }
    };
    let descriptors = descriptors::allow(descriptors::LEAST).unwrap_or_else(|_error| descriptors::allowed());
    if descriptors < descriptors::LEAST {
        let least = descriptors::LEAST;
        return failed(Failure::could_not_run(format!("ulimit -n is {descriptors}; at least {least} are needed")));
    }
    let done = match matches.subcommand() {
        Some((serve::NAME, matches)) => serve::run(matches, environment, serve::Audience::Operator),
        Some((load::NAME, matches)) => load::run(matches, environment),
        Some((up::NAME, matches)) => up::run(matches, environment),
        Some((trial::NAME, matches)) => trial::run(matches, environment),
        Some((diagnose::NAME, matches)) => diagnose::run(matches, environment),
        Some((report::NAME, matches)) => report::run(matches, environment),
        Some((restore::NAME, matches)) => restore::run(matches, environment),
        Some((causes::NAME, matches)) => causes::run(matches, environment),
        Some((lint::NAME, matches)) => lint::run(matches, environment),
        // Nothing was asked for: that is somebody who is new here.
        _ => serve::run(&matches, environment, serve::Audience::Newcomer),
    };
    done.unwrap_or_else(failed)
}

/// Says why, in one line.
fn failed(Failure { code, message }: Failure) -> ExitCode {
    let _printed = writeln!(std::io::stderr(), "seaworthy: {}", printable(&message.replace('\n', "\\n")));
    code.into()
}

/// Whether somebody forgot what has to stand before the command of a trial.
fn command_without_dashes(error: &clap::Error) -> bool {
    let Some(ContextValue::String(text)) = error.get(ContextKind::InvalidArg) else { return false };
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return false };
    let of_a_trial = usage.to_string().contains("seaworthy trial");
    error.kind() == ErrorKind::UnknownArgument && !text.starts_with('-') && of_a_trial
}

/// Whether what clap says about an argument repeats one that may be a secret: a header that lost its `-H`, say.
fn may_show_a_secret(error: &clap::Error) -> bool {
    [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand].into_iter().any(|kind| {
        let Some(ContextValue::String(text)) = error.get(kind) else { return false };
        let positional = error.kind() == ErrorKind::UnknownArgument && !text.starts_with('-');
        positional || text.contains('@') || text.contains(": ")
    })
}

/// A text for a terminal: what would move its cursor, or worse, is spelled out. Lines stay lines.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if (c.is_control() && c != '\n') || turns(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Whether a character changes the order or the lines of those around it (UAX #9, and the line separators), so that
/// something else is read than what is there.
const fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
        .subcommand(up::command())
        .subcommand(serve::command())
        .subcommand(load::command())
        .subcommand(trial::command())
        .subcommand(diagnose::command())
        .subcommand(report::command())
        .subcommand(restore::command())
        .subcommand(causes::command())
        .subcommand(lint::command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn an_argument_that_may_be_a_secret_is_not_repeated() {
        for (line, secret) in [
            (&["load", "http://h", "hunter2"] as &[&str], true),
            (&["load", "http://h", "Authorization: hunter2"], true),
            (&["http://me:hunter2@h"], true),
            (&["load", "--max=a@b"], true),
            (&["load", "--rat", "5"], false),
            (&["lod"], false),
        ] {
            let error = command().try_get_matches_from([&["seaworthy"], line].concat()).unwrap_err();
            assert_eq!(may_show_a_secret(&error), secret, "{line:?}: {error}");
            assert!(secret || !error.to_string().contains("hunter2"), "{line:?}: {error}");
        }
    }

    #[test]
    fn control_characters_are_spelled_out() {
        for (text, shown) in [
            ("a\nb \u{fc}", "a\nb \u{fc}"),
            ("\u{1b}[31m\r", "\\u{1b}[31m\\u{d}"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}"),
            ("\u{9b}\u{7f}\0", "\\u{9b}\\u{7f}\\u{0}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}

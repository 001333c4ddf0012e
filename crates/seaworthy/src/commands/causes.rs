//! `seaworthy causes`: what a trial can find, and all that is known of each.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use seaworthy_core::report::trial::causes::{self, Known};

use super::trial;
use crate::{
    cli::Failure,
    settings::{Environment, Setting, Values, quoted, switch},
};

pub(crate) const NAME: &str = "causes";

/// The argument that names a cause.
const CAUSE: &str = "NAME";

const FORM: &str = "Form";

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    switch(FORM, "json", "For programs"),
    switch(FORM, "markdown", "All of them as one page: docs/causes.md"),
];

pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("What a trial can find, how it tells, and what mends it")
        .arg(Arg::new(CAUSE).action(ArgAction::Append).num_args(0..).help("The causes to tell of; else a list of all"))
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Tells of causes.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let (json, markdown) = (values.switch("json")?, values.switch("markdown")?);
    let names: Vec<&String> = matches.get_many(CAUSE).into_iter().flatten().collect();
    if markdown && (json || !names.is_empty()) {
        return Err(Failure::usage("--markdown is of all causes: give no name and no --json with it"));
    }
    let known: Vec<Known> = names.into_iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    let told = if markdown {
        causes::markdown()
    } else if json {
        causes::json(&known)
    } else if known.is_empty() {
        causes::list()
    } else {
        known.into_iter().map(causes::entry).collect::<Vec<_>>().join("\n")
    };
    trial::list(&told)
}

fn named(name: &str) -> Result<Known, Failure> {
    causes::named(name).ok_or_else(|| {
        let nearest = causes::nearest(name).join(", ");
        Failure::usage(format!("there is no cause {}; the nearest are {nearest}", quoted(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit;

    #[test]
    fn an_unknown_name_says_what_is_near() {
        let failure = named("endpoint-removal").map(|_| ()).unwrap_err();
        assert_eq!(failure.code, exit::USAGE);
        assert!(failure.message.contains("the nearest are endpoint-removal-race, "), "{}", failure.message);
        assert!(!failure.message.contains('\n'));
    }

    #[test]
    fn near_is_what_is_misspelt_or_a_part_in_any_case() {
        for (name, near) in [
            ("endpont-removal-race", "endpoint-removal-race"),
            ("endpont-removal", "endpoint-removal-race"),
            ("Endpoint-Removal-Race", "endpoint-removal-race"),
            (" removal ", "endpoint-removal-race"),
            ("KEEPALIVE-IDLE", "keepalive-idle-race"),
            ("graceperiod", "grace-period-too-short"),
            ("sigterm", "sigterm-ignored"),
        ] {
            let message = named(name).map(|_| ()).unwrap_err().message;
            let (_, nearest) = message.split_once("the nearest are ").unwrap();
            assert!(nearest.split(", ").any(|id| id == near), "{message}");
            assert!(nearest.split(", ").count() <= 5, "{message}");
        }
        // Nothing of it is too long.
        assert!(named(&"x".repeat(100_000)).is_err() && named("").is_err());
    }

    #[test]
    fn what_cannot_go_together_is_refused() {
        let environment = |_: &str| None;
        for (line, code) in [
            (&["causes", "--markdown", "crash"] as &[&str], Err(exit::USAGE)),
            (&["causes", "--markdown", "--json"], Err(exit::USAGE)),
            (&["causes", "crash", "bugs"], Err(exit::USAGE)),
            (&["causes", "crash", "node-lost", "--json"], Ok(())),
        ] {
            let matches = command().try_get_matches_from(line).unwrap();
            let done = run(&matches, &environment).map(|_| ()).map_err(|failure| failure.code);
            assert_eq!(done, code, "{line:?}");
        }
    }
}

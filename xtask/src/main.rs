//! The repository's own chores: `cargo xtask test`, `cargo xtask ci`, `cargo xtask bench`, `cargo xtask field-notes`.

mod bench;
mod field;
mod run;
mod setup;
mod tools;

use std::{env, process::ExitCode};

use run::{Outcome, cargo};

const USAGE: &str = "usage: cargo xtask COMMAND

  setup       install what the tests need, where it is missing (Debian or Ubuntu)
  test [ARG]  setup, then all tests; arguments go to cargo test (those of the console have a call of their own, without any)
  ci          formatter check, clippy with warnings as errors, then test
  bench [NAME]
              build for release and measure the service: greeting (CPU per request), start (and memory), size,
              creates (durable ones beside fdatasync); and the load generator: cost (CPU per request beside others),
              schedule (send lag), freeze (what is reported of a server that freezes), agree (percentiles beside
              others), watched (what the live view adds); memory (of ten minutes) only if it is named
  bench diagnosis [--worlds N] [--first SEED] | --seed SEED | --outcomes N
              how well causes are found in N simulated worlds (10,000); one of them with all evidence; or what it costs
              to judge a trial of N outcomes
  field-notes [NAME...]
              put real servers to a sea trial as their documentation starts them, and again with what mends them;
              write docs/field-notes.md. SEAWORTHY names a binary to use in place of one built for release";

const CONSOLE: &str = "seaworthy-console";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let done = match arguments.first().map(String::as_str) {
        Some("setup") => setup::for_tests(),
        Some("test") => test(rest),
        Some("ci") => ci(),
        Some("bench") if rest.first().is_some_and(|name| name == "diagnosis") => {
            bench::diagnosis(rest.get(1..).unwrap_or_default())
        }
        Some("bench") => setup::for_benches().and_then(|()| bench::all(rest)),
        Some("field-notes") => field::notes(rest),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&error);
            ExitCode::FAILURE
        }
    }
}

fn test(arguments: &[String]) -> Outcome {
    setup::for_tests()?;
    // The console is tested apart: the driver of its browser turns on a feature of serde_json (preserve_order) that the binary
    // does not have, and what is tested is to be what is shipped.
    let mut command = cargo(&["test", "--workspace", "--exclude", CONSOLE, "--locked"]);
    command.args(arguments);
    run::run(&mut command)?;
    if arguments.is_empty() { run::run(&mut cargo(&["test", "--package", CONSOLE, "--locked"])) } else { Ok(()) }
}

fn ci() -> Outcome {
    run::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run::run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))?;
    test(&[])
}

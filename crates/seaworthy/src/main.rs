//! `seaworthy`: arguments in, exit code out.

mod cli;
mod commands;
mod logs;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let environment = |name: &str| std::env::var(name).ok();
    cli::run(std::env::args_os(), &environment)
}

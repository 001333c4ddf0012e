//! `seaworthy`: arguments in, exit code out.

mod canvas;
mod cli;
mod commands;
mod descriptors;
mod logs;
mod outputs;
mod screen;
mod settings;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    // What is not UTF-8 is not left out but changed, so that it is refused and not overlooked.
    let environment = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    cli::run(std::env::args_os(), &environment)
}

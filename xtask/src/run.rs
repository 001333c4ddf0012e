//! Running other programs, and saying so.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Done, or one line about what was not.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Says something to whoever runs this.
pub(crate) fn say(text: &str) {
    // Nobody reads it if this fails.
    let _unread = writeln!(std::io::stderr(), "{text}");
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Cargo, in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(arguments);
    command
}

/// Shows a command, runs it, and wants it to succeed.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(|part| part.to_string_lossy()).collect();
    let shown = shown.join(" ");
    say(&format!("+ {shown}"));
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}

/// Whether a program is there: on the path, or where Debian keeps servers.
pub(crate) fn is_there(program: &str) -> bool {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&places).chain(more).any(|place| place.join(program).exists())
}

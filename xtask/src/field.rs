//! Field notes: real servers as their own documentation starts them, each put to a sea trial, and again with what mends
//! it.

mod install;
mod notes;
mod servers;
mod trial;

use std::{fs, path::PathBuf};

use self::servers::{SERVERS, Server};
use crate::run::{Outcome, root, say};

/// Tries the servers of these names, or all, and writes the notes from all results that there are.
pub(crate) fn notes(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| SERVERS.iter().all(|server| server.name != **name)) {
        let known: Vec<&str> = SERVERS.iter().map(|server| server.name).collect();
        return Err(format!("there is no server {unknown}; there are {}", known.join(", ")));
    }
    let wanted = |server: &&Server| names.is_empty() || names.iter().any(|name| *name == server.name);
    for server in SERVERS.iter().filter(wanted) {
        if let Err(why) = visit(server) {
            say(&format!("{} is left out: {why}", server.name));
        }
    }
    notes::write(&root().join("docs/field-notes.md"))
}

/// Tries a server as it is, and mended. Its results are replaced only when both are there.
fn visit(server: &Server) -> Outcome {
    install::needs(server.needs)?;
    let version = trial::version(server.version)?;
    let found = trial::report(server.flags, server.command)?;
    let mended = trial::report(server.mended_flags, server.mended_command)?;
    let results = Results::of(server);
    fs::create_dir_all(folder()).map_err(|error| format!("{}: {error}", folder().display()))?;
    for (path, text) in [(results.version, version), (results.found, found), (results.mended, mended)] {
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Where results are kept until the next time.
fn folder() -> PathBuf {
    root().join("target/field-notes")
}

/// The files that keep what came of a server.
struct Results {
    version: PathBuf,
    found: PathBuf,
    mended: PathBuf,
}

impl Results {
    fn of(server: &Server) -> Self {
        let file = |ending: &str| folder().join(format!("{}{ending}", server.name));
        Self { version: file(".version"), found: file(".json"), mended: file("-mended.json") }
    }
}

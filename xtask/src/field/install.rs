//! What the servers need, installed where it is missing.

use std::{env, ffi::OsString, fs, process::Command};

use crate::{
    run::{Outcome, root, run},
    setup,
};

/// What a server needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    /// The packages of `xtask/field/python-requirements.txt`.
    Python,
    /// Node.js, with Express.
    Node,
    /// nginx.
    Nginx,
    /// Go, and the program that it builds.
    Go,
}

/// Where Express is, as the notes' commands find it.
pub(super) const NODE_PATH: &str = "target/tools/node/node_modules";
/// Where the Python servers are.
const PYTHON: &str = "target/tools/field";
const EXPRESS: &str = "express@5.3.0";

/// Installs what a server needs.
pub(super) fn needs(needs: Needs) -> Outcome {
    match needs {
        Needs::Python => setup::python(PYTHON, "xtask/field/python-requirements.txt"),
        Needs::Node => node(),
        Needs::Nginx => setup::packages(&[("nginx", "nginx")]),
        Needs::Go => go(),
    }
}

/// The path on which the servers are found, before everything else.
pub(super) fn path() -> Result<OsString, String> {
    let before = env::var_os("PATH").unwrap_or_default();
    let places = [root().join(PYTHON).join("bin")].into_iter().chain(env::split_paths(&before));
    // Where Debian keeps servers.
    let places = places.chain(["/usr/sbin".into()]);
    env::join_paths(places).map_err(|error| error.to_string())
}

fn node() -> Outcome {
    setup::packages(&[("node", "nodejs"), ("npm", "npm")])?;
    let folder = root().join(NODE_PATH);
    let folder = folder.parent().unwrap_or(&folder);
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == EXPRESS) {
        return Ok(());
    }
    let npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--no-save", "--prefix"];
    run(Command::new("npm").args(npm).arg(folder).arg(EXPRESS))?;
    fs::write(&stamp, EXPRESS).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// Built as one deploys it: `go run` would be the first process, and not the server.
fn go() -> Outcome {
    setup::packages(&[("go", "golang-go")])?;
    let built = root().join("target/tools/go/server");
    run(Command::new("go").current_dir(root().join("xtask/field/go")).args(["build", "-o"]).arg(built).arg("."))
}

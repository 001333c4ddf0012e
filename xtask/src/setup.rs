//! What the tests and benches need besides Rust: installed only where it is missing.

use std::{fs, process::Command};

use crate::{
    run::{Outcome, is_there, root, run, say},
    tools,
};

/// A program and the Debian package that has it.
type Needed = (&'static str, &'static str);

const FOR_TESTS: &[Needed] = &[
    ("mariadb-install-db", "mariadb-server"),
    ("mariadb", "mariadb-client"),
    ("curl", "curl"),
    ("unshare", "util-linux"),
    ("python3", "python3"),
];

const FOR_BENCHES: &[Needed] = &[
    ("nginx", "nginx"),
    ("taskset", "util-linux"),
    ("script", "bsdutils"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("hey", "hey"),
];

/// Programs without which a test says that it is skipped. Some systems have no package of this name.
const NICE_TO_HAVE: &[Needed] = &[
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("npm", "npm"),
    ("shellcheck", "shellcheck"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
];

pub(crate) fn for_tests() -> Outcome {
    packages(FOR_TESTS)?;
    if let Err(error) = packages(NICE_TO_HAVE) {
        say(&format!("going on without: {error}"));
    }
    python("target/tools/python", "xtask/python-requirements.txt")?;
    for tools in [tools::for_manifests(), tools::for_pages()] {
        if let Err(error) = tools {
            say(&format!("going on without: {error}"));
        }
    }
    Ok(())
}

pub(crate) fn for_benches() -> Outcome {
    packages(FOR_BENCHES)
}

/// Installs the packages of the programs that are missing.
pub(crate) fn packages(needed: &[Needed]) -> Outcome {
    let missing: Vec<&str> =
        needed.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect();
    install(&missing)
}

fn install(packages: &[&str]) -> Outcome {
    if packages.is_empty() {
        return Ok(());
    }
    if !is_there("apt-get") {
        return Err(format!(
            "please install {}: this can only be done for you on Debian and Ubuntu",
            packages.join(", ")
        ));
    }
    run(&mut apt(&["update", "-qq"]))?;
    run(apt(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
}

/// apt-get, as root.
fn apt(arguments: &[&str]) -> Command {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|id| id.stdout == b"0\n");
    let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
    if !is_root {
        command.arg("apt-get");
    }
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// A Python environment in a folder, with exactly what a file of requirements names.
pub(crate) fn python(place: &str, requirements: &str) -> Outcome {
    let folder = root().join(place);
    let requirements = root().join(requirements);
    let wanted = fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say(&format!("making a Python environment in {place}"));
    let make = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    if make().is_err() {
        // Debian has this part of Python in a package of its own.
        install(&["python3-venv"])?;
        make()?;
    }
    run(Command::new(folder.join("bin/python3"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements))?;
    fs::write(&stamp, wanted).map_err(|error| error.to_string())
}

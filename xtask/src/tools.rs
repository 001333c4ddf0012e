//! What the tests of the manifests and of the console need: programs and schemas that are Go modules, and a package of npm, in
//! versions that are said here.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use crate::run::{Outcome, is_there, root, run, say};

/// A program, and the package that has it.
const PROGRAMS: [(&str, &str); 1] = [("actionlint", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")];

/// Where neither kubectl nor kustomize is there already.
const KUSTOMIZE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";

/// Definitions of custom resources: what the folder is called, the module that has them, and where in it.
const DEFINITIONS: [(&str, &str, &str); 3] = [
    ("gateway", "sigs.k8s.io/gateway-api@v1.3.0", "config/crd/standard"),
    ("istio", "istio.io/api@v1.31.1", "kubernetes"),
    ("prometheus", "github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd"),
];

/// What judges whether everybody can use a page, and where it goes. `console/tests/browser` looks for it there.
const AXE: (&str, &str) = ("axe-core@4.14.1", "target/tools/axe-core-4.14.1");

/// Installs what judges pages, where it is missing.
pub(crate) fn for_pages() -> Outcome {
    let (package, place) = AXE;
    let place = root().join(place);
    if place.join("node_modules/axe-core/axe.min.js").exists() {
        return Ok(());
    }
    if !is_there("npm") {
        return Err("npm, which would fetch what judges pages (axe-core)".to_owned());
    }
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    // It is one file to be read: nothing of it is run here.
    let quiet = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--silent"];
    run(Command::new("npm").args(quiet).arg("--prefix").arg(&place).arg(package))
}

/// Installs what is missing into `target/tools`.
pub(crate) fn for_manifests() -> Outcome {
    let (programs, schemas) = (root().join("target/tools/bin"), root().join("target/tools/definitions"));
    let mut wanted: Vec<&str> = Vec::new();
    for (program, package) in PROGRAMS {
        if !is_there(program) && !programs.join(program).exists() {
            wanted.push(package);
        }
    }
    if !is_there("kubectl") && !is_there("kustomize") && !programs.join("kustomize").exists() {
        wanted.push(KUSTOMIZE);
    }
    let missing: Vec<_> = DEFINITIONS.into_iter().filter(|(name, ..)| !schemas.join(name).exists()).collect();
    if wanted.is_empty() && missing.is_empty() {
        return Ok(());
    }
    if !is_there("go") {
        return Err("go, which would install what checks the manifests".to_owned());
    }
    for package in wanted {
        run(Command::new("go").args(["install", package]).env("GOBIN", &programs))?;
    }
    fs::create_dir_all(&schemas).map_err(|error| error.to_string())?;
    for (name, module, folder) in missing {
        let place = downloaded(module)?.join(folder);
        symlink(&place, schemas.join(name)).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    Ok(())
}

/// Where a module is, once it is downloaded.
fn downloaded(module: &str) -> Outcome<PathBuf> {
    say(&format!("+ go mod download {module}"));
    // Outside of any module of its own it knows what to do, too.
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", module]).current_dir(std::env::temp_dir());
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.trim().strip_prefix("\"Dir\": \"")?.strip_suffix("\","));
    line.map(PathBuf::from).ok_or_else(|| format!("{module} could not be downloaded"))
}

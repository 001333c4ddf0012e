//! What is deployed, as far as it can be looked at without a cluster: every overlay is built, held strictly to the schemas of
//! Kubernetes and of the custom resources, and linted; the scripts and the workflow are checked.

#![expect(clippy::unwrap_used, reason = "a test says what it found by panicking")]

mod scripts;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// The oldest that the manifests are for, and a recent one.
const VERSIONS: [&str; 2] = ["1.29.0", "1.35.0"];

/// Kinds whose definition no package registry has. They were checked by hand.
const UNDEFINED: [&str; 1] = ["policy.linkerd.io/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap().to_owned()
}

/// A program that is on the path, or that `cargo xtask setup` has installed.
fn tool(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places =
        env::split_paths(&path).chain([root().join("target/tools/bin"), root().join("target/tools/python/bin")]);
    places.map(|place| place.join(name)).find(|program| program.exists())
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// What a program says, and whether it is content.
fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// All overlays, and the base, by their names.
fn overlays() -> Vec<(String, PathBuf)> {
    let deploy = root().join("deploy");
    let overlays = fs::read_dir(deploy.join("overlays")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = overlays.chain([deploy.join("base")]).collect();
    all.sort();
    all.into_iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

/// Each overlay as it would be applied, in a folder.
fn built() -> Option<TempDir> {
    let place = TempDir::new().unwrap();
    let program = tool("kubectl").map(|kubectl| (kubectl, "kustomize")).or_else(|| Some((tool("kustomize")?, "build")));
    let Some((program, verb)) = program else {
        skip("there is neither kubectl nor kustomize");
        return None;
    };
    for (name, path) in overlays() {
        let (done, text) = said(Command::new(&program).arg(verb).arg(&path));
        assert!(done, "{name}: {text}");
        fs::write(place.path().join(format!("{name}.yaml")), text).unwrap();
    }
    Some(place)
}

fn lint(path: &Path) -> (bool, String) {
    said(Command::new(env!("CARGO_BIN_EXE_seaworthy")).arg("lint").arg(path))
}

#[test]
fn every_overlay_is_what_kubernetes_knows_and_loses_nothing_by_its_looks() {
    let Some(place) = built() else { return };
    let all = overlays();
    assert!(all.len() >= 9, "{all:?}");
    for (name, _) in &all {
        let path = place.path().join(format!("{name}.yaml"));
        let (clean, found) = lint(&path);
        assert!(clean, "{name}: {found}");
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("kind: Secret\n") && !text.to_lowercase().contains("password: "), "{name} has a secret");
    }
    let python = root().join("target/tools/python/bin/python3");
    let definitions = root().join("target/tools/definitions");
    if !python.exists() || !definitions.exists() {
        return skip("there are no schemas: cargo xtask setup installs them, with Go");
    }
    for version in VERSIONS {
        let mut command = Command::new(&python);
        command.arg(root().join("xtask/check_manifests.py")).args([version, definitions.to_str().unwrap(), "--"]);
        let (_, told) = said(command.args(all.iter().map(|(name, _)| place.path().join(format!("{name}.yaml")))));
        let wrong: Vec<&str> = told.lines().filter(|line| line.contains(".yaml: ")).collect();
        let unknown =
            |line: &&str| UNDEFINED.iter().any(|group| line.contains("nothing defines ") && line.contains(group));
        let (skipped, wrong): (Vec<&str>, Vec<&str>) = wrong.into_iter().partition(unknown);
        assert!(wrong.is_empty() && told.contains(" objects, "), "{told}");
        skip(&format!("{} objects of Linkerd, whose definitions are in no package registry", skipped.len()));
    }
}

#[test]
fn a_field_that_nobody_knows_is_found() {
    let python = root().join("target/tools/python/bin/python3");
    let definitions = root().join("target/tools/definitions");
    let Some(place) = built().filter(|_| python.exists() && definitions.exists()) else {
        return skip("there are no schemas: cargo xtask setup installs them, with Go");
    };
    for (overlay, right, wrong) in [
        ("base", "terminationGracePeriodSeconds:", "terminationGracePeriod:"),
        ("base", "runAsUser: 65532", "runAsUser: root"),
        ("gateway", "replacePrefixMatch:", "replacePrefix:"),
        ("istio", "mode: STRICT", "mode: STRONG"),
        ("monitoring", "scrapeTimeout:", "timeout:"),
    ] {
        let text = fs::read_to_string(place.path().join(format!("{overlay}.yaml"))).unwrap();
        assert!(text.contains(right), "{right}");
        let changed = place.path().join("changed.yaml");
        fs::write(&changed, text.replacen(right, wrong, 1)).unwrap();
        let mut command = Command::new(&python);
        command.arg(root().join("xtask/check_manifests.py")).args([VERSIONS[0], definitions.to_str().unwrap(), "--"]);
        let (fine, told) = said(command.arg(&changed));
        assert!(!fine && told.contains("changed.yaml: ") && !told.contains("nothing defines"), "{wrong}: {told}");
    }
}

#[test]
fn a_release_is_the_overlay_with_its_image() {
    let (Some(bash), Some(_)) = (tool("bash"), tool("kubectl")) else { return skip("there is no kubectl") };
    let script = ". deploy/pipeline/settings.sh; manifests";
    let mut command = Command::new(bash);
    command.args(["-c", script]).current_dir(root());
    command.envs([("IMAGE", "registry.example.org/x/seaworthy"), ("TAG", "abc"), ("OVERLAY", "loadbalancer")]);
    let (done, text) = said(&mut command);
    assert!(done, "{text}");
    let images: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images, ["registry.example.org/x/seaworthy:abc", "registry.example.org/x/seaworthy:abc", "mysql:8.4"]);
    let (done, told) = said(command.env("OVERLAY", "nowhere"));
    assert!(!done && told.contains("there is no overlay nowhere"), "{told}");
}

#[test]
fn scripts_and_workflow_are_checked() {
    let pipeline = root().join("deploy/pipeline");
    let scripts: Vec<_> = fs::read_dir(&pipeline).unwrap().map(|entry| entry.unwrap().path()).collect();
    match tool("shellcheck") {
        Some(shellcheck) => {
            let (fine, told) = said(Command::new(shellcheck).args(["-x", "--source-path=SCRIPTDIR"]).args(&scripts));
            assert!(fine, "{told}");
        }
        None => skip("there is no shellcheck"),
    }
    let workflow = root().join(".github/workflows/pipeline.yml");
    match tool("actionlint") {
        Some(actionlint) => {
            let (fine, told) = said(Command::new(actionlint).arg(&workflow));
            assert!(fine, "{told}");
        }
        None => skip("there is no actionlint"),
    }
    // Every step of the workflow is a script that is there.
    let text = fs::read_to_string(workflow).unwrap();
    let steps: Vec<String> = text
        .split("deploy/pipeline/")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect())
        .collect();
    assert!(["check", "push", "release"].iter().all(|step| steps.iter().any(|there| there == step)), "{steps:?}");
    for step in steps {
        assert!(pipeline.join(&step).is_file(), "{step}");
    }
}

#[test]
fn the_tutorials_shape_of_a_system_is_not_clean() {
    // As tutorials have it: three replicas, nothing about how they begin and end, and a database in a directory of the node.
    let place = TempDir::new().unwrap();
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: 'api:latest', ports: [{containerPort: 5000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 5000, targetPort: 5000}]}
";
    fs::write(place.path().join("app.yaml"), text).unwrap();
    let (clean, told) = lint(place.path());
    assert!(!clean);
    for cause in
        ["endpoint-removal-race", "traffic-before-ready", "new-endpoint-not-propagated", "colocated-replicas-drained"]
    {
        assert!(told.contains(cause), "{cause}: {told}");
    }
}

//! `seaworthy lint` as its users meet it: manifests in, predictions and an exit code out.

#![expect(clippy::unwrap_used, reason = "a test says what it found by panicking")]

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const ONE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web, ports: [{containerPort: 80}]}]
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

const FINE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
";

struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

fn lint(arguments: &[&str], input: &str) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
    command.arg("lint").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses its arguments reads nothing.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    done(child.wait_with_output().unwrap())
}

fn done(output: Output) -> Done {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A directory with these files.
fn files(all: &[(&str, &str)]) -> TempDir {
    let place = TempDir::new().unwrap();
    for (name, text) in all {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    place
}

#[test]
fn what_is_in_one_file_is_known_to_the_others() {
    let place =
        files(&[("a/web.yaml", ONE), ("b/service.yml", SERVICE), ("b/notes.txt", "not: [yaml"), (".git/x.yaml", "{")]);
    let found = lint(&[place.path().to_str().unwrap()], "");
    assert_eq!(found.code, 1, "{}{}", found.stdout, found.stderr);
    for cause in ["endpoint-removal-race", "traffic-before-ready", "single-replica-gap"] {
        assert!(found.stdout.contains(&format!("error: {cause} in Deployment/web")), "{cause}: {}", found.stdout);
    }
    assert!(found.stdout.lines().last().unwrap_or_default().contains("trial"), "{}", found.stdout);
    // Without the Service nobody calls it.
    let alone = lint(&[place.path().join("a/web.yaml").to_str().unwrap()], "");
    assert_eq!((alone.code, alone.stderr.as_str()), (0, ""), "{}", alone.stdout);
}

#[test]
fn standard_input_and_the_forms_for_programs() {
    let both = format!("{ONE}---\n{SERVICE}");
    let json = lint(&["--json", "-"], &both);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, document["schema"].as_str()), (1, Some("seaworthy.lint/1")));
    assert!(
        document["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["line"] == 9 && one["cause"] == "traffic-before-ready")
    );
    let sarif = lint(&["--sarif", "-"], &both);
    let log: serde_json::Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!((sarif.code, log["version"].as_str()), (1, Some("2.1.0")));
    let quiet = lint(&["--quiet", "-"], &both);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (1, ""));
    let fine = lint(&["-"], FINE);
    assert_eq!(fine.code, 0, "{}", fine.stdout);
    assert!(fine.stdout.starts_with("nothing is predicted to be lost in 1 object"), "{}", fine.stdout);
}

#[test]
fn what_cannot_be_read_is_told_in_a_line() {
    let place =
        files(&[("bad.yaml", "a: [1,\n"), ("chart.yaml", "a: {{ .Values.a }}\n{{ end }}\n"), ("empty/x.txt", "")]);
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    for (arguments, code, words) in [
        (vec![path("bad.yaml")], 4, "bad.yaml:1: is neither YAML nor JSON"),
        (vec![path("chart.yaml")], 4, "helm template"),
        (vec![path("nothing.yaml")], 4, "cannot read"),
        (vec![path("empty")], 4, "there is no manifest in"),
        (vec!["-".to_owned(), "-".to_owned()], 2, "name it once"),
        (vec!["--json".to_owned(), "--sarif".to_owned(), "-".to_owned()], 2, "give one of them"),
        (vec![], 2, "PATH"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let found = lint(&arguments, FINE);
        let told = format!("{}{}", found.stdout, found.stderr);
        assert!(found.code == code && told.contains(words), "{arguments:?}: {} {told}", found.code);
    }
}

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
        (vec![path("nothing.yaml")], 4, "nothing.yaml: cannot be read: No such file"),
        (vec![path("empty")], 4, "empty: there is no manifest in it"),
        (vec!["--quiet".to_owned(), path("bad.yaml")], 4, "bad.yaml:1: is neither YAML nor JSON"),
        (vec!["--quiet".to_owned(), path("nothing.yaml")], 4, "nothing.yaml: cannot be read"),
        (vec!["-".to_owned(), "-".to_owned()], 2, "name it once"),
        (vec!["--json".to_owned(), "--sarif".to_owned(), "-".to_owned()], 2, "give one of them"),
        (vec!["--stdin-filename=x.yaml".to_owned(), path("chart.yaml")], 2, "give - as well"),
        (vec!["--stdin-filename=".to_owned(), "-".to_owned()], 2, "is empty"),
        (vec![], 2, "PATH"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let found = lint(&arguments, FINE);
        let told = format!("{}{}", found.stdout, found.stderr);
        assert!(found.code == code && told.contains(words), "{arguments:?}: {} {told}", found.code);
    }
}

#[test]
fn what_is_no_manifest_is_not_clean() {
    let typo = ONE.replace("apiVersion", "apiversion");
    let misshapen = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: \"x\"\n";
    for (input, words) in [
        ("", "-: is empty: where a command should have written it"),
        ("hello\n", "-:1: is no Kubernetes object, and is ignored: it is no map"),
        ("# only words\n", "-: holds no Kubernetes object"),
        (
            &typo,
            "-:1: is no Kubernetes object, and is ignored: it has no apiVersion (apiversion is written apiVersion)",
        ),
        (misshapen, "-:4: is no map, and spec of Deployment/web has to be one"),
        ("apiVersion: v1\nkind: List\nitems: []\n", "-: holds no Kubernetes object"),
    ] {
        let found = lint(&["-"], input);
        // A line that is long goes on in the next one.
        let told = found.stdout.replace("\n    ", " ");
        assert!(found.code == 4 && told.contains(words), "{input:?}: {} {told}", found.code);
        assert!(!told.contains("nothing is predicted to be lost in 0"), "{input:?}: {told}");
        let json: serde_json::Value = serde_json::from_str(&lint(&["--json", "-"], input).stdout).unwrap();
        assert_eq!(json["unreadable"].as_array().unwrap().len(), 1, "{input:?}: {json}");
    }
}

#[test]
fn a_file_among_others_that_is_no_manifest_is_told() {
    let place = files(&[("a.yaml", FINE), ("values.yaml", "a: 1\n"), ("b.yaml", &format!("{FINE}---\n- 1\n"))]);
    let found = lint(&[place.path().to_str().unwrap()], "");
    let told = found.stdout.replace("\n    ", " ");
    assert!(found.code == 0 && told.contains("values.yaml:1: is no Kubernetes object"), "{} {told}", found.code);
    assert!(told.contains("b.yaml:6: is no Kubernetes object"), "{told}");
    let json = lint(&["--json", place.path().to_str().unwrap()], "");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["ignored"].as_array().unwrap().iter().filter(|one| one["line"].is_u64()).count(), 2, "{json}");
    assert_eq!(json["unreadable"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_read_leaves_the_rest_to_be_told() {
    let place = files(&[("all/web.yaml", ONE), ("all/service.yaml", SERVICE), ("all/name.yaml", "")]);
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("all/latin.yaml"), b"# caf\xe9\napiVersion: v1\n").unwrap();
    fs::write(path("all/utf16.yaml"), b"\xff\xfea\0:\0").unwrap();
    fs::File::create(path("all/long.yaml")).unwrap().set_len((64 << 20) + 1).unwrap();
    std::os::unix::fs::symlink("/nonexistent/x", path("all/gone.yaml")).unwrap();
    let (all, nothing) = (path("all"), path("nothing.yaml"));
    let arguments = [&*all, &*nothing];
    let found = lint(&arguments, "");
    assert_eq!((found.code, found.stderr.as_str()), (4, ""), "{}", found.stdout);
    assert!(found.stdout.contains("error: traffic-before-ready in Deployment/web"), "{}", found.stdout);
    assert!(found.stdout.contains("5 files could not be read"), "{}", found.stdout);
    let unreadable = [
        ("all/gone.yaml", "No such file"),
        ("all/latin.yaml", "is not text in UTF-8"),
        ("all/long.yaml", "has more than 64 MiB"),
        ("all/utf16.yaml", "is UTF-16: save it as UTF-8"),
        ("nothing.yaml", "No such file"),
    ];
    let json = lint(&[&["--json"], &arguments[..]].concat(), "");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let sarif = lint(&[&["--sarif"], &arguments[..]].concat(), "");
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    for (at, (name, words)) in unreadable.into_iter().enumerate() {
        let (one, told) = (&json["unreadable"][at], &invocation["toolExecutionNotifications"][at]);
        assert_eq!((one["source"].as_str(), &one["line"]), (Some(&*path(name)), &serde_json::Value::Null));
        assert!(one["problem"].as_str().unwrap().contains(words), "{one}");
        let uri = &told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!((told["level"].as_str(), uri.as_str()), (Some("error"), Some(&*format!("file://{}", path(name)))));
    }
    assert!(!json["predictions"].as_array().unwrap().is_empty());
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
}

#[test]
fn standard_input_has_a_name_that_a_code_host_can_place() {
    let both = format!("{ONE}---\n{SERVICE}");
    let uri = |arguments: &[&str]| {
        let log: serde_json::Value = serde_json::from_str(&lint(arguments, &both).stdout).unwrap();
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    assert_eq!(uri(&["--sarif", "--stdin-filename", "deploy/my app.yaml", "-"]), "deploy/my%20app.yaml");
    assert_eq!(uri(&["--sarif", "-"]), "stdin");
    let told = lint(&["--stdin-filename", "deploy/all.yaml", "-"], &both).stdout;
    assert!(told.contains("deploy/all.yaml:9: error: traffic-before-ready"), "{told}");
}

#[test]
fn a_name_with_a_break_forges_no_line() {
    let place = files(&[("a\nweb.yaml:1: error: forged in Deployment\n.yaml", ONE), ("service.yaml", SERVICE)]);
    let found = lint(&[place.path().to_str().unwrap()], "");
    assert!(found.stdout.contains("\\nweb.yaml:1:"), "{}", found.stdout);
    assert!(found.stdout.lines().all(|line| !line.starts_with("web.yaml")), "{}", found.stdout);
}

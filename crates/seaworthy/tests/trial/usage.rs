//! The command line: what there is, and what is said of what there is not.

use std::fs;

use crate::run::Place;

#[test]
fn the_drills_and_their_promises_are_listed() {
    let done = Place::new().trial(&["--list-drills"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    for words in ["rollout", "a rolling update has no downtime", "freeze", "self-healing", "bad-release"] {
        assert!(done.stdout.contains(words), "{words}: {}", done.stdout);
    }
    let widest = done.stdout.lines().map(str::len).max();
    assert!(widest <= Some(160), "{}", done.stdout);
}

#[test]
fn what_makes_no_sense_says_what_would_do() {
    let place = Place::new();
    fs::write(place.path().join("service.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n").unwrap();
    for (flags, command, says) in [
        (&["--drills", "roll"] as &[&str], &[] as &[&str], "there are baseline, rollout"),
        (&["--drills", "scale-down", "--replicas", "1"], &[], "needs two replicas"),
        (&["--replicas", "0"], &[], "give 1 to 20"),
        (&["--rate", "0"], &[], "at least 0.1/s"),
        (&["--rate", "1000000"], &[], "too much for a trial"),
        (&["--propagation", "3s..1s"], &[], "the shorter time first"),
        (&["--platform", "kubernetes"], &[], "not there yet"),
        (&["--plant", "exit-on-sigterm"], &[], "goes with --platform simulated"),
        (&["--platform", "simulated"], &["true"], "runs no command"),
        (&["--platform", "simulated", "--plant", "bugs"], &[], "'list' says what can be"),
        (&["--readiness", "healthy"], &[], "is no check"),
        (&["--readiness", "/x port=ops"], &["true"], "add --port ops"),
        (&["--recreate", "--max-surge", "1"], &[], "has no surge"),
        (&["--name", "web"], &[], "give that with --file"),
        (&["-f", "missing.yaml"], &[], "cannot read missing.yaml"),
        (&["-f", "service.yaml"], &["true"], "Service"),
        (&["--env", "hunter2"], &["true"], "give it as NAME=VALUE"),
        (&["--directory", "nowhere"], &["true"], "is no directory"),
        (&["--path", "x"], &[], "begins with a /"),
        (&["-o", "result.pdf"], &[], "has no known ending"),
        (&["--threshold", "fast"], &[], "threshold"),
        (&["--client-retries", "often"], &[], "does not begin with a number of retries"),
        (&["--client-retries", "2 on=404"], &[], "there are connect, reset, timeout, gateway, 5xx"),
        (&[], &["serve", "{port:admin}"], "{port:NAME}"),
        (&["--pre-stop", "5s", "--grace", "5s"], &["true"], "give a longer --grace"),
        (&["--max-surge", "0", "--max-unavailable", "0"], &["true"], "nothing could ever be replaced"),
        (&["python3", "app.py"], &[], "comes after a --"),
    ] {
        let done = place.trial(flags, command);
        assert!([2, 4].contains(&done.code), "{flags:?}: {done:?}");
        assert!(done.error().contains(says), "{flags:?}: {}", done.error());
        assert!(!done.error().contains("hunter2"), "{}", done.error());
    }
}

#[test]
fn no_secret_is_shown_or_kept() {
    let place = Place::new();
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: hunter2}\n---\napiVersion: \
                    apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      \
                    - name: web\n        command: [sleep, \"60\", --token=$(TOK)]\n        ports: [{containerPort: 8000}]\n        \
                    env: [{name: TOK, valueFrom: {secretKeyRef: {name: s, key: token}}}]\n        readinessProbe: {httpGet: \
                    {path: '/?key=hunter2', port: 8000, httpHeaders: [{name: Authorization, value: Bearer hunter2}]}}\n";
    fs::write(place.path().join("web.yaml"), manifest).unwrap();
    let flags = [
        "-f",
        "web.yaml",
        "--patience",
        "1s",
        "--env",
        "PIN=hunter2",
        "-H",
        "X-Key: hunter2",
        "--path",
        "/?key=hunter2",
    ];
    for command in [&[] as &[&str], &["sleep", "60", "--password", "hunter2", "http://me:hunter2@h/"]] {
        let done = place.trial(&flags, command);
        let history = fs::read_to_string(place.runs().join("latest/history.jsonl")).unwrap();
        for said in [&done.stdout, &done.stderr, &history] {
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(history.contains("--token=***") || history.contains("me:***@h"), "{history}");
    }
}

//! Services of other people, each with its own way to lose requests: what is lost, and why.

use std::fs;

use crate::{
    run::{Done, Place, SHORT, target},
    tools,
};

/// The baseline and a rollout, with a readiness that asks often.
fn rollout(place: &Place, flags: &[&str], command: &[&str]) -> Done {
    let readiness = ["--drills", "rollout", "--readiness", "/ period=200ms"];
    place.trial(&[SHORT, &readiness, flags].concat(), command)
}

/// The manifest of a service that is left alone for a while before SIGTERM.
fn manifest(place: &Place, sleep: u32) -> String {
    let path = place.path().join("deployment.yaml");
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 3\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      \
         containers:\n      - name: web\n        image: web:1\n        ports: [{{containerPort: 8000}}]\n        \
         readinessProbe: {{httpGet: {{path: /, port: 8000}}, periodSeconds: 1}}\n        \
         lifecycle: {{preStop: {{sleep: {{seconds: {sleep}}}}}}}\n"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// It loses requests, and clients that still connect to a listener that is gone are among the reasons.
fn loses_to_the_race(done: &Done) {
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.lost("rollout") > 0, "{done:?}");
    assert_eq!(done.lost("baseline"), 0, "{done:?}");
    let causes = done.causes();
    assert!(causes.get("endpoint-removal-race").is_some_and(|count| *count > 10), "{causes:?} {}", done.stdout);
    assert!(!causes.contains_key("unexplained"), "{causes:?} {}", done.stdout);
    assert!(done.stdout.contains("endpoint-removal-race") && done.stdout.contains("preStop"), "{}", done.stdout);
    assert!(done.last_line().starts_with("not seaworthy: "), "{}", done.stdout);
}

/// No request of a client that opens connections of its own is lost, and the others only as keep-alive explains it.
fn loses_nothing_new(done: &Done) {
    assert_eq!(done.drill("rollout")["fresh"]["lost"], 0, "{}", done.stdout);
    let causes = done.causes();
    let explained = ["shutdown-closes-idle-keepalive", "exit-on-sigterm"];
    assert!(causes.keys().all(|cause| explained.contains(&cause.as_str())), "{causes:?} {}", done.stdout);
}

#[test]
fn pythons_server_loses_what_clients_still_send_to_it() {
    let place = Place::new();
    let command = ["python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1"];
    let done = rollout(&place, &[], &command);
    loses_to_the_race(&done);
    // It has no handler for SIGTERM, which in a container would be another story.
    assert!(done.stdout.contains("no handler for SIGTERM"), "{}", done.stdout);
    let covered = place.trial(&[SHORT, &["--drills", "rollout", "-f", &manifest(&place, 2)]].concat(), &command);
    loses_nothing_new(&covered);
}

#[test]
fn flasks_development_server_loses_what_clients_still_send_to_it() {
    let place = Place::new();
    let python = tools::python_program("python3");
    let command = [python.to_str().unwrap(), &target("flask_app.py")];
    let done = rollout(&place, &[], &command);
    loses_to_the_race(&done);
    let covered = place.trial(&[SHORT, &["--drills", "rollout", "-f", &manifest(&place, 2)]].concat(), &command);
    loses_nothing_new(&covered);
}

#[test]
fn each_way_to_leave_has_its_cause() {
    for (ways, flags, cause) in [
        // What may be sent again would not be lost.
        (&["on_term=ignore", "takes=0.3"] as &[&str], &["--grace", "2s", "--no-resend"] as &[&str], "sigterm-ignored"),
        (&["on_term=close", "drain=60", "takes=0.01"], &["--grace", "3s"], "endpoint-removal-race"),
        (&["on_term=exit", "takes=0.2"], &[], "exit-on-sigterm"),
        // As the first process of a container, one without a handler gets no SIGTERM.
        (&["takes=0.3"], &["--grace", "2s", "--no-resend", "--as-pid-1"], "sigterm-ignored"),
        // It has a handler and still serves: it drains, and needs longer than it has.
        (&["on_term=drain", "drain=30", "takes=4"], &["--grace", "3s", "--rate", "60"], "grace-period-too-short"),
    ] {
        let place = Place::new();
        let program = target("server.py");
        let command = [&["python3", &*program], ways].concat();
        let done = place
            .trial(&[SHORT, &["--drills", "rollout", "--readiness", "/ready period=200ms"], flags].concat(), &command);
        assert_eq!(done.code, 1, "{ways:?}: {done:?}");
        let causes = done.causes();
        assert!(causes.contains_key(cause), "{ways:?}: {causes:?} {}", done.stdout);
        assert!(!causes.contains_key("unexplained"), "{ways:?}: {causes:?} {}", done.stdout);
    }
}

#[test]
fn what_is_sent_to_a_replica_that_is_not_there_yet_is_lost() {
    let place = Place::new();
    let program = target("server.py");
    // Without a readiness probe it counts as ready as soon as it runs, and that is before it listens.
    let flags = ["--drills", "scale-up", "--readiness", "none", "--propagation", "1s..1s"];
    let quick = ["--baseline", "1s", "--before", "500ms", "--after", "500ms"];
    let done = place.trial(&[&quick[..], &flags].concat(), &["python3", &program, "listen_after=2"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.causes().contains_key("traffic-before-ready"), "{}", done.stdout);
}

#[test]
fn who_drains_loses_nothing() {
    let place = Place::new();
    let program = target("server.py");
    let done = rollout(&place, &[], &["python3", &program, "on_term=drain", "drain=1.5"]);
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn a_bad_release_that_says_it_is_ready_is_found_out() {
    let place = Place::new();
    let program = target("server.py");
    let bad = format!("exec python3 {program} status=500");
    let flags = ["--drills", "bad-release", "--readiness", "/ready period=200ms", "--bad-release", &bad];
    let done = place.trial(&[SHORT, &flags].concat(), &["python3", &program, "on_term=drain", "drain=1"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.causes().contains_key("bad-release-served"), "{}", done.stdout);
}

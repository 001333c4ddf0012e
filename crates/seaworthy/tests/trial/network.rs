//! The drill that breaks the way between clients and one replica, in a network namespace of the trial's own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::run::{Done, Place, SHORT, alone};

const BROKEN: &[&str] =
    &["--drills", "network", "--network-for", "1500ms", "--connect-timeout", "700ms", "--timeout", "5s"];

/// Whether a network can be made here that can be broken; says why not.
#[expect(clippy::print_stdout, reason = "whoever runs the tests is to see what was not tested")]
fn is_permitted() -> bool {
    let nft = ["/usr/sbin/nft", "/usr/bin/nft"].iter().any(|path| Path::new(path).exists());
    let made = Command::new("unshare").args(["--user", "--map-current-user", "--net", "true"]).output();
    let made = made.is_ok_and(|output| output.status.success());
    if !(nft && made) {
        println!("skipped: nft is there: {nft}; a network namespace can be made: {made}");
    }
    nft && made
}

fn events(place: &Place, kind: &str) -> Vec<Value> {
    let history = std::fs::read_to_string(place.runs().join("latest/history.jsonl")).unwrap();
    let lines = history.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == kind).collect()
}

/// A trial where no network namespace can be made.
fn confined(place: &Place, flags: &[&str], target: &[&str]) -> Done {
    let trial = place.seaworthy(&[&["trial"], flags, target].concat());
    let script = r#"echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" "$@""#;
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--", "sh", "-c", script])
        .arg(trial.get_program())
        .args(trial.get_args());
    command.current_dir(place.path()).env("SEAWORTHY_RUNS", place.runs()).stdin(Stdio::null());
    let _alone = alone();
    place.done(command.output().unwrap())
}

#[test]
fn a_path_that_breaks_costs_only_what_goes_over_it_and_heals_by_itself() {
    if !is_permitted() {
        return;
    }
    let place = Place::new();
    let done = place.trial(&[SHORT, BROKEN].concat(), &[]);
    assert_eq!(done.code, 0, "{done:#?}");
    let row = done.drill("network");
    assert_eq!(done.lost("network"), 0);
    let allowed = row["fresh"]["allowed"].as_u64().unwrap();
    assert!(allowed > 5, "what was opened while nothing came through timed out: {done:#?}");
    let causes = done.causes();
    assert!(causes.contains_key("network-partition"), "{done:#?}");
    assert!(!causes.contains_key("accept-queue-overflow"), "what was dropped waited for no queue: {done:#?}");
    let proof = row["proof"].as_str().unwrap();
    assert!(proof.contains("partition for 1.") && proof.contains("loss for 1."), "{proof}");
    // Probes came through: it stayed ready, and clients went on choosing it.
    assert_eq!(events(&place, "unready").len(), 0, "{done:#?}");
    let (broken, healed) = (events(&place, "network_broken"), events(&place, "network_healed"));
    let hows = |events: &[Value]| events.iter().map(|event| event["how"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (hows(&broken), hows(&healed)),
        (vec!["partition".into(), "loss".into()], vec!["partition".into(), "loss".into()])
    );
    assert!(healed.iter().all(|event| event["dropped"].as_u64() > Some(0)), "{healed:?}");
    let picked = &events(&place, "disturbed")[0]["replica"];
    assert!(broken.iter().all(|event| event["replica"] == *picked), "{broken:?}");
    assert!(done.stdout.contains("a network namespace of its own"), "{done:#?}");
    // Judged again from what was recorded, it is the same.
    let again = place.seaworthy(&["diagnose"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0));
}

#[test]
fn a_target_in_a_network_of_its_own_reaches_no_other() {
    if !is_permitted() {
        return;
    }
    let outside = std::fs::read_link("/proc/self/ns/net").unwrap();
    let place = Place::new();
    let script = format!("readlink /proc/self/ns/net; exec python3 {} on_term=drain", crate::run::target("server.py"));
    let flags = [SHORT, BROKEN, &["--network", "loss", "--replicas", "2"]].concat();
    let done = place.trial(&flags, &["sh", "-c", &script]);
    assert_eq!(done.code, 0, "{done:#?}");
    let said = std::fs::read_to_string(place.runs().join("latest/replica-1.log")).unwrap();
    let inside = said.lines().next().unwrap();
    assert!(inside.starts_with("net:[") && Some(inside) != outside.to_str(), "{inside}");
    assert_eq!(events(&place, "network_broken").len(), 1);
}

#[test]
fn interrupted_while_the_network_is_broken_it_ends_as_any_trial_does() {
    if !is_permitted() {
        return;
    }
    let place = Place::new();
    let _alone = alone();
    let flags = [&["trial"], SHORT, &["--drills", "network", "--network-for", "60s", "--timeout", "2s"]].concat();
    let mut command = place.seaworthy(&flags);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(" is broken: partition") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stdout}");
    assert!(stdout.contains("interrupted"), "{stdout}");
}

#[test]
fn what_cannot_be_broken_is_said_at_once() {
    let cases: &[(&[&str], &str)] = &[
        (&["--drills", "network", "--platform", "simulated"], "network needs real connections"),
        (&["--network", "delay"], "names a break that there is not; there are partition, loss"),
        (&["--network-for", "1ms"], "--network-for: \"1ms\" is too short"),
    ];
    for (flags, words) in cases {
        let done = Place::new().trial(flags, &[]);
        assert_eq!(done.code, 2, "{words}: {done:#?}");
        assert!(done.error().contains(words), "{words}: {done:#?}");
    }
    if !is_permitted() {
        return;
    }
    let done = confined(&Place::new(), &["--drills", "network"], &[]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.error().contains("network needs a network namespace with nftables in it"), "{done:#?}");
    // Where nobody asked for it by its name it is left out, which is said before anything is started.
    let done = confined(&Place::new(), &["--drills", "all", "--liveness", "tcp"], &["--", "/nowhere/to/be/found"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.contains("network is left out: it needs nft, ip, unshare"), "{done:#?}");
}

//! The drill that breaks the way between clients and one replica, in a network namespace of the trial's own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::run::{Done, Place, SHORT, alone};

const BROKEN: &[&str] =
    &["--drills", "network", "--network-for", "1500ms", "--connect-timeout", "700ms", "--timeout", "5s"];

/// The user `nobody`, whom root becomes for a trial without root.
const NOBODY: u32 = 65_534;

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
    // It is none of all: the whole trial would be in a network of its own.
    let done = Place::new().trial(&["--drills", "all", "--liveness", "tcp"], &["/nowhere/to/be/found"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.contains("network is left out of all: asked for by its name alone"), "{done:#?}");
    assert!(!done.stderr.contains("namespace"), "{done:#?}");
}

#[test]
fn a_network_is_broken_only_where_it_is_new() {
    let here = std::fs::read_link("/proc/self/ns/net").unwrap();
    let here = here.to_str().unwrap();
    for (outside, why) in [
        ("net:[1]", ""),
        (here, "the one that the trial was started in"),
        ("yes", "\"yes\" names none"),
        ("net:[]", "names none"),
    ] {
        let place = Place::new();
        let mut trial = place.seaworthy(&["trial", "--drills", "network"]);
        let output = trial.env("SEAWORTHY_NETWORK_OUTSIDE", outside).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{outside}: {said}");
        let words = "SEAWORTHY_NETWORK_OUTSIDE is set, and this is no new network: ";
        assert!(said.contains(words) && said.contains(why), "{outside}: {said}");
        assert!(!said.contains("sea trial of"), "nothing is started: {said}");
    }
    if !is_permitted() {
        return;
    }
    // One that looks new, but for who is in it, or for its rules.
    for (script, why) in [
        (r#""$0" "$@"; exit $?"#, "is in it, too"),
        (r#"PATH=$PATH:/usr/sbin nft add table ip mine && exec "$0" "$@""#, "it has rules of nftables already"),
    ] {
        let place = Place::new();
        let trial = place.seaworthy(&["trial", "--drills", "network"]);
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--net", "--", "sh", "-c", script])
            .arg(trial.get_program())
            .args(trial.get_args());
        let output = command.current_dir(place.path()).env("SEAWORTHY_NETWORK_OUTSIDE", "net:[1]").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn whoever_is_not_root_gives_replicas_no_right_in_the_network() {
    if !is_permitted() {
        return;
    }
    let place = Place::new();
    // Where nobody else may read what was built, a copy is run.
    let (program, target) = (place.path().join("seaworthy"), place.path().join("server.py"));
    std::fs::copy(env!("CARGO_BIN_EXE_seaworthy"), &program).unwrap();
    std::fs::copy(crate::run::target("server.py"), &target).unwrap();
    let look = "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status; echo outside: $SEAWORTHY_NETWORK_OUTSIDE";
    let script = format!("id -u; {look}; exec /usr/bin/python3 server.py on_term=drain");
    // One write each: both replicas' probes share the file.
    let probe = format!(r#"exec period=1s -- said=$({look}); echo "$said" >>probed"#);
    let flags = [&["trial"], SHORT, BROKEN, &["--network", "loss", "--replicas", "2", "--liveness", &probe]].concat();
    let mut command = if rustix::process::getuid().is_root() {
        chown(place.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.args(flags).args(["--", "sh", "-c", &script]).current_dir(place.path()).stdin(Stdio::null());
    command.env("SEAWORTHY_RUNS", place.runs()).env("PYTHONUNBUFFERED", "1");
    let alone = alone();
    let done = place.done(command.output().unwrap());
    drop(alone);
    assert_eq!(done.code, 0, "{done:#?}");
    // The tool itself could break it.
    assert!(events(&place, "network_healed").iter().all(|event| event["dropped"].as_u64() > Some(0)), "{done:#?}");
    let said = std::fs::read_to_string(place.runs().join("latest/replica-1.log")).unwrap();
    let (user, rights) = said.split_once('\n').unwrap();
    assert_ne!(user, "0");
    let probed = std::fs::read_to_string(place.path().join("probed")).unwrap();
    for said in [rights, &probed] {
        let lines: Vec<&str> = said.lines().take(5).collect();
        let (outside, caps) = lines.split_last().unwrap();
        assert_eq!(*outside, "outside:", "{said}");
        assert_eq!(caps.len(), 4, "{said}");
        assert!(caps.iter().all(|line| line.ends_with(":\t0000000000000000")), "{said}");
    }
}

#[test]
fn a_target_that_waits_for_what_is_outside_is_told_where_it_is() {
    if !is_permitted() {
        return;
    }
    let flags = ["--drills", "network", "--patience", "1s", "--replicas", "1", "--readiness", "tcp"];
    let done = Place::new().trial(&flags, &["sleep", "1000"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.error().contains("the trial runs in a network of its own (network drill)"), "{done:#?}");
}

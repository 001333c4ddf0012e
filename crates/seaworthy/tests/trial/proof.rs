//! What mends it, tried; and what a client's own retries would have done.

use std::fs;

use crate::run::{Done, Place};

/// A trial of a simulated service that loses connections to the removal race.
fn race(place: &Place, flags: &[&str]) -> Done {
    let drills = ["--platform", "simulated", "--plant", "endpoint-removal-race", "--seed", "1", "--drills", "rollout"];
    place.trial(&[&drills[..], flags].concat(), &[])
}

#[test]
fn what_a_clients_retries_would_hide_is_computed_again_from_the_history() {
    let place = Place::new();
    let done = race(&place, &["--client-retries", "2 backoff=100ms"]);
    assert_eq!(done.code, 1, "{done:?}");
    let replay = &done.report["replay"];
    let lost = done.lost("rollout") as f64;
    let hidden = replay["hidden"].as_f64().unwrap();
    assert!(hidden > 0.5 * lost && hidden <= lost, "{replay}");
    assert_eq!(replay["doubled"], 0, "{replay}");
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("2 retries, the first after 100ms, on connect, reset, gateway: of "), "{said}");
    let again = |policy| {
        let output = place.path().join("again.json");
        let _told = place
            .seaworthy(&["diagnose", "--client-retries", policy, "-o", output.to_str().unwrap()])
            .output()
            .unwrap();
        let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(output).unwrap()).unwrap();
        document["replay"].clone()
    };
    assert_eq!(again("2 backoff=100ms"), *replay);
    // What never came to a server cannot be cut off by it.
    assert_eq!(again("2 on=timeout")["covered"], 0);
}

#[test]
fn what_goes_away_with_its_change_is_confirmed() {
    let place = Place::new();
    let done = race(&place, &["--try-fix"]);
    // The target as it is still loses requests.
    assert_eq!(done.code, 1, "{done:?}");
    let tried = &done.report["tried"];
    assert_eq!((&tried["verdict"], &tried["lost_after"]), (&"pass".into(), &0.into()), "{tried}");
    assert!(tried["lost_before"].as_u64().unwrap() > 5, "{tried}");
    assert_eq!(tried["causes"][0]["cause"], "endpoint-removal-race", "{tried}");
    assert_eq!(tried["causes"][0]["proof"], "confirmed", "{tried}");
    assert!(tried["manifest"].as_str().unwrap().contains("lifecycle: {preStop: {sleep: {seconds: "), "{tried}");
    assert!(done.stdout.contains("endpoint-removal-race (confirmed)"), "{}", done.stdout);
    assert!(done.stderr.contains("trying what would mend it: preStop sleep"), "{}", done.stderr);
    // Both runs are kept, and the last one is the one without.
    let runs: Vec<String> = fs::read_dir(place.runs())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "latest")
        .collect();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.iter().any(|name| name.ends_with("-with-fix")), "{runs:?}");
    assert!(!fs::canonicalize(place.runs().join("latest")).unwrap().ends_with("-with-fix"));
    judged_again(&place, &done);
}

/// The same is said of what was recorded as was said when it was made, also of what was tried.
fn judged_again(place: &Place, done: &Done) {
    let run = fs::canonicalize(place.runs().join("latest")).unwrap();
    let again = place.path().join("again.json");
    for named in [&run, &run.join("history.jsonl"), &place.runs().join("latest")] {
        let args = ["diagnose", named.to_str().unwrap(), "-o", again.to_str().unwrap()];
        let output = place.seaworthy(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(done.code), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), done.stdout);
        assert_eq!(fs::read_to_string(&again).unwrap(), fs::read_to_string(run.join("report.json")).unwrap());
    }
}

#[test]
fn what_a_change_brings_to_light_is_tried_in_a_further_round() {
    let place = Place::new();
    let planted = ["--plant", "recreate-gap+exit-on-sigterm", "--replicas", "1", "--seed", "1", "--drills", "rollout"];
    let done = place.trial(&[&["--platform", "simulated", "--try-fix"], &planted[..]].concat(), &[]);
    assert_eq!(done.code, 1, "{done:?}");
    let strategy = "RollingUpdate with maxUnavailable 0 and maxSurge 1";
    let said: Vec<&str> = done.stderr.lines().filter(|line| line.contains("trying what would mend")).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with(&format!("trying what would mend it: {strategy}; again ")), "{said:?}");
    assert!(said[1].starts_with("round 2, trying what would mend the rest, too: preStop sleep "), "{said:?}");
    let tried = &done.report["tried"];
    let rounds = tried["rounds"].as_array().unwrap();
    assert_eq!((rounds.len(), &rounds[0]), (2, &serde_json::json!([strategy])), "{tried}");
    assert_eq!(tried["changes"].as_array().unwrap().len(), 2, "{tried}");
    // Compared are the first one and the last.
    assert_eq!((&tried["verdict"], &tried["lost_after"]), (&"pass".into(), &0.into()), "{tried}");
    assert!(done.stdout.contains(&format!("         round 1: {strategy}\n         round 2: preStop sleep ")));
    let last = fs::canonicalize(place.runs().join("latest")).unwrap();
    let second = format!("{}-with-fix-2", last.file_name().unwrap().to_str().unwrap());
    let history = fs::read_to_string(place.runs().join(second).join("history.jsonl")).unwrap();
    let header: serde_json::Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
    assert_eq!(header["tried"]["of"], "1970-01-01T00:00:00Z");
    assert_eq!(header["tried"]["rounds"].as_array().unwrap().len(), 2, "{}", header["tried"]);
    judged_again(&place, &done);
}

#[test]
fn a_second_run_that_cannot_be_read_is_told_and_left_out() {
    let place = Place::new();
    let done = race(&place, &["--try-fix"]);
    assert!(done.report["tried"].is_object(), "{done:?}");
    let run = fs::canonicalize(place.runs().join("latest")).unwrap();
    let second = place.runs().join(format!("{}-with-fix/history.jsonl", run.file_name().unwrap().to_str().unwrap()));
    let history = fs::read_to_string(&second).unwrap();
    let left_out = history.lines().enumerate().filter(|(n, _)| *n != 9).map(|(_, line)| format!("{line}\n"));
    fs::write(&second, left_out.collect::<String>()).unwrap();
    let again = place.path().join("again.json");
    let output = place.seaworthy(&["diagnose", "-o", again.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("left out of what was tried: cannot read ") && said.lines().count() == 1, "{said}");
    assert!(said.contains(" came before it, and "), "{said}");
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(again).unwrap()).unwrap();
    assert!(report["tried"].is_null());
    assert_eq!(report["findings"][0]["confidence"], "proven", "{}", report["findings"][0]);
}

#[test]
fn where_nothing_is_lost_nothing_is_tried() {
    let place = Place::new();
    let done = place.trial(&["--platform", "simulated", "--seed", "1", "--drills", "rollout", "--try-fix"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.report["tried"].is_null());
    assert!(done.stderr.contains("--try-fix: nothing is to be mended"), "{}", done.stderr);
}

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
}

#[test]
fn where_nothing_is_lost_nothing_is_tried() {
    let place = Place::new();
    let done = place.trial(&["--platform", "simulated", "--seed", "1", "--drills", "rollout", "--try-fix"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.report["tried"].is_null());
    assert!(done.stderr.contains("--try-fix: nothing is to be mended"), "{}", done.stderr);
}

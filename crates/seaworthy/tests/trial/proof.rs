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
fn where_nothing_is_lost_nothing_is_tried() {
    let place = Place::new();
    let done = place.trial(&["--platform", "simulated", "--seed", "1", "--drills", "rollout", "--try-fix"], &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.report["tried"].is_null());
    assert!(done.stderr.contains("--try-fix: nothing is to be mended"), "{}", done.stderr);
}

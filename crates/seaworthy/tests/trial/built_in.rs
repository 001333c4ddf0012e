//! The service that every trial is compared with.

use serde_json::Value;

use crate::run::{Place, SHORT};

#[test]
fn the_built_in_service_is_seaworthy_in_every_drill() {
    let place = Place::new();
    let done = place.trial(SHORT, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.starts_with("SEAWORTHY  "), "{}", done.stdout);
    assert!(done.last_line().starts_with("seaworthy: "), "{}", done.stdout);
    let drills: Vec<&str> =
        done.report["drills"].as_array().unwrap().iter().filter_map(|row| row["drill"].as_str()).collect();
    assert_eq!(drills, ["baseline", "rollout", "terminate", "kill", "freeze", "scale-down", "scale-up", "bad-release"]);
    for drill in drills {
        assert_eq!(done.drill(drill)["verdict"], "pass", "{drill}: {}", done.stdout);
        assert_eq!(done.lost(drill), 0, "{drill}: {}", done.stdout);
        for lane in ["keep_alive", "fresh"] {
            assert!(done.drill(drill)[lane]["good"].as_u64().unwrap() > 30, "{drill} {lane}: {done:?}");
        }
    }
    assert_eq!(done.report["missing"], Value::Array(vec![]), "{done:?}");
    // Nothing is wider than a terminal.
    let widest = done.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{}", done.stdout);
}

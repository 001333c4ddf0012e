//! The simulated world, for a first look: the same every time.

use std::fs;

use crate::run::Place;

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let place = Place::new();
    let flags = ["--platform", "simulated", "--seed", "1", "-o", "report.json"];
    let report = || {
        let done = place.trial(&flags, &[]);
        assert_eq!(done.code, 0, "{done:?}");
        fs::read(place.path().join("report.json")).unwrap()
    };
    let first = report();
    assert_eq!(first, report());
}

#[test]
fn what_is_planted_is_found() {
    let place = Place::new();
    for cause in [
        "endpoint-removal-race",
        "exit-on-sigterm",
        "sigterm-ignored",
        "grace-period-too-short",
        "traffic-before-ready",
        "shutdown-closes-idle-keepalive",
        "accept-queue-discard",
        "bad-release-served",
    ] {
        let done = place.trial(&["--platform", "simulated", "--seed", "1", "--plant", cause], &[]);
        let causes = done.causes();
        assert!(causes.contains_key(cause), "{cause}: {causes:?}\n{}", done.stdout);
        assert!(!causes.contains_key("unexplained"), "{cause}: {causes:?}\n{}", done.stdout);
        // What a client may send again is found, but not held against anybody.
        assert!(done.code == 1 || cause == "shutdown-closes-idle-keepalive", "{cause}: {done:?}");
    }
}

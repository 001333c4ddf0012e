//! Texts that nobody should write: no rule may fail on them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{RIGHT, of};

proptest! {
    /// Whatever is cut out, doubled or put in the place of something else.
    #[test]
    fn a_text_that_was_mangled_is_read_or_refused(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8), 1..6)) {
        let mut lines: Vec<String> = RIGHT.lines().map(str::to_owned).collect();
        for (at, other, how) in cuts {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match how {
                0 => drop(lines.remove(at)),
                1 => { let line = lines[other].clone(); lines.insert(at, line); }
                2 => lines.swap(at, other),
                _ => { let half = lines[at].chars().take(lines[at].chars().count() / 2).collect(); lines[at] = half; }
            }
            if lines.is_empty() { lines.push(String::new()); }
        }
        let report = of(&lines.join("\n"));
        prop_assert!(report.findings.iter().all(|finding| finding.place.line >= 1));
    }

    /// A value of any kind where another one is expected.
    #[test]
    fn values_of_the_wrong_kind_do_no_harm(at in any::<prop::sample::Index>(), value in prop::sample::select(vec!["[]", "{}", "-1", "99999999999999999999", "''", "'\\0'", "[[[]]]", "{a: {b: c}}", "%", "null", "1e309"])) {
        let places: Vec<usize> = RIGHT.match_indices(": ").map(|(place, _)| place).collect();
        let place = places[at.index(places.len())] + 2;
        let (before, rest) = RIGHT.split_at(place);
        let (_, after) = rest.split_at(rest.find([',', '}', ']', '\n']).unwrap_or(rest.len()));
        let text = format!("{before}{value}{after}");
        let report = of(&text);
        prop_assert!(report.objects <= 11);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let report = of(&text);
        prop_assert!(report.unreadable.len() <= 1);
    }
}

#[test]
fn numbers_at_their_ends_do_no_harm() {
    for value in ["-9223372036854775808", "9223372036854775807", "-1", "0"] {
        let text = RIGHT
            .replace("replicas: 3", &format!("replicas: {value}"))
            .replace("periodSeconds: 5", &format!("periodSeconds: {value}"))
            .replace("failureThreshold: 6", &format!("failureThreshold: {value}"))
            .replace("seconds: 5", &format!("seconds: {value}"))
            .replace("terminationGracePeriodSeconds: 30", &format!("terminationGracePeriodSeconds: {value}"))
            .replace("maxUnavailable: 0", &format!("maxUnavailable: {value}"));
        let report = of(&text);
        assert!(report.unreadable.is_empty());
        let percent = text.replace("maxUnavailable: 1 # budget", &format!("maxUnavailable: {value}%"));
        assert!(of(&percent).unreadable.is_empty());
    }
}

#[test]
fn a_secret_is_never_repeated() {
    let secret = "hunter2hunter2";
    for text in [
        format!("kind: Secret\napiVersion: v1\ndata: {{password: {secret}\n"),
        format!("kind: Secret\napiVersion: v1\ndata:\n  password: {secret}\n\tx: y\n"),
        format!("a: *{secret}\n"),
        format!("a: !!{secret} [\n"),
    ] {
        let report = of(&text);
        assert_eq!(report.unreadable.len(), 1, "{text}");
        assert!(!crate::report::text(&report).contains(secret), "{text}");
    }
}

/// Ten thousand documents that all refer to each other by name and label.
#[test]
fn much_is_read() {
    let mut text = String::new();
    for n in 0..900 {
        let own = RIGHT
            .replace("web", &format!("web{n}"))
            .replace("name: db", &format!("name: db{n}"))
            .replace("app: db", &format!("app: db{n}"));
        let _infallible = writeln!(text, "{own}---");
    }
    let report = of(&text);
    assert_eq!(report.objects, 900 * 10, "{:?}", report.unreadable);
}

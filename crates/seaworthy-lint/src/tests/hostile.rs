//! Texts that nobody should write: no rule may fail on them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{RIGHT, line, of, with};
use crate::{Source, lint};

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
    for n in 0..1_000 {
        let own = RIGHT
            .replace("web", &format!("web{n}"))
            .replace("name: db", &format!("name: db{n}"))
            .replace("app: db", &format!("app: db{n}"));
        let _infallible = writeln!(text, "{own}---");
    }
    let report = of(&text);
    assert_eq!(report.objects, 10_000, "{:?}", report.unreadable);
}

/// Lists in Lists by aliases: some hundred bytes that are a billion objects.
#[test]
fn lists_that_multiply_are_refused() {
    let nested = |times: usize, item: &str| {
        let mut text = format!("x0: &a0 {{apiVersion: v1, kind: List, items: [{item}]}}\n");
        for n in 1..=times {
            let items = vec![format!("*a{}", n - 1); 10].join(", ");
            let _infallible = writeln!(text, "x{n}: &a{n} {{apiVersion: v1, kind: List, items: [{items}]}}");
        }
        let _infallible = writeln!(text, "apiVersion: v1\nkind: List\nitems: [*a{times}]");
        text
    };
    let pod = "{apiVersion: v1, kind: Pod}";
    assert_eq!(of(&nested(3, pod)).objects, 1_000);
    for item in [pod, "", "~"] {
        let report = of(&nested(9, item));
        let [unreadable] = report.unreadable.as_slice() else { panic!("{item}: {:?}", report.unreadable) };
        assert!(unreadable.problem.contains("aliases that repeat more than 500,000"), "{item}: {unreadable:?}");
        assert_eq!(report.objects, 0, "{item}");
    }
}

#[test]
fn more_objects_than_anybody_has_are_refused() {
    let list = |objects: usize| {
        format!("apiVersion: v1\nkind: List\nitems:\n{}", "- {apiVersion: v1, kind: X}\n".repeat(objects))
    };
    assert_eq!(of(&list(99_999)).objects, 99_999);
    let report = lint(&[Source { name: "a", text: &list(100_000) }, Source { name: "b", text: RIGHT }]);
    assert_eq!((report.objects, report.unreadable.len()), (10, 1));
    let unreadable = &report.unreadable[0];
    assert!(unreadable.source == "a" && unreadable.problem.contains("more than 100,000 objects"), "{unreadable:?}");
    assert!(unreadable.line == Some(100_003), "{unreadable:?}");
}

/// All have one label, each has one of its own; and in each namespace there is one of the same name.
#[test]
fn many_that_share_a_label_are_told_apart() {
    const MANY: usize = 3_000;
    let mut text = String::new();
    for n in 0..MANY {
        let _infallible = writeln!(
            text,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{n}}}\nspec:\n  selector: {{matchLabels: {{of: all, app: w{n}}}}}\n  template: {{metadata: {{labels: {{of: all, app: w{n}}}}}, spec: {{containers: [{{name: w, image: w, ports: [{{containerPort: 80}}]}}]}}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: w{n}}}\nspec: {{selector: {{of: all, app: w{n}}}, ports: [{{port: 80}}]}}\n---"
        );
    }
    let report = of(&text);
    assert_eq!(report.objects, 2 * MANY);
    let told = report.findings.iter().filter(|finding| finding.cause == "traffic-before-ready");
    assert_eq!(told.clone().count(), MANY);
    assert!(
        told.take(50).all(|finding| finding.what.contains(&finding.place.object.replace("Deployment/", "Service/")))
    );
    // And where each Service selects all of them.
    let all = of(&text.replace("spec: {selector: {of: all, app: w", "spec: {selector: {of: all}, x: {a: w"));
    assert_eq!(all.findings.iter().filter(|finding| finding.cause == "traffic-before-ready").count(), MANY);
}

#[test]
fn many_allowances_in_one_object_are_read() {
    let mut many = String::new();
    for n in 0..20_000 {
        let _infallible = writeln!(
            many,
            "  # seaworthy: allow recreate-gap because of that\n  x{n}: y # seaworthy: allow force-delete because of this"
        );
    }
    let allowed = "  # seaworthy: allow single-replica-gap because nobody calls it";
    let text = with("  replicas: 3 # web", &format!("{many}{allowed}\n  replicas: 1 # web"));
    let report = of(&text);
    assert_eq!((report.findings.len(), report.notes.len()), (0, 40_000), "{:?}", report.unreadable);
    // One that stands apart from what is below it is not about that.
    let apart = with("  replicas: 3 # web", &format!("{allowed}\n\n  # More.\n  replicas: 1 # web"));
    assert_eq!((of(&apart).findings.len(), of(&apart).notes.len()), (1, 1));
    // As many as may stand in a row, all about the line below.
    let row = "  # seaworthy: allow recreate-gap because of that\n".repeat(9_990);
    let above = with("  replicas: 3 # web", &format!("{allowed}\n{row}  replicas: 1 # web"));
    let report = of(&above);
    assert_eq!((report.findings.len(), report.notes.len()), (0, 9_990), "{:?}", report.unreadable);
    let list = format!("# seaworthy: allow {} because of that\n{RIGHT}", "recreate-gap,".repeat(20_000));
    assert_eq!(of(&list).notes.len(), 20_000);
}

#[test]
fn annotations_are_told_as_comments_are() {
    let annotated = |annotation: &str| {
        let annotations = format!("metadata: {{name: web, annotations: {{{annotation}}}}} # deployment");
        let text = with("metadata: {name: web} # deployment", &annotations).replace("replicas: 3", "replicas: 1");
        let place = line(&text, "annotations: {seaworthy/allow.");
        (of(&text), format!("app.yaml:{place}: "))
    };
    for (annotation, findings, words) in [
        ("seaworthy/allow.single-replica-gap: nobody calls it", 0, None),
        ("seaworthy/allow.single-replica-gap: ''", 1, Some("this allows single-replica-gap without a reason")),
        ("seaworthy/allow.single-replica-gap: []", 1, Some("this allows single-replica-gap without a reason")),
        (
            "seaworthy/allow.recreate-gap: we like it",
            1,
            Some("recreate-gap is allowed here, and is not predicted here"),
        ),
        ("seaworthy/allow.single-replica: x", 1, Some("single-replica is allowed here, and is no cause")),
        ("seaworthy/allow.single-replica: x", 1, Some("is it single-replica-gap?")),
    ] {
        let (report, place) = annotated(annotation);
        assert_eq!(report.findings.len(), findings, "{annotation}: {:?}", report.findings);
        let told = |note: &String| note.starts_with(&place) && words.is_some_and(|words| note.contains(words));
        assert_eq!(
            report.notes.iter().filter(|note| told(note)).count(),
            words.iter().count(),
            "{annotation}: {:?}",
            report.notes
        );
        assert_eq!(report.notes.len(), words.iter().count(), "{annotation}: {:?}", report.notes);
    }
    let (report, _) = annotated("seaworthy/allow.single-replica-gap: \"nobody\\n\\n  calls it\"");
    assert!(report.allowed.iter().any(|allowed| allowed.because == "nobody calls it"), "{:?}", report.allowed);
}

#[test]
fn an_annotation_is_its_own_objects_even_in_one_line() {
    let deployment = |name: &str, annotations: &str| {
        format!(
            "{{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {{\"name\": \"{name}\", \"annotations\": {{{annotations}}}}}, \"spec\": {{\"template\": {{\"metadata\": {{\"labels\": {{\"app\": \"w\"}}}}, \"spec\": {{\"terminationGracePeriodSeconds\": 0, \"containers\": [{{\"name\": \"w\", \"image\": \"w\"}}]}}}}}}}}"
        )
    };
    let allowed = deployment("one", "\"seaworthy/allow.force-delete\": \"of that\"");
    let text =
        format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{allowed}, {}]}}", deployment("two", ""));
    let report = of(&text);
    let of_cause = |finding: &&crate::Finding| finding.cause == "force-delete";
    let told: Vec<_> = report.findings.iter().filter(of_cause).map(|finding| &*finding.place.object).collect();
    assert_eq!((told, report.notes.as_slice()), (vec!["Deployment/two"], &[] as &[String]));
    assert_eq!(
        report.allowed.iter().map(|allowed| &*allowed.finding.place.object).collect::<Vec<_>>(),
        ["Deployment/one"]
    );
}

#[test]
fn a_comment_above_the_first_document_is_about_it() {
    let comment = "# seaworthy: allow single-replica-gap because nobody calls it";
    let right = with("replicas: 3 # web", "replicas: 1 # web");
    for head in [
        format!("{comment}\n---\n"),
        format!("# A licence.\n\n{comment}\n\n---\n"),
        format!("---\n{comment}\n\n"),
        format!("%YAML 1.2\n{comment}\n---\n"),
    ] {
        let report = of(&format!("{head}{right}"));
        assert!(report.unreadable.is_empty(), "{head:?}: {:?}", report.unreadable);
        assert_eq!((report.findings.as_slice(), report.notes.as_slice()), (&[] as &[_], &[] as &[String]), "{head:?}");
    }
    // One that belongs to nothing is told.
    for text in [format!("{comment}\n---\n---\n{right}"), format!("{right}\n{comment}\n")] {
        let report = of(&text);
        assert_eq!((report.findings.len(), report.notes.len()), (1, 1), "{:?}", report.notes);
    }
}

//! What is to be written in place of a mistake can be pasted.

use super::{RIGHT, WRONG, of, with};
use crate::yaml;

/// Everything that is said to mend something: of all mistakes, and of the right system's own.
fn mends() -> Vec<String> {
    let wrong = WRONG.iter().map(|(part, instead, ..)| with(part, instead));
    let stores = STORES.iter().map(|(image, port, _)| store(image, port));
    let texts = wrong.chain(stores).chain([RIGHT.replace("single-replica-gap", "other")]);
    let findings = texts.flat_map(|text| of(&text).findings);
    let mut all: Vec<String> = findings.map(|finding| finding.fix).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn what_looks_like_yaml_is_yaml() {
    let all = mends();
    assert!(all.len() > 40, "{}", all.len());
    let mut snippets = 0;
    for mend in &all {
        let parts: Vec<&str> = mend.split('`').collect();
        assert!(parts.len() % 2 == 1, "a backtick is left open: {mend}");
        for (at, part) in parts.iter().enumerate() {
            if at % 2 == 0 {
                assert!(!part.contains(": ") && !part.contains(['{', '}']), "YAML outside of backticks: {mend}");
            } else if part.contains(": ") && !part.starts_with('#') {
                let read = yaml::read(part).unwrap_or_else(|problem| panic!("{part}: {problem:?}"));
                assert!(read.len() == 1 && !read[0].node.entries().is_empty(), "{part}");
                assert!(!part.contains("..."), "nobody can paste {part}");
                snippets += 1;
            }
        }
    }
    assert!(snippets > 20, "{snippets}");
}

#[test]
fn what_accepts_is_an_acceptance() {
    for mend in mends().iter().filter(|mend| mend.contains("# seaworthy")) {
        let comment = mend.split('`').find(|part| part.starts_with("# seaworthy")).unwrap();
        let cause = comment.split(' ').nth(3).unwrap();
        let text = with("replicas: 3 # web", &format!("replicas: 3 {comment}"));
        let notes = of(&text).notes;
        assert!(notes.iter().all(|note| note.contains(&format!("{cause} is allowed here"))), "{notes:?}");
    }
}

/// Images that do not speak HTTP, their ports, and what the mend asks them.
#[rustfmt::skip]
const STORES: &[(&str, &str, &str)] = &[
    ("redis:7", "containerPort: 6379", "command: [sh, -c, 'redis-cli ping | grep -q PONG']"),
    ("bitnami/redis", "containerPort: 6380", "'redis-cli -p 6380 ping | grep -q PONG'"),
    ("valkey/valkey:8", "containerPort: 6379", "valkey-cli ping"),
    ("mysql:8.4", "containerPort: 3306", "command: [mysqladmin, ping, --host=127.0.0.1]"),
    ("mysql:8.4", "containerPort: 3307", "--port=3307"),
    ("mariadb:11", "containerPort: 3306", "mariadb-admin"),
    ("postgres:16", "containerPort: 5432", "command: [pg_isready, --host=127.0.0.1]"),
    ("mongo:8", "containerPort: 27017", "tcpSocket: {port: 27017}"),
    ("own/store", "containerPort: 6379, name: redis", "tcpSocket: {port: redis}"),
    ("own/store", "containerPort: 6379", "tcpSocket: {port: 6379}"),
    ("own/web", "containerPort: 8081", "httpGet: {path: /readyz, port: 8081}"),
    ("own/web", "containerPort: 8081, name: http", "httpGet: {path: /readyz, port: http}"),
    ("own/calls", "containerPort: 50051, name: grpc", "grpc: {port: 50051}"),
];

fn store(image: &str, port: &str) -> String {
    let number: String = port.chars().filter(char::is_ascii_digit).collect();
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{selector: {{app: s}}, ports: [{{port: {number}}}]}}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: s}}\nspec:\n  replicas: 3\n  selector: {{matchLabels: {{app: s}}}}\n  template:\n    metadata: {{labels: {{app: s}}}}\n    spec:\n      containers: [{{name: s, image: '{image}', ports: [{{{port}}}]}}]\n"
    )
}

#[test]
fn what_is_asked_is_what_can_answer() {
    for (image, port, words) in STORES {
        let report = of(&store(image, port));
        let mend = report.findings.iter().find(|finding| finding.cause == "traffic-before-ready").unwrap();
        assert!(mend.fix.contains(words), "{image} {port}: {}", mend.fix);
    }
}

#[test]
fn labels_are_pasted_as_texts() {
    let text = store("own/web", "containerPort: 8080").replace("app: s", "app: '123', on: 'true'");
    let report = of(&text);
    let mend = report.findings.iter().find(|finding| finding.cause == "colocated-replicas-drained").unwrap();
    assert!(mend.fix.contains("{matchLabels: {app: '123', 'on': 'true'}}"), "{}", mend.fix);
}

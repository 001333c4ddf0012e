//! The page that people share: written by a trial, and again from its history; of one, and of two.

use std::{fs, process::Command};

use crate::run::Place;

fn ended(mut command: Command) -> (i32, String, Vec<u8>) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap(), output.stdout)
}

fn simulated(place: &Place, flags: &[&str]) -> i32 {
    place.trial(&[&["--platform", "simulated", "--drills", "rollout"], flags].concat(), &[]).code
}

#[test]
fn a_run_is_reported_again_byte_for_byte() {
    let place = Place::new();
    let flags = ["--seed", "1", "--plant", "endpoint-removal-race", "--try-fix", "-o", "page.html"];
    assert_eq!(simulated(&place, &flags), 1);
    let page = fs::read(place.path().join("page.html")).unwrap();
    let text = String::from_utf8(page.clone()).unwrap();
    for said in ["<h1>NOT SEAWORTHY</h1>", "endpoint-removal-race (confirmed)", "id=\"f1-1\"", "<h2>Tried</h2>"] {
        assert!(text.contains(said), "{said}");
    }
    // Beside the history, to a file, and to stdout; whatever the verdict was.
    for (args, file) in [
        (&["report"] as &[&str], Some("runs/latest/report.html")),
        (&["report", "runs/latest/history.jsonl", "-o", "again.html"], Some("again.html")),
        (&["report", "runs/latest", "-o", "-"], None),
    ] {
        let (code, said, out) = ended(place.seaworthy(args));
        assert_eq!(code, 0, "{said}");
        let again = file.map_or(out, |file| fs::read(place.path().join(file)).unwrap());
        assert!(again == page, "{args:?} is another page");
        assert_eq!(said.is_empty(), file.is_none(), "where it is, is said: {said}");
        assert!(file.is_none_or(|file| said.contains(file.rsplit('/').next().unwrap())), "{said}");
    }
}

#[test]
fn only_such_a_page_is_written_over() {
    let place = Place::new();
    assert_eq!(simulated(&place, &["--seed", "1"]), 0);
    let file = place.path().join("mine.html");
    fs::write(&file, "<!DOCTYPE html>\n<p>mine").unwrap();
    let (code, said, _) = ended(place.seaworthy(&["report", "-o", "mine.html"]));
    assert!(
        code == 4 && said.contains("is there, and is no such report") && said.lines().count() == 1,
        "{code}: {said}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "<!DOCTYPE html>\n<p>mine");
    for args in [&["report", "-o", "mine.html", "--force"] as &[&str], &["report", "-o", "mine.html"]] {
        let (code, said, _) = ended(place.seaworthy(args));
        assert_eq!(code, 0, "{said}");
    }
    assert!(fs::read_to_string(&file).unwrap().contains("<h1>SEAWORTHY</h1>"));
}

#[test]
fn two_runs_stand_beside_each_other() {
    let place = Place::new();
    assert_eq!(simulated(&place, &["--seed", "1", "--plant", "endpoint-removal-race"]), 1);
    let first = fs::canonicalize(place.runs().join("latest")).unwrap();
    assert_eq!(simulated(&place, &["--seed", "2", "--pre-stop", "2s"]), 0);
    let (code, said, _) = ended(place.seaworthy(&["report", first.to_str().unwrap(), "runs/latest"]));
    assert_eq!(code, 0, "{said}");
    let text = fs::read_to_string(place.runs().join("latest/comparison.html")).unwrap();
    for shown in
        ["gone", "These trials are unlike", "seed: 1, then 2", "preStop: sleep 2s", "NOT SEAWORTHY", ">SEAWORTHY<"]
    {
        assert!(text.contains(shown), "{shown}");
    }
    assert_eq!(text.matches("class=\"plot\"").count(), 2);
}

#[test]
fn what_cannot_be_reported_says_why() {
    let place = Place::new();
    assert_eq!(simulated(&place, &["--seed", "1"]), 0);
    fs::write(place.path().join("load.json"), "{\"schema\": \"seaworthy.load/1\"}\n").unwrap();
    for (args, code, says) in [
        (&["report", "nowhere"] as &[&str], 4, "cannot read nowhere"),
        (&["report", "load.json"], 4, "load -o report.html"),
        (&["report", "-o", "report.md"], 2, "seaworthy diagnose -o"),
        (&["report", "-o", "missing/report.html"], 4, "there is no folder"),
        (&["report", "a", "b", "c"], 2, ""),
    ] {
        let (came, said, out) = ended(place.seaworthy(args));
        assert!(came == code && said.contains(says) && out.is_empty(), "{args:?}: {came}: {said}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.seaworthy(&["report", "-o", "-"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.seaworthy(&["report", "-o", "-"]).stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "whoever stops reading wants no more: {output:?}");
}

//! Small services, each wrong in one known way: its cause has to be found, and with the fix nothing is found.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use crate::run::{Done, Place, SHORT, target};

/// A service that is wrong in one way, and what a trial has to find.
struct Row {
    /// What is wrong, as `faulty.py` names it.
    fault: &'static str,
    /// What is said to it, with the fix and without.
    words: &'static [&'static str],
    /// The drill that shows it.
    drill: &'static str,
    /// Flags of the trial: they count more than `SHORT`.
    flags: &'static [&'static str],
    /// Causes that must be found.
    must: &'static [&'static str],
    /// Causes that may be found beside them.
    may: &'static [&'static str],
    /// Causes that may be found with the fix, too: the drill allows what they explain.
    still: &'static [&'static str],
    /// Whether it fails the trial. What is only slow does not.
    fails: bool,
}

/// A row that differs in little from this one.
const PLAIN: Row =
    Row { fault: "", words: &[], drill: "rollout", flags: &[], must: &[], may: &[], still: &[], fails: true };

/// Beside what a process cuts at its end: what comes after, and what it had not yet accepted.
const AFTER_THE_END: &[&str] = &["endpoint-removal-race", "accept-queue-discard", "shutdown-closes-idle-keepalive"];

const WRITES: &[&str] = &["--write", "POST /items {\"name\":\"{key}\"}", "--read", "GET /items/{id}"];
const WRITES_AND_LIST: &[&str] =
    &["--write", "POST /items {\"name\":\"{key}\"}", "--read", "GET /items/{id}", "--list", "GET /items"];

/// `{data}` is a directory of the trial's own, `{faulty}` the program.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { fault: "exit-at-once", words: &["takes=0.1"], must: &["exit-on-sigterm"], may: AFTER_THE_END, ..PLAIN },
    // What may be sent again would not be lost.
    Row { fault: "swallows-sigterm", words: &["takes=0.3", "drain=1"],
          flags: &["--grace", "2s", "--no-resend", "--rate", "150"], must: &["sigterm-ignored"], ..PLAIN },
    Row { fault: "drops-in-flight", words: &["takes=0.3", "lives_on=0.2"], flags: &["--rate", "150"],
          must: &["endpoint-removal-race", "exit-on-sigterm"], may: AFTER_THE_END, ..PLAIN },
    Row { fault: "drops-queue", must: &["accept-queue-discard"], ..PLAIN },
    // The first replicas are given the time to warm up: the baseline is not to see it.
    Row { fault: "ready-too-early", drill: "scale-up",
          flags: &["--port", "ops", "--readiness", "/ready port=ops period=200ms", "--min-ready", "2500ms"],
          must: &["traffic-before-ready"], ..PLAIN },
    Row { fault: "errors-after-start", drill: "scale-up", flags: &["--min-ready", "2500ms"],
          must: &["traffic-before-ready"], ..PLAIN },
    Row { fault: "slow-start", words: &["warm_up=4"], drill: "scale-up",
          flags: &["--min-ready", "4500ms", "--after", "10s"],
          must: &["cold-start"], fails: false, ..PLAIN },
    // Whether one is slow for as long as it lives takes a while to see.
    Row { fault: "slow-replica", words: &["me={replica}"], drill: "scale-up", flags: &["--rate", "100", "--baseline", "17s"],
          must: &["slow-replica"], fails: false, ..PLAIN },
    // Each connection is used again after some 600 ms.
    Row { fault: "short-keepalive", words: &["idle=0.6", "closing=0.03"], drill: "scale-up",
          flags: &["--fresh", "30", "--rate", "100", "--connections", "42", "--no-resend", "--baseline", "3s"],
          must: &["keepalive-idle-race"], ..PLAIN },
    Row { fault: "error-in-200", drill: "terminate", must: &["error-with-success-status"], ..PLAIN },
    Row { fault: "truncates", words: &["takes=0.02"], must: &["silent-truncation"],
          may: &["exit-on-sigterm", "endpoint-removal-race", "accept-queue-discard", "shutdown-closes-idle-keepalive"],
          ..PLAIN },
    // Until it has started nobody asks whether it lives: on a busy machine that takes a while.
    Row { fault: "liveness-under-load", words: &["takes=0.015", "waiting=30"], drill: "liveness",
          flags: &["--startup", "/ready period=200ms failures=50",
                   "--liveness", "/live period=500ms timeout=500ms failures=3", "--liveness-load", "400"],
          must: &["liveness-kill-under-load"], may: &["overload-shedding", "readiness-flap"], still: &["overload-shedding"], ..PLAIN },
    // Each process reaches its limit once, after the drill and before the trial is over: the next time is further away than that.
    Row { fault: "leaks", words: &["leak=280000"], drill: "terminate", flags: &["--memory-limit", "64Mi", "--after", "5s"],
          must: &["oom-killed"], ..PLAIN },
    Row { fault: "forgets", words: &["data={data}", "later=1.5", "drain=1"], flags: WRITES,
          must: &["ack-before-persist"], may: &["stale-replica-read"], ..PLAIN },
    Row { fault: "writes-twice", words: &["data={data}"], drill: "terminate", flags: WRITES_AND_LIST,
          must: &["retry-duplicate-write"], ..PLAIN },
    Row { fault: "stale-pool", drill: "database-restart",
          flags: &["--database", "python3 {faulty} database", "--database-down", "2s", "--after", "3s"],
          must: &["stale-db-pool"], may: &["db-unavailable-window"], still: &["db-unavailable-window"], ..PLAIN },
];

/// Flags, of which those that come first count more.
fn joined<'a>(first: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    let mut flags = first.to_vec();
    for pair in rest.chunks(2) {
        if pair.first().is_some_and(|name| !first.contains(name)) {
            flags.extend(pair);
        }
    }
    flags
}

impl Row {
    /// A trial of it, with the fix or without.
    fn tried(&self, fixed: bool) -> Done {
        let place = Place::new();
        let (data, faulty) = (place.path().join("data"), target("faulty.py"));
        fs::create_dir(&data).unwrap();
        let filled = |word: &str| word.replace("{data}", data.to_str().unwrap()).replace("{faulty}", &faulty);
        let usual = [SHORT, &["--rate", "100", "--readiness", "/ready period=200ms", "--drills", self.drill]].concat();
        let flags: Vec<String> = joined(self.flags, &usual).into_iter().map(filled).collect();
        let fix: &[&str] = if fixed { &["fixed"] } else { &[] };
        let words = [&["python3", "{faulty}", self.fault], fix, self.words].concat();
        let command: Vec<String> = words.into_iter().map(filled).collect();
        let [flags, command] = [&flags, &command].map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
        place.trial(&flags, &command)
    }

    /// What is wrong with what was found, a line each.
    fn wrong(&self, fixed: bool, done: &Done, found: &BTreeMap<String, u64>) -> Vec<String> {
        let code = i32::from(self.fails && !fixed);
        let mut wrong = Vec::new();
        if done.code != code {
            let said = format!("{}{}", done.last_line(), done.stderr.lines().last().unwrap_or_default());
            wrong.push(format!("exit code {}, and not {code}: {said}", done.code));
        }
        let (must, may) = if fixed { (&[] as &[&str], self.still) } else { (self.must, self.may) };
        let missing = must.iter().filter(|cause| !found.contains_key(**cause));
        wrong.extend(missing.map(|cause| format!("{cause} was not found")));
        let more = found.keys().filter(|cause| ![must, may].concat().contains(&cause.as_str()));
        wrong.extend(more.map(|cause| format!("{cause} was found")));
        wrong.iter().map(|line| format!("{}: {line}", self.name(fixed))).collect()
    }

    fn name(&self, fixed: bool) -> String {
        format!("{}{}", self.fault, if fixed { ", fixed" } else { "" })
    }
}

/// What was found of the target; nothing where there is no report.
fn found(done: &Done) -> BTreeMap<String, u64> {
    let findings = done.report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_target = findings.iter().filter(|finding| finding["own"] != true);
    let counted = of_target.filter_map(|finding| Some((finding["cause"].as_str()?, finding["count"].as_u64()?)));
    counted.map(|(cause, count)| (cause.to_owned(), count)).collect()
}

/// The confusion table: a line for each expectation, with what was found and how often.
fn line(row: &Row, fixed: bool, found: &BTreeMap<String, u64>) -> String {
    let expected = if fixed { "nothing".to_owned() } else { row.must.join(" and ") };
    let counts: Vec<String> = found.iter().map(|(cause, count)| format!("{cause} {count}")).collect();
    let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    format!("{:28} {expected:40} {counts}", row.name(fixed))
}

#[test]
fn each_fault_is_found_by_its_name_and_nothing_with_its_fix() {
    let mut table = format!("{:28} {:40} found\n", "service", "expected");
    let mut wrong = Vec::new();
    // One of them can be asked for by its name.
    let only = std::env::var("SEAWORTHY_FAULT").ok();
    for row in ROWS.iter().filter(|row| only.as_deref().is_none_or(|only| only == row.fault)) {
        for fixed in [false, true] {
            let done = row.tried(fixed);
            let found = found(&done);
            writeln!(table, "{}", line(row, fixed, &found)).unwrap();
            let lines = row.wrong(fixed, &done, &found);
            if !lines.is_empty() {
                wrong.extend(lines);
                wrong.push(done.stdout);
            }
        }
    }
    print(&table);
    assert!(table.lines().count() > 1, "there is no fault {only:?}");
    assert!(wrong.is_empty(), "{}\n\n{table}", wrong.join("\n"));
}

/// Shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the table is what one reads")]
fn print(table: &str) {
    println!("{table}");
}

//! The notes' text, made from the results and from nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use super::{
    Results,
    servers::{SERVERS, Server},
};
use crate::run::{Outcome, say};

/// What came of a server.
struct Tried<'a> {
    server: &'a Server,
    version: String,
    found: Value,
    mended: Value,
}

/// What stands above all results.
const ABOVE: &str = "\
# Field notes

Real servers, started as their own documentation starts them, in a rollout and with one replica deleted
([the sea trial](trial.md) says how it is judged); and again with the line that mends it. `cargo xtask field-notes [NAME...]`
makes all of it again, installs what that needs, and writes this file from the reports.

The commands are for the root of this repository. Python's servers are in `target/tools/field/bin`, which comes first in
`PATH`; Express needs `NODE_PATH=target/tools/node/node_modules`.

Every process gets SIGTERM here, and is not PID 1. In a container it gets what its image declares as STOPSIGNAL (nginx's
image: SIGQUIT, which is its graceful end), and as PID 1 without a handler it would ignore SIGTERM: `--as-pid-1` shows that.
What is lost depends on the propagation, one second here: less in a small cluster, more behind a cloud's load balancer.
";

/// Writes the notes.
pub(super) fn write(path: &Path) -> Outcome {
    let mut tried = Vec::new();
    let mut missing = Vec::new();
    for server in SERVERS {
        match read(server) {
            Ok(one) => tried.push(one),
            Err(why) => {
                say(&format!("no results of {}: {why}", server.name));
                missing.push(server.title);
            }
        }
    }
    fs::write(path, text(&tried, &missing)).map_err(|error| format!("{}: {error}", path.display()))
}

/// The results of a server, where there are any.
fn read(server: &Server) -> Outcome<Tried<'_>> {
    let results = Results::of(server);
    let text = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let report = |path: &Path| {
        serde_json::from_str::<Value>(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))
    };
    let (found, mended) = (report(&results.found)?, report(&results.mended)?);
    Ok(Tried { server, version: text(&results.version)?, found, mended })
}

fn text(tried: &[Tried<'_>], missing: &[&str]) -> String {
    let mut text = vec![ABOVE.to_owned()];
    if let Some(first) = tried.first() {
        // Whoever reads it has to know where the figures are from.
        let machines: BTreeSet<&str> = tried.iter().map(|one| word(&one.found["trial"]["machine"])).collect();
        let machines: Vec<&str> = machines.into_iter().collect();
        let rate = number(&first.found["trial"]["requests_per_second"]);
        text.push(format!("\n{rate} requests per second, on: {}.\n", machines.join("; ")));
    }
    text.push(
        "\n| server | lost as it is started | by | mended by | lost then |\n| --- | --- | --- | --- | --- |\n"
            .to_owned(),
    );
    for Tried { server, found, mended, .. } in tried {
        let (before, after) = (lost(found), lost(mended));
        let row = [server.title, &before, &causes(found, None), &format!("`{}`", server.mends), &after];
        text.push(format!("| {} |\n", row.join(" | ")));
    }
    if !missing.is_empty() {
        text.push(format!("\nNot tried: {}.\n", missing.join(", ")));
    }
    for one in tried {
        section(&mut text, one);
    }
    text.concat()
}

/// All about a server.
fn section(text: &mut Vec<String>, tried: &Tried<'_>) {
    let Tried { server, version, found, mended } = tried;
    text.push(format!("\n## {}\n\n{version}\n", server.title));
    trial(text, found);
    text.push(format!("\nMended by `{}`:\n", server.mends));
    trial(text, mended);
}

/// A trial: its command, what was lost in which drill and why, and its verdict.
fn trial(text: &mut Vec<String>, report: &Value) {
    let trial = &report["trial"];
    let day = word(&trial["began"]).split('T').next().unwrap_or_default();
    text.push(format!("\n```sh\n{}\n```\n\n", word(&trial["command"])));
    for drill in list(&report["drills"]) {
        let name = word(&drill["drill"]);
        let (ended, lost) = (both(drill, "ended"), both(drill, "lost"));
        let causes = causes(report, Some(name));
        let again = both(drill, "retried");
        let again = if again > 0 { format!("; {} sent again", thousands(again)) } else { String::new() };
        let verdict = word(&drill["verdict"]);
        let by = if causes.is_empty() { String::new() } else { format!(" ({causes})") };
        let (lost, ended) = (thousands(lost), thousands(ended));
        text.push(format!("- {name}, {verdict}: {lost} of {ended} requests lost{by}{again}\n"));
    }
    text.push(format!("\n{day}: {}\n", word(&report["conclusion"])));
}

/// What was lost in all, and the verdict where it is neither yes nor no.
fn lost(report: &Value) -> String {
    let total = &report["total"];
    let [lost, ended] = ["lost", "ended"].map(|what| thousands(total[what].as_u64().unwrap_or_default()));
    let doubt = if report["verdict"] == "inconclusive" { ", inconclusive" } else { "" };
    format!("{lost} of {ended}{doubt}")
}

/// Causes with what they lost, the most first; in one drill or in all.
fn causes(report: &Value, drill: Option<&str>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for group in list(&report["groups"]).iter().filter(|group| drill.is_none_or(|drill| group["drill"] == drill)) {
        let [count, allowed, retried] = ["count", "allowed", "retried"].map(|what| group[what].as_u64().unwrap_or(0));
        *counts.entry(word(&group["cause"])).or_default() += count.saturating_sub(allowed + retried);
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let counts: Vec<String> = counts.iter().map(|(cause, count)| format!("{cause} {}", thousands(*count))).collect();
    counts.join(", ")
}

/// Of both kinds of client.
fn both(drill: &Value, what: &str) -> u64 {
    ["keep_alive", "fresh"].iter().filter_map(|kind| drill[*kind][what].as_u64()).sum()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> String {
    value.as_f64().map(|number| number.to_string()).unwrap_or_default()
}

/// With a comma after each thousand.
fn thousands(number: u64) -> String {
    match number / 1000 {
        0 => number.to_string(),
        more => format!("{},{:03}", thousands(more), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(verdict: &str, lost: u64) -> Value {
        let group = |drill: &str, cause: &str, [count, allowed, retried]: [u64; 3]| {
            json!({
                "drill": drill, "cause": cause, "count": count, "allowed": allowed, "retried": retried,
            })
        };
        let lanes = |ended: u64, lost: u64| json!({"ended": ended, "lost": lost, "retried": lost * 2});
        let groups = [
            group("rollout", "exit-on-sigterm", [lost + 5, 2, 3]),
            group("rollout", "endpoint-removal-race", [9, 9, 0]),
            group("terminate", "sigterm-ignored", [9, 0, 0]),
        ];
        json!({
            "verdict": verdict, "conclusion": format!("{verdict}, it says"), "total": {"ended": 12_345, "lost": lost},
            "trial": {
                "began": "2026-11-21T17:40:42.705Z", "machine": "a machine",
                "command": "seaworthy trial -- it", "requests_per_second": 200.0,
            },
            "drills": [
                {"drill": "baseline", "verdict": "pass", "keep_alive": lanes(500, 0), "fresh": lanes(500, 0)},
                {"drill": "rollout", "verdict": verdict, "keep_alive": lanes(6_000, 0), "fresh": lanes(5_345, lost)},
            ],
            "groups": if lost > 0 { json!(groups) } else { json!([]) },
        })
    }

    #[test]
    fn notes_say_what_the_reports_say() {
        let server = &SERVERS[0];
        let tried = |found, mended| Tried { server, version: "Python 3".to_owned(), found, mended };
        let text = text(&[tried(report("fail", 7), report("inconclusive", 0))], &["nginx"]);
        for part in [
            "200 requests per second, on: a machine.",
            "| Python http.server | 7 of 12,345 | sigterm-ignored 9, exit-on-sigterm 7 | `lifecycle.preStop.sleep.seconds: 3` | 0 of 12,345, \
             inconclusive |",
            "Not tried: nginx.",
            "## Python http.server\n\nPython 3\n\n```sh\nseaworthy trial -- it\n```\n\n",
            "- baseline, pass: 0 of 1,000 requests lost\n",
            "- rollout, fail: 7 of 11,345 requests lost (exit-on-sigterm 7); 14 sent again\n\n2026-11-21: fail, it says\n",
            "Mended by `lifecycle.preStop.sleep.seconds: 3`:\n\n```sh\n",
            "- rollout, inconclusive: 0 of 11,345 requests lost\n\n2026-11-21: inconclusive, it says\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn thousands_have_commas() {
        let shown = [0, 999, 1_000, 1_002_003].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,002,003"]);
    }
}

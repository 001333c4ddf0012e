//! Running `seaworthy trial`, and looking at what it left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tempfile::TempDir;

/// A trial as short as it can be and still see the race: the propagation delay is half a second.
pub(crate) const SHORT: &[&str] = &[
    "--baseline",
    "1s",
    "--before",
    "500ms",
    "--after",
    "500ms",
    "--observe",
    "1500ms",
    "--propagation",
    "500ms",
    "--seed",
    "7",
];

/// One trial at a time: each measures itself, and another one beside it would be what it measures.
static ALONE: Mutex<()> = Mutex::new(());

/// Where trials of a test keep their runs.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

/// What a trial left.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The JSON report, where there was one.
    pub(crate) report: Value,
}

/// Waits until no other trial runs.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    // A test that failed while it held it has left nothing behind.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.path().join("runs")
    }

    /// A subcommand, in this place.
    pub(crate) fn seaworthy(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seaworthy"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("SEAWORTHY_RUNS", self.runs()).env("PYTHONUNBUFFERED", "1");
        command
    }

    /// A trial with these flags of this command; of the built-in service where there is none.
    pub(crate) fn trial(&self, flags: &[&str], target: &[&str]) -> Done {
        let mut args = vec!["trial"];
        args.extend(flags);
        if !target.is_empty() {
            args.push("--");
            args.extend(target);
        }
        let mut command = self.seaworthy(&args);
        let _alone = alone();
        let output = command.output().unwrap();
        self.done(output)
    }

    pub(crate) fn done(&self, output: Output) -> Done {
        let report = fs::read_to_string(self.runs().join("latest/report.json"));
        Done {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            report: report.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap()),
        }
    }
}

impl Done {
    /// The row of a drill.
    pub(crate) fn drill(&self, name: &str) -> &Value {
        let drills = self.report["drills"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        drills.iter().find(|row| row["drill"] == name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// Requests lost in a drill, beyond what it allows, by both kinds of client.
    pub(crate) fn lost(&self, drill: &str) -> u64 {
        let row = self.drill(drill);
        ["keep_alive", "fresh"].iter().map(|lane| row[*lane]["lost"].as_u64().unwrap()).sum()
    }

    /// How many failures each cause explains.
    pub(crate) fn causes(&self) -> BTreeMap<String, u64> {
        let findings = self.report["findings"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        findings
            .iter()
            .map(|finding| (finding["cause"].as_str().unwrap().to_owned(), finding["count"].as_u64().unwrap()))
            .collect()
    }

    /// The last line of what it said; it may go on in the next.
    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().rfind(|line| !line.starts_with(' ')).unwrap_or_default()
    }

    /// The one line of an error.
    pub(crate) fn error(&self) -> &str {
        let error = self.stderr.lines().last().unwrap_or_default();
        assert!(error.starts_with("seaworthy: "), "{self:?}");
        error
    }
}

/// A Python program of the tests, run as a target.
pub(crate) fn target(name: &str) -> String {
    format!("{}/tests/trial/targets/{name}", env!("CARGO_MANIFEST_DIR"))
}

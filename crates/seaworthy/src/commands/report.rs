//! `seaworthy report`: the page of a recorded trial, or of two beside each other.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command};
use seaworthy_core::{
    assessment::Assessment,
    fix,
    history::History,
    report::{
        html,
        trial::{TrialFormat, TrialReport},
    },
};

use super::{
    diagnose,
    trial::{self, folder},
};
use crate::{
    cli::{Failure, printable},
    outputs::Output,
    settings::{Environment, Setting, Values, setting, switch},
};

pub(crate) const NAME: &str = "report";

/// The argument that names the runs.
const RUN: &str = "RUN";

const RESULTS: &str = "Results";

/// What stands for stdout.
const STDOUT: &str = "-";

/// The file beside the history of a run, and that of two, beside the second.
const FILES: [&str; 2] = ["report.html", "comparison.html"];

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    setting(RESULTS, "output", "FILE", "", "Where the page is written, as .html; '-' for stdout; else report.html beside the run's history, or comparison.html beside the second's").short('o'),
    switch(RESULTS, "force", "Write over a file that is no such page"),
    setting(RESULTS, "runs", "DIR", "seaworthy-runs", "Where the runs are kept"),
    switch(RESULTS, "quiet", "Nothing but errors"),
];

const AFTER_HELP: &str = "\
    seaworthy report                          the last run
    seaworthy report seaworthy-runs/A         another one
    seaworthy report A B                      before and after a change

It is what `seaworthy trial -o report.html` writes. The page of a load test comes from
`seaworthy load -o report.html`: there is no history of it.

Exit codes: 0 written, whatever the verdict; 2 wrong usage; 4 a run cannot be read, or
the page not be written.
";

pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("The page of a recorded trial, or of two beside each other")
        .after_help(AFTER_HELP)
        .arg(
            Arg::new(RUN)
                .num_args(0..=2)
                .help("The folder of a run, or its history; else the last one. Of two the first is what was before"),
        )
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Reads one run or two, and writes their page.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let mut runs: Vec<PathBuf> = matches.get_many::<String>(RUN).into_iter().flatten().map(PathBuf::from).collect();
    if runs.is_empty() {
        runs.push(trial::runs(&values)?.join(folder::LATEST));
    }
    let quiet = values.switch("quiet")?;
    let target = target(&values, &runs)?;
    let judged = runs.iter().map(|run| judged(run, quiet)).collect::<Result<Vec<_>, _>>()?;
    let reports: Vec<TrialReport<'_>> = judged.iter().map(|(history, came)| TrialReport::new(history, came)).collect();
    let page = match &*reports {
        [before, after] => html::compare([before, after]),
        [one, ..] => html::trial(one),
        [] => String::new(),
    };
    match target {
        None => tell(&page)?,
        Some(output) => {
            output.write(&page)?;
            if !quiet {
                let words = format!("the report is in {}", output.path().display());
                // Nobody may be reading; then nobody misses it.
                let _told = writeln!(io::stderr(), "{}", printable(&words));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn judged(run: &Path, quiet: bool) -> Result<(History, Assessment), Failure> {
    let (history, again) = diagnose::recorded(run, quiet).map_err(|failure| Failure {
        message: format!(
            "{}; a report is made of the history of a trial (of a load: load -o report.html)",
            failure.message
        ),
        ..failure
    })?;
    let assessment = fix::judged(&history, &again);
    Ok((history, assessment))
}

/// The file that is to be written; nothing where that is stdout.
fn target(values: &Values<'_>, runs: &[PathBuf]) -> Result<Option<Output<TrialFormat>>, Failure> {
    let given = values.given("output");
    if given.as_ref().is_some_and(|given| given.text == STDOUT) {
        return Ok(None);
    }
    let path = match &given {
        Some(given) => {
            given.parse(html_ending)?;
            PathBuf::from(&given.text)
        }
        None => beside(runs),
    };
    if !values.switch("force")? && is_foreign(&path) {
        let shown = path.display();
        return Err(Failure::could_not_run(format!(
            "{shown} is there, and is no such report; name another file, or --force"
        )));
    }
    Output::at(path, TrialFormat::Html).map(Some)
}

fn html_ending(file_name: &str) -> Result<(), &'static str> {
    const OTHERS: &str = "is no .html; for other forms of one run see seaworthy diagnose -o";
    if TrialFormat::by_ending(file_name) == Ok(TrialFormat::Html) { Ok(()) } else { Err(OTHERS) }
}

/// Beside the history of the last run that was named.
fn beside(runs: &[PathBuf]) -> PathBuf {
    let [one, two] = FILES;
    let name = if runs.len() > 1 { two } else { one };
    let run = runs.last().cloned().unwrap_or_default();
    if run.is_dir() { run.join(name) } else { run.with_file_name(name) }
}

/// Whether something else is there, which nobody may mean to lose. What cannot be read is not known to be ours.
fn is_foreign(path: &Path) -> bool {
    let Ok(there) = path.metadata() else { return false };
    if !there.is_file() || there.len() == 0 {
        return false;
    }
    let mut begin = Vec::new();
    let most = html::BEGINNING.len() as u64;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut begin));
    read.is_err() || begin != html::BEGINNING.as_bytes()
}

/// Writes the page to stdout, byte for byte: it has nothing in it that would move a cursor.
fn tell(page: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()) {
        // A closed pipe is no reason to complain about it.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::could_not_run(format!("cannot write the report to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::distinct;

    #[test]
    fn names_are_distinct() {
        distinct(SETTINGS);
    }

    #[test]
    fn a_page_is_kept_beside_its_history() {
        let dir = tempfile::tempdir().unwrap();
        let (run, history) = (dir.path().to_owned(), dir.path().join("history.jsonl"));
        assert_eq!(beside(std::slice::from_ref(&run)), run.join("report.html"));
        assert_eq!(beside(std::slice::from_ref(&history)), run.join("report.html"));
        assert_eq!(beside(&[PathBuf::from("a"), history]), run.join("comparison.html"));
    }

    #[test]
    fn only_a_report_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("report.html");
        assert!(!is_foreign(&file));
        for (text, foreign) in [
            (String::new(), false),
            ("<!DOCTYPE html>\n<p>mine".to_owned(), true),
            (html::BEGINNING.to_owned() + "<head>", false),
        ] {
            std::fs::write(&file, &text).unwrap();
            assert_eq!(is_foreign(&file), foreign, "{text}");
        }
    }
}

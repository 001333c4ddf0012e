//! The end of a trial: its history is judged, told, written down, and becomes an exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use seaworthy_core::{
    assessment::Assessment,
    fix,
    history::History,
    report::trial::{TrialFormat, TrialReport},
    verdict::Verdict,
};

use super::folder::Folder;
use crate::{
    cli::{Failure, exit},
    commands::load::conclude::tell,
    outputs::Output,
};

/// The names of the reports in a run's folder.
const REPORTS: [(&str, TrialFormat); 2] = [("report.txt", TrialFormat::Text), ("report.json", TrialFormat::Json)];

/// The most characters in a line of a list.
const WIDTH: usize = 80;

/// Judges a history, with the trials that were made of it again, and tells what it came to.
pub(crate) fn conclude(
    history: &History,
    again: &[History],
    outputs: &[Output<TrialFormat>],
    quiet: bool,
) -> Result<ExitCode, Failure> {
    tell_all(history, &fix::judged(history, again), None, outputs, quiet)
}

/// Tells what a history came to.
pub(crate) fn tell_all(
    history: &History,
    assessment: &Assessment,
    folder: Option<&Folder>,
    outputs: &[Output<TrialFormat>],
    quiet: bool,
) -> Result<ExitCode, Failure> {
    let report = TrialReport::new(history, assessment);
    let kept = folder.into_iter().flat_map(|folder| written(&report, folder));
    // One that cannot be written is no reason to lose the others.
    let written: Vec<Result<(), Failure>> =
        outputs.iter().map(|output| output.write(&output.format.render(&report))).chain(kept).collect();
    let told = if quiet { Ok(()) } else { tell(&TrialFormat::Text.render(&report)) };
    if let Some(folder) = folder.filter(|_| !quiet) {
        // Nobody may be reading; then nobody misses it.
        let _told = writeln!(io::stderr(), "the run is kept in {}", folder.path.display());
    }
    written.into_iter().chain([told]).collect::<Result<(), _>>()?;
    Ok(code(assessment))
}

/// Writes the reports into a run's folder, and nothing else.
pub(super) fn keep(history: &History, assessment: &Assessment, folder: &Folder) -> Result<(), Failure> {
    written(&TrialReport::new(history, assessment), folder).into_iter().collect()
}

fn written(report: &TrialReport<'_>, folder: &Folder) -> [Result<(), Failure>; REPORTS.len()] {
    REPORTS.map(|(name, format)| {
        folder.write(name, &format.render(report)).map_err(|error| {
            Failure::could_not_run(format!("cannot write {}: {error}", folder.path.join(name).display()))
        })
    })
}

fn code(assessment: &Assessment) -> ExitCode {
    if assessment.interrupted {
        return exit::INTERRUPTED.into();
    }
    match assessment.verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Fail => exit::FAILED.into(),
        Verdict::Inconclusive | Verdict::Unjudged => exit::INCONCLUSIVE.into(),
    }
}

/// Writes a list to stdout.
pub(crate) fn list(text: &str) -> Result<ExitCode, Failure> {
    tell(text).map(|()| ExitCode::SUCCESS)
}

/// A text after a label, that goes on below it where a line is full.
pub(super) fn wrapped(label: &str, text: &str) -> String {
    let indent = label.chars().count();
    let mut lines = label.to_owned();
    let mut used = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > indent && used + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > indent {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_a_terminal() {
        let word = "x".repeat(40);
        assert_eq!(wrapped("a  ", ""), "a  \n");
        assert_eq!(wrapped("a  ", &format!("{word} b")), format!("a  {word} b\n"));
        assert_eq!(wrapped("a  ", &format!("b {word} {word} c")), format!("a  b {word}\n   {word} c\n"));
        let full = "y".repeat(WIDTH - 5);
        assert_eq!(wrapped("a  ", &format!("b {full} c")), format!("a  b {full}\n   c\n"));
        let drills = super::super::drills();
        assert!(drills.lines().all(|line| line.chars().count() <= WIDTH), "{drills}");
    }
}

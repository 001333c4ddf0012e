//! The end of a trial: its history is judged, told, written down, and becomes an exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use seaworthy_core::{
    assessment::{Assessment, assess},
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

/// Judges a history, and tells what it came to.
pub(crate) fn conclude(
    history: &History,
    folder: Option<&Folder>,
    outputs: &[Output<TrialFormat>],
    quiet: bool,
) -> Result<ExitCode, Failure> {
    tell_all(history, &assess(history), folder, outputs, quiet)
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
    let kept = folder.into_iter().flat_map(|folder| {
        REPORTS.map(|(name, format)| {
            folder.write(name, &format.render(&report)).map_err(|error| {
                Failure::could_not_run(format!("cannot write {}: {error}", folder.path.join(name).display()))
            })
        })
    });
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

//! `--try-fix`: the trial again, with what its findings propose, and the two beside each other.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use seaworthy_core::{
    assessment::{Assessment, assess},
    change::Change,
    fix::{self, Again, Proposal},
    history::{Header, History},
};

use seaworthy_load::plan::Workload;

use super::{conclude, folder::Folder, options::Options, rules};
use crate::cli::{Failure, printable};

/// Marks what each further trial writes.
const AGAIN: &str = "z";

/// A trial that was judged, and may be made again.
#[derive(Debug)]
pub(super) struct First {
    pub(super) history: History,
    pub(super) folder: Folder,
    assessment: Assessment,
    /// The last round that came to its end, and what it came to.
    last: Option<(Header, Assessment)>,
}

impl First {
    pub(super) fn new(history: History, folder: Folder) -> Self {
        Self { assessment: assess(&history), history, folder, last: None }
    }

    /// What is to be tried: nothing where nobody asked for it, or where nothing can be.
    pub(super) fn proposal(&self, options: &Options) -> Option<Proposal> {
        let asked = options.try_fix && !self.assessment.interrupted;
        asked.then(|| fix::proposal(&self.assessment, &self.history.header.deployment)).flatten()
    }

    /// What is said of what is to be tried, and of nothing.
    pub(super) fn announced(&self, proposal: Option<&Proposal>) -> String {
        let Some(Proposal { rounds, drills, .. }) = proposal else {
            let lost = self.assessment.findings.iter().any(|finding| !finding.own && finding.lost() > 0);
            return untried(self.assessment.interrupted, lost).to_owned();
        };
        let new: Vec<String> = rounds.last().into_iter().flatten().map(Change::words).collect();
        let drills: Vec<&str> = drills.iter().map(|drill| drill.label()).collect();
        let (new, drills) = (new.join(" and "), drills.join(", "));
        match rounds.len() {
            0 | 1 => format!("trying what would mend it: {new}; again {drills}"),
            round => format!("round {round}, trying what would mend the rest, too: {new}; again {drills}"),
        }
    }

    /// Writes down what is known already, before anything is tried: whatever becomes of that, it stays.
    pub(super) fn keep(&self) {
        if let Err(Failure { message, .. }) = conclude::keep(&self.history, &self.assessment, &self.folder) {
            // Nobody may be reading; then nobody misses it.
            let _told = writeln!(io::stderr(), "{}", printable(&message));
        }
    }

    /// Takes in how a round went, and says what is to be tried next. One that was broken off proves nothing.
    pub(super) fn tried(&mut self, second: &History, proposal: &Proposal) -> Result<Option<Proposal>, Failure> {
        fix::is_again(&self.history, second).map_err(Failure::could_not_run)?;
        let after = assess(second);
        let next = fix::further(proposal, &after, &second.header.deployment);
        self.last = Some((second.header.clone(), after));
        Ok(next)
    }

    /// Tells what it came to.
    pub(super) fn conclude(mut self, options: &Options, quiet: bool) -> Result<ExitCode, Failure> {
        if let Some((header, after)) = &self.last {
            fix::settle(&mut self.assessment, header, after);
        }
        conclude::tell_all(&self.history, &self.assessment, Some(&self.folder), &options.outputs, quiet)
    }
}

/// Why nothing is tried.
const fn untried(interrupted: bool, lost: bool) -> &'static str {
    match (interrupted, lost) {
        (true, _) => "--try-fix: nothing was tried, since the trial was interrupted",
        (false, true) => "--try-fix: nothing of what would mend it can be changed from here; see what the findings say",
        (false, false) => "--try-fix: nothing is to be mended",
    }
}

/// What becomes of all of it, where a round may have failed: that is told with what else went wrong.
pub(super) fn ended(first: Result<ExitCode, Failure>, broken_off: Option<Failure>) -> Result<ExitCode, Failure> {
    let Some(failure) = broken_off else { return first };
    let mut message = format!("the trial is judged, but not what would mend it: {}", failure.message);
    if let Err(told) = first {
        message = format!("{}; {message}", told.message);
    }
    Err(Failure { message, ..failure })
}

impl Options {
    /// The same trial as the one with this header, with what is proposed.
    pub(super) fn with(&mut self, proposal: &Proposal, first: &Header) {
        for change in &proposal.changes {
            change.apply(&mut self.plan.deployment);
        }
        self.header.assumptions.clone_from(&first.assumptions);
        self.header.assumptions.extend(proposal.changes.iter().map(|change| format!("tried: {}", change.words())));
        self.header.tried = Some(Again { of: first.began.clone(), rounds: proposal.rounds.clone() });
        // What the first one wrote is not to be taken for what the second one did.
        match &mut self.load.workload {
            Workload::Requests(_) => {}
            Workload::Users(plan) => Arc::make_mut(plan).run.push_str(AGAIN),
            Workload::Writes(plan) => Arc::make_mut(plan).run.push_str(AGAIN),
        }
        self.plan.drills.clone_from(&proposal.drills);
        self.header.drills.clone_from(&proposal.drills);
        self.header.deployment = rules::without_secrets(&self.plan.deployment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit;

    #[test]
    fn why_nothing_is_tried_is_said() {
        for (interrupted, lost, says) in [
            (true, true, "since the trial was interrupted"),
            (true, false, "since the trial was interrupted"),
            (false, true, "can be changed from here"),
            (false, false, "nothing is to be mended"),
        ] {
            assert!(untried(interrupted, lost).contains(says), "{says}");
        }
    }

    #[test]
    fn whatever_went_wrong_is_told() {
        let judged = || Ok(ExitCode::SUCCESS);
        let full = || Err(Failure::could_not_run("cannot write report.txt"));
        let round = || Some(Failure { code: exit::INTERRUPTED, message: "interrupted".to_owned() });
        assert!(ended(judged(), None).is_ok());
        assert_eq!(ended(full(), None).unwrap_err().message, "cannot write report.txt");
        let Failure { code, message } = ended(judged(), round()).unwrap_err();
        assert_eq!(
            (code, &*message),
            (exit::INTERRUPTED, "the trial is judged, but not what would mend it: interrupted")
        );
        let both = ended(full(), round()).unwrap_err();
        assert_eq!(both.message, format!("cannot write report.txt; {message}"));
        assert_eq!(both.code, exit::INTERRUPTED);
    }
}

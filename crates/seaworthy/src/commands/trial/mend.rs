//! `--try-fix`: the trial again, with what its findings propose, and the two beside each other.

use std::{process::ExitCode, sync::Arc};

use seaworthy_core::{
    assessment::{Assessment, assess},
    change::Change,
    fix::{self, Proposal},
    history::History,
};

use seaworthy_load::plan::Workload;

use super::{conclude, folder::Folder, options::Options, rules};
use crate::cli::Failure;

/// Marks what the second trial writes.
const AGAIN: &str = "z";

/// A trial that was judged, and may be made again.
#[derive(Debug)]
pub(super) struct First {
    pub(super) history: History,
    pub(super) folder: Folder,
    pub(super) assessment: Assessment,
}

impl First {
    pub(super) fn new(history: History, folder: Folder) -> Self {
        Self { assessment: assess(&history), history, folder }
    }

    /// What is to be tried: nothing where nobody asked for it, or where nothing can be.
    pub(super) fn proposal(&self, options: &Options) -> Option<Proposal> {
        let asked = options.try_fix && !self.assessment.interrupted;
        asked.then(|| fix::proposal(&self.assessment, &self.history.header.deployment)).flatten()
    }

    /// What is said of what is to be tried, and of nothing.
    pub(super) fn announced(&self, proposal: Option<&Proposal>) -> String {
        match proposal {
            Some(Proposal { changes, drills }) => {
                let changes: Vec<String> = changes.iter().map(Change::words).collect();
                let drills: Vec<&str> = drills.iter().map(|drill| drill.label()).collect();
                format!("trying what would mend it: {}; again {}", changes.join(" and "), drills.join(", "))
            }
            None if self.assessment.findings.iter().any(|finding| !finding.own && finding.lost() > 0) => {
                "--try-fix: nothing of what would mend it can be changed from here; see what the findings say"
                    .to_owned()
            }
            None => "--try-fix: nothing is to be mended".to_owned(),
        }
    }

    /// Takes in how the second trial went.
    pub(super) fn tried(&mut self, second: &History, proposal: &Proposal) {
        let after = assess(second);
        let tried = fix::compare(&self.assessment, &after, proposal);
        fix::confirm(&mut self.assessment, &tried);
        self.assessment.tried = Some(tried);
    }

    /// Tells what it came to.
    pub(super) fn conclude(&self, options: &Options, quiet: bool) -> Result<ExitCode, Failure> {
        conclude::tell_all(&self.history, &self.assessment, Some(&self.folder), &options.outputs, quiet)
    }
}

impl Options {
    /// The same trial, with what is proposed.
    pub(super) fn with(&mut self, proposal: &Proposal) {
        for change in &proposal.changes {
            change.apply(&mut self.plan.deployment);
            self.header.assumptions.push(format!("tried: {}", change.words()));
        }
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

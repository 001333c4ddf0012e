//! `--try-fix`: the trial again, with what its findings propose, and the two beside each other.

use std::{process::ExitCode, sync::Arc};

use seaworthy_core::{
    assessment::{Assessment, assess},
    change::Change,
    fix::{self, Again, Proposal},
    history::{Header, History},
};

use seaworthy_load::plan::Workload;

use super::{conclude, folder::Folder, options::Options, rules};
use crate::cli::Failure;

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
        match proposal {
            Some(Proposal { rounds, drills, .. }) => {
                let new: Vec<String> = rounds.last().into_iter().flatten().map(Change::words).collect();
                let drills: Vec<&str> = drills.iter().map(|drill| drill.label()).collect();
                let (new, drills) = (new.join(" and "), drills.join(", "));
                match rounds.len() {
                    0 | 1 => format!("trying what would mend it: {new}; again {drills}"),
                    round => format!("round {round}, trying what would mend the rest, too: {new}; again {drills}"),
                }
            }
            None if self.assessment.findings.iter().any(|finding| !finding.own && finding.lost() > 0) => {
                "--try-fix: nothing of what would mend it can be changed from here; see what the findings say"
                    .to_owned()
            }
            None => "--try-fix: nothing is to be mended".to_owned(),
        }
    }

    /// Takes in how a round went, and says what is to be tried next. One that was broken off proves nothing.
    pub(super) fn tried(&mut self, second: &History, proposal: &Proposal) -> Option<Proposal> {
        if !fix::is_again(&self.history, second) {
            return None;
        }
        let after = assess(second);
        let next = fix::further(proposal, &after, &second.header.deployment);
        self.last = Some((second.header.clone(), after));
        next
    }

    /// Tells what it came to.
    pub(super) fn conclude(mut self, options: &Options, quiet: bool) -> Result<ExitCode, Failure> {
        if let Some((header, after)) = &self.last {
            fix::settle(&mut self.assessment, header, after);
        }
        conclude::tell_all(&self.history, &self.assessment, Some(&self.folder), &options.outputs, quiet)
    }
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

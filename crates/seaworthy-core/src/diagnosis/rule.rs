//! What the registry holds of each cause: its words for people, and how it is told from others.

use super::{Case, Found, Harm, Hit};
use crate::change::Change;

/// Whom a rule asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The failure itself, and what held for all replicas: asked once, and the first that fits decides.
    Trial,
    /// One replica's begin or end: asked of each that it may have been, and all that fit stand side by side.
    Replica,
}

/// What is told of a cause, whatever the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How it comes about, with its times, for somebody who runs services.
    pub explains: &'static str,
    /// The evidence that it needs.
    pub needs: &'static str,
    /// How it is told from what looks alike.
    pub apart: &'static str,
    /// What mends it, before the numbers of a trial are known.
    pub fix: &'static str,
    /// A trial that shows that it is mended, and what it must show.
    pub check: &'static str,
    /// The line that mends it, by server.
    pub servers: &'static [(&'static str, &'static str)],
    /// Where more is told of it: names and addresses.
    pub source: &'static [&'static str],
}

/// A cause, with how it is told from others.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// What happened, in a sentence for somebody who does not know the name.
    pub title: &'static str,
    /// Whether it is the tool's own doing.
    pub own: bool,
    /// What comes to harm.
    pub harm: Harm,
    /// Whom it asks about.
    pub asks: Asks,
    /// What is told of it, whatever the trial.
    pub entry: Entry,
    /// What to change, with the numbers of what was found.
    pub mends: fn(&Found<'_>) -> String,
    /// The same, as far as the target's own rules can be changed for a trial of it.
    pub changes: fn(&Found<'_>) -> Vec<Change>,
    /// What was seen, a line each.
    pub evidence: fn(&Found<'_>) -> Vec<String>,
    /// Whether a failure has this cause.
    pub judge: fn(&Case<'_>) -> Option<Hit>,
}

impl Rule {
    /// One that is seen in times, counts or writes, and in no failure.
    pub(super) const OBSERVED: Self = Self {
        id: "",
        title: "",
        own: false,
        harm: Harm::Slowness,
        asks: Asks::Trial,
        entry: Entry { explains: "", needs: "", apart: "", fix: "", check: "", servers: &[], source: &[] },
        mends: |_| String::new(),
        changes: |_| Vec::new(),
        evidence: |_| Vec::new(),
        judge: |_| None,
    };
}

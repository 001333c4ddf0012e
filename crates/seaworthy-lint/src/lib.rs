//! What Kubernetes manifests say, before anything runs, of the requests and data that they will lose.
//!
//! Everything here is a function of texts. What it finds are predictions: each bears the name of a cause that a trial can
//! prove (`seaworthy causes NAME`), and none of them is a verdict.

mod allow;
mod contents;
mod labels;
mod object;
mod quantity;
pub mod report;
mod rules;
mod world;
mod yaml;

use std::collections::BTreeSet;

/// A text to read.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What to call it: a path, or `-` for standard input.
    pub name: &'a str,
    /// YAML or JSON, of one document or more.
    pub text: &'a str,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It loses requests or data whenever what it says happens.
    Error,
    /// It loses them where something else comes to it, which the manifests do not say.
    Warning,
}

impl Severity {
    /// Its name, in documents as well.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The source's name.
    pub source: String,
    /// Its line, from 1.
    pub line: usize,
    /// `Deployment/web`, with its namespace where it names one: `Deployment/shop/web`.
    pub object: String,
}

/// A prediction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The cause that is predicted.
    pub cause: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What the manifest says, and what comes of it.
    pub what: String,
    /// What to write in its place.
    pub fix: String,
}

/// A prediction that somebody has accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// What was predicted.
    pub finding: Finding,
    /// Why that is accepted.
    pub because: String,
}

/// A text, or a part of it, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// The source's name.
    pub source: String,
    /// The line, from 1; nothing where it is all of the source.
    pub line: Option<usize>,
    /// What is wrong, and what would do.
    pub problem: String,
}

/// A part of a text that holds no Kubernetes object, so that nothing was predicted of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    /// The source's name.
    pub source: String,
    /// The line, from 1; nothing where it is all of the source.
    pub line: Option<usize>,
    /// Why it is none.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Predictions, by place.
    pub findings: Vec<Finding>,
    /// Those that are accepted.
    pub allowed: Vec<Allowed>,
    /// What is to be said beside: acceptances that accept nothing, or say no reason.
    pub notes: Vec<String>,
    /// What holds no Kubernetes object. Where nothing else was read, that is unreadable instead.
    pub ignored: Vec<Ignored>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Objects that were read.
    pub objects: usize,
    /// Sources that were read.
    pub sources: usize,
}

/// Reads manifests, and predicts. What is in one of them is known to all others.
pub fn lint(sources: &[Source<'_>]) -> Report {
    let mut report = Report { sources: sources.len(), ..Report::default() };
    let mut objects = Vec::new();
    let mut allowances = allow::Allowances::default();
    for source in sources {
        let unreadable =
            |yaml::Problem { line, problem }| Unreadable { source: source.name.to_owned(), line: Some(line), problem };
        let read = yaml::read(source.text).and_then(|documents| {
            let contents = contents::take(source.name, source.text, &documents, &mut objects)?;
            for document in &documents {
                allowances.take(source.name, document);
            }
            Ok(contents)
        });
        match read {
            Ok(contents) => {
                report.unreadable.extend(contents.misshapen.into_iter().map(unreadable));
                let ignored = contents.ignored.into_iter();
                report.ignored.extend(ignored.map(|(line, why)| Ignored { source: source.name.to_owned(), line, why }));
            }
            Err(problem) => report.unreadable.push(unreadable(problem)),
        }
    }
    report.objects = objects.len();
    if objects.is_empty() {
        // Where nothing was read, nothing is clean either.
        let ignored = std::mem::take(&mut report.ignored).into_iter();
        report.unreadable.extend(ignored.map(|Ignored { source, line, why }| Unreadable {
            source,
            line,
            problem: why,
        }));
    }
    let world = world::World::of(&objects);
    let found: BTreeSet<Finding> = rules::all(&world).into_iter().collect();
    allowances.annotated(&objects);
    let lines = allow::Lines::of(&objects);
    for finding in found {
        match allowances.accept(&finding, &lines) {
            Some(because) => report.allowed.push(Allowed { finding, because }),
            None => report.findings.push(finding),
        }
    }
    report.notes = allowances.notes();
    report
}

#[cfg(test)]
mod tests;

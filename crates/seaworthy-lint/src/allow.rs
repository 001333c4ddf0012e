//! What somebody has accepted: a comment in the manifest, or an annotation, which survives a build.
//!
//! `# seaworthy: allow single-replica-gap because nobody calls it` holds for its own line, the one below it (comments in
//! between do not count), or the whole object where it stands above its first line. `seaworthy/allow.single-replica-gap:
//! nobody calls it`, in an object's `metadata.annotations`, holds for all of it.

use std::collections::BTreeMap;

use crate::{Finding, object::Object, yaml::Document};

/// How an annotation's key begins.
const ANNOTATION: &str = "seaworthy/allow.";

/// How a comment begins.
const COMMENT: &str = "seaworthy:";

#[derive(Debug)]
struct Allowance {
    source: String,
    /// The comment's own line.
    written: usize,
    /// The line that it is about.
    line: usize,
    cause: String,
    because: String,
    used: bool,
}

/// All of them, and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    all: Vec<Allowance>,
    notes: Vec<String>,
}

impl Allowances {
    /// Takes in a document's comments.
    pub(crate) fn take(&mut self, source: &str, document: &Document) {
        let comments = &document.comments;
        for comment in comments {
            let Some(words) = comment.text.strip_prefix(COMMENT) else { continue };
            // Comments below it belong to it.
            let below = comments.iter().filter(|other| other.line > comment.line && !other.is_beside);
            let last = below.fold(comment.line, |last, other| if other.line == last + 1 { other.line } else { last });
            let line = if comment.is_beside { comment.line } else { last + 1 };
            match read(words) {
                Ok((causes, because)) => self.all.extend(causes.into_iter().map(|cause| Allowance {
                    source: source.to_owned(),
                    written: comment.line,
                    line,
                    cause,
                    because: because.clone(),
                    used: false,
                })),
                Err(problem) => self.notes.push(format!("{source}:{}: {problem}", comment.line)),
            }
        }
    }

    /// Why a prediction is accepted, if it is.
    pub(crate) fn accept(&mut self, finding: &Finding, objects: &Lines<'_>) -> Option<String> {
        let place = &finding.place;
        let object = objects.at(&place.source, place.line);
        let annotation = object.and_then(|object| {
            let key = format!("{ANNOTATION}{}", finding.cause);
            object.node.at("metadata.annotations").get(&key).text().map(str::trim)
        });
        if let Some(because) = annotation.filter(|because| !because.is_empty()) {
            return Some(because.to_owned());
        }
        let head = object.map(|object| object.node.line);
        let fits = |allowance: &&mut Allowance| {
            allowance.source == place.source
                && allowance.cause == finding.cause
                && (allowance.line == place.line || Some(allowance.line) == head)
        };
        let allowance = self.all.iter_mut().find(fits)?;
        allowance.used = true;
        Some(allowance.because.clone())
    }

    /// What is wrong with them: no reason, or nothing that they are about.
    pub(crate) fn notes(self) -> Vec<String> {
        let unused = self.all.into_iter().filter(|allowance| !allowance.used).map(|allowance| {
            let Allowance { source, written, cause, .. } = allowance;
            format!("{source}:{written}: {cause} is allowed here, and is not predicted here: remove the comment, or put it on the line that is told")
        });
        self.notes.into_iter().chain(unused).collect()
    }
}

/// Objects, by where they are.
#[derive(Debug)]
pub(crate) struct Lines<'a>(BTreeMap<(&'a str, usize), &'a Object>);

impl<'a> Lines<'a> {
    pub(crate) fn of(objects: &'a [Object]) -> Self {
        Self(objects.iter().map(|object| ((&*object.source, object.lines.0), object)).collect())
    }

    /// The object that has a line.
    fn at(&self, source: &str, line: usize) -> Option<&'a Object> {
        let ((of, _), object) = self.0.range(..=(source, line)).next_back()?;
        (*of == source && line <= object.lines.1).then_some(*object)
    }
}

/// ` allow ID[, ID...] because REASON`.
fn read(words: &str) -> Result<(Vec<String>, String), String> {
    let form = "write `# seaworthy: allow CAUSE because REASON`";
    let rest = words.trim().strip_prefix("allow ").ok_or_else(|| format!("this allows nothing; {form}"))?;
    let (causes, because) =
        rest.split_once(" because ").ok_or_else(|| format!("this allows without a reason; {form}"))?;
    let causes: Vec<String> = causes.split([',', ' ']).filter(|cause| !cause.is_empty()).map(str::to_owned).collect();
    if causes.is_empty() || because.trim().is_empty() {
        return Err(format!("this names no cause, or no reason; {form}"));
    }
    Ok((causes, because.trim().to_owned()))
}

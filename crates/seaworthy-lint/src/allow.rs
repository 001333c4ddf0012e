//! What somebody has accepted: a comment in the manifest, or an annotation, which survives a build.
//!
//! `# seaworthy: allow single-replica-gap because nobody calls it` holds for its own line, the one below it (comments in
//! between do not count), or the whole object where it stands above its first line. `seaworthy/allow.single-replica-gap:
//! nobody calls it`, in an object's `metadata.annotations`, holds for all of it.

use std::{collections::BTreeMap, sync::Arc};

use seaworthy_core::report::trial::causes;

use crate::{
    Finding,
    object::{Object, shown},
    yaml::Document,
};

/// How an annotation's key begins.
const ANNOTATION: &str = "seaworthy/allow.";

/// How a comment begins.
const COMMENT: &str = "seaworthy:";

/// Where something is allowed: a line of a source for a comment, an object's number for an annotation.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Line(String, usize),
    Object(usize),
}

#[derive(Debug)]
struct Allowance {
    source: String,
    /// The line that it is written in.
    written: usize,
    cause: String,
    because: Arc<str>,
    used: bool,
}

/// All of them, and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    all: Vec<Allowance>,
    /// Those that hold somewhere: the first of each cause.
    places: BTreeMap<Scope, BTreeMap<String, usize>>,
    notes: Vec<String>,
}

impl Allowances {
    /// Takes in a document's comments.
    pub(crate) fn take(&mut self, source: &str, document: &Document) {
        // Comments below one belong to it; from the last of them on, each knows where its own end.
        let mut below = None;
        let mut held = Vec::new();
        for comment in document.comments.iter().rev() {
            let ends = below.filter(|(line, _)| *line == comment.line + 1).map_or(comment.line, |(_, ends)| ends);
            if !comment.is_beside {
                below = Some((comment.line, ends));
            }
            let Some(words) = comment.text.strip_prefix(COMMENT) else { continue };
            let line = match comment.is_beside {
                true => comment.line,
                // Above the first line there may be `---` or nothing at all in between.
                false if comment.line < document.node.line => document.node.line,
                false => ends + 1,
            };
            held.push((comment.line, line, words));
        }
        for (written, line, words) in held.into_iter().rev() {
            match read(words) {
                Ok((causes, because)) => {
                    for cause in causes {
                        let allowance = Allowance {
                            source: source.to_owned(),
                            written,
                            cause,
                            because: Arc::clone(&because),
                            used: false,
                        };
                        self.add(Scope::Line(source.to_owned(), line), allowance);
                    }
                }
                Err(problem) => self.notes.push(format!("{source}:{written}: {problem}")),
            }
        }
    }

    /// Takes in the annotations of all objects.
    pub(crate) fn annotated(&mut self, objects: &[Object]) {
        for object in objects {
            for entry in object.node.at("metadata.annotations").entries() {
                let Some(cause) = entry.key.strip_prefix(ANNOTATION) else { continue };
                let (source, written) = (&object.source, entry.line);
                // A value of several lines is one reason.
                let because = entry.node.text().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
                if because.is_empty() {
                    let cause = shown(cause);
                    self.notes.push(format!(
                        "{source}:{written}: this allows {cause} without a reason; write `{ANNOTATION}{cause}: REASON`"
                    ));
                    continue;
                }
                let (source, cause, because) = (source.clone(), cause.to_owned(), because.into());
                let allowance = Allowance { source, written, cause, because, used: false };
                self.add(Scope::Object(object.index), allowance);
            }
        }
    }

    fn add(&mut self, scope: Scope, allowance: Allowance) {
        let causes = self.places.entry(scope).or_default();
        causes.entry(allowance.cause.clone()).or_insert(self.all.len());
        self.all.push(allowance);
    }

    /// Why a prediction is accepted, if it is.
    pub(crate) fn accept(&mut self, finding: &Finding, objects: &Lines<'_>) -> Option<String> {
        let place = &finding.place;
        let object = objects.of_finding(finding);
        let line = |line| Scope::Line(place.source.clone(), line);
        let annotation = object.map(|object| Scope::Object(object.index));
        let head = object.map(|object| line(object.node.line));
        let mut scopes = annotation.into_iter().chain([line(place.line)]).chain(head);
        let found = scopes.find_map(|scope| self.places.get(&scope)?.get(finding.cause).copied());
        let allowance = self.all.get_mut(found?)?;
        allowance.used = true;
        Some(allowance.because.to_string())
    }

    /// What is wrong with them: no reason, or nothing that they are about.
    pub(crate) fn notes(self) -> Vec<String> {
        let unused = self.all.into_iter().filter(|allowance| !allowance.used).map(|allowance| {
            let Allowance { source, written, cause, .. } = allowance;
            let shown = shown(&cause);
            if causes::named(&cause).is_some() {
                return format!("{source}:{written}: {shown} is allowed here, and is not predicted here: remove this, or put it where it is told");
            }
            let near = causes::nearest(&cause).first().map_or_else(String::new, |near| format!(": is it {near}?"));
            format!("{source}:{written}: {shown} is allowed here, and is no cause; `seaworthy causes` lists them{near}")
        });
        self.notes.into_iter().chain(unused).collect()
    }
}

/// Objects, by what they are called and where they are.
#[derive(Debug)]
pub(crate) struct Lines<'a>(BTreeMap<(&'a str, String, usize), &'a Object>);

impl<'a> Lines<'a> {
    pub(crate) fn of(objects: &'a [Object]) -> Self {
        Self(objects.iter().map(|object| ((&*object.source, object.title(), object.lines.0), object)).collect())
    }

    /// The object that a prediction is about. Several may be in one line; of those that have one name, the nearest above is it.
    fn of_finding(&self, finding: &Finding) -> Option<&'a Object> {
        let place = &finding.place;
        let from = (&*place.source, place.object.clone(), 0);
        let to = (&*place.source, place.object.clone(), place.line);
        let above = self.0.range(from..=to).next_back();
        above.map(|(_, object)| *object)
    }
}

/// ` allow ID[, ID...] because REASON`.
fn read(words: &str) -> Result<(Vec<String>, Arc<str>), String> {
    let form = "write `# seaworthy: allow CAUSE because REASON`";
    let rest = words.trim().strip_prefix("allow ").ok_or_else(|| format!("this allows nothing; {form}"))?;
    let (causes, because) =
        rest.split_once(" because ").ok_or_else(|| format!("this allows without a reason; {form}"))?;
    let causes: Vec<String> = causes.split([',', ' ']).filter(|cause| !cause.is_empty()).map(str::to_owned).collect();
    if causes.is_empty() || because.trim().is_empty() {
        return Err(format!("this names no cause, or no reason; {form}"));
    }
    Ok((causes, because.trim().into()))
}

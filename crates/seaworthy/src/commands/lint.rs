//! `seaworthy lint`: what manifests predict, before anything runs.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use seaworthy_lint::{Report, Source, report};

use crate::{
    cli::{Failure, exit, printable},
    settings::{Environment, Setting, Values, switch},
};

pub(crate) const NAME: &str = "lint";

/// The argument that names what is read.
const PATHS: &str = "PATH";

const FORM: &str = "Form";

/// Bytes that are read of one file. `kustomize build` of a whole company has fewer.
const LONGEST: u64 = 64 << 20;

/// How the names of manifests end, in a directory.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    switch(FORM, "json", "For programs"),
    switch(FORM, "sarif", "For code hosts: SARIF 2.1.0"),
    switch(FORM, "quiet", "Nothing but errors; the exit code tells"),
];

pub(crate) fn command() -> Command {
    Command::new(NAME)
        .about("Predict from Kubernetes manifests what will lose requests or data")
        .after_help(
            "Exit codes: 0 nothing is predicted, 1 something is, 2 wrong usage, 4 something could not be read.\n\
             What is accepted says why, on its line or above it:\n\
             # seaworthy: allow single-replica-gap because nobody calls it\n\
             or, where comments are lost, in metadata.annotations:\n\
             seaworthy/allow.single-replica-gap: nobody calls it",
        )
        .arg(
            Arg::new(PATHS)
                .action(ArgAction::Append)
                .num_args(1..)
                .required(true)
                .help("Files, directories (*.yaml, *.yml, *.json in them), or - for standard input: `kubectl kustomize DIR | seaworthy lint -`"),
        )
        .args(SETTINGS.iter().map(Setting::arg))
}

/// Reads manifests, and tells what they predict.
pub(crate) fn run(matches: &ArgMatches, environment: Environment<'_>) -> Result<ExitCode, Failure> {
    let values = Values::new(SETTINGS, matches, environment);
    let (json, sarif, quiet) = (values.switch("json")?, values.switch("sarif")?, values.switch("quiet")?);
    if json && sarif {
        return Err(Failure::usage("--json and --sarif are two forms of the same: give one of them"));
    }
    let named: Vec<&String> = matches.get_many(PATHS).into_iter().flatten().collect();
    let mut texts = Vec::new();
    if named.iter().filter(|name| **name == "-").count() > 1 {
        return Err(Failure::usage("standard input (-) is read once: name it once"));
    }
    for name in named {
        if name == "-" {
            texts.push(("-".to_owned(), read(std::io::stdin().lock(), "standard input")?));
        } else {
            for path in manifests(Path::new(name))? {
                let shown = path.display().to_string();
                let file = fs::File::open(&path).map_err(|error| cannot(&shown, &error))?;
                texts.push((shown.clone(), read(file, &shown)?));
            }
        }
    }
    let sources: Vec<Source<'_>> = texts.iter().map(|(name, text)| Source { name, text }).collect();
    let report = seaworthy_lint::lint(&sources);
    let told = match (json, sarif) {
        (true, _) => report::json(&report),
        (_, true) => report::sarif(&report, env!("CARGO_PKG_VERSION")),
        // A file's name may be anything.
        (false, false) => printable(&report::text(&report)),
    };
    if !quiet {
        // Who closes the pipe has read enough.
        let told = std::io::stdout().lock().write_all(told.as_bytes());
        if let Err(error) = told.and_then(|()| std::io::stdout().lock().flush())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(Failure::could_not_run(format!("cannot write to standard output: {error}")));
        }
    }
    Ok(judged(&report))
}

fn judged(report: &Report) -> ExitCode {
    if !report.unreadable.is_empty() {
        exit::COULD_NOT_RUN.into()
    } else if report.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        exit::FAILED.into()
    }
}

fn cannot(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::could_not_run(format!("cannot read {what}: {error}"))
}

/// All of a text, within bounds.
fn read(from: impl std::io::Read, what: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| cannot(what, &error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::could_not_run(format!("{what} has more than {} MiB: give it in parts", LONGEST >> 20)));
    }
    String::from_utf8(bytes).map_err(|_not| Failure::could_not_run(format!("{what} is not text in UTF-8")))
}

/// A file; or all manifests in a directory and below, in the order of their names. Hidden ones and links to directories are
/// left out.
fn manifests(path: &Path) -> Result<BTreeSet<PathBuf>, Failure> {
    let shown = path.display().to_string();
    if !path.is_dir() {
        return Ok(BTreeSet::from([path.to_owned()]));
    }
    let (mut found, mut open) = (BTreeSet::new(), vec![path.to_owned()]);
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory).map_err(|error| cannot(&directory.display().to_string(), &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot(&directory.display().to_string(), &error))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|error| cannot(&shown, &error))?);
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_manifest =
                path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending));
            if kind.is_dir() {
                open.push(path);
            } else if is_manifest && path.is_file() {
                found.insert(path);
            }
        }
    }
    if found.is_empty() {
        return Err(Failure::could_not_run(format!("there is no manifest in {shown}: no *.yaml, *.yml or *.json")));
    }
    Ok(found)
}

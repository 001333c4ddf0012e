//! `seaworthy lint`: what manifests predict, before anything runs.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use seaworthy_lint::{Report, Source, Unreadable, report};

use crate::{
    cli::{Failure, exit, printable},
    settings::{self, Environment, Setting, Values, setting, switch},
};

pub(crate) const NAME: &str = "lint";

/// The argument that names what is read.
const PATHS: &str = "PATH";

const FORM: &str = "Form";

/// What standard input is called, unless it is given a name.
const STDIN: &str = "-";

/// Bytes that are read of one file. `kustomize build` of a whole company has fewer.
const LONGEST: u64 = 64 << 20;

/// How the names of manifests end, in a directory.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    switch(FORM, "json", "For programs"),
    switch(FORM, "sarif", "For code hosts: SARIF 2.1.0"),
    switch(FORM, "quiet", "Nothing but errors; the exit code tells"),
    setting(FORM, "stdin-filename", "FILE", "", "What standard input is called in what is told: a code host places predictions only in files that it has"),
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
    let stdin = values.path("stdin-filename")?.map(|path| shown(&path));
    match named.iter().filter(|name| **name == STDIN).count() {
        0 if values.source("stdin-filename") == Some(settings::Source::Flag) => {
            return Err(Failure::usage("--stdin-filename names standard input: give - as well, or leave it out"));
        }
        0 | 1 => {}
        _ => return Err(Failure::usage("standard input (-) is read once: name it once")),
    }
    let mut texts = Texts::default();
    for name in named {
        if name == STDIN {
            texts.take(stdin.as_deref().unwrap_or(STDIN), Ok(std::io::stdin().lock()));
        } else {
            texts.take_path(Path::new(name));
        }
    }
    let sources: Vec<Source<'_>> = texts.read.iter().map(|(name, text)| Source { name, text }).collect();
    let mut report = seaworthy_lint::lint(&sources);
    report.unreadable.append(&mut texts.unreadable);
    report.unreadable.sort();
    let told = match (json, sarif) {
        (true, _) => report::json(&report),
        (_, true) => report::sarif(&report, env!("CARGO_PKG_VERSION")),
        // A file's name may be anything.
        (false, false) => printable(&report::text(&report)),
    };
    if quiet {
        for Unreadable { source, line, problem } in &report.unreadable {
            let line = line.map_or_else(String::new, |line| format!(":{line}"));
            failure(&format!("{source}{line}: {problem}"));
        }
    } else {
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

/// Says in one line what could not be read, where nothing else is said.
fn failure(problem: &str) {
    let _printed = writeln!(std::io::stderr(), "seaworthy: {}", printable(&problem.replace('\n', "\\n")));
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What was read, and what could not be: one file that cannot be read says nothing of the others.
#[derive(Debug, Default)]
struct Texts {
    read: Vec<(String, String)>,
    unreadable: Vec<Unreadable>,
}

impl Texts {
    fn take(&mut self, name: &str, from: std::io::Result<impl std::io::Read>) {
        match from.map_err(|error| cannot(&error)).and_then(text) {
            Ok(text) => self.read.push((name.to_owned(), text)),
            Err(problem) => self.lack(name.to_owned(), problem),
        }
    }

    fn lack(&mut self, source: String, problem: String) {
        self.unreadable.push(Unreadable { source, line: None, problem });
    }

    /// A file; or all manifests in a directory and below.
    fn take_path(&mut self, path: &Path) {
        if !path.is_dir() {
            return self.take(&shown(path), fs::File::open(path));
        }
        let before = self.unreadable.len();
        let found = self.manifests(path);
        if found.is_empty() && self.unreadable.len() == before {
            let problem = "there is no manifest in it: no *.yaml, *.yml or *.json";
            self.lack(shown(path), problem.to_owned());
        }
        for path in found {
            self.take(&shown(&path), fs::File::open(&path));
        }
    }

    /// All manifests in a directory and below, in the order of their names. Hidden ones and links to directories are left out.
    fn manifests(&mut self, path: &Path) -> BTreeSet<PathBuf> {
        let (mut found, mut open) = (BTreeSet::new(), vec![path.to_owned()]);
        while let Some(directory) = open.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    self.lack(shown(&directory), cannot(&error));
                    continue;
                }
            };
            for entry in entries {
                match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                    Ok((path, _)) if is_hidden(&path) => {}
                    Ok((path, kind)) if kind.is_dir() => open.push(path),
                    Ok((path, _)) if is_manifest(&path) => {
                        found.insert(path);
                    }
                    Ok(_) => {}
                    Err(error) => self.lack(shown(&directory), cannot(&error)),
                }
            }
        }
        found
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    // A link that leads nowhere is to be told, a socket or a directory is not.
    ending.is_some_and(|ending| ENDINGS.contains(&ending)) && (path.is_file() || !path.exists())
}

fn cannot(error: &std::io::Error) -> String {
    format!("cannot be read: {error}")
}

/// All of a text, within bounds.
fn text(from: impl std::io::Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("has more than {} MiB: give it in parts", LONGEST >> 20));
    }
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let is = if wide { "is UTF-16" } else { "is not text in UTF-8" };
    String::from_utf8(bytes).map_err(|_not| format!("{is}: save it as UTF-8"))
}

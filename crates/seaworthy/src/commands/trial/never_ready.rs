//! Why a target did not become ready, and what would do.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use seaworthy_core::{
    deployment::ProbeKind,
    drill::Drill,
    event::{Event, Exit, Reason},
    history::History,
    text,
};
use seaworthy_trial::local::{DATABASE, Ended};

use super::{folder::Folder, network, options::Options, rules};

/// What of a replica's last words is repeated, in characters.
const LAST_WORDS: usize = 160;

/// What is read of what a replica wrote, in bytes.
const TAIL: u64 = 64 << 10;

/// It in a line.
pub(crate) fn words(options: &Options, folder: &Folder, history: &History, ended: &Ended) -> String {
    if let Some(ended) = database_ended(history) {
        let log = folder.path.join(format!("{DATABASE}.log"));
        let said = last_words_of(&log).map_or_else(String::new, |said| format!("; its last words: {said}"));
        return format!("{ended}{said}; --database has to stay in the foreground");
    }
    let patience = text::long_time(options.plan.timing.patience);
    let mut parts = vec![format!("the target did not become ready within {patience}: {}", ended.lacking)];
    parts.extend(answered(options, history));
    if !ended.other_ports.is_empty() {
        let ports: Vec<String> = ended.other_ports.iter().map(u16::to_string).collect();
        parts.push(format!(
            "it listens on {} instead: put {{port}} where the command names its port, or read PORT",
            ports.join(", ")
        ));
    } else if let Some(said) = last_words(folder) {
        parts.push(format!("its last words: {said}"));
    } else {
        parts.push("it has to answer on {port}; --readiness and --patience say how and until when".to_owned());
    }
    if options.plan.drills.contains(&Drill::Network) {
        parts.push(network::CUT_OFF.to_owned());
    }
    parts.join("; ")
}

/// That the database ended by itself, and how: nothing else matters then.
fn database_ended(history: &History) -> Option<String> {
    let of_database = |event: &&Event| matches!(event, Event::DatabaseUp | Event::DatabaseDown { .. });
    let mut events = history.events.iter().map(|(_, event)| event).filter(of_database).rev();
    let Some(Event::DatabaseDown { exit }) = events.next() else { return None };
    let how = match exit {
        Some(Exit::Code(code)) => format!("ended by itself with exit code {code}"),
        Some(Exit::Signal(signal)) => format!("was ended by signal {signal}"),
        None => "could not be started".to_owned(),
    };
    let when = if events.next().is_some() { "before all replicas were ready" } else { "before it took connections" };
    Some(format!("the database {how}, {when}"))
}

/// What came of the last probe that failed, or of the last try to start it.
fn answered(options: &Options, history: &History) -> Option<String> {
    let restarts = |reason| matches!(reason, Reason::Liveness | Reason::Startup);
    let restarted =
        history.events.iter().any(|(_, event)| matches!(event, Event::Signalled { reason, .. } if restarts(*reason)));
    history.events.iter().rev().find_map(|(_, event)| {
        if let Event::Probed { passed: false, probe, detail, .. } = event
            // What restarts it comes first: it keeps all else from happening.
            && (!restarted || *probe != ProbeKind::Readiness)
        {
            let asked = options.header.deployment.template.probe(*probe).map(rules::words).unwrap_or_default();
            let again = if restarted { ", and so it is restarted again and again" } else { "" };
            Some(format!("{} ({asked}): {detail}{again}", probe.label()))
        } else if let Event::NotStarted { why, .. } = event {
            Some(why.clone())
        } else {
            None
        }
    })
}

/// The last line that a replica wrote.
fn last_words(folder: &Folder) -> Option<String> {
    let mut logs: Vec<_> = fs::read_dir(&folder.path).ok()?.flatten().map(|entry| entry.path()).collect();
    let is_database = |path: &Path| path.file_stem().is_some_and(|name| name == DATABASE);
    logs.retain(|path| path.extension().is_some_and(|ending| ending == "log") && !is_database(path));
    logs.sort();
    logs.iter().find_map(|path| last_words_of(path))
}

/// The last line of a log.
fn last_words_of(path: &Path) -> Option<String> {
    let text = tail(path).ok()?;
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(format!("{:?}", last.chars().take(LAST_WORDS).collect::<String>()))
}

/// The end of a file, which may be long.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut end = Vec::new();
    file.take(TAIL).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

//! The journal of a trial: what it is about to do to this machine, written down first, so that a trial that was killed
//! can be undone.
//!
//! A line each: `trial NAME PID STARTED` before anything is started, `process PID STARTED` for each process, and `closed`
//! at the end. STARTED is the kernel's start time of the process (`proc(5)`), so that a number that was given to another
//! process since is not taken for it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use seaworthy_core::event::Signal;

use crate::local::{self, process, sockets};

/// Its name in the run's folder.
const NAME: &str = "journal";

/// No journal is larger.
const MOST_BYTES: u64 = 16 << 20;

/// A trial's journal.
#[derive(Debug)]
pub struct Journal {
    trial: String,
    file: File,
}

impl Journal {
    /// Begins one in the folder of a run. The name marks the processes of the trial.
    pub fn begin(folder: &Path, trial: &str) -> io::Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(folder.join(NAME))?;
        let mut journal = Self { trial: trial.to_owned(), file };
        let own = std::process::id();
        journal.write(&format!("trial {trial} {own} {}", sockets::started(own).unwrap_or_default()))?;
        Ok(journal)
    }

    /// The name of the trial.
    pub fn trial(&self) -> &str {
        &self.trial
    }

    /// A process was started.
    pub(crate) fn started(&mut self, pid: u32, at: Option<u64>) -> io::Result<()> {
        self.write(&format!("process {pid} {}", at.unwrap_or_default()))
    }

    /// All that was started has ended.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.write("closed")
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.file, "{line}")?;
        self.file.sync_data()
    }
}

/// What was undone of a trial that had been killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The folder of its run.
    pub folder: PathBuf,
    /// Processes that were ended.
    pub processes: usize,
}

/// Undoes what dead trials left: each run in the folder of runs whose journal is open and whose trial does not run any
/// more. Those that run are left alone.
pub fn restore(runs: &Path) -> io::Result<Vec<Restored>> {
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let mut restored = Vec::new();
    for folder in folders {
        // `latest` is another name of one of them.
        if folder.is_symlink() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(journal) = read(&folder.join(NAME)) else { continue };
        // A trial is named after its folder: another one's is not its to end.
        if let Some(left) = left(&journal).filter(|left| left.trial.starts_with(&format!("{name}-"))) {
            let processes = end(&left);
            remove_directories(&folder);
            let mut file = OpenOptions::new().append(true).open(folder.join(NAME))?;
            writeln!(file, "closed")?;
            restored.push(Restored { folder, processes });
        }
    }
    Ok(restored)
}

/// A journal, if it is one: a file that is not too large.
fn read(path: &Path) -> Option<String> {
    let there = fs::metadata(path).ok()?;
    (there.is_file() && there.len() <= MOST_BYTES).then(|| fs::read_to_string(path).ok()).flatten()
}

/// What a dead trial left.
#[derive(Debug, PartialEq, Eq)]
struct Left<'a> {
    trial: &'a str,
    processes: Vec<(u32, u64)>,
}

/// What is left according to a journal; nothing where it is closed, or its trial still runs.
fn left(journal: &str) -> Option<Left<'_>> {
    let mut trial = None;
    let mut processes = Vec::new();
    for line in journal.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["trial", name, pid, at] => {
                let (pid, at) = (pid.parse().ok()?, at.parse().ok()?);
                if sockets::started(pid) == Some(at) {
                    return None;
                }
                trial = Some(name);
            }
            ["process", pid, at] => processes.extend(pid.parse().ok().zip(at.parse().ok())),
            ["closed"] => return None,
            // The last line of a journal may be half a line.
            _ => {}
        }
    }
    trial.filter(|trial| !trial.is_empty()).map(|trial| Left { trial, processes })
}

/// Kills what is left, and says how many processes that were. Only what carries the mark of the trial is: a journal is a
/// file, and files can be changed.
fn end(left: &Left<'_>) -> usize {
    let marked = sockets::marked(left.trial);
    let leads = |(pid, at): &&(u32, u64)| marked.contains(pid) && sockets::started(*pid) == Some(*at);
    for (pid, _) in left.processes.iter().filter(leads) {
        // With those of its group that took the mark off.
        process::signal(*pid, Signal::Kill);
    }
    process::kill_all(&marked);
    marked.len()
}

fn remove_directories(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.starts_with("replica-") || name == local::DATABASE;
        // A link to somewhere else is nothing that a trial makes.
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // What cannot be removed does no harm there.
            let _removed = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_journal_says_is_left() {
        let dead = "trial a 4294967295 1\nprocess 4294967294 2\n";
        assert_eq!(left(dead), Some(Left { trial: "a", processes: vec![(4_294_967_294, 2)] }));
        assert_eq!(left(&format!("{dead}closed\n")), None);
        assert_eq!(left(&format!("{dead}proce")), left(dead));
        let own = std::process::id();
        assert_eq!(left(&format!("trial a {own} {}\n", sockets::started(own).unwrap())), None);
        // Its number was given to another process since.
        assert!(left(&format!("trial a {own} 1\n")).is_some());
        for nothing in ["", "closed", "trial", "process 1 2"] {
            assert_eq!(left(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_a_killed_trial_left_is_ended_and_nothing_else() {
        let runs = tempfile::tempdir().unwrap();
        let folder = runs.path().join("one");
        fs::create_dir_all(folder.join("replica-0")).unwrap();
        fs::create_dir_all(folder.join("database/data")).unwrap();
        fs::create_dir_all(runs.path().join("kept/data")).unwrap();
        std::os::unix::fs::symlink(runs.path().join("kept"), folder.join("replica-9")).unwrap();
        fs::write(folder.join("database.log"), "its last words").unwrap();
        let trial = format!("one-{}", std::process::id());
        let mark = format!("{trial}/1");
        let mut marked = Command::new("sleep").arg("1000").env("SEAWORTHY_TRIAL", &mark).spawn().unwrap();
        // One that somebody wrote into the journal.
        let mut innocent = Command::new("sleep").arg("1000").spawn().unwrap();
        // It has its environment once it runs `sleep`.
        while sockets::marked(&trial).is_empty() {
            std::thread::yield_now();
        }
        let lines =
            [marked.id(), innocent.id(), 1].map(|pid| format!("process {pid} {}\n", sockets::started(pid).unwrap()));
        fs::write(folder.join(NAME), format!("trial {trial} 4294967295 1\n{}", lines.concat())).unwrap();
        // A pipe in place of a journal is not waited for.
        fs::create_dir(runs.path().join("pipe")).unwrap();
        assert!(Command::new("mkfifo").arg(runs.path().join("pipe").join(NAME)).status().unwrap().success());
        // Another trial's name in a journal of this folder.
        fs::create_dir(runs.path().join("other")).unwrap();
        fs::write(runs.path().join("other").join(NAME), format!("trial {trial} 4294967295 1\n")).unwrap();

        let restored = restore(runs.path()).unwrap();
        assert_eq!(restored, [Restored { folder: folder.clone(), processes: 1 }]);
        assert!(!marked.wait().unwrap().success());
        assert!(innocent.try_wait().unwrap().is_none());
        innocent.kill().unwrap();
        // It has ended, but nobody has waited for it yet: that is not a process that runs.
        while sockets::started(innocent.id()).is_some() {
            std::thread::yield_now();
        }
        innocent.wait().unwrap();
        assert!(!folder.join("replica-0").exists() && !folder.join("database").exists());
        assert!(folder.join("database.log").exists() && runs.path().join("kept/data").exists());
        assert_eq!(restore(runs.path()).unwrap(), []);
        assert_eq!(restore(&runs.path().join("none")).unwrap(), []);
    }
}

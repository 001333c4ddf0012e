//! The folder of a run: its history, written down as it happens.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

/// The history's file.
pub(crate) const HISTORY: &str = "history.jsonl";

/// What the folder of a trial with changes is called, after that of the one without; further rounds have a number, too.
pub(crate) const WITH_FIX: &str = "with-fix";

/// Points at the last run.
pub(crate) const LATEST: &str = "latest";

/// How many names are tried for runs of the same second.
const NAMES: u32 = 1_000;

/// The folder of a run.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    history: BufWriter<File>,
    /// Why it could not be written, the first time.
    broken: Option<io::Error>,
}

impl Folder {
    /// Makes one among the others, named after the time.
    pub(crate) fn make(runs: &Path, now: Timestamp) -> io::Result<Self> {
        fs::create_dir_all(runs)?;
        let path = fresh(runs, &now.strftime("%Y%m%d-%H%M%S").to_string())?;
        let folder = Self::open(path)?;
        point(runs, &folder.path)?;
        Ok(folder)
    }

    /// Makes one for another trial that belongs to this one. `latest` stays where it is.
    pub(crate) fn beside(&self, suffix: &str) -> io::Result<Self> {
        let runs = self.path.parent().unwrap_or(&self.path);
        Self::open(fresh(runs, &format!("{}-{suffix}", self.name()))?)
    }

    fn open(path: PathBuf) -> io::Result<Self> {
        let history = BufWriter::new(File::options().create_new(true).append(true).open(path.join(HISTORY))?);
        Ok(Self { path, history, broken: None })
    }

    /// The name of the run.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Appends a line to the history.
    pub(crate) fn record(&mut self, line: &str) {
        let written = writeln!(self.history, "{line}");
        self.keep(written);
    }

    /// What was appended is the kernel's from here on: it stays when this process is killed.
    pub(crate) fn flush(&mut self) {
        let flushed = self.history.flush();
        self.keep(flushed);
    }

    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.broken.get_or_insert(error);
        }
    }

    /// Why the history is not whole, if it is not.
    pub(crate) const fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }

    /// Writes another file of the run. One of that name stays as it is until all of the new one is written.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}.new"));
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, self.path.join(name)));
        if written.is_err() {
            // The error is what there is to tell.
            let _removed = fs::remove_file(&beside);
        }
        written
    }
}

/// The folders of trials that were made again of this one, with changes, in their order.
pub(crate) fn again(run: &Path) -> Vec<PathBuf> {
    // The name is in no path such as `.`, and `latest` has another.
    let Ok(run) = run.canonicalize() else { return Vec::new() };
    let (Some(name), Some(runs)) = (run.file_name(), run.parent()) else { return Vec::new() };
    let first = format!("{}-{WITH_FIX}", name.to_string_lossy());
    let further = (2..=NAMES).map(|number| format!("{first}-{number}"));
    let all = [first.clone()].into_iter().chain(further).map(|name| runs.join(name));
    all.take_while(|path| path.is_dir()).collect()
}

fn fresh(runs: &Path, name: &str) -> io::Result<PathBuf> {
    for number in 1..=NAMES {
        let path = runs.join(if number == 1 { name.to_owned() } else { format!("{name}-{number}") });
        match fs::create_dir(&path) {
            Ok(()) => return path.canonicalize(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many runs of this second"))
}

/// Has `latest` point at a run, at no moment at none.
fn point(runs: &Path, path: &Path) -> io::Result<()> {
    let latest = runs.join(LATEST);
    let is_ours = fs::symlink_metadata(&latest).map_or(true, |there| there.is_symlink());
    if !is_ours {
        return Err(io::Error::other(format!("{} is not a link; move it away", latest.display())));
    }
    let beside = runs.join(format!(".{LATEST}.{}", std::process::id()));
    // One that a killed trial left.
    let _removed = fs::remove_file(&beside);
    symlink(path.file_name().unwrap_or_default(), &beside)?;
    fs::rename(&beside, &latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_folder_and_latest_is_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("deep/runs");
        let now = Timestamp::from_second(0).unwrap();
        let mut first = Folder::make(&runs, now).unwrap();
        let second = Folder::make(&runs, now).unwrap();
        assert_eq!((first.name(), second.name()), ("19700101-000000".to_owned(), "19700101-000000-2".to_owned()));
        assert_eq!(fs::canonicalize(runs.join(LATEST)).unwrap(), second.path);
        first.record("{}");
        first.flush();
        assert_eq!(fs::read_to_string(first.path.join(HISTORY)).unwrap(), "{}\n");
        assert!(first.broken().is_none());
    }

    #[test]
    fn a_file_is_written_whole_or_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::make(dir.path(), Timestamp::from_second(0).unwrap()).unwrap();
        let files = || fs::read_dir(&folder.path).unwrap().count();
        for text in ["first", "2"] {
            folder.write("report.txt", text).unwrap();
            assert_eq!((&*fs::read_to_string(folder.path.join("report.txt")).unwrap(), files()), (text, 2));
        }
        let in_the_way = folder.path.join(".report.txt.new");
        fs::create_dir(&in_the_way).unwrap();
        assert!(folder.write("report.txt", "third").is_err());
        assert_eq!(fs::read_to_string(folder.path.join("report.txt")).unwrap(), "2");
        fs::remove_dir(in_the_way).unwrap();
        fs::create_dir(folder.path.join("report.json")).unwrap();
        assert!(folder.write("report.json", "{}").is_err());
        assert_eq!(files(), 3, "nothing is left of what could not be written");
    }

    #[test]
    fn what_is_in_the_way_of_latest_is_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        fs::write(runs.path().join(LATEST), "mine").unwrap();
        let error = Folder::make(runs.path(), Timestamp::from_second(0).unwrap()).unwrap_err();
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(fs::read_to_string(runs.path().join(LATEST)).unwrap(), "mine");
    }
}

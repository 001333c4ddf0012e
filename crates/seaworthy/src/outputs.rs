//! Files that a result is written to.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use crate::{cli::Failure, settings::Values};

/// A file that the result is written to, in the form that its name asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output<F> {
    path: PathBuf,
    pub(crate) format: F,
}

impl<F> Output<F> {
    /// Those that were asked for; `by_ending` says which form a name asks for. Each is tried at once: a run's result must
    /// not be lost to a typing error.
    pub(crate) fn all(
        values: &Values<'_>,
        by_ending: impl Fn(&str) -> Result<F, String>,
    ) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::<Self>::new();
        for given in values.all("output") {
            let output = Self { path: given.text.clone().into(), format: given.parse(&by_ending)? };
            if all.iter().any(|other| other.real() == output.real()) {
                return Err(Failure::usage(format!("{}: {:?} is named twice", given.origin, given.text)));
            }
            output.attempt().map_err(|why| Failure::could_not_run(format!("{}: {why}", given.origin)))?;
            all.push(output);
        }
        Ok(all)
    }

    /// One at a path that nobody had to name.
    pub(crate) fn at(path: PathBuf, format: F) -> Result<Self, Failure> {
        let output = Self { path, format };
        output.attempt().map_err(Failure::could_not_run)?;
        Ok(output)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it can be written, without changing what is there.
    fn attempt(&self) -> Result<(), String> {
        let shown = self.path.display();
        let folder = self.folder();
        if !folder.is_dir() {
            return Err(format!("there is no folder {}; make it, or name another", folder.display()));
        }
        if self.path.is_dir() {
            return Err(format!("{shown} is a folder; name a file in it"));
        }
        if let Ok(there) = fs::metadata(&self.path)
            && !there.is_file()
        {
            // A pipe would be waited for until somebody reads it.
            let is_device = there.file_type().is_char_device();
            return if is_device { Ok(()) } else { Err(format!("{shown} is not a file; name one")) };
        }
        let beside = self.beside();
        fs::write(&beside, "")
            .and_then(|()| fs::remove_file(&beside))
            .map_err(|error| format!("cannot write {shown}: {error}"))
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        self.replace(text)
            .map_err(|error| Failure::could_not_run(format!("--output: cannot write {}: {error}", self.path.display())))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        if self.is_special() {
            return fs::OpenOptions::new().write(true).open(&self.path)?.write_all(text.as_bytes());
        }
        let beside = self.beside();
        let written = fs::File::create(&beside)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            // What a link points to is replaced, and not the link.
            .and_then(|()| fs::rename(&beside, fs::canonicalize(&self.path).unwrap_or_else(|_new| self.path.clone())));
        if written.is_err() {
            let _gone_already = fs::remove_file(&beside);
        }
        written
    }

    /// A device, which cannot be replaced.
    fn is_special(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|there| !there.is_file())
    }

    /// The same for all names of the same file.
    fn real(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_new| {
            let folder = self.folder();
            fs::canonicalize(&folder).unwrap_or(folder).join(self.path.file_name().unwrap_or_default())
        })
    }

    fn folder(&self) -> PathBuf {
        // What a link points to may lie in another folder, and a name is replaced only within one.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_new| self.path.clone());
        match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// A name in the same folder that nobody else uses.
    fn beside(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.folder().join(format!(".{name}.{}.tmp", std::process::id()))
    }
}

#[cfg(test)]
mod tests {
    use seaworthy_core::report::{self, Format};

    use super::*;
    use crate::commands::load::{command, flags::SETTINGS};

    fn outputs(files: &[&str]) -> Result<Vec<Output<Format>>, String> {
        let line = ["load"].into_iter().chain(files.iter().flat_map(|file| ["-o", *file]));
        let matches = command().try_get_matches_from(line).unwrap();
        Output::all(&Values::new(SETTINGS, &matches, &|_| None), report::by_ending).map_err(|failure| failure.message)
    }

    #[test]
    fn a_file_is_tried_at_the_start_and_replaced_at_the_end() {
        let dir = tempfile::TempDir::new().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::write(at("old.json"), "old").unwrap();
        std::os::unix::fs::symlink(at("old.json"), at("link.json")).unwrap();
        let all = outputs(&[&at("link.json"), &at("new.xml")]).unwrap();
        assert_eq!((all[0].format, all[1].format), (Format::Json, Format::Junit));
        assert_eq!(fs::read_to_string(at("old.json")).unwrap(), "old");
        for output in &all {
            output.write("result").unwrap();
        }
        assert_eq!(fs::read_to_string(at("old.json")).unwrap(), "result");
        assert_eq!(fs::read_to_string(at("new.xml")).unwrap(), "result");
        assert!(fs::symlink_metadata(at("link.json")).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "nothing is left beside them");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_refused_at_the_start() {
        let dir = tempfile::TempDir::new().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::create_dir(at("folder.json")).unwrap();
        fs::write(at("old.json"), "").unwrap();
        std::os::unix::fs::symlink(dir.path(), at("here")).unwrap();
        std::os::unix::fs::symlink(at("old.json"), at("link.json")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket.json")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(at("pipe.json")).status().unwrap();
        assert!(made.success());
        for (files, says) in [
            (&[at("missing/result.json")] as &[String], "there is no folder"),
            (&[at("folder.json")], "is a folder; name a file in it"),
            (&[at("a.json"), at("a.json")], "is named twice"),
            (&[at("a.json"), at("./a.json")], "is named twice"),
            (&[at("a.json"), at("here/a.json")], "is named twice"),
            (&[at("old.json"), at("here/old.json")], "is named twice"),
            (&[at("link.json"), at("old.json")], "is named twice"),
            (&[at("pipe.json")], "is not a file; name one"),
            (&[at("socket.json")], "is not a file; name one"),
            (&[at("result")], "has no known ending"),
            (&["-".to_owned()], "has no known ending"),
            (&["/proc/result.json".to_owned()], "cannot write /proc/result.json"),
        ] {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let error = outputs(&files).unwrap_err();
            assert!(error.contains(says) && error.lines().count() == 1, "{files:?}: {error}");
        }
    }
}

//! Files that are read again when they change: certificates, tokens.
//!
//! They are looked at by their content and at intervals. Kubernetes replaces a mounted Secret by moving a
//! symbolic link, editors replace a file by another one, and some file systems send no notice of either.

use std::{io, path::PathBuf, time::Duration};

/// The contents of some files, in order.
pub(crate) type Contents = Vec<Vec<u8>>;

/// Reads all of them; an error names the file.
pub(crate) fn read(files: &[PathBuf]) -> Result<Contents, String> {
    files
        .iter()
        .map(|path| std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display())))
        .collect()
}

/// Calls `changed` with the contents whenever they differ from what they were. Never returns.
pub(crate) async fn follow(
    files: Vec<PathBuf>,
    mut known: Contents,
    interval: Duration,
    mut changed: impl FnMut(&Contents),
) -> ! {
    let mut missing = false;
    loop {
        tokio::time::sleep(interval).await;
        let again = files.clone();
        let read = tokio::task::spawn_blocking(move || read(&again)).await;
        match read.map_err(io::Error::other) {
            Ok(Ok(contents)) if contents != known => {
                missing = false;
                changed(&contents);
                known = contents;
            }
            Ok(Ok(_same)) => missing = false,
            // Half-way through a replacement a file may be missing; the next look finds it.
            Ok(Err(error)) => {
                if !missing {
                    tracing::warn!(error, "a watched file is missing; keeping what it said");
                }
                missing = true;
            }
            Err(error) => tracing::warn!(%error, "the watched files could not be read"),
        }
    }
}

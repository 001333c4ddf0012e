//! How many file descriptors this process may have.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Those that are not connections: listeners, databases, logs and the like.
pub(crate) const OTHERS: u64 = 64;

/// Fewer do for nothing: the runtime and its signals have some of their own.
pub(crate) const LEAST: u64 = 24;

/// How many there may be now.
pub(crate) fn allowed() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Asks the system for at least so many, and says how many there may be then.
pub(crate) fn allow(wanted: u64) -> io::Result<u64> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_some_and(|current| current < wanted) {
        let current = now.maximum.map(|most| most.min(wanted)).or(Some(wanted));
        setrlimit(Resource::Nofile, Rlimit { current, maximum: now.maximum })?;
    }
    Ok(allowed())
}

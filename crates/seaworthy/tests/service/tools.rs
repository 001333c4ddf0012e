//! Tools of other projects that judge ours. `cargo xtask test` installs them.

use std::path::PathBuf;

/// A program of the tests' Python environment.
pub(crate) fn python_program(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("target/tools/python/bin").join(name);
    assert!(path.exists(), "{} is missing; `cargo xtask test` installs it", path.display());
    path
}

pub(crate) fn python() -> PathBuf {
    python_program("python3")
}

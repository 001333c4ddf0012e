//! The benchmarks, built for release.

use crate::run::{Outcome, cargo, run};

/// Runs the benchmarks whose names contain one of the arguments, or all.
pub(crate) fn all(arguments: &[String]) -> Outcome {
    let mut command =
        cargo(&["bench", "--package", "seaworthy", "--bench", "service", "--bench", "load", "--locked", "--"]);
    run(command.args(arguments))
}

/// Judges simulated worlds by chance, or one of them, or a long trial: it needs no other program.
pub(crate) fn diagnosis(arguments: &[String]) -> Outcome {
    let mut command = cargo(&["bench", "--package", "seaworthy-trial", "--bench", "diagnosis", "--locked", "--"]);
    run(command.args(arguments))
}

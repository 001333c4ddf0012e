//! Benchmarks.

use crate::run::Outcome;

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    Err("not yet".into())
}

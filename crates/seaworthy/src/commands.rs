//! A file for each subcommand.

pub(crate) mod load;
pub(crate) mod serve;

//! A file for each subcommand.

pub(crate) mod causes;
pub(crate) mod diagnose;
pub(crate) mod lint;
pub(crate) mod load;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod trial;
pub(crate) mod up;

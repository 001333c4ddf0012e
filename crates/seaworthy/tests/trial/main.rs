//! `seaworthy trial` as its users meet it: a command in; drills, a verdict, files and an exit code out.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test waits on the real clock for a real process"
)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what it found by panicking")]

#[path = "../shared/terminal.rs"]
mod shared;
#[path = "../service/tools.rs"]
#[expect(dead_code, reason = "shared with the tests of the service")]
mod tools;

mod built_in;
mod drills;
mod fail_closed;
mod matrix;
mod network;
mod page;
mod proof;
mod recorded;
mod run;
mod shown;
mod simulated;
mod targets;
mod undo;
mod usage;
mod writes;

//! `seaworthy load` as its users meet it: arguments in; text, files and an exit code out.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test waits on the real clock for a real process"
)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test says what it found by panicking")]

#[path = "../service/client.rs"]
#[expect(dead_code, reason = "shared with the tests of the service")]
mod client;
#[path = "../service/mariadb.rs"]
#[expect(dead_code, reason = "shared with the tests of the service")]
mod mariadb;
#[path = "../service/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the service")]
mod server;
#[path = "../shared/terminal.rs"]
mod shared;

mod interrupted;
mod results;
mod run;
mod secure;
mod terminal;
mod workload;
mod writes;

//! The service as its users meet it: the real binary, real sockets, a real MariaDB.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real processes live on the real clock and are waited for by blocking threads"
)]
#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test says what it found by panicking")]

mod bad_input;
mod client;
mod commands;
mod contract;
mod docs_page;
mod durability;
mod lifecycle;
mod mariadb;
mod outage;
mod schema;
mod server;
mod telemetry;
mod tls;
mod tools;
mod tutorials;

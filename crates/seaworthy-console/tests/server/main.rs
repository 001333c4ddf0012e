//! The console's HTTP, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and one that is skipped says so")]

mod answers;
mod client;
mod drills;
mod limits;
mod sample;
mod stream;
mod tokens;

//! The page in a real browser: Debian's Chromium, over `WebDriver`. One browser at a time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and one that is skipped says so"
)]

mod driver;
mod fits;
mod follows;
mod system;
#[path = "../../examples/demo/world.rs"]
mod world;

//! Sends requests when they are due, and tells what became of each.
//!
//! A [`Plan`] goes in; [`Interval`](seaworthy_core::interval::Interval)s come out while it runs. This crate knows of
//! sockets and timers, and nothing of terminals, verdicts or disruptions.
//!
//! ```text
//! Plan ─> run ─> a worker a thread: schedule ─> timer ─> pool ─> connection (http1 | http2) ─> outcome
//!                                                 │ workload: what to send      expectation ┘      │
//!                                                 │ endpoints: where to                            v
//!                     <──────────────────── intervals, over a bounded channel ──────────────── recorder
//! ```

mod connect;
pub mod endpoints;
pub mod expectation;
pub mod http1;
mod http2;
pub mod machine;
pub mod plan;
mod pool;
pub mod read_back;
pub mod request;
pub mod run;
pub mod template;
mod timer;
pub mod tls;
mod truncation;
mod users;
mod worker;
mod workload;
pub mod writes;

pub use plan::Plan;
pub use run::{Ended, Run, start};

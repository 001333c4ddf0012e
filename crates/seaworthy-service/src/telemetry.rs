//! What the service tells of itself: metrics and traces. Logs are events of `tracing`; where they go is
//! the binary's business.

pub(crate) mod metrics;
mod process;
pub(crate) mod traces;

//! The local platform: replicas are processes of this machine, and the rules of a Deployment hold for them.
//!
//! ```text
//! core::trial ──effects──> platform ─> process (start, signal, reap) ─┐
//!      ^                      │    ├─> check (probes, hooks)          ├─> inputs
//!      └──────inputs──────────┘    └─> listener (is its port open?)  ─┘
//! ```
//!
//! It is the lifecycle of a Deployment that is followed here, not a cluster's network: there is no other machine, and no
//! namespace of the kernel but that of the network, where a drill breaks it. What a container would see differently is told as events.

mod check;
mod database;
mod listener;
mod memory;
mod network;
mod place;
mod platform;
pub(crate) mod process;
mod running;
pub(crate) mod sockets;

pub use database::DATABASE;
pub use network::Network;
pub use place::{InvalidCommand, placeholders};
pub use running::{Ended, Local, Running, Seen, Watched, start};
pub use sockets::Listening;

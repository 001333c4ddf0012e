//! Mutual TLS between the parts of a system on one machine: who each of them is, and the two proxies between them.
//!
//! An [`Authority`] lives in memory and gives each [`Workload`] a certificate with its SPIFFE ID, which it renews. A
//! [`Sidecar`] stands before one replica: it takes mutual TLS and hands on what was in it. A [`Forwarder`] stands before
//! all of them: clients that know nothing of this connect to it. Both count what goes over each [edge](edges). This
//! crate knows of sockets, certificates and TLS. It knows nothing of HTTP, processes, load, terminals or files: no key
//! is ever written anywhere.
//!
//! ```text
//! load generator ──mTLS──────────────────────────────┐
//!                                                    v
//! any client ──plain──> Forwarder ──mTLS (gateway)─> Sidecar of replica 3 ──plain──> replica 3
//!            ──TLS────────> (untouched) ───────────>    │
//!                              └──────── Edges <────────┘
//! ```

mod clock;
mod door;
pub mod edges;
pub mod forwarder;
pub mod identity;
mod pump;
pub mod reason;
pub mod sidecar;
pub mod spiffe;
mod stream;

pub use clock::{Clock, SystemClock};
pub use edges::Edges;
pub use forwarder::Forwarder;
pub use identity::{Authority, Workload};
pub use sidecar::Sidecar;
pub use spiffe::SpiffeId;

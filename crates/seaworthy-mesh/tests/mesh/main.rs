//! Sidecars and the forwarder on real sockets: what goes through, what is turned away, and how connections end.

#![expect(clippy::unwrap_used, reason = "in a test that is how it fails")]

mod ends;
mod forwarder;
mod refused;
mod rotation;
mod sidecar;
mod support;

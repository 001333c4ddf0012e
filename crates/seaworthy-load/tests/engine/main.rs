//! The engine against real sockets: what it makes of servers that misbehave, and how it spreads what is due.

#![expect(clippy::unwrap_used, reason = "in a test that is how it fails")]

mod honesty;
mod http2;
mod misbehaving;
mod pool;
mod server;
mod tls;
mod truncation;
mod writes;

//! Platforms: they run, observe and disrupt a target, and tell what happens as events.
//!
//! What is to happen is decided in [`seaworthy_core::trial`]; a platform carries it out. This crate knows processes,
//! ports and manifests, and nothing of how load is sent, of diagnosis or of terminals.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`target`] | what is run, and what it is told |
//! | [`manifest`] | a target's rules, from a Kubernetes manifest |
//! | [`local`] | replicas as processes of this machine |
//! | [`journal`] | what to undo after a trial that was killed |
//! | [`simulated`] | a deterministic world on virtual time, with clients of its own |

pub mod journal;
pub mod local;
pub mod manifest;
pub mod simulated;
pub mod target;

//! Trials of a simulated target: what somebody who looks at their history sees.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for the events that it is about")]

mod asked;
mod bounded;
mod diagnosed;
mod planted;
mod plants;
mod sound;
mod world;
#[path = "../../benches/diagnosis/worlds.rs"]
mod worlds;

//! What was found, for people and for programs.

mod json;
mod sarif;
mod text;

pub use self::{json::json, sarif::sarif, text::text};

#![expect(clippy::wildcard_enum_match_arm, reason = "each test looks at a few of many events")]

mod endpoints;
mod promises;
mod replica;
mod rollout;
mod sizes;
mod stop;
mod story;
mod world;

//! Values and decisions of Seaworthy, and nothing else: schedules, recordings, judgements, reports.
//!
//! Everything here is a function of values. No clock is read, no file or socket opened, no thread started; time and
//! randomness come in as arguments, so whatever is decided here can be decided again.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`time`] | moments on a run's one clock |
//! | [`arrivals`] | the schedule: when each request is due |
//! | [`outcome`] | what became of one request |
//! | [`interval`] | what one generator thread saw in a tenth of a second |
//! | [`recording`] | everything that was seen in a run |
//! | [`histogram`] | distributions of times |
//! | [`generator`] | the generator's own health |
//! | [`threshold`] | what a run is held to |
//! | [`verdict`] | whether it holds |
//! | [`report`] | a run as others read it |
//! | [`text`] | numbers and times as people read and write them |

pub mod arrivals;
pub mod generator;
pub mod histogram;
pub mod interval;
pub mod ledger;
pub mod outcome;
pub mod recording;
pub mod report;
#[cfg(test)]
mod sample;
pub mod text;
pub mod threshold;
pub mod time;
pub mod verdict;

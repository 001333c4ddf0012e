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
//! | [`deployment`] | what is to run, in a Deployment's words |
//! | [`cluster`] | the rules of a Deployment: rollouts, probes, endpoints |
//! | [`drill`] | what is done to a target, and what is expected |
//! | [`flood`] | how much a target does, the more is asked of it |
//! | [`network`] | how the way to a replica is broken, and how soon it is well again |
//! | [`trial`] | the drills one after the other, on a cluster |
//! | [`audit`] | what became of the writes |
//! | [`change`] | what can be changed of a target's rules |
//! | [`fix`] | the same trial without and with a change |
//! | [`replay`] | what a client's own retries would have hidden and doubled |
//! | [`event`], [`history`] | what happened, as it is recorded |
//! | [`diagnosis`] | why requests were lost |
//! | [`assessment`] | what a trial came to |
//! | [`report`] | a run as others read it |
//! | [`text`] | numbers and times as people read and write them |

pub mod arrivals;
pub mod assessment;
pub mod audit;
mod chance;
pub mod change;
pub mod cluster;
pub mod deployment;
pub mod diagnosis;
pub mod drill;
pub mod event;
pub mod fix;
pub mod flood;
pub mod generator;
pub mod histogram;
pub mod history;
pub mod interval;
pub mod ledger;
pub mod lives;
pub mod network;
pub mod outcome;
pub mod recording;
pub mod replay;
pub mod report;
#[cfg(test)]
mod sample;
pub mod text;
pub mod threshold;
pub mod time;
pub mod trial;
pub mod verdict;

//! What time it is, for whom certificates are valid or not.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{pki_types::UnixTime, time_provider::TimeProvider};

/// Says what time it is. A test has one that it sets, so that nothing has to be waited for.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The same clock, for rustls.
#[derive(Debug)]
pub(crate) struct ForTls(pub(crate) Arc<dyn Clock>);

impl TimeProvider for ForTls {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(since_epoch(self.0.now())))
    }
}

/// How long after 1970 that is; before it, 0.
pub(crate) fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// As many whole seconds after 1970: certificates know no less than a second.
pub(crate) fn at_second(seconds: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

/// The time that rustls gives a verifier.
pub(crate) fn from_tls(time: UnixTime) -> SystemTime {
    at_second(time.as_secs())
}

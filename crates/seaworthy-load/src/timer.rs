//! A timer that is exact. The runtime's own has steps of a millisecond, and an arrival that is late by one is late
//! by more than many answers take.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

/// A timer with the resolution of the kernel's clock (timerfd).
#[derive(Debug)]
pub(crate) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(deprecated, reason = "its successor is unsafe, for the sake of types that do not own what they register")]
    pub(crate) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Self(AsyncFd::with_interest(timer, Interest::READABLE)?))
    }

    /// Waits for so long, or less: whoever waits for a moment looks at the clock again. Cancel-safe: a later wait
    /// replaces an earlier one.
    pub(crate) async fn wait(&self, time: Duration) -> io::Result<()> {
        // Zero would switch it off.
        let time = time.max(Duration::from_nanos(1));
        let it_value =
            Timespec { tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: time.subsec_nanos().into() };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        // It is not read: setting it again forgets that it has fired. At worst this returns too early once.
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

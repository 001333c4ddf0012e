//! The one timer: renews what is due.

use std::time::Duration;

use tokio::{task::JoinHandle, time::sleep};

use super::Authority;

/// The longest wait. A timer stands still while a machine sleeps, and knows nothing of a clock that is set, so the clock
/// is looked at again once a minute.
const LONGEST: Duration = Duration::from_mins(1);
/// The shortest, so that what cannot be renewed is not tried all the time.
const SHORTEST: Duration = Duration::from_millis(100);

/// Renews in time for as long as it is held.
#[derive(Debug)]
pub struct Rotation(JoinHandle<()>);

impl Authority {
    /// Renews leaves and the authority itself when half of their lives is over, until what this returns is dropped. It
    /// has to be called in a runtime of tokio.
    pub fn rotate_in_time(&self) -> Rotation {
        let authority = self.clone();
        Rotation(tokio::spawn(async move {
            // A leaf that is made meanwhile is due no sooner than this.
            let longest = (authority.0.lifetimes.leaf / 2).min(LONGEST);
            loop {
                let left = authority.next_due().duration_since(authority.0.clock.now()).unwrap_or_default();
                sleep(left.clamp(SHORTEST, longest)).await;
                // What could not be renewed is still valid for as long again, and tried again.
                let _renewed = authority.renew();
            }
        }))
    }
}

impl Drop for Rotation {
    fn drop(&mut self) {
        self.0.abort();
    }
}

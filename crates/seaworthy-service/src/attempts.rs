//! How often a user's password may be tried: a bucket of attempts for each user, refilled over time.
//!
//! Each replica keeps its own buckets, so the bound that a guesser meets is this one times the replicas.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Attempts that may come at once.
const BURST: u32 = 10;

/// One more attempt each time this has passed: 600 guesses an hour.
const REFILL: Duration = Duration::from_secs(6);

/// Users remembered at a time. When as many are being guessed at, further ones have to wait.
const USERS: usize = 100_000;

/// The buckets.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// When each user's bucket will be full again: that time says how much is missing now.
    full_at: Mutex<HashMap<i64, Instant>>,
}

impl Attempts {
    /// Takes one attempt, or says how long to wait for the next.
    pub(crate) fn take(&self, user: i64, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= USERS && !full_at.contains_key(&user) {
            full_at.retain(|_, full| *full > now);
            if full_at.len() >= USERS {
                return Err(REFILL);
            }
        }
        let full = full_at.get(&user).copied().unwrap_or(now).max(now);
        let missing = full.saturating_duration_since(now);
        let most_missing = REFILL * (BURST - 1);
        if missing > most_missing {
            return Err(missing.saturating_sub(most_missing));
        }
        full_at.insert(user, full + REFILL);
        Ok(())
    }

    /// The right password was given: what was tried before does not count.
    pub(crate) fn forgive(&self, user: i64) {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_then_one_at_a_time() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(attempts.take(1, now), Ok(()));
        }
        assert_eq!(attempts.take(1, now), Err(REFILL));
        assert_eq!(attempts.take(2, now), Ok(()), "another user is not held up");
        assert_eq!(attempts.take(1, now + REFILL), Ok(()));
        assert!(attempts.take(1, now + REFILL).is_err());
        attempts.forgive(1);
        assert_eq!(attempts.take(1, now + REFILL), Ok(()));
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_allows(pauses in proptest::collection::vec(0u64..20, 1..200)) {
            let attempts = Attempts::default();
            let begin = Instant::now();
            let mut now = begin;
            let mut taken = 0u64;
            for pause in pauses {
                now += Duration::from_secs(pause);
                taken += u64::from(attempts.take(1, now).is_ok());
            }
            let allowed = u64::from(BURST) + (now - begin).as_secs() / REFILL.as_secs();
            prop_assert!(taken <= allowed, "{} taken, {} allowed", taken, allowed);
        }
    }
}

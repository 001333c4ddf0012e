//! When a client tries again: how often, after how long, and for which failures.

use std::{fmt, iter, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{Executed, Failure, FailureKind},
    text,
};

/// More tries than anybody should make.
const MOST: u32 = 10;

/// The longest delay before a retry.
const LONGEST: Duration = Duration::from_mins(1);

/// When a client tries again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Policy {
    /// How often, after the first attempt.
    pub retries: u32,
    /// Before the first retry; before each more it is twice as long.
    pub backoff: Duration,
    /// For which failures.
    pub on: Vec<On>,
    /// Whether also requests that are not idempotent are sent again after they may have been executed.
    pub not_idempotent: bool,
}

/// Failures after which a client tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// No connection came about, or the server said that it has not worked on it.
    Connect,
    /// The connection ended before the answer was complete.
    Reset,
    /// It took too long.
    Timeout,
    /// A status of 502, 503 or 504, as gateways give it.
    Gateway,
    /// Any other status of 500 and above.
    Server,
}

impl On {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Connect, "connect"),
        (Self::Reset, "reset"),
        (Self::Timeout, "timeout"),
        (Self::Gateway, "gateway"),
        (Self::Server, "5xx"),
    ];

    fn holds(self, failure: &Failure) -> bool {
        let status = failure.status.filter(|_| failure.kind == FailureKind::Status);
        match self {
            Self::Connect => failure.executed() == Executed::No,
            Self::Reset => matches!(failure.kind, FailureKind::Reset | FailureKind::Closed | FailureKind::StreamReset),
            Self::Timeout => failure.kind == FailureKind::TimedOut,
            Self::Gateway => status.is_some_and(|status| (502..=504).contains(&status)),
            Self::Server => status.is_some_and(|status| status >= 500),
        }
    }
}

impl Policy {
    /// Whether a failure is one that it tries again after.
    pub fn covers(&self, failure: &Failure) -> bool {
        self.on.iter().any(|on| on.holds(failure))
    }

    /// From the end of the first attempt to each retry. What the retries themselves take is left out.
    pub fn delays(&self) -> impl Iterator<Item = Duration> {
        let backoffs = iter::successors(Some(self.backoff), |last| Some(last.saturating_mul(2).min(LONGEST)));
        let sums = backoffs.scan(Duration::ZERO, |sum, backoff| {
            *sum = sum.saturating_add(backoff);
            Some(*sum)
        });
        sums.take(self.retries as usize)
    }
}

impl Policy {
    /// As one would tell it: `2 retries, the first after 100ms, on connect and reset`.
    pub fn words(&self) -> String {
        let names: Vec<&str> = On::ALL.iter().filter(|(on, _)| self.on.contains(on)).map(|(_, name)| *name).collect();
        let each = if self.not_idempotent { ", whatever the method" } else { "" };
        let retries = if self.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", self.retries) };
        let backoff = text::long_time(self.backoff);
        format!("{retries}, the first after {backoff}, on {}{each}", names.join(", "))
    }
}

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|why| format!("{text:?} {why}"))
    }
}

impl From<Policy> for String {
    fn from(policy: Policy) -> Self {
        policy.to_string()
    }
}

impl FromStr for Policy {
    type Err = String;

    /// `2`, or with words: `2 backoff=100ms on=connect+reset+gateway not-idempotent`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let retries = words.next().unwrap_or_default();
        let retries = retries.parse::<u32>().ok().filter(|retries| (1..=MOST).contains(retries));
        let retries = retries.ok_or_else(|| format!("does not begin with a number of retries from 1 to {MOST}"))?;
        let on = vec![On::Connect, On::Reset, On::Gateway];
        let mut policy = Self { retries, backoff: Duration::from_millis(25), on, not_idempotent: false };
        for word in words {
            match word.split_once('=') {
                Some(("backoff", time)) => {
                    let time = text::duration(time).filter(|time| *time <= LONGEST);
                    policy.backoff = time.ok_or("has a backoff that is no time up to 1m; give backoff=100ms")?;
                }
                Some(("on", list)) => policy.on = on_list(list)?,
                None if word == "not-idempotent" => policy.not_idempotent = true,
                Some(_) | None => {
                    return Err(format!("has {word:?}; there are backoff=TIME, on=LIST and not-idempotent"));
                }
            }
        }
        Ok(policy)
    }
}

fn on_list(list: &str) -> Result<Vec<On>, String> {
    let named = |name: &str| On::ALL.into_iter().find(|(_, known)| *known == name).map(|(on, _)| on);
    let mut on = Vec::new();
    for name in list.split('+') {
        let Some(one) = named(name) else {
            let all = On::ALL.map(|(_, name)| name).join(", ");
            return Err(format!("has on={list}, which names {name:?}; there are {all}, with a + between them"));
        };
        if !on.contains(&one) {
            on.push(one);
        }
    }
    on.sort_unstable();
    Ok(on)
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = On::ALL.iter().filter(|(on, _)| self.on.contains(on)).map(|(_, name)| *name);
        let names: Vec<&str> = names.collect();
        write!(f, "{} backoff={} on={}", self.retries, text::long_time(self.backoff), names.join("+"))?;
        if self.not_idempotent { f.write_str(" not-idempotent") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Phase;

    #[test]
    fn a_policy_is_read_as_it_is_shown() {
        for (text, shown) in [
            ("2", "2 backoff=25.0ms on=connect+reset+gateway"),
            (" 3  backoff=1s on=timeout+connect+timeout", "3 backoff=1s on=connect+timeout"),
            ("1 not-idempotent on=5xx", "1 backoff=25.0ms on=5xx not-idempotent"),
        ] {
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.to_string(), shown);
            assert_eq!(shown.parse(), Ok(policy));
        }
    }

    #[test]
    fn what_is_no_policy_is_told_with_what_would_be() {
        for (text, words) in [
            ("", "does not begin with a number of retries from 1 to 10"),
            ("0", "does not begin with a number of retries from 1 to 10"),
            ("often", "does not begin with a number of retries from 1 to 10"),
            ("2 backoff=soon", "has a backoff that is no time up to 1m; give backoff=100ms"),
            ("2 backoff=2m", "has a backoff that is no time up to 1m; give backoff=100ms"),
            (
                "2 on=404",
                "has on=404, which names \"404\"; there are connect, reset, timeout, gateway, 5xx, with a + between them",
            ),
            ("2 jitter=1", "has \"jitter=1\"; there are backoff=TIME, on=LIST and not-idempotent"),
        ] {
            assert_eq!(text.parse::<Policy>(), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn each_delay_is_twice_the_one_before() {
        let policy: Policy = "3 backoff=100ms".parse().unwrap();
        let millis: Vec<u128> = policy.delays().map(|delay| delay.as_millis()).collect();
        assert_eq!(millis, [100, 300, 700]);
    }

    #[test]
    fn it_tries_again_after_what_it_names() {
        let status = |status| Failure { status: Some(status), ..Failure::new(Phase::Receive, FailureKind::Status) };
        let refused = Failure::new(Phase::Connect, FailureKind::Refused);
        let reset = Failure::new(Phase::Wait, FailureKind::Reset);
        let late = Failure::new(Phase::Wait, FailureKind::TimedOut);
        for (text, covered) in [
            ("1", vec![&refused, &reset, &status(503)]),
            ("1 on=connect", vec![&refused]),
            ("1 on=timeout", vec![&late]),
            ("1 on=5xx", vec![&status(500), &status(503)]),
        ] {
            let policy: Policy = text.parse().unwrap();
            for failure in [&refused, &reset, &late, &status(500), &status(503), &status(404)] {
                assert_eq!(policy.covers(failure), covered.contains(&failure), "{text} {failure:?}");
            }
        }
    }
}

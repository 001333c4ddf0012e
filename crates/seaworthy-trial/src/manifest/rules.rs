//! Numbers, and how a Deployment is rolled out.

use std::{ops::RangeInclusive, time::Duration};

use seaworthy_core::deployment::{Share, Strategy};

use super::{
    field::{Field, Invalid, shown},
    wire::{self, NumberOrText},
};

/// Replicas that run on one machine; so many more there may be meanwhile.
const MOST_REPLICAS: i64 = 20;

/// A day: no drill waits longer for anything.
const MOST_SECONDS: i64 = 86_400;

/// Shares and counts beyond it mean nothing else than it.
const MOST_SHARE: u32 = 1000;

/// A number within its range.
pub(super) fn count(
    wanted: Option<i64>,
    default: u32,
    range: RangeInclusive<i64>,
    place: &Field,
) -> Result<u32, Invalid> {
    let Some(wanted) = wanted else { return Ok(default) };
    let number = u32::try_from(wanted).ok().filter(|_| range.contains(&wanted));
    number.ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        // Kubernetes takes a zero for a field that is not there, which is hardly what it was written for.
        let zero = if wanted == 0 { "; leave it out for the default" } else { "" };
        place.invalid(format!("is {wanted}; it has to be from {least} to {most}{zero}"))
    })
}

/// A time, from so many seconds to a day.
pub(super) fn seconds(wanted: Option<i64>, default: u32, least: i64, place: &Field) -> Result<Duration, Invalid> {
    let seconds = count(wanted, default, least..=MOST_SECONDS, place)?;
    Ok(Duration::from_secs(u64::from(seconds)))
}

/// How many replicas are wanted.
pub(super) fn replicas(wanted: Option<i64>, place: &Field) -> Result<u32, Invalid> {
    let wanted = wanted.unwrap_or(1);
    let replicas = u32::try_from(wanted).ok().filter(|_| (1..=MOST_REPLICAS).contains(&wanted));
    replicas.ok_or_else(|| place.invalid(format!("is {wanted}; from 1 to {MOST_REPLICAS} can run on one machine")))
}

/// How a new version takes the place of an old one.
pub(super) fn strategy(strategy: &wire::Strategy, replicas: u32, place: &Field) -> Result<Strategy, Invalid> {
    let rolling = strategy.rolling_update.as_ref();
    match strategy.r#type.as_deref() {
        Some("Recreate") if rolling.is_some() => {
            Err(place.of("rollingUpdate").invalid("is not possible with type Recreate; remove one of them"))
        }
        Some("Recreate") => Ok(Strategy::Recreate),
        None | Some("" | "RollingUpdate") => {
            rolling.map_or_else(|| Ok(Strategy::default()), |update| rolling_update(update, replicas, place))
        }
        Some(other) => {
            let other = shown(other);
            Err(place.of("type").invalid(format!("is {other}; a Deployment's are RollingUpdate and Recreate")))
        }
    }
}

fn rolling_update(update: &wire::RollingUpdate, replicas: u32, place: &Field) -> Result<Strategy, Invalid> {
    let place = place.of("rollingUpdate");
    let of_surge = place.of("maxSurge");
    let max_surge = share(update.max_surge.as_ref(), &of_surge)?;
    let max_unavailable = share(update.max_unavailable.as_ref(), &place.of("maxUnavailable"))?;
    if let Share::Percent(percent @ 101..) = max_unavailable {
        return Err(place.of("maxUnavailable").invalid(format!("is {percent}%; up to 100% can be unavailable")));
    }
    if is_none(max_surge) && is_none(max_unavailable) {
        return Err(
            place.invalid("has 0 for maxSurge and maxUnavailable, so nothing could ever be replaced; raise one")
        );
    }
    let more = match max_surge {
        Share::Count(count) => i64::from(count),
        Share::Percent(percent) => (i64::from(percent) * i64::from(replicas) + 99) / 100,
    };
    if more > MOST_REPLICAS {
        return Err(of_surge.invalid(format!("is {more} more replicas; up to {MOST_REPLICAS} more can run meanwhile")));
    }
    Ok(Strategy::RollingUpdate { max_surge, max_unavailable })
}

const fn is_none(share: Share) -> bool {
    matches!(share, Share::Count(0) | Share::Percent(0))
}

fn share(wanted: Option<&NumberOrText>, place: &Field) -> Result<Share, Invalid> {
    let read = match wanted {
        None => return Ok(Share::Percent(25)),
        Some(NumberOrText::Number(number)) => u32::try_from(*number).ok().map(Share::Count),
        Some(NumberOrText::Text(text)) => text
            .strip_suffix('%')
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Share::Percent),
    };
    let fits = read.filter(|read| matches!(read, Share::Count(0..=MOST_SHARE) | Share::Percent(0..=MOST_SHARE)));
    fits.ok_or_else(|| {
        let wanted = wanted.map(ToString::to_string).unwrap_or_default();
        place.invalid(format!("is {wanted}; give a number such as 1 or a share such as \"25%\", up to {MOST_SHARE}"))
    })
}

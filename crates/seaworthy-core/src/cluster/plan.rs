//! How large each ReplicaSet is to be: the Deployment controller's arithmetic, a step at a time.

use std::cmp::Reverse;

use crate::deployment::Fenceposts;

/// A ReplicaSet as the arithmetic sees it. They are given in the order in which they were created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// Replicas that it is to have.
    pub(super) size: u32,
    /// Its replicas that are available, and not terminating.
    pub(super) available: u32,
    /// It is the one that is rolled out.
    pub(super) newest: bool,
}

/// The next step of a rolling update: the sizes from now on, in the order of the sets.
///
/// The new set grows as far as the surge allows. Only where it cannot, the old ones shrink, since what is available has
/// to be counted again after each change.
pub(super) fn rolling(sets: &[Set], wanted: u32, fenceposts: Fenceposts) -> Vec<u32> {
    let mut sets = sets.to_vec();
    let total = total(&sets);
    let most = i64::from(wanted) + i64::from(fenceposts.surge);
    let mut grown = false;
    for new in sets.iter_mut().filter(|set| set.newest) {
        let room = count((most - total).max(0));
        let size = if new.size > wanted { wanted } else { wanted.min(new.size.saturating_add(room)) };
        grown |= size != new.size;
        new.size = size;
    }
    if !grown {
        shrink_old(&mut sets, wanted.saturating_sub(fenceposts.unavailable));
    }
    sizes(&sets)
}

/// Old replicas that are not available serve nobody, so they go first; then those that can be spared.
fn shrink_old(sets: &mut [Set], least: u32) {
    let pending: i64 = sets.iter().filter(|set| set.newest).map(|set| i64::from(set.size) - available(set)).sum();
    let mut unhealthy = count((total(sets) - i64::from(least) - pending).max(0));
    if unhealthy == 0 {
        return;
    }
    for old in sets.iter_mut().filter(|set| !set.newest) {
        let fewer = old.size.saturating_sub(old.available).min(unhealthy);
        old.size -= fewer;
        unhealthy -= fewer;
    }
    let available: i64 = sets.iter().map(available).sum();
    let mut spare = count((available - i64::from(least)).max(0));
    for old in sets.iter_mut().filter(|set| !set.newest) {
        let fewer = old.size.min(spare);
        old.size -= fewer;
        spare -= fewer;
    }
}

/// The next step of `Recreate`: the new set has to wait until no old replica is left, not even one that terminates.
pub(super) fn recreate(sets: &[Set], wanted: u32, old_left: bool) -> Vec<u32> {
    sets.iter()
        .map(|set| match (set.newest, old_left) {
            (true, true) => set.size,
            (true, false) => wanted,
            (false, _) => 0,
        })
        .collect()
}

/// The sizes after another number of replicas is wanted. Amid a rollout every set gets its share of the change, so that
/// the risk stays spread as it was.
///
/// `before` is how many replicas there could have been until now, with the surge.
pub(super) fn scaled(sets: &[Set], before: u32, wanted: u32, surge: u32) -> Vec<u32> {
    let mut sizes = sizes(sets);
    let mut active: Vec<(usize, u32)> = sizes.iter().copied().enumerate().filter(|(_, size)| *size > 0).collect();
    if let [(only, _)] = active.as_slice() {
        replace(&mut sizes, *only, wanted);
        return sizes;
    }
    let allowed = if wanted == 0 { 0 } else { i64::from(wanted) + i64::from(surge) };
    let add = allowed - total(sets);
    if add > 0 {
        active.sort_by_key(|(index, size)| Reverse((*size, *index)));
    } else {
        active.sort_by_key(|(index, size)| (Reverse(*size), *index));
    }
    let mut left = add;
    for (index, size) in &active {
        let fraction = proportion(*size, allowed, before) - i64::from(*size);
        let share = if add > 0 { fraction.min(left) } else { fraction.max(left) };
        let share = if left == 0 { 0 } else { share };
        replace(&mut sizes, *index, count(i64::from(*size) + share));
        left -= share;
    }
    if let Some((largest, _)) = active.first() {
        let size = sizes.get(*largest).copied().unwrap_or_default();
        replace(&mut sizes, *largest, count(i64::from(size) + left));
    }
    sizes
}

/// What a set's size comes to where `allowed` take the place of `before`, rounded to the nearest.
fn proportion(size: u32, allowed: i64, before: u32) -> i64 {
    let before = i64::from(before.max(1));
    (2 * i64::from(size) * allowed + before) / (2 * before)
}

fn sizes(sets: &[Set]) -> Vec<u32> {
    sets.iter().map(|set| set.size).collect()
}

fn total(sets: &[Set]) -> i64 {
    sets.iter().map(|set| i64::from(set.size)).sum()
}

fn available(set: &Set) -> i64 {
    i64::from(set.available)
}

fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn replace(sizes: &mut [u32], index: usize, size: u32) {
    if let Some(at) = sizes.get_mut(index) {
        *at = size;
    }
}

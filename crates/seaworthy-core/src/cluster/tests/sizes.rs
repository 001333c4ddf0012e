use super::super::plan::{Set, recreate, rolling, scaled};
use crate::deployment::{Fenceposts, Share, Strategy};

fn sets(sizes: &[(u32, u32)]) -> Vec<Set> {
    let last = sizes.len() - 1;
    let set =
        |(n, (size, available)): (usize, &(u32, u32))| Set { size: *size, available: *available, newest: n == last };
    sizes.iter().enumerate().map(set).collect()
}

#[test]
fn shares_are_rounded_as_kubernetes_rounds_them() {
    use Share::{Count, Percent};
    for (surge, unavailable, replicas, expected) in [
        (Percent(25), Percent(25), 1, (1, 0)),
        (Percent(25), Percent(25), 3, (1, 0)),
        (Percent(25), Percent(25), 4, (1, 1)),
        (Percent(25), Percent(25), 10, (3, 2)),
        (Percent(30), Percent(30), 10, (3, 3)),
        (Percent(1), Percent(99), 100, (1, 99)),
        (Percent(100), Percent(0), 7, (7, 0)),
        (Count(3), Count(2), 10, (3, 2)),
        (Count(1), Count(0), 1, (1, 0)),
        // Neither: one fewer, or nothing would ever move.
        (Count(0), Count(0), 5, (0, 1)),
        (Percent(0), Percent(9), 10, (0, 1)),
        (Count(0), Count(9), 5, (0, 5)),
        (Count(0), Count(0), 0, (0, 0)),
        (Percent(u32::MAX), Percent(u32::MAX), u32::MAX, (u32::MAX, u32::MAX)),
    ] {
        let strategy = Strategy::RollingUpdate { max_surge: surge, max_unavailable: unavailable };
        let Fenceposts { surge: more, unavailable: fewer } = strategy.fenceposts(replicas);
        assert_eq!((more, fewer), expected, "{surge:?} {unavailable:?} of {replicas}");
    }
    assert_eq!(Strategy::Recreate.fenceposts(4), Fenceposts { surge: 0, unavailable: 4 });
}

#[test]
fn a_rolling_update_goes_step_by_step() {
    // Size and available replicas of each set, the newest one last; what is wanted, surge, unavailable.
    for (before, (wanted, surge, unavailable), after) in [
        // The new set takes what the surge leaves.
        (vec![(10, 10), (0, 0)], (10, 3, 2), vec![10, 3]),
        // Nothing new is available: only as many old ones go as may be unavailable.
        (vec![(10, 10), (3, 0)], (10, 3, 2), vec![8, 3]),
        (vec![(8, 8), (3, 0)], (10, 3, 2), vec![8, 5]),
        (vec![(8, 8), (5, 0)], (10, 3, 2), vec![8, 5]),
        (vec![(8, 8), (5, 2)], (10, 3, 2), vec![6, 5]),
        // The new set is complete: what is old goes when it can be spared.
        (vec![(2, 2), (10, 9)], (10, 3, 2), vec![0, 10]),
        (vec![(1, 1), (3, 2)], (3, 1, 0), vec![1, 3]),
        (vec![(1, 1), (3, 3)], (3, 1, 0), vec![0, 3]),
        // No surge: an old one has to go first.
        (vec![(3, 3), (0, 0)], (3, 0, 1), vec![2, 0]),
        (vec![(2, 2), (0, 0)], (3, 0, 1), vec![2, 1]),
        // The oldest goes first.
        (vec![(2, 2), (2, 2), (1, 1)], (4, 1, 1), vec![0, 2, 1]),
        // One that does not serve goes before one that does, also of a younger set.
        (vec![(3, 3), (1, 0), (0, 0)], (3, 1, 0), vec![3, 0, 0]),
        (vec![(4, 1), (1, 0)], (4, 1, 1), vec![3, 1]),
        (vec![(2, 0), (2, 0), (1, 0)], (4, 1, 1), vec![1, 2, 1]),
        // Too many new ones after fewer are wanted.
        (vec![(0, 0), (5, 5)], (3, 1, 0), vec![0, 3]),
    ] {
        let fenceposts = Fenceposts { surge, unavailable };
        assert_eq!(rolling(&sets(&before), wanted, fenceposts), after, "{before:?} to {wanted}");
    }
}

#[test]
fn a_change_of_size_is_shared_in_proportion() {
    for (before, most, (wanted, surge), after) in [
        // The documentation's example: 10 replicas with 3 more, amid a rollout, become 15: of 5 more the old get 3.
        (vec![(8, 8), (5, 0)], 13, (15, 3), vec![11, 7]),
        // Fewer: what is taken away is shared, too.
        (vec![(8, 8), (5, 0)], 13, (5, 2), vec![4, 3]),
        // 10 * 9 / 13 and 3 * 9 / 13 are 7 and 2.
        (vec![(10, 10), (3, 0)], 13, (6, 3), vec![7, 2]),
        // Of equal ones the younger gets more, and the older loses more.
        (vec![(2, 2), (1, 1), (1, 1)], 4, (5, 1), vec![3, 1, 2]),
        (vec![(4, 4), (4, 4), (4, 4)], 12, (12, 1), vec![4, 4, 5]),
        (vec![(4, 4), (4, 4), (4, 4)], 12, (10, 1), vec![3, 4, 4]),
        (vec![(3, 3), (3, 3)], 6, (6, 1), vec![3, 4]),
        (vec![(3, 3), (3, 3)], 6, (4, 1), vec![2, 3]),
        // Nothing is wanted at all, surge or not.
        (vec![(3, 3), (2, 0)], 5, (0, 1), vec![0, 0]),
        // One set only.
        (vec![(4, 4)], 5, (9, 3), vec![9]),
        (vec![(4, 4), (0, 0)], 5, (2, 1), vec![2, 0]),
        (vec![(0, 0), (0, 0)], 1, (4, 1), vec![0, 0]),
    ] {
        assert_eq!(scaled(&sets(&before), most, wanted, surge), after, "{before:?} to {wanted}");
    }
}

#[test]
fn recreate_waits_for_the_old_ones() {
    assert_eq!(recreate(&sets(&[(3, 3), (0, 0)]), 3, true), [0, 0]);
    assert_eq!(recreate(&sets(&[(0, 0), (0, 0)]), 3, true), [0, 0]);
    assert_eq!(recreate(&sets(&[(0, 0), (0, 0)]), 3, false), [0, 3]);
    assert_eq!(recreate(&sets(&[(0, 0), (3, 1)]), 5, false), [0, 5]);
}

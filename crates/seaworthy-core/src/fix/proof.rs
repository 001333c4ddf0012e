//! What two counts of the same thing prove: with a change, and without.

/// What is less likely than this is not put down to chance.
const CHANCE: f64 = 0.01;

/// Of more than these a bound is computed in place of a sum.
const MOST_ADDED: u64 = 10_000;

/// What a comparison says of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is gone, and that is not by chance: it was what it was taken for.
    Confirmed,
    /// It is gone, and there was so little of it that chance can do that.
    TooFew,
    /// There is less of it, and that is not by chance.
    Fewer,
    /// It is there as before: that the change took away half of it or more can be ruled out.
    Stays,
    /// It was not there without the changes, and that is not by chance.
    New,
    /// It is there with the changes, and there is too little of it to say more.
    Unclear,
    /// It is gone, but nothing of what was changed is to mend it.
    NotAimedAt,
    /// The second trial cannot be compared: a drill did not happen in it.
    Incomparable,
}

impl Proof {
    /// What it says that something happened so often in so many requests without a change, and so often in so many with
    /// it.
    ///
    /// If the change did nothing, each of all that happened was in one of the two trials by the share of their requests:
    /// that is a binomial distribution (the exact test of two Poisson rates).
    pub(super) fn of((before, after): (u64, u64), (without, with): (u64, u64)) -> Self {
        let all = before.saturating_add(after);
        // Had the change taken away this much, so much of what happened would have been with it.
        let share = |left: f64| {
            let (without, with) = (without.max(1) as f64, with.max(1) as f64 * left);
            with / (without + with)
        };
        let fewer = at_most(after, all, share(1.0)) < CHANCE;
        match (before, after) {
            (_, 0) if fewer => Self::Confirmed,
            (_, 0) => Self::TooFew,
            (0, _) if at_most(0, all, 1.0 - share(1.0)) < CHANCE => Self::New,
            (0, _) => Self::Unclear,
            _ if fewer => Self::Fewer,
            _ if at_most(before, all, 1.0 - share(0.5)) < CHANCE => Self::Stays,
            _ => Self::Unclear,
        }
    }

    /// Its name in documents.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::TooFew => "too_few",
            Self::Fewer => "fewer",
            Self::Stays => "stays",
            Self::New => "new",
            Self::Unclear => "unclear",
            Self::NotAimedAt => "not_aimed_at",
            Self::Incomparable => "incomparable",
        }
    }

    /// What it means, in words that follow the numbers.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed: gone with the change",
            Self::TooFew => {
                "gone, but there were too few to prove it: try again, with a higher --rate or more --replicas"
            }
            Self::Fewer => "fewer: the change helps, and is not all that it takes",
            Self::Stays => "not mended by the change",
            Self::New => "only with the change",
            Self::Unclear => "too few to say what the change does: try again, with a higher --rate or more --replicas",
            Self::NotAimedAt => "gone, though nothing that was changed is to mend it: run it again",
            Self::Incomparable => "not comparable: a drill did not happen in the second trial",
        }
    }
}

/// How likely it is that of so many, each with a chance of its own, at most `count` come about; never too low.
fn at_most(count: u64, of: u64, chance: f64) -> f64 {
    if count >= of {
        return 1.0;
    }
    let all = of as f64;
    if of > MOST_ADDED {
        // Chernoff's bound.
        let share = count as f64 / all;
        let part = |is: f64, would_be: f64| if is > 0.0 { is * (is / would_be).ln() } else { 0.0 };
        let apart = part(share, chance) + part(1.0 - share, 1.0 - chance);
        return if share < chance { (-all * apart).exp() } else { 1.0 };
    }
    crate::chance::at_most(count, of, chance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_chance_can_do_proves_nothing() {
        for (before, after, proof) in [
            (7, 0, Proof::Confirmed),
            (6, 0, Proof::TooFew),
            (1, 0, Proof::TooFew),
            (2, 1, Proof::Unclear),
            (6, 2, Proof::Unclear),
            (14, 3, Proof::Fewer),
            (13, 3, Proof::Unclear),
            (1, 1, Proof::Unclear),
            (25, 25, Proof::Unclear),
            (50, 50, Proof::Stays),
            (40, 60, Proof::Stays),
            (0, 1, Proof::Unclear),
            (0, 6, Proof::Unclear),
            (0, 7, Proof::New),
            (20_000, 19_000, Proof::Fewer),
            (20_000, 20_000, Proof::Stays),
            (20_000, 0, Proof::Confirmed),
        ] {
            assert_eq!(Proof::of((before, after), (1_000, 1_000)), proof, "{before} -> {after}");
        }
    }

    #[test]
    fn what_is_to_be_seen_depends_on_how_much_was_looked_at() {
        // Half as many requests, half as many losses: nothing changed.
        assert_eq!(Proof::of((100, 50), (2_000, 1_000)), Proof::Stays);
        assert_eq!(Proof::of((100, 50), (1_000, 1_000)), Proof::Fewer);
        assert_eq!(Proof::of((7, 0), (2_000, 1_000)), Proof::TooFew);
        assert_eq!(Proof::of((5, 0), (1_000, 2_000)), Proof::Confirmed);
        // Nothing was sent at all.
        assert_eq!(Proof::of((5, 0), (1_000, 0)), Proof::TooFew);
    }

    #[test]
    fn chance_is_that_of_a_coin() {
        for (count, of, likely) in [(0, 7, 1.0 / 128.0), (1, 2, 0.75), (2, 2, 1.0), (5, 10, 0.623_046_875)] {
            assert!((at_most(count, of, 0.5) - likely).abs() < 1e-12, "{count} of {of}");
        }
        // Far beyond what a plain power holds, and where the bound takes over from the sum.
        assert!(at_most(3_000, 9_999, 0.5) < 1e-300 && at_most(5_100, 10_000, 0.5) > 0.9);
        assert!(at_most(5_100, 10_001, 0.5) >= 0.9 && at_most(4_800, 10_001, 0.5) < CHANCE);
    }

    proptest! {
        #[test]
        fn less_of_it_is_never_less_of_a_proof(before in 0..300_u64, after in 1..300_u64, with in 1..5_000_u64) {
            let helps = |after| matches!(Proof::of((before, after), (1_000, with)), Proof::Fewer | Proof::Confirmed);
            prop_assert!(!helps(after) || helps(after - 1), "{before} -> {after}");
            let there = |after| matches!(Proof::of((before, after), (1_000, with)), Proof::Stays | Proof::New);
            prop_assert!(!(helps(after) && there(after)));
            prop_assert!(there(after + 1) || !there(after), "{before} -> {after}");
        }
    }
}

//! What chance alone does.

/// How likely it is that of so many, each with a chance of its own, at most `count` come about.
pub(crate) fn at_most(count: u64, of: u64, chance: f64) -> f64 {
    usize::try_from(count).ok().and_then(|count| sums(of, chance).nth(count)).unwrap_or(1.0)
}

/// The same for 0, 1, 2 and so on: the binomial distribution, added up exactly.
pub(crate) fn sums(of: u64, chance: f64) -> impl Iterator<Item = f64> {
    let odds = (chance / (1.0 - chance)).ln();
    let mut log = of as f64 * (1.0 - chance).ln();
    let mut sum = 0.0_f64;
    (0..of).map(move |n| {
        sum += log.exp();
        log += ((of - n) as f64 / (n + 1) as f64).ln() + odds;
        sum.min(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_that_of_a_coin() {
        for (count, of, chance, expected) in [
            (0, 10, 0.5, 0.000_976_56),
            (1, 10, 0.5, 0.010_742),
            (5, 10, 0.5, 0.623_05),
            (10, 10, 0.5, 1.0),
            (0, 0, 0.5, 1.0),
            (80, 600, 1.0 / 6.0, 0.014_5),
        ] {
            let found = at_most(count, of, chance);
            assert!((found - expected).abs() < 0.001, "{count} of {of}: {found}");
        }
        // Terms that are too small to be written down do no harm.
        let median = at_most(20_000, 200_000, 0.1);
        assert!((0.49..0.52).contains(&median), "{median}");
    }
}

//! The bins in which a column of the calls is compared with the training data.

use crate::real::real;

/// A bin with fewer expected rows, in the training data or in the calls, counts with all other rare ones. With so few rows a
/// proportion is too far from the true one for the distributions that tests rely on. Ten instead of the usual five (W. G. Cochran,
/// Biometrics 10 (1954) 417), because a false alarm must be much rarer than one in a hundred.
const RARE: f64 = 10.0;

/// Pairs of counts in the training data and in the calls, and how many rows of training data the first ones are worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    pairs: Vec<(f64, f64)>,
    worth: f64,
}

impl Bins {
    /// Bins with these counts.
    pub(crate) fn of(pairs: &[(u64, u64)]) -> Self {
        let pairs: Vec<_> = pairs.iter().map(|(e, o)| (real(*e), real(*o))).collect();
        let worth = pairs.iter().map(|(e, _)| e).sum();
        Self { pairs, worth }
    }

    /// The same bins, with training data that are as certain as `share` of their rows.
    pub(crate) fn worth(mut self, share: f64) -> Self {
        self.worth *= share;
        self
    }

    /// The same bins, with the rare ones as one. The mean of the proportions in training data and calls tells which are rare: a
    /// choice by the training data alone would keep those that they happen to have too often.
    pub(crate) fn folded(self) -> Self {
        let (m, n) = self.totals();
        let least = self.worth.min(n);
        let is_rare = |(e, o): &(f64, f64)| *e <= 0.0 || f64::midpoint(e / m, o / n) * least < RARE;
        let (rare, mut kept): (Vec<_>, Vec<_>) = self.pairs.into_iter().partition(is_rare);
        if !rare.is_empty() {
            kept.push(rare.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1)));
        }
        Self { pairs: kept, worth: self.worth }
    }

    fn totals(&self) -> (f64, f64) {
        self.pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
    }

    /// How many rows the training data are worth, and the number of values in the calls.
    pub(crate) fn sizes(&self) -> (f64, f64) {
        (self.worth, self.totals().1)
    }

    /// The number of bins with values less one.
    pub(crate) fn freedom(&self) -> f64 {
        let used = self.pairs.iter().filter(|pair| **pair != (0.0, 0.0)).count();
        real(used.saturating_sub(1) as u64)
    }

    /// The Jensen-Shannon divergence of the two distributions to the base 2, from 0 to 1 (J. Lin, IEEE Trans. Inf. Theory 37
    /// (1991) 145). 0 without values on one side.
    pub(crate) fn divergence(&self) -> f64 {
        let (m, n) = self.totals();
        if m <= 0.0 || n <= 0.0 {
            return 0.0;
        }
        let part = |p: f64, mean: f64| if p > 0.0 { p * (p / mean).log2() / 2.0 } else { 0.0 };
        let term = |(e, o): &(f64, f64)| {
            let (e, o) = (e / m, o / n);
            let mean = f64::midpoint(e, o);
            part(e, mean) + part(o, mean)
        };
        self.pairs.iter().map(term).sum::<f64>().clamp(0.0, 1.0)
    }

    /// The Jensen-Shannon distance: the square root of the divergence. `None` without values on one side.
    pub(crate) fn distance(&self) -> Option<f64> {
        let (m, n) = self.totals();
        (m > 0.0 && n > 0.0).then(|| self.divergence().sqrt())
    }

    /// [`Self::divergence`] on the scale of chi-square: without drift it is about chi-square with [`Self::freedom`] degrees of
    /// freedom, times 1/n + 1/m for the [`Self::sizes`] n and m.
    pub(crate) fn squared_distance(&self) -> f64 {
        SCALE * self.divergence()
    }
}

/// A small Jensen-Shannon divergence to the base 2, times this number, is the sum of (o - e)^2 / e over the bins.
const SCALE: f64 = 8.0 * std::f64::consts::LN_2;

/// The Jensen-Shannon distance, from 0 to 1, with this [`Bins::squared_distance`].
pub(crate) fn distance_of(squared: f64) -> f64 {
    (squared / SCALE).clamp(0.0, 1.0).sqrt()
}

/// The Jensen-Shannon distance of two proportions.
pub(crate) fn distance_of_shares(expected: f64, observed: f64) -> f64 {
    let pairs = vec![(expected, observed), (1.0 - expected, 1.0 - observed)];
    Bins { pairs, worth: 1.0 }.divergence().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy 1.17.1: spatial.distance.jensenshannon([120, 310, 95, 40, 0], [80, 240, 160, 90, 7], base=2)
    #[test]
    fn the_distance_is_that_of_scipy() {
        let bins = Bins::of(&[(120, 80), (310, 240), (95, 160), (40, 90), (0, 7)]);
        assert!(
            (bins.divergence().sqrt() - 0.199_693_300_359_558_82).abs() < 1e-12,
            "{}",
            bins.divergence().sqrt()
        );
        assert!((distance_of(bins.squared_distance()) - 0.199_693_300_359_558_82).abs() < 1e-12);
        assert!((distance_of_shares(0.0, 1.0) - 1.0).abs() < 1e-12 && distance_of_shares(0.2, 0.2) < 1e-12);
    }

    #[test]
    fn categories_that_are_rare_in_the_training_data_or_in_the_calls_are_one_bin() {
        let bins = Bins::of(&[(9_000, 900), (990, 100), (4, 1), (6, 0), (0, 3)]).folded();
        assert_eq!(bins.pairs, [(9_000.0, 900.0), (990.0, 100.0), (10.0, 4.0)]);
        assert!((bins.freedom() - 2.0).abs() < f64::EPSILON);
    }
}

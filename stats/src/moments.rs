//! Sums over pairs of numbers, for estimates of their correlation and of their absolute difference.

use serde::{Deserialize, Serialize};

use crate::{
    interval::{self, Estimate},
    real::real,
};

/// Larger numbers are left out, so that sums of squares cannot overflow.
const LARGEST: f64 = 1e100;

/// Running means and squared distances to them, by Welford's method. It loses few digits if the mean is much larger
/// than the spread, unlike sums of squares.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Moments {
    n: u64,
    mean_x: f64,
    mean_y: f64,
    m2_x: f64,
    m2_y: f64,
    co_moment: f64,
    mean_distance: f64,
    m2_distance: f64,
    left_out: u64,
}

impl Moments {
    /// Adds one pair. A pair with NaN, infinity or a number beyond 1e100 only counts as left out.
    pub fn push(&mut self, x: f64, y: f64) {
        if !(x.abs() <= LARGEST && y.abs() <= LARGEST) {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.n = self.n.saturating_add(1);
        let n = real(self.n);
        let (before_x, before_y) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += before_x / n;
        self.mean_y += before_y / n;
        let after_y = y - self.mean_y;
        self.m2_x += before_x * (x - self.mean_x);
        self.m2_y += before_y * after_y;
        self.co_moment += before_x * after_y;
        let distance = (x - y).abs();
        let before = distance - self.mean_distance;
        self.mean_distance += before / n;
        self.m2_distance += before * (distance - self.mean_distance);
    }

    /// Adds the sums of another sample, by the formulas of Chan, Golub and `LeVeque` (1979).
    pub fn merge(&mut self, other: &Self) {
        self.left_out = self.left_out.saturating_add(other.left_out);
        if other.n == 0 {
            return;
        }
        let (a, b) = (real(self.n), real(other.n));
        let part = b / (a + b);
        let weight = a * part;
        let dx = other.mean_x - self.mean_x;
        let dy = other.mean_y - self.mean_y;
        let dd = other.mean_distance - self.mean_distance;
        self.m2_x += other.m2_x + dx * dx * weight;
        self.m2_y += other.m2_y + dy * dy * weight;
        self.co_moment += other.co_moment + dx * dy * weight;
        self.m2_distance += other.m2_distance + dd * dd * weight;
        self.mean_x += dx * part;
        self.mean_y += dy * part;
        self.mean_distance += dd * part;
        self.n = self.n.saturating_add(other.n);
    }

    /// The number of added pairs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The number of pairs that were left out because of NaN, infinity or a number beyond 1e100.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The mean of |x - y|. `None` for fewer than two pairs.
    #[must_use]
    pub fn mean_absolute_difference(&self) -> Option<Estimate> {
        let mut estimate = interval::mean(self.n, self.mean_distance, self.m2_distance)?;
        // Student's interval may extend below 0, but a distance is never negative.
        estimate.low = estimate.low.max(0.0);
        Some(estimate)
    }

    /// Pearson's correlation of x and y. `None` for fewer than four pairs, or if x or y is constant.
    #[must_use]
    pub fn correlation(&self) -> Option<Estimate> {
        if self.m2_x <= 0.0 || self.m2_y <= 0.0 {
            return None;
        }
        interval::correlation(self.n, self.co_moment / (self.m2_x.sqrt() * self.m2_y.sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::Moments;

    fn of(pairs: &[(f64, f64)]) -> Moments {
        let mut moments = Moments::default();
        for (x, y) in pairs {
            moments.push(*x, *y);
        }
        moments
    }

    const PAIRS: [(f64, f64); 8] =
        [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 7.0), (6.0, 8.0), (7.0, 6.0), (8.0, 9.0)];

    // scipy 1.17.1: stats.pearsonr(x, y), and stats.t.interval(.95, 7, d.mean(), stats.sem(d)) of d = abs(x - y)
    #[test]
    fn the_estimates_are_those_of_scipy() {
        let moments = of(&PAIRS);
        let correlation = moments.correlation().expect("eight pairs");
        assert!((correlation.value - 0.896_421_457_000_795_1).abs() < 1e-12);
        let apart = moments.mean_absolute_difference().expect("eight pairs");
        assert!((apart.value - 1.25).abs() < 1e-12);
        assert!((apart.low - 0.862_997_513_462_420_2).abs() < 1e-9);
        assert!((apart.high - 1.637_002_486_537_579_8).abs() < 1e-9);
    }

    #[test]
    fn few_digits_are_lost_if_the_mean_is_much_larger_than_the_spread() {
        let far = PAIRS.map(|(x, y)| (x + 1e9, y + 1e9));
        let correlation = of(&far).correlation().expect("eight pairs");
        assert!((correlation.value - 0.896_421_457_000_795_1).abs() < 1e-7, "{correlation:?}");
    }

    #[test]
    fn nan_infinity_and_huge_numbers_are_left_out_and_counted() {
        let mut moments = of(&PAIRS);
        moments.push(f64::NAN, 1.0);
        moments.push(1.0, f64::INFINITY);
        moments.push(f64::MAX, f64::MIN);
        assert_eq!((moments.count(), moments.left_out()), (8, 3));
        assert_eq!(moments.correlation(), of(&PAIRS).correlation());
    }

    #[test]
    fn the_estimates_of_the_largest_accepted_numbers_are_finite() {
        let moments = of(&[(1e100, -1e100), (-1e100, 1e100), (0.0, 1e100), (1.0, 0.0)]);
        assert!(moments.correlation().is_some_and(|estimate| estimate.value.is_finite()));
        assert!(moments.mean_absolute_difference().is_some_and(|estimate| estimate.high.is_finite()));
    }

    #[test]
    fn a_constant_has_no_correlation() {
        assert_eq!(of(&[(0.1, 1.0), (0.1, 2.0), (0.1, 3.0), (0.1, 4.0)]).correlation(), None);
    }

    #[test]
    fn the_interval_of_a_distance_does_not_extend_below_zero() {
        let apart = of(&[(0.0, 0.0), (0.0, 10.0)]).mean_absolute_difference().expect("two pairs");
        assert!(apart.low >= 0.0);
    }
}

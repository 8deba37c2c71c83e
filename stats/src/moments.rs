//! Sums over pairs of numbers, for their correlation and their absolute difference.

use serde::{Deserialize, Serialize};

use crate::{groups::Counts, real::real};

/// Larger numbers are left out, so that sums of squares cannot overflow.
pub(crate) const LARGEST: f64 = 1e100;

/// Running means and squared distances to them, by Welford's method. It loses few digits if the mean is much larger
/// than the spread, unlike sums of squares.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Moments {
    n: u64,
    mean_x: f64,
    mean_y: f64,
    m2_x: f64,
    m2_y: f64,
    co_moment: f64,
    mean_distance: f64,
}

/// Moments as they are serialized.
type Row = (u64, f64, f64, f64, f64, f64, f64);

impl From<Row> for Moments {
    fn from((n, mean_x, mean_y, m2_x, m2_y, co_moment, mean_distance): Row) -> Self {
        Self { n, mean_x, mean_y, m2_x, m2_y, co_moment, mean_distance }
    }
}

impl From<Moments> for Row {
    fn from(of: Moments) -> Self {
        (of.n, of.mean_x, of.mean_y, of.m2_x, of.m2_y, of.co_moment, of.mean_distance)
    }
}

impl Moments {
    /// Adds one pair, and returns true. A pair with NaN, infinity or a number beyond 1e100 is not added.
    pub fn push(&mut self, x: f64, y: f64) -> bool {
        if !(x.abs() <= LARGEST && y.abs() <= LARGEST) {
            return false;
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
        self.mean_distance += ((x - y).abs() - self.mean_distance) / n;
        true
    }

    /// The number of added pairs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The mean of |x - y|. `None` without pairs.
    #[must_use]
    pub fn mean_absolute_difference(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean_distance)
    }

    /// The mean of x - y, and the sum of squared distances from it.
    pub(crate) fn mean_and_squares_of_difference(&self) -> (f64, f64) {
        (self.mean_x - self.mean_y, (self.m2_x + self.m2_y - 2.0 * self.co_moment).max(0.0))
    }

    /// The sum of the squared distances of y from its mean.
    pub(crate) fn squares_of_second(&self) -> f64 {
        self.m2_y
    }

    /// Pearson's correlation of x and y. `None` if x or y is constant.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        if self.m2_x <= 0.0 || self.m2_y <= 0.0 {
            return None;
        }
        Some((self.co_moment / (self.m2_x.sqrt() * self.m2_y.sqrt())).clamp(-1.0, 1.0))
    }
}

impl Counts for Moments {
    /// By the formulas of Chan, Golub and `LeVeque` (1979).
    fn add(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let (a, b) = (real(self.n), real(other.n));
        let part = b / (a + b);
        let weight = a * part;
        let dx = other.mean_x - self.mean_x;
        let dy = other.mean_y - self.mean_y;
        self.m2_x += other.m2_x + dx * dx * weight;
        self.m2_y += other.m2_y + dy * dy * weight;
        self.co_moment += other.co_moment + dx * dy * weight;
        self.mean_x += dx * part;
        self.mean_y += dy * part;
        self.mean_distance += (other.mean_distance - self.mean_distance) * part;
        self.n = self.n.saturating_add(other.n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(f64, f64)]) -> Moments {
        let mut moments = Moments::default();
        for (x, y) in pairs {
            moments.push(*x, *y);
        }
        moments
    }

    const PAIRS: [(f64, f64); 8] =
        [(1.0, 2.0), (2.0, 1.0), (3.0, 4.0), (4.0, 3.0), (5.0, 7.0), (6.0, 8.0), (7.0, 6.0), (8.0, 9.0)];

    // scipy 1.17.1: stats.pearsonr(x, y), and np.mean(abs(x - y))
    #[test]
    fn the_figures_are_those_of_scipy() {
        let moments = of(&PAIRS);
        assert!((moments.correlation().expect("eight pairs") - 0.896_421_457_000_795_1).abs() < 1e-12);
        assert!((moments.mean_absolute_difference().expect("eight pairs") - 1.25).abs() < 1e-12);
    }

    #[test]
    fn few_digits_are_lost_if_the_mean_is_much_larger_than_the_spread() {
        let far = PAIRS.map(|(x, y)| (x + 1e9, y + 1e9));
        let correlation = of(&far).correlation().expect("eight pairs");
        assert!((correlation - 0.896_421_457_000_795_1).abs() < 1e-7, "{correlation:?}");
    }

    #[test]
    fn nan_infinity_and_huge_numbers_are_not_added() {
        let mut moments = of(&PAIRS);
        for (x, y) in [(f64::NAN, 1.0), (1.0, f64::INFINITY), (f64::MAX, f64::MIN)] {
            assert!(!moments.push(x, y));
        }
        assert_eq!(moments, of(&PAIRS));
    }

    #[test]
    fn the_figures_of_the_largest_accepted_numbers_are_finite() {
        let moments = of(&[(1e100, -1e100), (-1e100, 1e100), (0.0, 1e100), (1.0, 0.0)]);
        assert!(moments.correlation().is_some_and(f64::is_finite));
        assert!(moments.mean_absolute_difference().is_some_and(f64::is_finite));
    }

    #[test]
    fn a_constant_has_no_correlation() {
        assert_eq!(of(&[(0.1, 1.0), (0.1, 2.0), (0.1, 3.0), (0.1, 4.0)]).correlation(), None);
    }
}

//! Pairs of numbers, as the sums that their correlation and their distance are estimated from.

use serde::{Deserialize, Serialize};

use crate::interval::{self, Estimate};
use crate::real;

/// Larger numbers are left out: the squares of what is kept never overflow, whatever their number.
const LARGEST: f64 = 1e100;

/// Running means and squared distances to them, by Welford's method, which unlike sums of squares loses no digits
/// where the mean is large against the spread.
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
    /// Adds one pair. A pair with a NaN, an infinity or a number beyond 1e100 is left out, and counted as that.
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

    /// Adds what another has counted, by the formulas of Chan, Golub and `LeVeque` (1979).
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

    /// Pairs that were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.n
    }

    /// Pairs that could not be added since one of the two was no usable number.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The mean of |x - y|. None for fewer than two pairs.
    #[must_use]
    pub fn mean_absolute_difference(&self) -> Option<Estimate> {
        let mut estimate = interval::mean(self.n, self.mean_distance, self.m2_distance)?;
        // Student's interval does not know that a distance is never negative.
        estimate.low = estimate.low.max(0.0);
        Some(estimate)
    }

    /// Pearson's correlation of x and y. None for fewer than four pairs, or where x or y never changed.
    #[must_use]
    pub fn correlation(&self) -> Option<Estimate> {
        if self.m2_x <= 0.0 || self.m2_y <= 0.0 {
            return None;
        }
        interval::correlation(self.n, self.co_moment / (self.m2_x.sqrt() * self.m2_y.sqrt()))
    }
}

//! Sums over the values of a numeric column that its bins do not have: for the mean, the deviation, and how far values lie
//! outside of the bins.

use serde::{Deserialize, Serialize};

use crate::{moments::LARGEST, real::real};

/// Sums over values. `center` is a number near their mean in the training data: sums of squared distances from it lose few
/// digits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Numbers {
    /// How many values were added.
    pub count: u64,
    /// The sum of the distances from the center, with their sign.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
    /// By how much values lie below the first edge, in total.
    pub below_by: f64,
    /// By how much values lie above the last edge, in total.
    pub above_by: f64,
    /// The least and the greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

impl Numbers {
    /// Adds a value of a column with these outer edges. One beyond [`LARGEST`] is not added; its bin counts it.
    pub(crate) fn add(&mut self, value: f64, center: f64, (first, last): (f64, f64)) {
        if value.abs() > LARGEST {
            return;
        }
        let distance = value - center;
        self.count = self.count.saturating_add(1);
        self.sum += distance;
        self.squares += distance * distance;
        // Sums stay finite: JSON has no infinity, so a summary with one could not be read.
        self.below_by += (first - value).clamp(0.0, LARGEST);
        self.above_by += (value - last).clamp(0.0, LARGEST);
        self.range =
            Some(self.range.map_or((value, value), |(least, most)| (least.min(value), most.max(value))));
    }

    /// Adds the sums of other values of the same column.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum += other.sum;
        self.squares += other.squares;
        self.below_by += other.below_by;
        self.above_by += other.above_by;
        self.range = match (self.range, other.range) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// Mean and standard deviation of the values. `None` without any.
    pub(crate) fn moments(&self, center: f64) -> Option<(f64, f64)> {
        if self.count == 0 {
            return None;
        }
        let n = real(self.count);
        let distance = self.sum / n;
        let variance = (self.squares / n - distance * distance).max(0.0);
        let mean = center + distance;
        (mean.is_finite() && variance.is_finite()).then(|| (mean, variance.sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    fn of(values: &[f64]) -> Numbers {
        let mut numbers = Numbers::default();
        for value in values {
            numbers.add(*value, 10.0, (8.0, 12.0));
        }
        numbers
    }

    #[test]
    fn mean_and_deviation_are_those_of_all_pods_and_infinite_values_are_left_out() {
        let mut numbers = of(&[9.0, 11.0, f64::INFINITY]);
        numbers.merge(&of(&[7.0, 17.0]));
        let (mean, deviation) = numbers.moments(10.0).expect("there are values");
        // numpy: np.mean([9, 11, 7, 17]), np.std([9, 11, 7, 17])
        assert!((mean - 11.0).abs() < 1e-12 && (deviation - 3.741_657_386_773_941_3).abs() < 1e-12);
        assert_eq!((numbers.below_by, numbers.above_by, numbers.range), (1.0, 5.0, Some((7.0, 17.0))));
        assert_eq!(Numbers::default().moments(10.0), None);
    }

    #[test]
    fn the_sums_of_the_largest_values_are_finite() {
        let mut numbers = Numbers::default();
        for value in [1e100, -1e100, f64::MAX] {
            (0..1_000).for_each(|_| numbers.add(value, -1e100, (-f64::MAX, f64::MIN_POSITIVE)));
        }
        let Numbers { count, sum, squares, below_by, above_by, .. } = numbers;
        assert_eq!(count, 2_000);
        assert!([sum, squares, below_by, above_by].iter().all(|sum| sum.is_finite()), "{numbers:?}");
    }
}

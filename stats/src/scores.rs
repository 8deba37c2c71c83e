//! How well the scores of classes tell rows of a class from others, and whether a score is a probability.
//!
//! Scores are counted in bins, so memory does not grow with the rows. The bins are a hundredth wide, and narrower near 0 and 1,
//! where the scores of rare classes are.

use serde::{Deserialize, Serialize};

use crate::{
    groups::{Counts, Groups, Share},
    interval::{Estimate, share_of, student, t_quantile, wilson},
    real::real,
};

/// Upper edges of the bins below 0.01. Those above 0.99 are as far from 1.
const NARROW: [f64; 12] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009];
/// Bins of a hundredth, from 0.01 to 0.99.
const WIDE: usize = 98;
/// Bins of the calibration curve, each a tenth wide.
const TENTHS: usize = 10;
/// Scores this close to 0 or 1 count as this far: otherwise one certain mistake would make the loss infinite. It is the
/// precision of a float32, as in scikit-learn.
const CLOSEST: f64 = f32::EPSILON as f64;

/// Counts of rows by the bin of their score: the bin, rows of the class, and others. Sorted by bin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Histogram(Vec<(u8, u64, u64)>);

/// A tenth of the scores: how often rows with such scores are of the class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The first score of the tenth.
    pub from: f64,
    /// Rows with such a score.
    pub rows: u64,
    /// Their mean score, to half a hundredth.
    pub score: f64,
    /// The proportion of them that are of the class.
    pub share: Estimate,
}

impl Histogram {
    /// Counts a row, and returns true. A score that is not a probability is not counted.
    pub(crate) fn count(&mut self, score: f64, is_of_class: bool) -> bool {
        if !(0.0..=1.0).contains(&score) {
            return false;
        }
        self.add_rows(bin_of(score), u64::from(is_of_class), u64::from(!is_of_class));
        true
    }

    fn add_rows(&mut self, bin: u8, of_class: u64, others: u64) {
        match self.0.binary_search_by_key(&bin, |(bin, ..)| *bin) {
            Ok(place) => {
                self.0[place].1 = self.0[place].1.saturating_add(of_class);
                self.0[place].2 = self.0[place].2.saturating_add(others);
            }
            Err(place) => self.0.insert(place, (bin, of_class, others)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rows of the class, and others.
    fn totals(&self) -> (u64, u64) {
        self.0
            .iter()
            .fold((0, 0), |(of, others), (_, a, b)| (of.saturating_add(*a), others.saturating_add(*b)))
    }

    /// The probability that a row of the class has a larger score than another row. Rows in the same bin count half.
    pub(crate) fn auc(&self) -> Option<f64> {
        let (of_class, others) = self.totals();
        if of_class == 0 || others == 0 {
            return None;
        }
        let (mut below, mut won) = (0.0, 0.0);
        for (_, of, other) in &self.0 {
            won += real(*of) * (below + real(*other) / 2.0);
            below += real(*other);
        }
        // Sums of counts that are too large are smaller than their terms.
        Some((won / (real(of_class) * real(others))).clamp(0.0, 1.0))
    }

    fn tenth(&self, tenth: usize) -> impl Iterator<Item = &(u8, u64, u64)> {
        self.0.iter().filter(move |(bin, ..)| tenth_of(*bin) == tenth)
    }
}

impl Counts for Histogram {
    fn add(&mut self, other: &Self) {
        for (bin, of_class, others) in &other.0 {
            self.add_rows(*bin, *of_class, *others);
        }
    }
}

/// The sum of the losses of rows, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Loss(pub(crate) f64, pub(crate) u64);

impl Loss {
    /// Adds a row whose class had this score.
    pub(crate) fn count(&mut self, score: f64) {
        self.0 -= score.clamp(CLOSEST, 1.0 - CLOSEST).ln();
        self.1 = self.1.saturating_add(1);
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.1 > 0).then(|| self.0 / real(self.1))
    }
}

impl Counts for Loss {
    fn add(&mut self, other: &Self) {
        self.0 += other.0;
        self.1 = self.1.saturating_add(other.1);
    }
}

/// The area under the receiver operating characteristic curve. `None` without rows of the class or others, or of fewer than two
/// calls.
///
/// The interval is symmetric in the logarithm of the odds, with the standard error of the groups. If every row of the class has a
/// larger score than any other, it is Wilson's for as many rows as the rarer of both has.
pub(crate) fn auc(groups: &Groups<Histogram>) -> Option<Estimate> {
    let total = groups.total();
    let value = total.auc()?;
    let (of_class, others) = total.totals();
    if value <= 0.0 || value >= 1.0 {
        return Some(wilson(value, real(of_class.min(others)), t_quantile(31)));
    }
    let logit = |p: f64| (p / (1.0 - p)).ln();
    // A group without which all rows are in order says that a single one decides. Half a pair of rows keeps it finite.
    let least = 0.5 / (real(of_class) * real(others));
    let of = |histogram: &Histogram| histogram.auc().map(|auc| logit(auc.clamp(least, 1.0 - least)));
    let spread = groups.spread(Histogram::is_empty, of)?;
    let half = t_quantile(spread.freedom) * spread.error;
    let back = |x: f64| 1.0 / (1.0 + (-x).exp());
    Some(Estimate { value, low: back(spread.value - half), high: back(spread.value + half) })
}

/// The AUC of the challenger less that of main, on the same rows.
pub(crate) fn auc_difference(groups: &Groups<(Histogram, Histogram)>) -> Option<Estimate> {
    let of = |both: &(Histogram, Histogram)| Some(both.1.auc()? - both.0.auc()?);
    Some(student(&groups.spread(|both| both.0.is_empty(), of)?, -1.0, 1.0))
}

/// The mean log loss.
pub(crate) fn log_loss(groups: &Groups<Loss>) -> Option<Estimate> {
    Some(student(&groups.spread(|loss| loss.1 == 0, Loss::mean)?, 0.0, f64::INFINITY))
}

/// The calibration curve: of each tenth of the scores that rows have. `calls` and `single` are as in [`share_of`].
pub(crate) fn calibration(groups: &Groups<Histogram>, calls: u64, single: bool) -> Vec<Calibration> {
    let total = groups.total();
    let tenth = |tenth: usize| {
        let shares = groups.map(|histogram| {
            let mut share = Share::default();
            histogram.tenth(tenth).for_each(|row| share.add(&Share(row.1, rows_of(row))));
            share
        });
        let share = share_of(&shares, calls, single)?;
        let rows = total.tenth(tenth).map(rows_of).fold(0, u64::saturating_add);
        let score = total.tenth(tenth).map(|row| middle_of(row.0) * real(rows_of(row))).sum::<f64>();
        Some(Calibration { from: real(tenth as u64) / 10.0, rows, score: score / real(rows), share })
    };
    (0..TENTHS).filter_map(tenth).collect()
}

/// The rows of a bin, of the class and others.
fn rows_of((_, of_class, others): &(u8, u64, u64)) -> u64 {
    of_class.saturating_add(*others)
}

/// The bin of a score from 0 to 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "there are 124 bins")]
fn bin_of(score: f64) -> u8 {
    let bin = if score < 0.01 {
        NARROW.partition_point(|edge| *edge <= score)
    } else if score < 0.99 {
        NARROW.len() + 1 + ((score * 100.0) as usize).clamp(1, WIDE) - 1
    } else {
        NARROW.len() + 1 + WIDE + NARROW.len() - NARROW.partition_point(|edge| *edge < 1.0 - score)
    };
    bin as u8
}

/// The lower edge of a bin.
fn edge_of(bin: usize) -> f64 {
    let (narrow, wide) = (NARROW.len() + 1, WIDE);
    match bin {
        0 => 0.0,
        _ if bin < narrow => NARROW[bin - 1],
        _ if bin < narrow + wide => real((bin - narrow + 1) as u64) / 100.0,
        _ if bin == narrow + wide => 0.99,
        _ if bin < 2 * narrow + wide => 1.0 - NARROW[2 * narrow + wide - 1 - bin],
        _ => 1.0,
    }
}

fn middle_of(bin: u8) -> f64 {
    f64::midpoint(edge_of(usize::from(bin)), edge_of(usize::from(bin) + 1))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 9")]
fn tenth_of(bin: u8) -> usize {
    ((middle_of(bin) * 10.0) as usize).min(TENTHS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Turn;

    #[test]
    fn every_score_is_in_the_bin_between_whose_edges_it_lies() {
        for step in 0..=100_000_u32 {
            let score = f64::from(step) / 100_000.0;
            let bin = usize::from(bin_of(score));
            let (from, to) = (edge_of(bin), edge_of(bin + 1));
            assert!(from - 1e-9 <= score && (score <= to + 1e-9), "{score} is not in {from} to {to}");
        }
        assert_eq!((bin_of(0.0), usize::from(bin_of(1.0)) + 1), (0, 2 * (NARROW.len() + 1) + WIDE));
    }

    /// Scores of 10 rows, of which those with an even number are of the class.
    const SCORES: [f64; 10] = [0.91, 0.21, 0.81, 0.31, 0.05, 0.61, 0.71, 0.11, 0.95, 0.45];

    fn groups() -> (Groups<Histogram>, Groups<Loss>) {
        let (mut histograms, mut losses) = (Groups::<Histogram>::default(), Groups::<Loss>::default());
        for (row, score) in (0..).zip(SCORES) {
            let is_of_class = row % 2 == 0;
            assert!(histograms.of(Turn::of(row)).count(score, is_of_class));
            losses.of(Turn::of(row)).count(if is_of_class { score } else { 1.0 - score });
        }
        (histograms, losses)
    }

    // scikit-learn 1.9.1: roc_auc_score and log_loss of ([1, 0] * 5, SCORES)
    #[test]
    fn auc_and_log_loss_are_those_of_scikit_learn() {
        let (histograms, losses) = groups();
        let auc = auc(&histograms).expect("there are both classes");
        assert!((auc.value - 0.8).abs() < 1e-12 && auc.low < 0.8 && auc.high > 0.8, "{auc:?}");
        let loss = log_loss(&losses).expect("there are rows");
        assert!((loss.value - 0.595_731_295_945_713).abs() < 1e-12 && loss.low < loss.value, "{loss:?}");
    }

    // scikit-learn 1.9.1: calibration_curve([1, 0] * 5, SCORES, n_bins=10)
    #[test]
    fn the_calibration_curve_is_that_of_scikit_learn() {
        let curve = calibration(&groups().0, 10, true);
        let found: Vec<_> = curve.iter().map(|of| (of.from, of.rows, of.share.value)).collect();
        assert_eq!(
            found,
            [
                (0.0, 1, 1.0),
                (0.1, 1, 0.0),
                (0.2, 1, 0.0),
                (0.3, 1, 0.0),
                (0.4, 1, 0.0),
                (0.6, 1, 0.0),
                (0.7, 1, 1.0),
                (0.8, 1, 1.0),
                (0.9, 2, 1.0)
            ]
        );
        assert!(
            curve.iter().zip([0.05, 0.11, 0.21, 0.31, 0.45, 0.61, 0.71, 0.81, 0.93]).all(|(of, score)| (of
                .score
                - score)
                .abs()
                < 0.006)
        );
    }

    #[test]
    fn a_score_that_is_no_probability_is_not_counted() {
        let mut histogram = Histogram::default();
        assert!([-0.1, 1.1, f64::NAN, f64::INFINITY].iter().all(|score| !histogram.count(*score, true)));
        assert!(histogram.is_empty() && histogram.auc().is_none());
    }

    #[test]
    fn a_perfect_order_is_not_certain() {
        let mut groups = Groups::<Histogram>::default();
        for row in 0..20 {
            let is_of_class = row % 2 == 0;
            assert!(groups.of(Turn::of(row)).count(if is_of_class { 0.9 } else { 0.1 }, is_of_class));
        }
        let auc = auc(&groups).expect("there are both classes");
        assert!((auc.value - 1.0).abs() < 1e-12 && auc.low < 0.8, "{auc:?}");
    }
}

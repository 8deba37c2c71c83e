//! The drift of the calls from the baseline, column by column: counts that can be serialized and merged, and statistics
//! of these counts. docs/adr/0012 explains the choice of statistics.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    column::{ColumnKind, ColumnRole},
    interval::{chi_square_above, chi_square_rarely_above, kolmogorov_above},
    real::real,
};

/// A category with fewer rows in the training data counts with all others. The proportion of a rare category in so few rows
/// is too far from the true one: the distribution that PSI and chi-square rely on does not hold. It is the usual rule for
/// chi-square (W. G. Cochran, Biometrics 10 (1954) 417).
const RARE: u64 = 5;

/// The counts of the calls in the window, next to those of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Drift {
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// The columns, in the order of the baseline.
    pub columns: Vec<ColumnDrift>,
}

/// One column: the counts of the same bins or categories in the training data and in the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnDrift {
    /// Name of the column, unique in its role.
    pub name: String,
    /// Whether the column is an input or an output.
    pub role: ColumnRole,
    /// How its values are counted.
    pub kind: ColumnKind,
    /// Counts in the training data: one for each bin, or one for each category and a last one for all others.
    pub expected: Vec<u64>,
    /// Counts in the calls, in the same order. The first bin includes values below its edge, the last bin values above
    /// its edge.
    pub observed: Vec<u64>,
    /// Rows of the training data without a value.
    #[serde(default)]
    pub expected_missing: u64,
    /// Rows of the calls without a value.
    #[serde(default)]
    pub missing: u64,
    /// Values below the first edge. They are also in the first bin. Numeric columns only.
    #[serde(default)]
    pub below: u64,
    /// Values above the last edge. They are also in the last bin. Numeric columns only.
    #[serde(default)]
    pub above: u64,
}

/// Pearson's chi-square statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChiSquare {
    /// The statistic. 0 means the same distribution.
    pub statistic: f64,
    /// The degrees of freedom: the expected value of the statistic without drift.
    pub degrees_of_freedom: u64,
    /// How likely so large a statistic is without drift.
    pub p_value: f64,
}

impl Drift {
    /// Adds the counts of another pod with the same baseline. A column that exists only there is copied. A column with
    /// other training data is ignored.
    pub fn merge(&mut self, other: &Self) {
        self.window_seconds = self.window_seconds.max(other.window_seconds);
        let same_order = self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(|(mine, theirs)| mine.key() == theirs.key());
        if same_order {
            self.columns.iter_mut().zip(&other.columns).for_each(|(mine, theirs)| mine.merge(theirs));
            return;
        }
        let places = self.columns.iter().enumerate().map(|(place, column)| (column.owned_key(), place));
        let mut places: HashMap<_, _> = places.collect();
        for theirs in &other.columns {
            if let Some(place) = places.get(&theirs.owned_key()) {
                self.columns[*place].merge(theirs);
            } else {
                places.insert(theirs.owned_key(), self.columns.len());
                self.columns.push(theirs.clone());
            }
        }
    }
}

impl ColumnDrift {
    /// Adds the counts of the same column. No effect if the training data differ.
    pub fn merge(&mut self, other: &Self) {
        let same = self.key() == other.key()
            && self.kind == other.kind
            && self.expected == other.expected
            && self.expected_missing == other.expected_missing
            && self.observed.len() == other.observed.len();
        if !same {
            return;
        }
        for (mine, theirs) in self.observed.iter_mut().zip(&other.observed) {
            *mine = mine.saturating_add(*theirs);
        }
        self.missing = self.missing.saturating_add(other.missing);
        self.below = self.below.saturating_add(other.below);
        self.above = self.above.saturating_add(other.above);
    }

    fn key(&self) -> (ColumnRole, &str) {
        (self.role, &self.name)
    }

    fn owned_key(&self) -> (ColumnRole, String) {
        (self.role, self.name.clone())
    }

    /// The number of rows of the calls, with or without a value.
    #[must_use]
    pub fn samples(&self) -> u64 {
        sum(&self.observed).saturating_add(self.missing)
    }

    /// The number of values outside of the training data: numbers below the first or above the last edge, or categories
    /// that the baseline does not name.
    #[must_use]
    pub fn out_of_range(&self) -> u64 {
        match self.kind {
            ColumnKind::Numeric => self.below.saturating_add(self.above),
            ColumnKind::Categorical => self.observed.last().copied().unwrap_or_default(),
        }
    }

    /// The proportion of rows without a value. `None` without rows.
    #[must_use]
    pub fn missing_ratio(&self) -> Option<f64> {
        ratio(self.missing, self.samples())
    }

    /// The proportion of values outside of the training data. `None` without values, and for categories if the baseline counts
    /// some of the training data as others: they may be among them.
    #[must_use]
    pub fn out_of_range_ratio(&self) -> Option<f64> {
        if self.kind == ColumnKind::Categorical && self.expected.last().is_some_and(|others| *others > 0) {
            return None;
        }
        ratio(self.out_of_range(), sum(&self.observed))
    }

    /// The population stability index (PSI): the sum over all bins of (o - e) ln(o / e). o is the proportion of the bin
    /// in the calls, and e its proportion in the training data. `None` without values in either of them.
    ///
    /// Rows without a value form an extra bin if there are any, so a feature that goes missing drifts. Categories with fewer
    /// than five rows of the training data form one bin with all others. Half a count is added to each bin, so that an empty
    /// bin has a finite term: evenly to the training data, and to the calls in proportion to the training data. Otherwise a small sample would seem to have rare categories. Without drift, PSI
    /// is about (B - 1) (1/n + 1/m) for B bins, n values in the calls and m in the training data: see
    /// [`Self::psi_by_chance`].
    #[must_use]
    pub fn psi(&self) -> Option<f64> {
        let bins = self.bins();
        let (expected, observed) = totals(&bins);
        if expected == 0 || observed == 0 {
            return None;
        }
        let added = real(bins.len() as u64) / 2.0;
        let term = |(e, o): &(u64, u64)| {
            let e = (real(*e) + 0.5) / (real(expected) + added);
            let o = (real(*o) + added * e) / (real(observed) + added);
            (o - e) * (o / e).ln()
        };
        Some(bins.iter().map(term).sum())
    }

    /// The value that PSI exceeds by chance in one of a thousand samples of this size without drift. A PSI below it is
    /// not significant. `None` without values in the calls or in the training data.
    ///
    /// Without drift, PSI over (1/n + 1/m) is about chi-square with B - 1 degrees of freedom (B. Yurdakul, Statistical
    /// Properties of Population Stability Index, 2018).
    #[must_use]
    pub fn psi_by_chance(&self) -> Option<f64> {
        let bins = self.bins();
        let (expected, observed) = totals(&bins);
        if expected == 0 || observed == 0 {
            return None;
        }
        let used = bins.iter().filter(|bin| **bin != (0, 0)).count() as u64;
        let quantile = if used > 1 { chi_square_rarely_above(used - 1) } else { 0.0 };
        Some(quantile * (1.0 / real(expected) + 1.0 / real(observed)))
    }

    /// The PSI from which the column drifts: `threshold`, or [`Self::psi_by_chance`] if that is more. `None` with fewer than
    /// `min_samples` rows in the calls, and without values in the training data.
    #[must_use]
    pub fn psi_limit(&self, threshold: f64, min_samples: u64) -> Option<f64> {
        let by_chance = self.psi_by_chance().filter(|_| self.samples() >= min_samples)?;
        Some(threshold.max(by_chance))
    }

    /// The Kolmogorov-Smirnov statistic of a numeric column: the largest distance of the two distribution functions at
    /// the edges of the bins. Between edges the distance may be larger, by at most the largest proportion of one bin.
    /// `None` for categories, and without values.
    #[must_use]
    pub fn ks(&self) -> Option<f64> {
        if self.kind != ColumnKind::Numeric {
            return None;
        }
        let (expected, observed) = (sum(&self.expected), sum(&self.observed));
        if expected == 0 || observed == 0 {
            return None;
        }
        // All training data lie between the outer edges.
        let mut largest = real(self.below.max(self.above)) / real(observed);
        let (mut e, mut o) = (0_u64, 0_u64);
        let inner = self.expected.len().saturating_sub(1);
        for (in_training, in_calls) in self.expected.iter().zip(&self.observed).take(inner) {
            e = e.saturating_add(*in_training);
            o = o.saturating_add(*in_calls);
            largest = largest.max((real(e) / real(expected) - real(o) / real(observed)).abs());
        }
        Some(largest)
    }

    /// How likely so large a [`Self::ks`] is without drift. It is a little too large, because the statistic is that of bins.
    /// `None` where there is no statistic.
    ///
    /// By the distribution of Kolmogorov with the correction of M. A. Stephens (JRSS B 32 (1970) 115), for n values in the
    /// calls and m in the training data: both sizes count.
    #[must_use]
    pub fn ks_p_value(&self) -> Option<f64> {
        let distance = self.ks()?;
        let (m, n) = (real(sum(&self.expected)), real(sum(&self.observed)));
        let root = (m * n / (m + n)).sqrt();
        Some(kolmogorov_above(distance * (root + 0.12 + 0.11 / root)))
    }

    /// Pearson's chi-square statistic for the hypothesis that training data and calls have the same distribution,
    /// without a correction. It uses the bins of [`Self::psi`] that are not empty, for numbers and for categories.
    /// `None` for fewer than two such bins, and without values in the calls or in the training data.
    ///
    /// Unlike PSI it grows with the sample. Compare it with the quantile for its degrees of freedom.
    #[must_use]
    pub fn chi_square(&self) -> Option<ChiSquare> {
        let bins = self.bins();
        let (expected, observed) = totals(&bins);
        if expected == 0 || observed == 0 {
            return None;
        }
        let (m, n) = (real(expected), real(observed));
        let mut used = 0_u64;
        let mut statistic = 0.0;
        for (e, o) in bins.into_iter().filter(|bin| *bin != (0, 0)) {
            used += 1;
            let (e, o) = (real(e), real(o));
            // The usual sum over both rows, simplified.
            statistic += (e * n - o * m).powi(2) / (e + o);
        }
        let degrees_of_freedom = used.checked_sub(1).filter(|degrees| *degrees > 0)?;
        let statistic = statistic / (m * n);
        let p_value = chi_square_above(statistic, degrees_of_freedom);
        Some(ChiSquare { statistic, degrees_of_freedom, p_value })
    }

    /// Pairs of expected and observed counts. Categories that are rare in the training data are one pair with all
    /// others. Rows without a value are the last pair, if there are any.
    fn bins(&self) -> Vec<(u64, u64)> {
        let missing = (self.expected_missing, self.missing);
        let missing = (missing != (0, 0)).then_some(missing);
        let values = self.expected.iter().copied().zip(self.observed.iter().copied());
        if self.kind == ColumnKind::Numeric {
            return values.chain(missing).collect();
        }
        let named = self.expected.len().saturating_sub(1);
        let (mut bins, mut other) = (Vec::with_capacity(named + 2), (0_u64, 0_u64));
        for (place, (expected, observed)) in values.enumerate() {
            if place < named && expected >= RARE {
                bins.push((expected, observed));
            } else {
                other = (other.0.saturating_add(expected), other.1.saturating_add(observed));
            }
        }
        bins.push(other);
        bins.extend(missing);
        bins
    }
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

fn totals(bins: &[(u64, u64)]) -> (u64, u64) {
    bins.iter().fold((0, 0), |(e, o), bin| (bin.0.saturating_add(e), bin.1.saturating_add(o)))
}

fn ratio(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| real(part) / real(of))
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;

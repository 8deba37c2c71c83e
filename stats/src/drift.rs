//! How far what is observed is from the baseline, column by column: a snapshot that can be sent and added up, and the
//! statistics of it. docs/adr/0012 says why these.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    column::{ColumnKind, ColumnRole},
    interval::chi_square_rarely_above,
    real::real,
};

/// What was observed within the window, beside what the baseline has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Drift {
    /// How far back it reaches.
    pub window_seconds: u64,
    /// In the order of the baseline.
    pub columns: Vec<ColumnDrift>,
}

/// One column: the same bins or categories, counted in the training data and in the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnDrift {
    /// Unique on its side.
    pub name: String,
    /// Which side of the model it is on.
    pub role: ColumnRole,
    /// How its values are counted.
    pub kind: ColumnKind,
    /// Counts in the training data: by bin, or by category and at the end all others.
    pub expected: Vec<u64>,
    /// Counts in the calls, in the same places. What is below the first edge is in the first bin, what is above the
    /// last edge in the last one.
    pub observed: Vec<u64>,
    /// Rows of the training data without a value.
    #[serde(default)]
    pub expected_missing: u64,
    /// Rows of the calls without a value.
    #[serde(default)]
    pub missing: u64,
    /// Of a numeric column: how many of the first bin are below its edge.
    #[serde(default)]
    pub below: u64,
    /// Of a numeric column: how many of the last bin are above its edge.
    #[serde(default)]
    pub above: u64,
}

/// Pearson's chi-square statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChiSquare {
    /// 0 where both are distributed alike.
    pub statistic: f64,
    /// About what the statistic is without drift.
    pub degrees_of_freedom: u64,
}

impl Drift {
    /// Adds what another pod has counted against the same baseline. A column that this one has not is added as it is;
    /// one that was counted against other training data is not added.
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
    /// Adds the counts of the same column; without effect where the training data differ.
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

    /// All that was looked at, with or without a value.
    #[must_use]
    pub fn samples(&self) -> u64 {
        sum(&self.observed).saturating_add(self.missing)
    }

    /// Values that the training data did not have: numbers below the first or above the last edge, or categories that
    /// the baseline does not name.
    #[must_use]
    pub fn out_of_range(&self) -> u64 {
        match self.kind {
            ColumnKind::Numeric => self.below.saturating_add(self.above),
            ColumnKind::Categorical => self.observed.last().copied().unwrap_or_default(),
        }
    }

    /// The share of all that was looked at which had no value. None where nothing was.
    #[must_use]
    pub fn missing_ratio(&self) -> Option<f64> {
        ratio(self.missing, self.samples())
    }

    /// The share of values that the training data did not have. None where there was no value.
    #[must_use]
    pub fn out_of_range_ratio(&self) -> Option<f64> {
        ratio(self.out_of_range(), sum(&self.observed))
    }

    /// The population stability index: the sum over all bins of (o - e) ln(o / e), with o and e the shares of the bin
    /// in what was observed and in the training data. None where nothing was observed or expected.
    ///
    /// Rows without a value are a bin of their own wherever there are any, so that a feature that went missing has
    /// drifted. So that an empty bin is finite, half a count is added to each bin: evenly to the training data; to what
    /// was observed as the training data are spread, or a small sample would seem to hold rare categories. Without
    /// drift PSI is about (B - 1) (1/n + 1/m) for B bins, n observed and m expected values: see
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

    /// What PSI exceeds by chance alone in one of a thousand samples of this size, without any drift. A PSI that is not
    /// above it means nothing. None where nothing was observed or expected.
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

    /// The Kolmogorov-Smirnov statistic of a numeric column: the largest distance of the two distribution functions at
    /// the bins' edges. Between the edges it may be larger, by no more than the largest share of one bin. None for
    /// categories, and where there is no value.
    #[must_use]
    pub fn ks(&self) -> Option<f64> {
        if self.kind != ColumnKind::Numeric {
            return None;
        }
        let (expected, observed) = (sum(&self.expected), sum(&self.observed));
        if expected == 0 || observed == 0 {
            return None;
        }
        // At the outer edges all training data are on one side.
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

    /// Pearson's chi-square statistic that both samples, training data and calls, are of one distribution, without a
    /// correction. It is of the same bins as [`Self::psi`], for numbers as for categories, but of those only that hold
    /// anything. None where fewer than two do, or where nothing was observed or expected.
    ///
    /// Unlike PSI it grows with the sample: compare it with the quantile for its degrees of freedom.
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
            // What the usual sum over both rows comes to.
            statistic += (e * n - o * m).powi(2) / (e + o);
        }
        let degrees_of_freedom = used.checked_sub(1).filter(|degrees| *degrees > 0)?;
        Some(ChiSquare { statistic: statistic / (m * n), degrees_of_freedom })
    }

    /// Pairs of expected and observed, with the missing rows as the last one where there are any.
    fn bins(&self) -> Vec<(u64, u64)> {
        let missing = (self.expected_missing, self.missing);
        let values = self.expected.iter().copied().zip(self.observed.iter().copied());
        values.chain((missing != (0, 0)).then_some(missing)).collect()
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

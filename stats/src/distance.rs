//! How far a column of the calls is from the training data: the measures that the field knows, and one in the column's own
//! units. docs/adr/0021 explains the choice.

use serde::{Deserialize, Serialize};

use crate::{
    bins::Bins,
    column::ColumnKind,
    drift::{ColumnDrift, sum},
    real::real,
    tails::{chi_square_above, kolmogorov_above},
};

/// A category with fewer rows in the training data counts with all others, in PSI and chi-square.
const RARE: u64 = 5;

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

impl ColumnDrift {
    /// The Jensen-Shannon distance to the base 2, from 0 to 1: of numbers in the range of the bins, and of categories. Bins with
    /// fewer than ten expected rows, in the training data or in the calls, are one, with all categories that the baseline does
    /// not name. Missing values and numbers out of range have tests of their own. `None` without values in the calls or in the
    /// training data.
    #[must_use]
    pub fn distance(&self) -> Option<f64> {
        self.distribution(true).distance()
    }

    /// The counts that [`Self::distance`] compares: with or without categories that the baseline does not name.
    pub(crate) fn distribution(&self, with_others: bool) -> Bins {
        let mut pairs: Vec<_> = self.expected.iter().copied().zip(self.observed.iter().copied()).collect();
        match self.kind {
            ColumnKind::Categorical if !with_others => _ = pairs.pop(),
            ColumnKind::Categorical => {}
            ColumnKind::Numeric => {
                if let Some((_, first)) = pairs.first_mut() {
                    *first = first.saturating_sub(self.below);
                }
                if let Some((_, last)) = pairs.last_mut() {
                    *last = last.saturating_sub(self.above);
                }
            }
        }
        Bins::of(&pairs).worth(self.worth()).folded()
    }

    /// Wasserstein's distance of order 1, in the units of the column: how far values have moved on average. `None` for
    /// categories, and without values.
    ///
    /// In a bin, values are taken as evenly spread, in the training data and in the calls. Values out of range count with their
    /// distance from the outer edge, infinite ones with none.
    #[must_use]
    pub fn wasserstein(&self) -> Option<f64> {
        let (m, n) = (sum(&self.expected), sum(&self.observed));
        if self.edges.len() != self.observed.len() + 1 || m == 0 || n == 0 {
            return None;
        }
        let outside = (self.numbers.below_by + self.numbers.above_by) / real(n);
        let (mut before, mut inside) = (-real(self.below) / real(n), 0.0);
        let last = self.observed.len() - 1;
        for (bin, (e, o)) in self.expected.iter().zip(&self.observed).enumerate() {
            let width = self.edges[bin + 1] - self.edges[bin];
            let below = if bin == 0 { self.below } else { 0 };
            let above = if bin == last { self.above } else { 0 };
            let observed = o.saturating_sub(below).saturating_sub(above);
            // How far the two distribution functions are apart at the upper edge. Between edges they are straight lines.
            let after = before + real(*e) / real(m) - real(observed) / real(n);
            let mean = if before * after >= 0.0 {
                f64::midpoint(before.abs(), after.abs())
            } else {
                (before * before + after * after) / (2.0 * (before.abs() + after.abs()))
            };
            inside += width * mean;
            before = after;
        }
        Some(inside + outside).filter(|distance| distance.is_finite())
    }

    /// The mean of the finite values in the calls. `None` for categories, and without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.numbers.moments(self.center()).map(|(mean, _)| mean)
    }

    /// The number from which [`crate::numbers::Numbers`] counts distances.
    pub(crate) fn center(&self) -> f64 {
        self.moments.map_or(0.0, |(mean, _)| mean)
    }

    /// The population stability index (PSI): the sum over all bins with values of (o - e) ln(o / e). o is the proportion of the bin
    /// in the calls, and e its proportion in the training data. `None` without values in either of them.
    ///
    /// Rows without a value form an extra bin if there are any, so a feature that goes missing drifts. Categories with fewer
    /// than five rows of the training data form one bin with all others. Half a count is added to each bin, so that an empty
    /// bin has a finite term: evenly to the training data, and to the calls in proportion to the training data. Otherwise a
    /// small sample would seem to have rare categories. Without drift, PSI is about (B - 1) (1/n + 1/m) for B bins, n values in
    /// the calls and m in the training data.
    #[must_use]
    pub fn psi(&self) -> Option<f64> {
        let mut bins = self.bins();
        bins.retain(|bin| *bin != (0, 0));
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

fn totals(bins: &[(u64, u64)]) -> (u64, u64) {
    bins.iter().fold((0, 0), |(e, o), bin| (e.saturating_add(bin.0), o.saturating_add(bin.1)))
}

#[cfg(test)]
#[path = "distance_tests.rs"]
mod tests;

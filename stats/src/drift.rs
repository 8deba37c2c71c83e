//! How far what is observed is from the baseline, column by column: a snapshot that can be sent and added up, and the
//! statistics of it. docs/adr/0012 says why these.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    baseline::{ColumnKind, ColumnRole},
    interval::chi_square_rarely_above,
    real,
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
mod tests {
    use super::{ColumnDrift, Drift};
    use crate::baseline::{ColumnKind, ColumnRole};

    fn column(kind: ColumnKind, expected: &[u64], observed: &[u64]) -> ColumnDrift {
        ColumnDrift {
            name: "age".to_owned(),
            role: ColumnRole::Input,
            kind,
            expected: expected.to_vec(),
            observed: observed.to_vec(),
            expected_missing: 0,
            missing: 0,
            below: 0,
            above: 0,
        }
    }

    fn numeric(expected: &[u64], observed: &[u64]) -> ColumnDrift {
        column(ColumnKind::Numeric, expected, observed)
    }

    #[track_caller]
    fn assert_near(value: Option<f64>, expected: f64) {
        let value = value.expect("there is something to estimate");
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    // All numbers by scipy 1.17.1, with e and o the counts below:
    //   ep = (e + .5) / (e.sum() + len(e) / 2); op = (o + len(e) / 2 * ep) / (o.sum() + len(e) / 2)
    //   psi = stats.entropy(op, ep) + stats.entropy(ep, op)
    //   ks = stats.ks_2samp(np.repeat(range(len(e)), e), np.repeat(range(len(o)), o)).statistic
    //   chi_square = stats.chi2_contingency([e, o], correction=False)
    #[test]
    fn the_statistics_are_those_of_scipy() {
        let drift = numeric(&[120, 310, 95, 40], &[80, 240, 160, 90]);
        assert_near(drift.psi(), 0.187_896_090_372_479_45);
        assert_near(drift.ks(), 0.199_658_438_130_725_04);
        let chi_square = drift.chi_square().expect("there are values");
        assert_near(Some(chi_square.statistic), 52.687_483_641_290_584);
        assert_eq!(chi_square.degrees_of_freedom, 3);
    }

    #[test]
    fn bins_that_are_empty_on_one_side_are_finite() {
        let drift = numeric(&[50, 0, 50], &[0, 30, 10]);
        assert_near(drift.psi(), 5.330_824_361_516_703_5);
        assert_near(drift.ks(), 0.5);
        assert_near(drift.chi_square().map(|chi_square| chi_square.statistic), 99.166_666_666_666_69);
    }

    #[test]
    fn a_feature_that_goes_missing_has_drifted() {
        let mut drift = numeric(&[120, 310, 95, 40], &[80, 240, 160, 90]);
        drift.expected_missing = 5;
        drift.missing = 60;
        assert_near(drift.psi(), 0.380_392_385_481_518_4);
        assert_eq!(drift.samples(), 630);
        assert_near(drift.missing_ratio(), 60.0 / 630.0);

        let mut gone = numeric(&[500, 500], &[0, 0]);
        gone.missing = 1000;
        assert!(gone.psi() > Some(1.0));
        assert_eq!(gone.ks(), None);
        assert_eq!(gone.out_of_range_ratio(), None);
    }

    #[test]
    fn the_same_distribution_has_no_drift_at_all() {
        let drift = numeric(&[100, 200, 300], &[10, 20, 30]);
        assert!(drift.psi() < Some(1e-4));
        assert_near(drift.ks(), 0.0);
        assert_near(drift.chi_square().map(|chi_square| chi_square.statistic), 0.0);
    }

    // A baseline of 257 categories by Zipf's law with the exponent 1.2, and 1000 calls drawn from it, by numpy:
    // their PSI is 0.23 in the mean, above the usual threshold of 0.2, without any drift.
    #[test]
    fn a_sample_too_small_for_its_categories_is_told_by_chance() {
        let expected: Vec<u64> = (1..=257).map(|rank| 100_000 / rank).collect();
        let mut observed = vec![0; 257];
        observed[..100].fill(10);
        let drift = column(ColumnKind::Categorical, &expected, &observed);
        let by_chance = drift.psi_by_chance().expect("there are values");
        assert!((0.33..0.34).contains(&by_chance), "{by_chance}");
        // scipy.stats.chi2.ppf(.999, 9) * (1 / 10000 + 1 / 1000) = 0.0307
        let ten = numeric(&[1000; 10], &[100; 10]);
        let by_chance = ten.psi_by_chance().expect("there are values");
        assert!((0.030..0.0315).contains(&by_chance), "{by_chance}");
    }

    #[test]
    fn a_small_sample_does_not_seem_to_hold_rare_categories() {
        let mut expected = vec![1; 256];
        expected.push(1_000_000);
        let mut observed = vec![0; 256];
        observed.push(1000);
        let drift = column(ColumnKind::Categorical, &expected, &observed);
        assert!(drift.psi() < Some(0.001), "{:?}", drift.psi());
    }

    #[test]
    fn values_beyond_the_outer_edges_count_for_the_distance_of_the_distributions() {
        let mut drift = numeric(&[50, 50], &[50, 50]);
        drift.above = 40;
        drift.below = 10;
        assert_near(drift.ks(), 0.4);
        assert_near(drift.out_of_range_ratio(), 0.5);
    }

    #[test]
    fn categories_have_no_order_and_hence_no_distance_of_distributions() {
        let drift = column(ColumnKind::Categorical, &[50, 50, 0], &[60, 30, 10]);
        assert_eq!(drift.ks(), None);
        assert_near(drift.out_of_range_ratio(), 0.1);
        assert_eq!(drift.chi_square().map(|chi_square| chi_square.degrees_of_freedom), Some(2));
    }

    #[test]
    fn nothing_is_said_before_anything_was_observed() {
        let drift = numeric(&[50, 50], &[0, 0]);
        assert_eq!(drift.psi(), None);
        assert_eq!(drift.psi_by_chance(), None);
        assert_eq!(drift.ks(), None);
        assert_eq!(drift.chi_square(), None);
        assert_eq!(drift.missing_ratio(), None);
        assert_eq!(drift.out_of_range_ratio(), None);
    }

    #[test]
    fn columns_are_added_by_name_and_never_across_different_training_data() {
        let named = |name: &str, drift: ColumnDrift| ColumnDrift { name: name.to_owned(), ..drift };
        let age = named("age", numeric(&[5, 5], &[1, 2]));
        let income = named("income", numeric(&[5, 5], &[3, 4]));
        let mut one = Drift { window_seconds: 60, columns: vec![age.clone(), income.clone()] };
        let other_data = named("age", numeric(&[5, 6], &[100, 100]));
        one.merge(&Drift { window_seconds: 60, columns: vec![income, other_data] });
        one.merge(&Drift { window_seconds: 60, columns: vec![named("new", numeric(&[1, 1], &[7, 8]))] });
        let observed: Vec<_> =
            one.columns.iter().map(|column| (column.name.as_str(), column.observed.as_slice())).collect();
        assert_eq!(observed, [("age", &[1, 2][..]), ("income", &[6, 8]), ("new", &[7, 8])]);
    }

    // A pod that is broken, or not ours, must not stop the operator.
    #[test]
    fn counts_of_any_shape_and_size_are_survived() {
        let mut wild = numeric(&[u64::MAX, u64::MAX], &[u64::MAX]);
        wild.missing = u64::MAX;
        wild.below = u64::MAX;
        wild.above = u64::MAX;
        let copy = wild.clone();
        wild.merge(&copy);
        assert!(wild.psi().is_some_and(f64::is_finite));
        assert!(wild.ks().is_some());
        assert!(wild.chi_square().is_some());
        assert_eq!(numeric(&[], &[]).psi(), None);
        assert_eq!(numeric(&[], &[]).ks(), None);
    }
}

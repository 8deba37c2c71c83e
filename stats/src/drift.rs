//! The drift of the calls from the baseline, column by column: counts that can be serialized and merged. `distance.rs`
//! measures how far they are from the training data, and `judge.rs` decides what that means.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    column::{ColumnKind, ColumnRole, ValueType},
    natural::Natural,
    numbers::Numbers,
    real::{real, rounded},
};

/// The counts of the calls in the window, next to those of the baseline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Drift {
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// The columns, in the order of the baseline.
    pub columns: Vec<ColumnDrift>,
}

/// One column: the counts of the same bins or categories in the training data and in the calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnDrift {
    /// Name of the column, unique in its role.
    pub name: String,
    /// Whether the column is an input or an output.
    pub role: ColumnRole,
    /// How its values are counted.
    pub kind: ColumnKind,
    /// Edges of the bins, one more than bins. Numeric columns only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<f64>,
    /// Names of the categories, without that of all others. Categorical columns only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Counts in the training data: one for each bin, or one for each category and a last one for all others. If the training
    /// data have seasons, they are distributed over them as the calls of the window.
    pub expected: Vec<u64>,
    /// Counts in the calls, in the same order. The first bin includes values below its edge, the last bin values above
    /// its edge.
    pub observed: Vec<u64>,
    /// Rows of the training data without a value.
    #[serde(default)]
    pub expected_missing: u64,
    /// If the training data have seasons: the number of rows that would make `expected` as certain as it is. A window of one
    /// hour is compared with the training data of this hour only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_rows: Option<u64>,
    /// How many rows of the calls say as much as one independent row: 1 if each call has one row.
    #[serde(default = "one")]
    pub design_effect: f64,
    /// Rows of the calls without a value.
    #[serde(default)]
    pub missing: u64,
    /// Values below the first edge. They are also in the first bin. Numeric columns only.
    #[serde(default)]
    pub below: u64,
    /// Values above the last edge. They are also in the last bin. Numeric columns only.
    #[serde(default)]
    pub above: u64,
    /// Values of another type than in the training data: texts that are no number, which are missing as well, and fractions
    /// where the training data have whole numbers only.
    #[serde(default)]
    pub mistyped: u64,
    /// The type of the values in the training data, if the baseline names it.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<ValueType>,
    /// Mean and standard deviation in the training data. Numeric columns only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<(f64, f64)>,
    /// Sums over the values of the calls. Numeric columns only.
    #[serde(default)]
    pub numbers: Numbers,
    /// How much the distribution of the values changes within the training data.
    #[serde(default)]
    pub natural: Natural,
    /// How much the proportion of missing values changes within the training data.
    #[serde(default)]
    pub natural_missing: Natural,
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
    /// A column with these counts in training data and calls, of which nothing else is known.
    #[must_use]
    pub fn new(role: ColumnRole, name: &str, kind: ColumnKind, [expected, observed]: [Vec<u64>; 2]) -> Self {
        Self {
            name: name.to_owned(),
            role,
            kind,
            edges: Vec::new(),
            names: Vec::new(),
            expected,
            observed,
            expected_missing: 0,
            effective_rows: None,
            design_effect: one(),
            missing: 0,
            below: 0,
            above: 0,
            mistyped: 0,
            value_type: None,
            moments: None,
            numbers: Numbers::default(),
            natural: Natural::default(),
            natural_missing: Natural::default(),
        }
    }

    /// Adds the counts of the same column. No effect if the training data differ.
    pub fn merge(&mut self, other: &Self) {
        let seasonal = self.effective_rows.is_some() && other.effective_rows.is_some();
        let same = self.key() == other.key()
            && self.kind == other.kind
            && self.expected.len() == other.expected.len()
            && (seasonal
                || self.expected == other.expected && self.expected_missing == other.expected_missing)
            && self.observed.len() == other.observed.len();
        if !same {
            return;
        }
        if seasonal {
            self.merge_expected(other);
        }
        let (mine, theirs) = (real(self.samples()), real(other.samples()));
        if theirs > 0.0 {
            self.design_effect = (mine * self.design_effect + theirs * other.design_effect) / (mine + theirs);
        }
        for (mine, theirs) in self.observed.iter_mut().zip(&other.observed) {
            *mine = mine.saturating_add(*theirs);
        }
        self.missing = self.missing.saturating_add(other.missing);
        self.below = self.below.saturating_add(other.below);
        self.above = self.above.saturating_add(other.above);
        self.mistyped = self.mistyped.saturating_add(other.mistyped);
        self.numbers.merge(&other.numbers);
    }

    /// Pods that got their calls at other times expect other distributions. Together they expect the mean, weighted by their
    /// calls. It is at least as certain as this number of rows says.
    fn merge_expected(&mut self, other: &Self) {
        let (mine, theirs) = (real(self.samples()), real(other.samples()));
        let all = mine + theirs;
        if theirs <= 0.0 {
            return;
        }
        let mean = |ours: u64, others: u64| (mine * real(ours) + theirs * real(others)) / all;
        for (ours, others) in self.expected.iter_mut().zip(&other.expected) {
            *ours = rounded(mean(*ours, *others));
        }
        self.expected_missing = rounded(mean(self.expected_missing, other.expected_missing));
        let uncertain = |rows: Option<u64>| 1.0 / real(rows.unwrap_or_default().max(1));
        let uncertain =
            (mine * uncertain(self.effective_rows) + theirs * uncertain(other.effective_rows)) / all;
        self.effective_rows = Some(rounded(1.0 / uncertain));
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

    /// How many rows of the training data `expected` is worth, as a share of all: less than 1 only with seasons.
    pub(crate) fn worth(&self) -> f64 {
        let all = sum(&self.expected).saturating_add(self.expected_missing);
        self.effective_rows.and_then(|rows| ratio(rows, all)).unwrap_or(1.0)
    }

    /// [`Self::design_effect`], of at least 1 also for the counts of a broken pod.
    pub(crate) fn rows_for_one(&self) -> f64 {
        if self.design_effect.is_finite() { self.design_effect.max(1.0) } else { 1.0 }
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
}

/// The design effect of calls with one row each.
const fn one() -> f64 {
    1.0
}

/// The sum of counts.
pub(crate) fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

/// A proportion. `None` of nothing.
pub(crate) fn ratio(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| real(part) / real(of))
}

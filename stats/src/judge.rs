//! What the counts of a column mean: whether its distribution has drifted, and whether its values are in order. One rule for
//! the conditions, the metrics and the alerts.
//!
//! A column drifts if its distance from the training data is larger than chance and its natural change explain, and large
//! enough to matter. Missing values, values out of range, new categories, other types, a constant and another unit are no
//! drift: see `quality.rs`.

use crate::{
    bins::{Bins, distance_of},
    column::ColumnKind,
    drift::ColumnDrift,
    issue::Issue,
    natural,
    quality::{percent, short_number},
    real::real,
    rules::{ENDS_AT, Known, Rules},
};

/// The change of a column without names or edges, as of a pod of an older release.
const OTHER_PROPORTIONS: &str = "other proportions of its values";

/// What the counts of a column mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judged {
    /// Whether the window has enough rows. Otherwise nothing below is known.
    pub enough: bool,
    /// The Jensen-Shannon distance from the training data. Without categories that they do not have, if these are an issue.
    pub distance: Option<f64>,
    /// The distance from which the column drifts.
    pub limit: Option<f64>,
    /// How its distribution has changed. `None` if it does not drift.
    pub shift: Option<Shift>,
    /// What is wrong with its values.
    pub issues: Vec<Issue>,
}

/// A distribution that has drifted.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The Jensen-Shannon distance from the training data.
    pub distance: f64,
    /// The change in the column's own units, as a part of a sentence.
    pub change: String,
}

impl ColumnDrift {
    /// What the counts mean, for a column of which `known` is known.
    #[must_use]
    pub fn judge(&self, rules: &Rules, known: Known<'_>) -> Judged {
        let is_known = known.drifts || !known.issues.is_empty();
        let needed = if is_known { rules.min_samples.div_ceil(2) } else { rules.min_samples };
        if self.samples() < needed.max(1) {
            return Judged::default();
        }
        let mut issues = self.issues_of_rows(rules, known);
        let outside = self.outside(rules, known);
        // New categories make the others rarer, but do not change their proportions.
        let bins = self.distribution(self.kind == ColumnKind::Numeric || outside.is_none());
        let (distance, limit) = (bins.distance(), self.limit(&bins, rules));
        let found = Judged { enough: true, distance, limit, ..Judged::default() };
        if let Some(constant) = self.constant(rules) {
            issues.push(constant);
            return Judged { issues, ..found };
        }
        let begins_at = limit.map(|limit| if known.drifts { ENDS_AT * limit } else { limit });
        let drifting = distance.zip(begins_at).filter(|(distance, limit)| distance > limit);
        if (drifting.is_some() || outside.is_some())
            && let Some(scaled) = self.scaled()
        {
            issues.push(scaled);
            return Judged { issues, ..found };
        }
        let shift = drifting.map(|(distance, _)| Shift { distance, change: self.change() });
        // Numbers beyond the range are what a shift of all numbers looks like. New categories are not.
        let is_explained = shift.is_some() && self.kind == ColumnKind::Numeric;
        issues.extend(outside.filter(|_| !is_explained));
        Judged { shift, issues, ..found }
    }

    /// The Jensen-Shannon distance from which the column drifts: what chance and natural change explain, or the smallest one that
    /// matters. `None` without values.
    fn limit(&self, bins: &Bins, rules: &Rules) -> Option<f64> {
        let (m, n) = bins.sizes();
        if !(m > 0.0 && n > 0.0) {
            return None;
        }
        let sizes = (m, n / self.rows_for_one());
        let explained = distance_of(natural::limit(bins.freedom(), sizes, self.natural, rules.alpha()));
        Some(explained.max(rules.min_distance()))
    }

    /// The change in the column's own units.
    fn change(&self) -> String {
        if self.kind == ColumnKind::Categorical {
            return self.changed_category().unwrap_or_else(|| OTHER_PROPORTIONS.to_owned());
        }
        let Some(moved) = self.wasserstein() else { return OTHER_PROPORTIONS.to_owned() };
        if let (Some((mean, deviation)), Some((now, spread))) =
            (self.moments, self.numbers.moments(self.center()))
        {
            if (now - mean).abs() >= moved / 3.0 {
                return format!("mean {}, {} in the training data", short_number(now), short_number(mean));
            }
            if !(0.8..=1.25).contains(&(spread / deviation)) {
                let (now, before) = (short_number(spread), short_number(deviation));
                return format!("deviation {now}, {before} in the training data");
            }
        }
        format!("values are {} away on average", short_number(moved))
    }

    /// The category whose share of the named ones has changed most. Of several that changed by the same, the one that grew.
    fn changed_category(&self) -> Option<String> {
        let named = self.names.len().min(self.expected.len()).min(self.observed.len());
        let total = |counts: &[u64]| real(counts[..named].iter().sum::<u64>().max(1));
        let (m, n) = (total(&self.expected), total(&self.observed));
        let share = |place: usize| (real(self.expected[place]) / m, real(self.observed[place]) / n);
        let growth = |place: usize| {
            let (before, now) = share(place);
            now - before
        };
        let most = (0..named).map(|place| growth(place).abs()).fold(0.0, f64::max);
        // Equal changes differ by what rounding leaves.
        let changed_most = (0..named).filter(|place| growth(*place).abs() >= most - 1e-9);
        let place = changed_most.max_by(|a, b| growth(*a).total_cmp(&growth(*b)))?;
        let (before, now) = share(place);
        Some(format!("{} {}, {} in the training data", self.names[place], percent(now), percent(before)))
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

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
    natural::{self, Natural},
    quality::{Issue, IssueKind, percent, short_number},
    real::real,
};

/// False alarms are promised for a month of this length, in seconds.
const MONTH: f64 = 30.0 * 86_400.0;
/// How often a window is looked at while it moves by its own length: once for each of its parts. Between two of them it hardly
/// changes.
const LOOKS: f64 = 12.0;
/// Tests of a column: distribution, missing values, range or categories, and type.
const TESTS: f64 = 4.0;
/// What is known continues down to this fraction of the distance from which it begins. So a distance close to the limit does
/// not raise and clear an alert every half minute.
const ENDS_AT: f64 = 0.75;

/// The change of a column without names or edges, as of a pod of an older release.
const OTHER_PROPORTIONS: &str = "other proportions of its values";

/// When a column counts as drifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Length of the window in seconds.
    pub window_seconds: u64,
    /// Rows in the window from which a column is judged. One that drifts or has an issue is judged down to half of it.
    pub min_samples: u64,
    /// The population stability index from which a change matters. A small change has a squared Jensen-Shannon distance of
    /// PSI / (8 ln 2), which is compared: rare bins do not make it infinite.
    pub psi: f64,
    /// How many false alarms a column may have in 30 days, on average.
    pub false_alarms: f64,
}

/// What is known of a column from the last look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'k> {
    /// Whether it drifts.
    pub drifts: bool,
    /// Its issues.
    pub issues: &'k [IssueKind],
}

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

impl Rules {
    /// The probability with which a test may be wrong at one look.
    pub(crate) fn alpha(&self) -> f64 {
        let windows = (MONTH / real(self.window_seconds.max(1))).max(1.0);
        (self.false_alarms / (windows * LOOKS * TESTS)).clamp(1e-12, 0.01)
    }

    /// The Jensen-Shannon distance from which a change matters.
    pub(crate) fn min_distance(&self) -> f64 {
        distance_of(self.psi)
    }

    /// The rules for something that is known. The square root of a probability is the tail at about 0.7 of the distance.
    pub(crate) fn for_known(self, known: bool) -> (Self, f64) {
        let alpha = self.alpha();
        if known {
            (Self { psi: ENDS_AT * ENDS_AT * self.psi, ..self }, alpha.sqrt().min(0.01))
        } else {
            (self, alpha)
        }
    }
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
        let (distance, limit) = (bins.distance(), limit(&bins, self.natural, rules));
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

    /// The change in the column's own units.
    fn change(&self) -> String {
        if self.kind == ColumnKind::Categorical {
            return self.changed_category().unwrap_or_else(|| OTHER_PROPORTIONS.to_owned());
        }
        let Some(moved) = self.wasserstein() else { return OTHER_PROPORTIONS.to_owned() };
        if let (Some((mean, deviation)), Some((now, spread))) =
            (self.moments, self.numbers.moments(self.center()))
        {
            if (now - mean).abs() >= moved / 2.0 {
                return format!("mean {}, {} in the training data", short_number(now), short_number(mean));
            }
            if !(0.8..=1.25).contains(&(spread / deviation)) {
                let (now, before) = (short_number(spread), short_number(deviation));
                return format!("deviation {now}, {before} in the training data");
            }
        }
        format!("values are {} away on average", short_number(moved))
    }

    /// The category whose share of the named ones has changed most.
    fn changed_category(&self) -> Option<String> {
        let named = self.names.len().min(self.expected.len()).min(self.observed.len());
        let total = |counts: &[u64]| real(counts[..named].iter().sum::<u64>().max(1));
        let (m, n) = (total(&self.expected), total(&self.observed));
        let share = |place: usize| (real(self.expected[place]) / m, real(self.observed[place]) / n);
        let change = |place: &usize| {
            let (before, now) = share(*place);
            (now - before).abs()
        };
        let place = (0..named).max_by(|a, b| change(a).total_cmp(&change(b)))?;
        let (before, now) = share(place);
        Some(format!("{} {}, {} in the training data", self.names[place], percent(now), percent(before)))
    }
}

/// The Jensen-Shannon distance from which a column drifts: what chance and natural change explain, or the smallest one that
/// matters. `None` without values.
fn limit(bins: &Bins, natural: Natural, rules: &Rules) -> Option<f64> {
    let (m, n) = bins.sizes();
    if !(m > 0.0 && n > 0.0) {
        return None;
    }
    let explained = distance_of(natural::limit(bins.freedom(), (m, n), natural, rules.alpha()));
    Some(explained.max(rules.min_distance()))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

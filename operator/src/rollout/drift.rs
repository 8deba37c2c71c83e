//! Which features drift, with hysteresis, and the conditions about it. Pure.
//!
//! A feature begins to drift at the threshold and stops below three quarters of it. So a value close to the threshold
//! does not raise and clear an alert every half minute. For the same reason, a feature that drifts is judged down to half of
//! the values that it needs to begin. With fewer values, nobody knows whether it still drifts. At no time is a value that
//! chance alone explains a drift.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use understudy_crds::{ColumnRole, DriftRules, DriftStatistic, DriftStatus, DriftingFeature};
use understudy_stats as stats;

use super::comparison::{rounded, short};
use crate::reasons::Drift as Reason;

/// A feature stops drifting below this fraction of the threshold.
const ENDS_AT: f64 = 0.75;
/// A feature that drifts needs this fraction of the values.
const NEEDS: f64 = 0.5;
/// Features that a condition names. The others are only counted.
const NAMED: usize = 10;

/// The drift of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, unique within its role.
    pub name: String,
    /// Whether it is an input or an output.
    pub role: ColumnRole,
    /// Values in the window.
    pub samples: i64,
    /// Population stability index.
    pub psi: Option<f64>,
    /// The PSI that chance alone exceeds in one of a thousand samples of this size.
    pub by_chance: f64,
}

impl Column {
    /// The columns of a measured drift, of one pod or of several.
    pub fn all(drift: &stats::Drift) -> Vec<Self> {
        let mut keys = BTreeSet::new();
        let columns = drift.columns.iter().map(|column| Self {
            name: short(&column.name),
            role: match column.role {
                stats::ColumnRole::Input => ColumnRole::Input,
                stats::ColumnRole::Output => ColumnRole::Output,
            },
            samples: i64::try_from(column.samples()).unwrap_or(i64::MAX),
            psi: column.psi().filter(|psi| psi.is_finite()),
            by_chance: column.psi_by_chance().unwrap_or(f64::INFINITY),
        });
        // The schema allows each name once within its role.
        columns.filter(|column| keys.insert((column.role, column.name.clone()))).collect()
    }

    fn measured(&self, rules: &DriftRules) -> Option<f64> {
        self.psi.filter(|_| self.samples >= rules.min_samples)
    }

    /// The PSI, if the column drifts. `known` is whether it drifted at the last check.
    fn drifts(&self, known: bool, rules: &DriftRules) -> Option<f64> {
        let (threshold, needed) = if known { (ENDS_AT * rules.psi, NEEDS) } else { (rules.psi, 1.0) };
        #[expect(clippy::cast_precision_loss, reason = "at most a billion values are required")]
        let enough = self.samples as f64 >= needed * rules.min_samples as f64;
        self.psi.filter(|psi| enough && *psi >= threshold.max(self.by_chance))
    }
}

/// Every feature that drifts now, the largest PSI first. `before` are those that drifted at the last check.
pub fn drifting(
    before: &[DriftingFeature],
    columns: &[Column],
    rules: &DriftRules,
    now: Timestamp,
) -> Vec<DriftingFeature> {
    let known: BTreeMap<_, _> = before.iter().map(|f| ((f.role, f.name.as_str()), f)).collect();
    let mut drifting: Vec<DriftingFeature> = columns
        .iter()
        .filter_map(|column| {
            let known = known.get(&(column.role, column.name.as_str())).copied();
            let psi = column.drifts(known.is_some(), rules)?;
            Some(DriftingFeature {
                name: column.name.clone(),
                role: column.role,
                statistic: DriftStatistic::Psi,
                value: rounded(psi).unwrap_or(psi),
                samples: column.samples,
                since: known.map_or_else(|| now.into(), |known| known.since.clone()),
            })
        })
        .collect();
    drifting.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    drifting
}

/// The status with at most `limit` features. It is `before` if only the time has changed.
pub fn status(
    before: Option<&DriftStatus>,
    drifting: &[DriftingFeature],
    limit: usize,
    now: Timestamp,
) -> DriftStatus {
    let features: Vec<_> = drifting.iter().take(limit).cloned().collect();
    match before {
        Some(before) if before.features == features => before.clone(),
        _ => DriftStatus { at: Some(now.into()), features },
    }
}

/// One condition: its status (`None` for Unknown), reason and message.
pub type Finding = (Option<bool>, &'static str, String);

/// The condition about the columns of one role. `None` if it has no columns.
pub fn finding(
    role: ColumnRole,
    columns: &[Column],
    drifting: &[DriftingFeature],
    rules: &DriftRules,
) -> Option<Finding> {
    let columns: Vec<_> = columns.iter().filter(|c| c.role == role).collect();
    let drifting: Vec<_> = drifting.iter().filter(|f| f.role == role).collect();
    let (count, what) = (columns.len(), if role == ColumnRole::Input { "inputs" } else { "outputs" });
    if columns.is_empty() {
        return None;
    }
    let threshold = rules.psi;
    if !drifting.is_empty() {
        let named: Vec<_> =
            drifting.iter().take(NAMED).map(|f| format!("{} {:.2}", f.name, f.value)).collect();
        let rest = match drifting.len().saturating_sub(NAMED) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        let message = format!(
            "{} of {count} {what} drift from the baseline (PSI, threshold {threshold}): {}{rest}",
            drifting.len(),
            named.join(", "),
        );
        return Some((Some(true), Reason::Drifts.as_str(), message));
    }
    let measured: Vec<_> = columns.iter().filter_map(|c| Some((c.measured(rules)?, &c.name))).collect();
    let Some((largest, name)) = measured.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        let most = columns.iter().map(|c| c.samples).max().unwrap_or_default();
        let message = format!(
            "{most} values in the window are too few: {} are needed (spec.drift.minSamples)",
            rules.min_samples
        );
        return Some((None, Reason::TooFewSamples.as_str(), message));
    };
    let unmeasured = match count - measured.len() {
        0 => String::new(),
        few => format!("; {few} have fewer than {} values", rules.min_samples),
    };
    let message = format!(
        "none of {count} {what} drifts: the largest PSI is {largest:.2} ({name}), the threshold {threshold}{unmeasured}"
    );
    Some((Some(false), Reason::NoDrift.as_str(), message))
}

/// The condition if main has a baseline and no pod reported drift.
pub fn unknown(requested: usize, answered: usize) -> Finding {
    if answered == 0 {
        let message = format!("0 of {requested} pods of main sent a summary");
        return (None, Reason::NoAnswer.as_str(), message);
    }
    let message = "main's pods do not measure drift: see their logs".to_owned();
    (None, Reason::NotMeasured.as_str(), message)
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;

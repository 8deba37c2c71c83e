//! Which features drift, and the conditions about it. Pure. What drift is, and when it ends, is decided by
//! [`understudy_stats::ColumnDrift::judge`], as for the metrics of the pods.

use std::collections::BTreeMap;

use jiff::Timestamp;
use understudy_crds::{ColumnRole, DRIFTING_LIMIT, DataIssue, DriftRules, DriftStatus, DriftingFeature};

use super::{columns::Column, figures::rounded};
use crate::reasons::Drift as Reason;

/// Features that a condition names. The others are only counted.
const NAMED: usize = 10;

/// Every feature that drifts now, the largest distance first.
pub fn drifting(before: &DriftStatus, columns: &[Column], now: Timestamp) -> Vec<DriftingFeature> {
    let known: BTreeMap<_, _> = before.features.iter().map(|f| ((f.role, f.name.as_str()), f)).collect();
    let feature = |column: &Column| {
        let shift = column.judged.shift.as_ref()?;
        let known = known.get(&(column.role, column.name.as_str()));
        Some(DriftingFeature {
            name: column.name.clone(),
            role: column.role,
            distance: rounded(shift.distance)?,
            limit: rounded(column.judged.limit?)?,
            change: shift.change.clone(),
            samples: column.samples,
            since: known.map_or_else(|| now.into(), |known| known.since.clone()),
        })
    };
    let mut drifting: Vec<_> = columns.iter().filter_map(feature).collect();
    drifting.sort_by(|a, b| b.distance.total_cmp(&a.distance).then_with(|| a.name.cmp(&b.name)));
    drifting
}

/// The status with the worst features and issues. It is `before` if only the time has changed.
pub fn status(
    before: Option<&DriftStatus>,
    mut features: Vec<DriftingFeature>,
    mut issues: Vec<DataIssue>,
    now: Timestamp,
) -> DriftStatus {
    features.truncate(DRIFTING_LIMIT);
    issues.truncate(DRIFTING_LIMIT);
    match before {
        Some(before) if before.features == features && before.issues == issues => before.clone(),
        _ => DriftStatus { at: Some(now.into()), features, issues },
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
    if !drifting.is_empty() {
        let listed = listed(drifting.iter().map(|feature| in_words(feature)));
        let message = format!("{} of {count} {what} drift from the baseline: {listed}", drifting.len());
        return Some((Some(true), Reason::Drifts.as_str(), message));
    }
    let measured = |column: &&&Column| column.judged.enough;
    let enough = columns.iter().filter(measured).count();
    if enough == 0 {
        return Some((None, Reason::TooFewSamples.as_str(), too_few(columns.into_iter(), rules)));
    }
    let nearest = columns.iter().filter_map(|c| Some((c.judged.distance?, c.judged.limit?, &c.name)));
    let nearest = nearest.max_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let nearest = nearest.map_or_else(String::new, |(distance, limit, name)| {
        format!(": {name} is nearest to its limit, distance {distance:.3} of {limit:.3}")
    });
    let unmeasured = match count - enough {
        0 => String::new(),
        few => format!("; {few} have fewer than {} values", rules.min_samples),
    };
    let message = format!("none of {count} {what} drifts{nearest}{unmeasured}");
    Some((Some(false), Reason::NoDrift.as_str(), message))
}

fn in_words(feature: &DriftingFeature) -> String {
    let DriftingFeature { name, distance, limit, change, .. } = feature;
    format!("{name} (distance {distance:.2}, limit {limit:.2}; {change})")
}

/// The first of all these, and how many more there are.
pub fn listed(mut all: impl ExactSizeIterator<Item = String>) -> String {
    let named: Vec<_> = all.by_ref().take(NAMED).collect();
    let rest = match all.len() {
        0 => String::new(),
        rest => format!("; and {rest} more"),
    };
    format!("{}{rest}", named.join("; "))
}

/// The message for a window with too few rows.
pub fn too_few<'c>(columns: impl Iterator<Item = &'c Column>, rules: &DriftRules) -> String {
    let most = columns.map(|c| c.samples).max().unwrap_or_default();
    let needed = rules.min_samples;
    format!("{most} values in the window are too few: {needed} are needed (spec.drift.minSamples)")
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

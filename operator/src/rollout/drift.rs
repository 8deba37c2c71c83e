//! Which features drift, and the conditions about it. Pure. What drift is, and when it ends, is decided by
//! [`stats::ColumnDrift::judge`], as for the metrics of the pods.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use understudy_crds::{ColumnRole, DRIFTING_LIMIT, DataIssue, DriftRules, DriftStatus, DriftingFeature};
use understudy_stats as stats;

use super::{
    comparison::{rounded, short},
    data_issue,
};
use crate::reasons::Drift as Reason;

/// Features that a condition names. The others are only counted.
pub const NAMED: usize = 10;

/// One column, and what its values mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, unique within its role.
    pub name: String,
    /// Whether it is an input or an output.
    pub role: ColumnRole,
    /// Rows in the window.
    pub samples: i64,
    /// What they mean.
    pub judged: stats::Judged,
}

impl Column {
    /// The columns of a measured drift, of one pod or of several. `before` is what was known at the last check.
    pub fn all(drift: &stats::Drift, rules: &DriftRules, before: &DriftStatus) -> Vec<Self> {
        let rules = stats::Rules {
            window_seconds: drift.window_seconds,
            min_samples: u64::try_from(rules.min_samples).unwrap_or_default(),
            psi: rules.psi,
            false_alarms: rules.false_alarms,
        };
        let drifted: BTreeSet<_> = before.features.iter().map(|f| (f.role, f.name.as_str())).collect();
        let mut issues: BTreeMap<_, Vec<stats::IssueKind>> = BTreeMap::new();
        for DataIssue { role, name, issue, .. } in &before.issues {
            issues.entry((*role, name.as_str())).or_default().push(data_issue::of_status(*issue));
        }
        let mut keys = BTreeSet::new();
        let columns = drift.columns.iter().map(|column| {
            let name = short(&column.name);
            let role = match column.role {
                stats::ColumnRole::Input => ColumnRole::Input,
                stats::ColumnRole::Output => ColumnRole::Output,
            };
            let key = (role, name.as_str());
            let issues = issues.get(&key).map_or(&[][..], Vec::as_slice);
            let judged = column.judge(&rules, stats::Known { drifts: drifted.contains(&key), issues });
            Self { samples: i64::try_from(column.samples()).unwrap_or(i64::MAX), name, role, judged }
        });
        // The schema allows each name once within its role.
        columns.filter(|column| keys.insert((column.role, column.name.clone()))).collect()
    }
}

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
        let named: Vec<_> = drifting.iter().take(NAMED).map(|feature| in_words(feature)).collect();
        let rest = match drifting.len().saturating_sub(NAMED) {
            0 => String::new(),
            rest => format!("; and {rest} more"),
        };
        let message = format!(
            "{} of {count} {what} drift from the baseline: {}{rest}",
            drifting.len(),
            named.join("; ")
        );
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

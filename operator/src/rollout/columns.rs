//! The columns of main's baseline, and what the values of each mean. Pure.

use std::collections::{BTreeMap, BTreeSet};

use understudy_crds::{ColumnRole, DataIssue, DriftRules, DriftStatus, IssueKind};
use understudy_stats as stats;

use super::figures::short;

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
            issues.entry((*role, name.as_str())).or_default().push(of_status(*issue));
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

/// The kind of an issue, for a status.
pub fn in_status(issue: stats::IssueKind) -> IssueKind {
    match issue {
        stats::IssueKind::Missing => IssueKind::Missing,
        stats::IssueKind::WrongType => IssueKind::WrongType,
        stats::IssueKind::OutOfRange => IssueKind::OutOfRange,
        stats::IssueKind::NewCategory => IssueKind::NewCategory,
        stats::IssueKind::Constant => IssueKind::Constant,
        stats::IssueKind::Scaled => IssueKind::Scaled,
    }
}

/// The kind of an issue in a status.
pub fn of_status(issue: IssueKind) -> stats::IssueKind {
    match issue {
        IssueKind::Missing => stats::IssueKind::Missing,
        IssueKind::WrongType => stats::IssueKind::WrongType,
        IssueKind::OutOfRange => stats::IssueKind::OutOfRange,
        IssueKind::NewCategory => stats::IssueKind::NewCategory,
        IssueKind::Constant => stats::IssueKind::Constant,
        IssueKind::Scaled => stats::IssueKind::Scaled,
    }
}

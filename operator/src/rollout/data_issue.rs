//! Which values are not in order, apart from drift, and the condition about it. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use understudy_crds::{ColumnRole, DataIssue, DriftRules, DriftStatus, IssueKind};
use understudy_stats as stats;

use super::{
    columns::{Column, in_status},
    drift::{Finding, listed, too_few},
    figures::rounded,
};
use crate::reasons::Data as Reason;

/// Every issue now, the largest share first.
pub fn issues(before: &DriftStatus, columns: &[Column], now: Timestamp) -> Vec<DataIssue> {
    let key = |issue: &DataIssue| (issue.role, issue.name.clone(), issue.issue);
    let known: BTreeMap<_, _> = before.issues.iter().map(|issue| (key(issue), &issue.since)).collect();
    let of_column = |column: &Column| -> Vec<DataIssue> {
        let issue = |found: &stats::Issue| {
            let mut issue = DataIssue {
                name: column.name.clone(),
                role: column.role,
                issue: in_status(found.kind),
                share: rounded(found.share).unwrap_or_default(),
                message: found.says.clone(),
                samples: column.samples,
                since: now.into(),
            };
            if let Some(since) = known.get(&key(&issue)) {
                issue.since = (*since).clone();
            }
            issue
        };
        column.judged.issues.iter().map(issue).collect()
    };
    let mut issues: Vec<_> = columns.iter().flat_map(of_column).collect();
    issues.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| key(a).cmp(&key(b))));
    issues
}

/// The condition about the values of all columns. `None` without columns. Its reason is that of the largest issue.
pub fn finding(columns: &[Column], issues: &[DataIssue], rules: &DriftRules) -> Option<Finding> {
    if columns.is_empty() {
        return None;
    }
    if let Some(worst) = issues.first() {
        return Some((Some(true), reason(worst.issue).as_str(), listed(issues.iter().map(in_words))));
    }
    if !columns.iter().any(|column| column.judged.enough) {
        return Some((None, Reason::TooFewSamples.as_str(), too_few(columns.iter(), rules)));
    }
    let message = format!("the values of {} columns are as in the training data", columns.len());
    Some((Some(false), Reason::NoIssue.as_str(), message))
}

fn in_words(issue: &DataIssue) -> String {
    let DataIssue { name, role, message, since, .. } = issue;
    let what = if *role == ColumnRole::Output { "the output " } else { "" };
    format!("{what}{name} {message}, since {}", since.0)
}

fn reason(issue: IssueKind) -> Reason {
    match issue {
        IssueKind::Missing => Reason::Missing,
        IssueKind::WrongType => Reason::WrongType,
        IssueKind::OutOfRange => Reason::OutOfRange,
        IssueKind::NewCategory => Reason::NewCategory,
        IssueKind::Constant => Reason::Constant,
        IssueKind::Scaled => Reason::Scaled,
    }
}

#[cfg(test)]
#[path = "data_issue_tests.rs"]
mod tests;

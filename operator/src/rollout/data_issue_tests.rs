//! Which values are not in order from check to check, and how that is said.

use understudy_stats::{ColumnDrift, ColumnKind, Drift};

use super::*;
use crate::rollout::columns::of_status;

const EARLIER: &str = "2026-11-21T11:00:00Z";
const NOW: &str = "2026-11-21T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn rules() -> DriftRules {
    DriftRules { min_samples: 100, ..DriftRules::default() }
}

/// A feature of which no value was missing. Of a thousand rows now `missing` have none.
fn column(name: &str, missing: u64) -> ColumnDrift {
    let counts = [vec![5_000, 5_000], vec![(1_000 - missing) / 2; 2]];
    let column = ColumnDrift::new(stats::ColumnRole::Input, name, ColumnKind::Numeric, counts);
    ColumnDrift { missing, ..column }
}

fn judged(before: &DriftStatus, columns: Vec<ColumnDrift>) -> Vec<Column> {
    Column::all(&Drift { window_seconds: 3_600, columns }, &rules(), before)
}

fn said(before: &DriftStatus, columns: Vec<ColumnDrift>, now: &str) -> (DriftStatus, Finding) {
    let columns = judged(before, columns);
    let issues = issues(before, &columns, at(now));
    let finding = finding(&columns, &issues, &rules()).expect("there are columns");
    (DriftStatus { issues, ..DriftStatus::default() }, finding)
}

#[test]
fn missing_values_are_named_with_their_share_and_since_when() {
    let columns = || vec![column("amount", 100), column("age", 0), column("income", 400)];
    let (before, _) = said(&DriftStatus::default(), columns(), EARLIER);
    let (_, found) = said(&before, columns(), NOW);
    let message = "income is missing in 40 % of the rows (0 % in the training data), since 2026-11-21T11:00:00Z; \
                   amount is missing in 10 % of the rows (0 % in the training data), since 2026-11-21T11:00:00Z";
    assert_eq!(found, (Some(true), "Missing", message.to_owned()));
}

#[test]
fn values_in_order_and_too_few_values_are_told_apart() {
    let (_, found) = said(&DriftStatus::default(), vec![column("amount", 0)], NOW);
    assert_eq!(
        found,
        (Some(false), "NoIssue", "the values of 1 columns are as in the training data".to_owned())
    );
    let counts = [vec![5_000, 5_000], vec![5, 5]];
    let few = ColumnDrift::new(stats::ColumnRole::Input, "amount", ColumnKind::Numeric, counts);
    let (_, (status, reason, _)) = said(&DriftStatus::default(), vec![few], NOW);
    assert_eq!((status, reason), (None, "TooFewSamples"));
}

#[test]
fn every_kind_of_issue_is_the_same_in_status_and_statistics() {
    for kind in stats::IssueKind::ALL {
        assert_eq!(of_status(in_status(kind)), kind);
        assert_eq!(reason(in_status(kind)).as_str(), kind.as_str());
    }
}

//! Which features drift from check to check, and how that is said.

use understudy_stats::{self as stats, ColumnDrift, ColumnKind, Drift};

use super::*;

const EARLIER: &str = "2026-11-21T11:00:00Z";
const NOW: &str = "2026-11-21T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn rules() -> DriftRules {
    DriftRules { min_samples: 100, psi: 0.055_45, ..DriftRules::default() }
}

/// A feature that was evenly spread over two bins. Of `samples` values now `first` percent are in the first bin.
fn column(name: &str, first: u64, samples: u64) -> ColumnDrift {
    let first = first * samples / 100;
    let counts = [vec![500_000, 500_000], vec![first, samples - first]];
    ColumnDrift::new(stats::ColumnRole::Input, name, ColumnKind::Numeric, counts)
}

fn on_the_other_side(mut column: ColumnDrift) -> ColumnDrift {
    column.role = stats::ColumnRole::Output;
    column
}

fn judged(before: &DriftStatus, columns: Vec<ColumnDrift>) -> Vec<Column> {
    Column::all(&Drift { window_seconds: 3_600, columns }, &rules(), before)
}

fn drifts_since_earlier(name: &str) -> DriftStatus {
    let columns = judged(&DriftStatus::default(), vec![column(name, 90, 1_000)]);
    let features = drifting(&DriftStatus::default(), &columns, at(EARLIER));
    assert_eq!(features.len(), 1, "{columns:?}");
    status(None, features, Vec::new(), at(EARLIER))
}

fn now_drifting(before: &DriftStatus, columns: Vec<ColumnDrift>) -> Vec<(String, String)> {
    drifting(before, &judged(before, columns), at(NOW))
        .into_iter()
        .map(|feature| (feature.name, feature.since.0.to_string()))
        .collect()
}

#[test]
fn a_drift_keeps_its_beginning_while_its_size_changes() {
    let found = now_drifting(&drifts_since_earlier("age"), vec![column("age", 80, 1_000)]);
    assert_eq!(found, [("age".to_owned(), EARLIER.to_owned())]);
}

#[test]
fn the_worst_feature_comes_first_and_the_same_name_on_the_other_side_is_another_one() {
    let columns = vec![
        column("age", 80, 1_000),
        column("income", 95, 1_000),
        on_the_other_side(column("age", 61, 1_000)),
    ];
    let found = now_drifting(&drifts_since_earlier("age"), columns);
    assert_eq!(found.iter().map(|feature| feature.0.as_str()).collect::<Vec<_>>(), ["income", "age"]);
}

// A PSI of 0.05545 is a distance of 0.1. With this limit, a share of 0.5 must become 0.62 to drift, and drifts down to 0.61.
#[test]
fn a_feature_at_the_limit_does_not_flap() {
    let mut before = DriftStatus::default();
    let shares = [61, 63, 61, 63, 61, 62, 58, 61, 60];
    let seen = shares.map(|first| {
        let columns = judged(&before, vec![column("age", first, 1_000_000)]);
        before = status(Some(&before), drifting(&before, &columns, at(NOW)), Vec::new(), at(NOW));
        !before.features.is_empty()
    });
    assert_eq!(seen, [false, true, true, true, true, true, false, false, false]);
}

#[test]
fn a_status_is_not_written_again_only_because_time_has_passed() {
    let before = drifts_since_earlier("age");
    assert_eq!(status(Some(&before), before.features.clone(), Vec::new(), at(NOW)), before);
    assert_eq!(status(Some(&before), Vec::new(), Vec::new(), at(NOW)).at, Some(at(NOW).into()));
}

fn said(columns: Vec<ColumnDrift>, before: &DriftStatus) -> Option<Finding> {
    let columns = judged(before, columns);
    finding(ColumnRole::Input, &columns, &drifting(before, &columns, at(NOW)), &rules())
}

#[test]
fn the_drift_message_lists_the_features_worst_first_with_their_limit_and_change() {
    let mut income = column("income", 95, 1_000);
    income.edges = vec![0.0, 40_000.0, 80_000.0];
    let columns = vec![column("age", 80, 1_000), income, column("region", 50, 1_000)];
    let expected = "2 of 3 inputs drift from the baseline: \
                    income (distance 0.45, limit 0.10; values are 18000 away on average); \
                    age (distance 0.27, limit 0.10; other proportions of its values)";
    assert_eq!(said(columns, &DriftStatus::default()), Some((Some(true), "Drifts", expected.to_owned())));
}

#[test]
fn of_many_features_ten_are_named_and_the_rest_counted() {
    let columns = (10..23).map(|i| column(&format!("f{i}"), 95, 1_000)).collect();
    let (_, _, message) = said(columns, &DriftStatus::default()).expect("something is said");
    assert!(message.starts_with("13 of 13 inputs drift"), "{message}");
    assert!(
        message.ends_with("; and 3 more") && message.contains("f19") && !message.contains("f20"),
        "{message}"
    );
}

#[test]
fn the_message_without_drift_names_the_feature_that_is_nearest_to_its_limit() {
    let columns = vec![column("age", 53, 10_000), column("income", 51, 10_000), column("region", 90, 7)];
    let expected = "none of 3 inputs drifts: age is nearest to its limit, distance 0.025 of 0.100; \
                    1 have fewer than 100 values";
    assert_eq!(said(columns, &DriftStatus::default()), Some((Some(false), "NoDrift", expected.to_owned())));
}

#[test]
fn too_few_values_are_reported_as_too_few_and_not_as_no_drift() {
    let columns = vec![column("age", 90, 12), column("income", 50, 7)];
    let expected = "12 values in the window are too few: 100 are needed (spec.drift.minSamples)";
    assert_eq!(said(columns, &DriftStatus::default()), Some((None, "TooFewSamples", expected.to_owned())));
}

#[test]
fn a_drift_is_unknown_once_the_calls_have_ceased() {
    let before = drifts_since_earlier("age");
    assert_eq!(now_drifting(&before, vec![column("age", 0, 0)]), []);
    let (status, reason, _) = said(vec![column("age", 0, 0)], &before).expect("something is said");
    assert_eq!((status, reason), (None, "TooFewSamples"));
}

#[test]
fn outputs_have_no_condition_if_the_baseline_has_none() {
    let columns = judged(&DriftStatus::default(), vec![column("age", 90, 1_000)]);
    assert_eq!(finding(ColumnRole::Output, &columns, &[], &rules()), None);
}

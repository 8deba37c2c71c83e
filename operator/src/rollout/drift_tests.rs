//! When a feature drifts, when it has ceased to, and how that is said.

use rstest::rstest;

use super::*;

const EARLIER: &str = "2026-11-21T11:00:00Z";
const NOW: &str = "2026-11-21T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn rules() -> DriftRules {
    DriftRules { min_samples: 100, psi: 0.2, ..DriftRules::default() }
}

fn column(name: &str, psi: f64, samples: i64) -> Column {
    Column { name: name.to_owned(), role: ColumnRole::Input, samples, psi: Some(psi), by_chance: 0.05 }
}

fn drifts_since_earlier(name: &str) -> DriftingFeature {
    DriftingFeature {
        name: name.to_owned(),
        role: ColumnRole::Input,
        statistic: DriftStatistic::Psi,
        value: 0.9,
        samples: 500,
        since: at(EARLIER).into(),
    }
}

fn now_drifting(before: &[DriftingFeature], columns: &[Column]) -> Vec<(String, f64, String)> {
    drifting(before, columns, &rules(), at(NOW))
        .into_iter()
        .map(|f| (f.name, f.value, f.since.0.to_string()))
        .collect()
}

#[rstest]
#[case::just_below_the_threshold(0.199, 100, false)]
#[case::at_the_threshold(0.2, 100, true)]
#[case::far_above_it_with_too_few_values(5.0, 99, false)]
fn a_feature_begins_to_drift(#[case] psi: f64, #[case] samples: i64, #[case] drifts: bool) {
    assert_eq!(!now_drifting(&[], &[column("age", psi, samples)]).is_empty(), drifts);
}

#[test]
fn what_chance_alone_explains_is_not_drift_however_few_samples_are_required() {
    let unlucky = Column { by_chance: 0.5, ..column("age", 0.4, 100) };
    assert!(now_drifting(&[], &[unlucky]).is_empty());
}

#[rstest]
#[case::above_three_quarters_of_the_threshold(0.151, 100, true)]
#[case::below_that(0.149, 100, false)]
#[case::with_half_of_the_values(0.3, 50, true)]
#[case::with_fewer_values(0.3, 49, false)]
#[case::without_values(0.3, 0, false)]
fn a_feature_that_drifts_continues_to_drift(#[case] psi: f64, #[case] samples: i64, #[case] drifts: bool) {
    let before = [drifts_since_earlier("age")];
    assert_eq!(!now_drifting(&before, &[column("age", psi, samples)]).is_empty(), drifts);
}

#[test]
fn a_feature_ceases_to_drift_once_chance_alone_explains_its_distance() {
    let unlucky = Column { by_chance: 0.5, ..column("age", 0.4, 100) };
    assert!(now_drifting(&[drifts_since_earlier("age")], &[unlucky]).is_empty());
}

#[test]
fn a_drift_keeps_its_beginning_while_its_size_changes() {
    let before = [drifts_since_earlier("age")];
    let found = now_drifting(&before, &[column("age", 0.3, 100)]);
    assert_eq!(found, [("age".to_owned(), 0.3, EARLIER.to_owned())]);
}

#[test]
fn the_worst_feature_comes_first_and_the_same_name_on_the_other_side_is_another_one() {
    let output = Column { role: ColumnRole::Output, ..column("age", 0.1, 100) };
    let columns = [column("age", 0.3, 100), column("income", 0.8, 100), output];
    let found = now_drifting(&[drifts_since_earlier("age")], &columns);
    assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["income", "age"]);
}

#[test]
fn a_feature_at_the_threshold_does_not_flap() {
    let sizes = [0.19, 0.21, 0.19, 0.21, 0.16, 0.2, 0.14, 0.19, 0.16];
    let mut before = vec![];
    let seen: Vec<bool> = sizes
        .iter()
        .map(|psi| {
            before = drifting(&before, &[column("age", *psi, 100)], &rules(), at(NOW));
            !before.is_empty()
        })
        .collect();
    assert_eq!(seen, [false, true, true, true, true, true, false, false, false]);
}

#[test]
fn a_status_is_not_written_again_only_because_time_has_passed() {
    let features = [drifts_since_earlier("age")];
    let before = status(None, &features, 64, at(EARLIER));
    assert_eq!(status(Some(&before), &features, 64, at(NOW)), before);
    assert_eq!(status(Some(&before), &[], 64, at(NOW)).at, Some(at(NOW).into()));
}

fn said(columns: &[Column], before: &[DriftingFeature]) -> Option<Finding> {
    let drifting = drifting(before, columns, &rules(), at(NOW));
    finding(ColumnRole::Input, columns, &drifting, &rules())
}

#[test]
fn the_drift_message_lists_the_features_and_their_psi_worst_first() {
    let columns = [column("age", 0.31, 100), column("income", 0.84, 100), column("region", 0.01, 100)];
    let expected =
        "2 of 3 inputs drift from the baseline (PSI, threshold 0.2): income 0.84, age 0.31".to_owned();
    assert_eq!(said(&columns, &[]), Some((Some(true), "Drifts", expected)));
}

#[test]
fn of_many_features_ten_are_named_and_the_rest_counted() {
    let columns: Vec<_> = (10..23).map(|i| column(&format!("f{i}"), 1.0, 100)).collect();
    let (_, _, message) = said(&columns, &[]).expect("something is said");
    assert!(message.starts_with("13 of 13 inputs drift"), "{message}");
    assert!(message.ends_with("f19 1.00 and 3 more") && !message.contains("f20"), "{message}");
}

#[test]
fn the_message_without_drift_names_the_largest_psi_and_its_feature() {
    let columns = [column("age", 0.031, 100), column("income", 0.012, 100), column("region", 0.9, 7)];
    let expected = "none of 3 inputs drifts: the largest PSI is 0.03 (age), the threshold 0.2; \
                    1 have fewer than 100 values";
    assert_eq!(said(&columns, &[]), Some((Some(false), "NoDrift", expected.to_owned())));
}

#[test]
fn too_few_values_are_reported_as_too_few_and_not_as_no_drift() {
    let columns = [column("age", 0.9, 12), column("income", 0.0, 7)];
    let expected = "12 values in the window are too few: 100 are needed (spec.drift.minSamples)";
    assert_eq!(said(&columns, &[]), Some((None, "TooFewSamples", expected.to_owned())));
}

#[test]
fn a_drift_is_unknown_once_the_calls_have_ceased() {
    let before = [drifts_since_earlier("age")];
    let silent = Column { psi: None, by_chance: f64::INFINITY, ..column("age", 0.0, 0) };
    assert_eq!(drifting(&before, std::slice::from_ref(&silent), &rules(), at(NOW)), []);
    let (status, reason, _) = said(&[silent], &before).expect("something is said");
    assert_eq!((status, reason), (None, "TooFewSamples"));
}

#[test]
fn outputs_have_no_condition_if_the_baseline_has_none() {
    assert_eq!(finding(ColumnRole::Output, &[column("age", 0.9, 100)], &[], &rules()), None);
}

//! Which figures of outcomes the status has.

use understudy_stats::{NumberRow, OutcomeRow, Outcomes, Side};

use super::*;

#[test]
fn a_regression_has_errors_of_both_versions_and_their_differences() {
    let mut outcomes = Outcomes::default();
    for call in 0..20 {
        let outcome = f64::from(call);
        outcomes.join_numbers([NumberRow { outcome, main: outcome + 2.0, challenger: Some(outcome - 1.0) }]);
    }
    let found = numbers(&outcomes).expect("there are numbers");
    let value = |of: &VersionEstimates| [of.main, of.challenger].map(|of| of.map(|of| of.value));
    assert_eq!((found.rows, value(&found.mae)), (20, [Some(2.0), Some(1.0)]));
    assert_eq!(value(&found.bias), [Some(2.0), Some(-1.0)]);
    assert_eq!(found.mae.difference.map(|of| of.value), Some(-1.0));
    assert_eq!((calibration(&outcomes), super::value(&outcomes)), (vec![], None));
}

#[test]
fn two_classes_have_a_calibration_curve_and_values_a_share() {
    let mut outcomes = Outcomes::of_classes(&["fine", "fraud"].map(str::to_owned));
    for call in 0..20 {
        let (class, scores) = if call % 4 == 0 { ("fraud", [0.72]) } else { ("fine", [0.13]) };
        let side = Side { right: call % 5 > 0, class: Some(class), scores: &scores };
        let value = Some(f64::from(call));
        outcomes.join([OutcomeRow { class: Some(class), main: side, challenger: None, value }]);
    }
    let curve = calibration(&outcomes);
    let shown: Vec<_> =
        curve.iter().map(|tenth| (tenth.from, tenth.main.map(|of| (of.rows, of.share.value)))).collect();
    assert_eq!(shown, [(0.1, Some((15, 0.0))), (0.7, Some((5, 1.0)))]);
    assert!(curve.iter().all(|tenth| tenth.challenger.is_none()));
    let value = value(&outcomes).expect("there are values");
    assert!((value.total - 190.0).abs() < 1e-9 && value.right.main.is_some(), "{value:?}");
    assert_eq!(numbers(&outcomes), None);
}

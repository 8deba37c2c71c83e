use crate::{
    column::{ColumnKind, ColumnRole},
    drift::{ColumnDrift, Drift},
};

fn column(kind: ColumnKind, expected: &[u64], observed: &[u64]) -> ColumnDrift {
    ColumnDrift::new(ColumnRole::Input, "age", kind, [expected.to_vec(), observed.to_vec()])
}

fn numeric(expected: &[u64], observed: &[u64]) -> ColumnDrift {
    column(ColumnKind::Numeric, expected, observed)
}

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64) {
    let value = value.expect("the statistic exists");
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
}

// All numbers by scipy 1.17.1, with e and o the counts below:
//   ep = (e + .5) / (e.sum() + len(e) / 2); op = (o + len(e) / 2 * ep) / (o.sum() + len(e) / 2)
//   psi = stats.entropy(op, ep) + stats.entropy(ep, op)
//   ks = stats.ks_2samp(np.repeat(range(len(e)), e), np.repeat(range(len(o)), o)).statistic
//   chi_square = stats.chi2_contingency([e, o], correction=False)
#[test]
fn the_statistics_are_those_of_scipy() {
    let drift = numeric(&[120, 310, 95, 40], &[80, 240, 160, 90]);
    assert_near(drift.psi(), 0.187_896_090_372_479_45);
    assert_near(drift.ks(), 0.199_658_438_130_725_04);
    let chi_square = drift.chi_square().expect("there are values");
    assert_near(Some(chi_square.statistic), 52.687_483_641_290_584);
    assert_eq!(chi_square.degrees_of_freedom, 3);
    assert!((chi_square.p_value / 2.137_332_675_714_782_2e-11 - 1.0).abs() < 1e-6, "{chi_square:?}");
    // stats.kstwo.sf(ks, round(565 * 570 / 1135)) = 2.1276e-10
    let p_value = drift.ks_p_value().expect("there are values");
    assert!((p_value / 2.127_6e-10 - 1.0).abs() < 0.01, "{p_value}");
}

#[test]
fn a_bin_that_is_empty_in_one_sample_has_a_finite_term() {
    let drift = numeric(&[50, 0, 50], &[0, 30, 10]);
    assert_near(drift.psi(), 5.330_824_361_516_703_5);
    assert_near(drift.ks(), 0.5);
    assert_near(drift.chi_square().map(|chi_square| chi_square.statistic), 99.166_666_666_666_69);
}

#[test]
fn a_feature_that_goes_missing_drifts() {
    let mut drift = numeric(&[120, 310, 95, 40], &[80, 240, 160, 90]);
    drift.expected_missing = 5;
    drift.missing = 60;
    assert_near(drift.psi(), 0.380_392_385_481_518_4);
    assert_eq!(drift.samples(), 630);
    assert_near(drift.missing_ratio(), 60.0 / 630.0);

    let mut gone = numeric(&[500, 500], &[0, 0]);
    gone.missing = 1000;
    assert!(gone.psi() > Some(1.0));
    assert_eq!(gone.ks(), None);
    assert_eq!(gone.out_of_range_ratio(), None);
}

#[test]
fn the_same_distribution_has_no_drift() {
    let drift = numeric(&[100, 200, 300], &[10, 20, 30]);
    assert!(drift.psi() < Some(1e-4));
    assert_near(drift.ks(), 0.0);
    assert_near(drift.chi_square().map(|chi_square| chi_square.statistic), 0.0);
}

#[test]
fn a_small_sample_without_rare_categories_does_not_drift() {
    let mut expected = vec![1; 256];
    expected.push(1_000_000);
    let mut observed = vec![0; 256];
    observed.push(1000);
    let drift = column(ColumnKind::Categorical, &expected, &observed);
    assert!(drift.psi() < Some(0.001), "{:?}", drift.psi());
}

#[test]
fn values_beyond_the_outer_edges_increase_the_ks_distance() {
    let mut drift = numeric(&[50, 50], &[50, 50]);
    drift.above = 40;
    drift.below = 10;
    assert_near(drift.ks(), 0.4);
    assert_near(drift.out_of_range_ratio(), 0.5);
}

#[test]
fn categories_have_no_ks_distance_because_they_have_no_order() {
    let drift = column(ColumnKind::Categorical, &[50, 50, 0], &[60, 30, 10]);
    assert_eq!(drift.ks(), None);
    assert_near(drift.out_of_range_ratio(), 0.1);
    assert_eq!(drift.chi_square().map(|chi_square| chi_square.degrees_of_freedom), Some(2));
}

#[test]
fn categories_are_out_of_range_only_if_the_baseline_names_all_of_training() {
    let all_named = column(ColumnKind::Categorical, &[50, 50, 0], &[50, 30, 20]);
    assert_near(all_named.out_of_range_ratio(), 0.2);
    let some_are_others = column(ColumnKind::Categorical, &[50, 30, 20], &[50, 30, 20]);
    assert_eq!(some_are_others.out_of_range_ratio(), None);
}

#[test]
fn without_calls_there_are_no_statistics() {
    let drift = numeric(&[50, 50], &[0, 0]);
    assert_eq!(drift.psi(), None);
    assert_eq!(drift.distance(), None);
    assert_eq!(drift.wasserstein(), None);
    assert_eq!(drift.ks(), None);
    assert_eq!(drift.chi_square(), None);
    assert_eq!(drift.missing_ratio(), None);
    assert_eq!(drift.out_of_range_ratio(), None);
}

#[test]
fn columns_are_merged_by_name_and_only_for_the_same_training_data() {
    let named = |name: &str, drift: ColumnDrift| ColumnDrift { name: name.to_owned(), ..drift };
    let age = named("age", numeric(&[5, 5], &[1, 2]));
    let income = named("income", numeric(&[5, 5], &[3, 4]));
    let mut one = Drift { window_seconds: 60, columns: vec![age.clone(), income.clone()] };
    let other_data = named("age", numeric(&[5, 6], &[100, 100]));
    one.merge(&Drift { window_seconds: 60, columns: vec![income, other_data] });
    one.merge(&Drift { window_seconds: 60, columns: vec![named("new", numeric(&[1, 1], &[7, 8]))] });
    let observed: Vec<_> =
        one.columns.iter().map(|column| (column.name.as_str(), column.observed.as_slice())).collect();
    assert_eq!(observed, [("age", &[1, 2][..]), ("income", &[6, 8]), ("new", &[7, 8])]);
}

// The counts of a broken pod must not stop the operator.
#[test]
fn counts_of_any_shape_and_size_do_not_panic() {
    let mut wild = numeric(&[u64::MAX, u64::MAX], &[u64::MAX]);
    wild.missing = u64::MAX;
    wild.below = u64::MAX;
    wild.above = u64::MAX;
    let copy = wild.clone();
    wild.merge(&copy);
    assert!(wild.psi().is_some_and(f64::is_finite));
    assert!(wild.ks().is_some());
    assert!(wild.chi_square().is_some());
    assert_eq!(numeric(&[], &[]).psi(), None);
    assert_eq!(numeric(&[], &[]).ks(), None);
}

// scipy 1.17.1: x = np.arange(1000) / 100 (training) and y = x * .7 + 2 (calls), bins of width 1:
// spatial.distance.jensenshannon(np.histogram(x, 10)[0], np.histogram(y, 10, (0, 10))[0], base=2)
// stats.wasserstein_distance(x, y)
#[test]
fn distance_and_wasserstein_are_those_of_scipy() {
    // np.histogram(y, 10, (0, 10))[0]
    let mut drift = numeric(&[100; 10], &[0, 0, 143, 143, 143, 143, 143, 143, 142, 0]);
    drift.edges = (0..11).map(f64::from).collect();
    let distance = drift.distance().expect("there are values");
    assert!((distance - 0.411_334_108_171_295_34).abs() < 1e-3, "{distance}");
    let wasserstein = drift.wasserstein().expect("there are values");
    assert!((wasserstein - 0.833_834).abs() < 0.02, "{wasserstein}");
}

// In the units of the column: 40 of 100 values are 10 above the last edge.
#[test]
fn values_out_of_range_count_with_their_distance_from_the_range() {
    let mut drift = numeric(&[50, 50], &[30, 70]);
    drift.edges = vec![0.0, 1.0, 2.0];
    (0..40).for_each(|_| drift.numbers.add(12.0, 1.0, (0.0, 2.0)));
    drift.above = 40;
    // Evenly spread from 0 to 2 before; now 30 values in each bin, and 40 at 12.
    let inside = 2.0 * 0.4 / 2.0;
    assert!((drift.wasserstein().expect("there are values") - (inside + 4.0)).abs() < 1e-9, "{drift:?}");
}

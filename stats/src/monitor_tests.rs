use std::time::Duration;

use proptest::prelude::*;

use super::Monitor;
use crate::{
    baseline::Baseline,
    column::{ColumnKind, ColumnRole},
    drift::{ColumnDrift, Drift},
};

const HOUR: Duration = Duration::from_hours(1);

fn baseline() -> Baseline {
    Baseline::parse(
        br#"{"version": 1, "columns": [
            {"role": "input", "name": "age", "kind": "numeric", "edges": [0, 10, 20, 30], "counts": [10, 20, 30]},
            {"role": "input", "name": "country", "kind": "categorical", "counts": {"DE": 5, "NL": 10}, "other": 1},
            {"role": "output", "name": "age", "kind": "categorical", "counts": {"0": 5, "1": 10}, "missing": 2}
        ]}"#,
    )
    .expect("the baseline is valid")
}

fn monitor() -> Monitor {
    Monitor::new(&baseline(), HOUR)
}

fn age(monitor: &Monitor) -> ColumnDrift {
    monitor.drift().columns.swap_remove(0)
}

#[test]
fn a_column_is_found_by_its_role_and_name() {
    let monitor = monitor();
    assert_eq!(monitor.index(ColumnRole::Input, "country"), Some(1));
    assert_eq!(monitor.index(ColumnRole::Input, "age"), Some(0));
    assert_eq!(monitor.index(ColumnRole::Output, "age"), Some(2));
    assert_eq!(monitor.index(ColumnRole::Output, "country"), None);
    assert_eq!(monitor.kind(2), Some(ColumnKind::Categorical));
    assert_eq!(monitor.kind(3), None);
}

#[test]
fn a_bin_includes_its_lower_edge_and_the_last_bin_also_its_upper_edge() {
    let mut monitor = monitor();
    for value in [0.0, 9.99, 10.0, 20.0, 29.0, 30.0] {
        monitor.number(0, value);
    }
    let age = age(&monitor);
    assert_eq!(age.observed, [2, 1, 3]);
    assert_eq!(age.out_of_range(), 0);
}

#[test]
fn values_out_of_range_are_also_counted_in_the_outer_bins() {
    let mut monitor = monitor();
    for value in [-0.1, f64::NEG_INFINITY, 30.1, f64::INFINITY, 1e300] {
        monitor.number(0, value);
    }
    let age = age(&monitor);
    assert_eq!(age.observed, [2, 0, 3]);
    assert_eq!((age.below, age.above, age.samples()), (2, 3, 5));
}

#[test]
fn nan_text_that_is_not_a_number_and_absent_values_are_missing() {
    let mut monitor = monitor();
    monitor.number(0, f64::NAN);
    monitor.category(0, "unknown");
    monitor.missing(0);
    let age = age(&monitor);
    assert_eq!((age.missing, age.samples(), age.out_of_range()), (3, 3, 0));
}

// A CSV file of training data has no other way to write that a value is missing.
#[test]
fn an_empty_text_is_missing_unless_the_baseline_has_it_as_a_category() {
    let mut monitor = monitor();
    monitor.category(1, "");
    monitor.category(1, " ");
    let country = monitor.drift().columns.swap_remove(1);
    assert_eq!((country.missing, country.observed.as_slice(), country.samples()), (1, &[0, 0, 1][..], 2));

    let named = br#"{"version": 1, "columns": [
        {"role": "input", "name": "plan", "kind": "categorical", "counts": {"": 5, "pro": 10}}
    ]}"#;
    let mut monitor = Monitor::new(&Baseline::parse(named).expect("the baseline is valid"), HOUR);
    monitor.category(0, "");
    let plan = monitor.drift().columns.swap_remove(0);
    assert_eq!((plan.missing, plan.observed.as_slice()), (0, &[1, 0, 0][..]));
}

#[test]
fn values_of_any_datatype_are_counted_in_a_numeric_column() {
    let mut monitor = monitor();
    monitor.integer(0, 15);
    monitor.boolean(0, true);
    monitor.category(0, " 25.5 ");
    monitor.integer(0, i64::MIN);
    let age = age(&monitor);
    assert_eq!(age.observed, [2, 1, 1]);
    assert_eq!(age.below, 1);
}

#[test]
fn values_of_any_datatype_are_counted_in_a_categorical_column() {
    let mut monitor = monitor();
    monitor.integer(2, 1);
    monitor.number(2, 1.0);
    monitor.boolean(2, false);
    monitor.category(2, "0");
    monitor.category(2, "2");
    monitor.number(2, 0.5);
    monitor.integer(2, 7);
    monitor.number(2, f64::NAN);
    monitor.category(1, "NL");
    monitor.category(1, "FR");
    let drift = monitor.drift();
    assert_eq!(drift.columns[2].observed, [2, 2, 3]);
    assert_eq!((drift.columns[2].missing, drift.columns[2].out_of_range()), (1, 3));
    assert_eq!(drift.columns[1].expected, [5, 10, 1]);
    assert_eq!(drift.columns[1].observed, [0, 1, 1]);
}

#[test]
fn an_unknown_index_is_ignored() {
    let mut monitor = monitor();
    monitor.number(3, 1.0);
    monitor.integer(3, 1);
    monitor.category(3, "a");
    monitor.missing(3);
    assert!(monitor.drift().columns.iter().all(|column| column.samples() == 0));
}

#[test]
fn the_window_drops_counts_that_are_older_than_its_length() {
    let mut monitor = monitor();
    let start = 1_800_000_000;
    monitor.advance(start);
    monitor.number(0, 5.0);
    monitor.advance(start + 1800);
    monitor.number(0, 15.0);
    monitor.advance(start + 3299);
    assert_eq!(age(&monitor).observed, [1, 1, 0]);
    monitor.advance(start + 3600);
    assert_eq!(age(&monitor).observed, [0, 1, 0]);
    monitor.advance(start + 5400);
    assert_eq!(age(&monitor).samples(), 0);
}

#[test]
fn after_a_long_time_without_calls_the_window_is_empty() {
    let mut monitor = monitor();
    monitor.advance(0);
    monitor.number(0, 5.0);
    monitor.advance(u64::MAX);
    assert_eq!(age(&monitor).samples(), 0);
}

#[test]
fn a_clock_that_goes_back_neither_empties_nor_stops_the_window() {
    let mut monitor = monitor();
    monitor.advance(1_900_000_000);
    monitor.number(0, 5.0);
    monitor.advance(1_800_000_000);
    assert_eq!(age(&monitor).samples(), 1);
    monitor.advance(1_800_003_600);
    assert_eq!(age(&monitor).samples(), 0);
}

#[test]
fn windows_of_any_length_hold_the_newest_value() {
    for window in [Duration::from_secs(1), Duration::ZERO, Duration::MAX] {
        let mut monitor = Monitor::new(&baseline(), window);
        monitor.advance(1_800_000_000);
        monitor.number(0, 5.0);
        assert_eq!(age(&monitor).samples(), 1);
    }
}

/// A number between 0 and 1. The numbers of consecutive indices are evenly spread: multiples of the golden ratio.
fn spread(index: u32) -> f64 {
    (f64::from(index) * 0.618_033_988_749_894_9).fract()
}

#[test]
fn calls_that_match_the_training_data_do_not_drift_and_shifted_calls_do() {
    let edges: Vec<f64> = (0..=10).map(|edge| f64::from(edge) / 10.0).collect();
    let file = serde_json::json!({"version": 1, "columns": [
        {"role": "input", "name": "x", "kind": "numeric", "edges": edges, "counts": vec![100; 10]}]});
    let baseline = Baseline::parse(file.to_string().as_bytes()).expect("the baseline is valid");
    let (mut alike, mut shifted) = (Monitor::new(&baseline, HOUR), Monitor::new(&baseline, HOUR));
    for index in 0..2000 {
        alike.number(0, spread(index));
        shifted.number(0, spread(index) + 0.3);
    }
    let (alike, shifted) = (age(&alike), age(&shifted));
    assert!(alike.psi() < Some(0.01), "{:?}", alike.psi());
    assert!(shifted.psi() > Some(0.2), "{:?}", shifted.psi());
    assert!(shifted.ks().is_some_and(|ks| (ks - 0.3).abs() < 0.01), "{:?}", shifted.ks());
    assert!(shifted.out_of_range_ratio().is_some_and(|ratio| (ratio - 0.3).abs() < 0.01));
}

// tests/chunks.py: the temperature rises by a degree each hour, on both days alike.
#[test]
fn a_change_that_the_hour_explains_is_no_natural_change_of_the_training_data() {
    let mut file: serde_json::Value = serde_json::from_slice(include_bytes!("../tests/baseline-chunks.json"))
        .expect("the script wrote JSON");
    let natural = |file: &serde_json::Value| {
        let baseline = Baseline::parse(file.to_string().as_bytes()).expect("the script wrote it");
        Monitor::new(&baseline, HOUR).drift().columns[0].natural.excess
    };
    assert!(natural(&file) <= 0.0);
    file.as_object_mut().expect("an object").remove("seasons");
    file["columns"][0].as_object_mut().expect("an object").remove("seasons");
    file["columns"].as_array_mut().expect("a list").truncate(1);
    file["chunks"] = serde_json::json!(vec![[120]; 26]);
    assert!(natural(&file) > 1.0, "without seasons, hours differ by themselves");
}

#[test]
fn a_window_is_compared_with_the_training_data_of_its_hours() {
    let baseline =
        Baseline::parse(include_bytes!("../tests/baseline-chunks.json")).expect("the script wrote it");
    let mut monitor = Monitor::new(&baseline, HOUR);
    let midnight = 1_800_000_000 - 1_800_000_000 % 86_400;
    monitor.advance(midnight + 5 * 3_600);
    monitor.rows(40);
    (0..40).for_each(|_| monitor.number(0, 15.0 + 5.0));
    let temperature = monitor.drift().columns.swap_remove(0);
    assert_eq!(temperature.effective_rows, Some(120));
    let expected: Vec<u64> = baseline.columns()[0].seasons[5].iter().map(|count| count * 26).collect();
    assert_eq!(temperature.expected, expected[..10]);
}

#[test]
fn the_design_effect_is_that_of_the_sizes_of_calls() {
    let effect = |sizes: &[u64]| {
        let mut monitor = monitor();
        for rows in sizes {
            monitor.rows(*rows);
        }
        age(&monitor).design_effect
    };
    assert!((effect(&[]) - 1.0).abs() < 1e-12 && (effect(&[1; 50]) - 1.0).abs() < 1e-12);
    assert!((effect(&[100, 100]) - (1.0 + 0.05 * 99.0)).abs() < 1e-12);
    let mut images = monitor();
    images.rows(1);
    (0..784).for_each(|_| images.number(0, 15.0));
    assert!((age(&images).design_effect - (1.0 + 0.05 * 783.0)).abs() < 1e-12);
    // The mean size of the call of a row: (100 * 100 + 1) / 101.
    assert!((effect(&[100, 1]) - (1.0 + 0.05 * (10_001.0 / 101.0 - 1.0))).abs() < 1e-12);
}

#[test]
fn fractions_and_texts_where_training_has_whole_numbers_are_of_another_type() {
    let file = br#"{"version": 1, "columns": [{"role": "input", "name": "visits", "kind": "numeric", "type": "integer",
        "edges": [0, 10], "counts": [9]}]}"#;
    let mut monitor = Monitor::new(&Baseline::parse(file).expect("the baseline is valid"), HOUR);
    monitor.number(0, 3.0);
    monitor.number(0, 3.5);
    monitor.category(0, "seven");
    monitor.category(0, " ");
    let visits = monitor.drift().columns.swap_remove(0);
    assert_eq!((visits.mistyped, visits.missing, visits.observed.as_slice()), (2, 2, &[2][..]));
}

// tests/training.csv and predictions.csv have random rows with every kind of column. tests/baseline.json is made from
// them by this command in tests/:
//   understudy baseline training.csv --outputs predictions.csv -o baseline.json
// tests/chunks.py makes tests/baseline-chunks.json, which has chunks and seasons.
#[test]
fn the_monitor_counts_the_training_rows_as_the_script_does() {
    let baseline = Baseline::parse(include_bytes!("../tests/baseline.json")).expect("the script wrote it");
    let mut monitor = Monitor::new(&baseline, HOUR);
    let files = [
        (ColumnRole::Input, include_str!("../tests/training.csv")),
        (ColumnRole::Output, include_str!("../tests/predictions.csv")),
    ];
    for (role, file) in files {
        let mut rows = file.lines().map(fields);
        let header = rows.next().expect("the file has a header");
        for row in rows {
            for (name, text) in header.iter().zip(&row) {
                let index = monitor.index(role, name).expect("every column has a baseline");
                count(&mut monitor, index, text);
            }
        }
    }
    for column in monitor.drift().columns {
        assert_eq!(column.observed, column.expected, "{}", column.name);
        assert_eq!((column.missing, column.out_of_range()), (column.expected_missing, 0), "{}", column.name);
    }
}

/// Counts a value as a server does that has every number as a float32.
fn count(monitor: &mut Monitor, index: usize, text: &str) {
    match text.parse::<f32>() {
        _ if text.is_empty() => monitor.missing(index),
        Ok(number) => monitor.number(index, f64::from(number)),
        Err(_) if text == "True" || text == "False" => monitor.boolean(index, text == "True"),
        Err(_) => monitor.category(index, text),
    }
}

/// The fields of a CSV line. Quotes are around whole fields only.
fn fields(line: &str) -> Vec<String> {
    let mut quoted = false;
    let field_ends = |character: char| {
        quoted ^= character == '"';
        character == ',' && !quoted
    };
    let unquoted = |field: &str| field.trim_matches('"').replace("\"\"", "\"");
    line.split(field_ends).map(unquoted).collect()
}

#[derive(Debug, Clone)]
enum Counted {
    Number(f64),
    Text(String),
    Label(i64),
}

fn values() -> impl Strategy<Value = Vec<Counted>> {
    let number = prop_oneof![4 => -5.0_f64..35.0, 1 => Just(f64::NAN)];
    let one = prop_oneof![
        number.prop_map(Counted::Number),
        "NL|DE|FR".prop_map(Counted::Text),
        (-1_i64..3).prop_map(Counted::Label),
    ];
    prop::collection::vec(one, 0..80)
}

fn of(values: &[Counted]) -> Drift {
    let mut monitor = monitor();
    monitor.advance(1_800_000_000);
    for value in values {
        match value {
            Counted::Number(number) => monitor.number(0, *number),
            Counted::Text(text) => monitor.category(1, text),
            Counted::Label(label) => monitor.integer(2, *label),
        }
    }
    monitor.drift()
}

proptest! {
    #[test]
    fn the_merged_counts_of_two_pods_equal_those_of_one_pod_with_all_calls(one in values(), two in values()) {
        let mut merged = of(&one);
        merged.merge(&of(&two));
        let mut whole = of(&[one, two].concat());
        for (merged, whole) in merged.columns.iter_mut().zip(&mut whole.columns) {
            let (mine, theirs) = (std::mem::take(&mut merged.numbers), std::mem::take(&mut whole.numbers));
            prop_assert_eq!((mine.count, mine.range), (theirs.count, theirs.range));
            // Sums in another order differ in the last digit.
            prop_assert!((mine.sum - theirs.sum).abs() < 1e-9 && (mine.squares - theirs.squares).abs() < 1e-6);
        }
        prop_assert_eq!(&merged, &whole);
        let json = serde_json::to_string(&merged).expect("it is plain data");
        prop_assert_eq!(&serde_json::from_str::<Drift>(&json).expect("it was just written"), &merged);
    }

    #[test]
    fn every_value_is_in_the_bin_between_whose_edges_it_lies(value in -5.0_f64..35.0) {
        let drift = of(&[Counted::Number(value)]);
        let bin = [10.0, 20.0].iter().filter(|edge| value >= **edge).count();
        let mut expected = [0; 3];
        expected[bin] = 1;
        prop_assert_eq!(&drift.columns[0].observed[..], &expected[..]);
    }
}

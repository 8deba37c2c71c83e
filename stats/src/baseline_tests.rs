use rstest::rstest;
use serde_json::{Value, json};

use super::{Baseline, BaselineError, ColumnKind, ColumnRole, LARGEST_FILE, Season, ValueType, Values};

fn column(changes: Value) -> Value {
    let mut column = json!({"role": "input", "name": "age", "kind": "numeric",
        "edges": [18, 30.5, 90], "counts": [3, 4], "missing": 1});
    if let (Value::Object(column), Value::Object(changes)) = (&mut column, changes) {
        column.extend(changes);
    }
    column
}

fn parse(columns: &[Value]) -> Result<Baseline, BaselineError> {
    Baseline::parse(json!({"version": 1, "columns": columns}).to_string().as_bytes())
}

fn error_of(columns: &[Value]) -> String {
    parse(columns).expect_err("the baseline is invalid").to_string()
}

fn categorical(counts: &Value) -> Value {
    json!({"role": "input", "name": "country", "kind": "categorical", "counts": counts})
}

#[test]
fn the_file_that_the_script_writes_is_read() {
    let baseline = Baseline::parse(include_bytes!("../tests/baseline.json")).expect("the script wrote it");
    let names: Vec<_> = baseline.columns().iter().map(|column| (column.role, column.name.as_str())).collect();
    assert!(names.contains(&(ColumnRole::Input, "age")) && names.contains(&(ColumnRole::Output, "score")));
    for column in baseline.columns() {
        let values: u64 = match &column.values {
            Values::Numeric { counts, .. } => counts.iter().sum(),
            Values::Categorical { counts, other } => {
                counts.iter().map(|(_, count)| count).sum::<u64>() + other
            }
        };
        assert_eq!(values + column.missing, 300, "every training row is in `{}`", column.name);
    }
}

// tests/chunks.py makes the file: 26 hours with 120 rows each.
#[test]
fn chunks_seasons_and_types_of_the_script_are_read() {
    let file = include_bytes!("../tests/baseline-chunks.json");
    let baseline = Baseline::parse(file).expect("the script wrote it");
    assert_eq!((baseline.season(), baseline.chunks().len()), (Some(Season::Hour), 26));
    for column in baseline.columns() {
        let rows: u64 = column.chunks.iter().flatten().sum();
        assert_eq!((rows, column.seasons.len()), (26 * 120, 24), "{}", column.name);
        assert!(column.value_type.is_some());
    }
    let temperature = &baseline.columns()[0];
    assert_eq!(temperature.value_type, Some(ValueType::Float));
    assert!(temperature.moments.is_some_and(|(mean, deviation)| mean > 25.0 && deviation > 7.0));
}

#[rstest]
#[case::another_number_of_chunks(json!({"chunks": [[3, 4, 1]]}), "input `age` needs 2 lists with 3 counts each in `chunks`")]
#[case::another_number_of_counts(json!({"chunks": [[1, 2], [2, 2]]}), "input `age` needs 2 lists with 3 counts each in `chunks`")]
#[case::more_rows_than_the_column(json!({"chunks": [[3, 4, 1], [1, 0, 0]]}), "has other counts in `chunks` than altogether")]
#[case::seasons_without_a_season(json!({"seasons": [[3, 4, 1]]}), "input `age` needs 0 lists with 3 counts each in `seasons`")]
fn chunks_that_do_not_fit_the_column_are_rejected(#[case] changes: Value, #[case] expected: &str) {
    let file = json!({"version": 1, "chunks": [[4], [4]], "columns": [column(changes)]});
    let message = Baseline::parse(file.to_string().as_bytes()).expect_err("it does not fit").to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn seasons_must_add_up_to_the_column_and_chunks_have_a_number_for_each_period() {
    let file = |rows: Value, seasons: &Value| {
        let columns = [column(json!({"seasons": seasons}))];
        let file = json!({"version": 1, "seasons": "weekday", "chunks": [rows], "columns": columns});
        Baseline::parse(file.to_string().as_bytes())
    };
    let mut seasons = vec![json!([0, 0, 0]); 7];
    seasons[3] = json!([3, 4, 1]);
    let week = json!([0, 0, 0, 8, 0, 0, 0]);
    assert!(file(week.clone(), &json!(seasons)).is_ok());
    let message = file(json!([8]), &json!(seasons)).expect_err("one period").to_string();
    assert_eq!(message, "chunk 1 of the baseline has 1 numbers of rows instead of 7: one for each period");
    seasons[4] = json!([0, 1, 0]);
    let message = file(week, &json!(seasons)).expect_err("one row too many").to_string();
    assert!(message.contains("has other counts in `seasons` than altogether"), "{message}");
}

#[test]
fn categories_are_sorted_and_absent_counts_are_zero() {
    let baseline = parse(&[categorical(&json!({"b": 1, "a": 2}))]).expect("the baseline is valid");
    let column = &baseline.columns()[0];
    assert_eq!((column.missing, column.kind()), (0, ColumnKind::Categorical));
    let counts = vec![("a".to_owned(), 2), ("b".to_owned(), 1)];
    assert_eq!(column.values, Values::Categorical { counts, other: 0 });
}

#[rstest]
#[case::too_few_edges(json!({"edges": [18, 30]}), "input `age` has 2 `edges` and 2 `counts`")]
#[case::no_edges(json!({"edges": null}), "input `age` has 0 `edges` and 2 `counts`")]
#[case::edges_that_fall(json!({"edges": [18, 90, 30]}), "input `age` has the edge 30 after 90")]
#[case::edges_that_are_the_same(json!({"edges": [18, 18, 30]}), "input `age` has the edge 18 after 18")]
#[case::edges_too_far_apart(json!({"edges": [-1.7e308, 1.7e308, 1.71e308]}), "finite and rising")]
#[case::nothing_counted(json!({"counts": [0, 0]}), "input `age` has no value")]
#[case::no_bins(json!({"edges": [18], "counts": []}), "input `age` has no value")]
#[case::too_many_bins(json!({"counts": vec![1; 65]}), "input `age` has 65 bins: use at most 64")]
#[case::counts_beyond_all_bounds(json!({"counts": [u64::MAX, 1]}), "sum is too large")]
#[case::categories_for_numbers(json!({"counts": {"a": 1}}), "input `age` is numeric, so its `counts` must be a list")]
#[case::bins_for_categories(json!({"kind": "categorical"}), "input `age` is categorical, so its `counts` must be an object")]
#[case::no_name(json!({"name": ""}), "it is empty")]
#[case::a_long_name(json!({"name": "ä".repeat(257)}), "it has 257 characters")]
#[case::an_unknown_role(json!({"role": "feature"}), "column 1 of the list: unknown variant `feature`")]
#[case::an_unknown_kind(json!({"kind": "text"}), "column 1 of the list: unknown variant `text`")]
#[case::half_a_row(json!({"counts": [0.5, 1]}), "column 1 of the list: invalid type: floating point `0.5`")]
#[case::a_negative_count(json!({"counts": [-1, 1]}), "column 1 of the list: invalid value: integer `-1`")]
#[case::words_for_edges(json!({"edges": ["a", "b", "c"]}), "column 1 of the list: invalid type: string")]
#[case::no_counts(json!({"counts": null}), "whole numbers, in a list by bin or in an object by category")]
fn the_error_names_an_invalid_column_and_says_what_to_do(#[case] changes: Value, #[case] expected: &str) {
    let message = error_of(&[column(changes)]);
    assert!(message.contains(expected), "{message}");
}

#[test]
fn the_error_for_an_unreadable_column_names_the_column_before_it() {
    let message = error_of(&[column(json!({})), json!({"role": "input"})]);
    assert!(
        message.contains("column 2 of the list, after the input `age`: missing field `name`"),
        "{message}"
    );
}

#[test]
fn a_baseline_at_its_limits_is_accepted_and_one_beyond_them_rejected() {
    let many = |count: usize| -> Vec<Value> {
        (0..count).map(|index| column(json!({"name": format!("c{index}")}))).collect()
    };
    assert!(parse(&many(1024)).is_ok());
    assert!(error_of(&many(1025)).contains("has 1025 inputs, the limit is 1024"));

    let countries =
        |count: usize| -> Value { (0..count).map(|index| (index.to_string(), json!(1))).collect() };
    assert!(parse(&[categorical(&countries(256))]).is_ok());
    assert!(error_of(&[categorical(&countries(257))]).contains("input `country` has 257 categories"));
    assert!(parse(&[categorical(&json!({"ä".repeat(256): 1}))]).is_ok());
    assert!(error_of(&[categorical(&json!({"ä".repeat(257): 1}))]).contains("more than 256 characters"));

    let large = vec![b' '; LARGEST_FILE + 1];
    let message = Baseline::parse(&large).expect_err("the file is too large").to_string();
    assert!(message.contains("4194305 bytes"), "{message}");
}

#[test]
fn an_input_and_an_output_may_have_the_same_name() {
    assert!(parse(&[column(json!({})), column(json!({"role": "output"}))]).is_ok());
    assert!(error_of(&[column(json!({})), column(json!({}))]).contains("input `age` appears twice"));
}

#[test]
fn a_baseline_without_columns_is_rejected() {
    assert!(error_of(&[]).contains("has no column"));
}

#[test]
fn a_category_that_appears_twice_is_an_error() {
    let json = br#"{"version": 1, "columns": [{"role": "output", "name": "label", "kind": "categorical",
        "counts": {"a": 1, "b": 2, "a": 3}}]}"#;
    let message = Baseline::parse(json).expect_err("the category is ambiguous").to_string();
    assert!(message.contains("output `label` has the category `a` twice"), "{message}");
}

#[test]
fn the_error_for_another_file_says_how_to_make_a_baseline() {
    for bytes in [&b""[..], b"PAR1", b"[]", br#"{"version": 1}"#, b"\xff"] {
        let message = Baseline::parse(bytes).expect_err("the file is not a baseline").to_string();
        assert!(message.contains("make it with `understudy baseline`"), "{message}");
    }
}

#[test]
fn a_baseline_of_a_later_version_is_rejected() {
    let message = Baseline::parse(br#"{"version": 2, "tables": []}"#).expect_err("unknown").to_string();
    assert!(message.contains("has version 2, only version 1 is supported"), "{message}");
}

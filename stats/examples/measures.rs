//! Prints the measures of this crate for given data, as JSON. `tests/golden/compare.py` compares them with those of other
//! libraries.
//!
//! Standard input is `{"baseline": {..}, "columns": [{"role": "input", "name": "age", "values": [34, null]}],
//! "outcomes": [{"class": "a", "main": "a", "challenger": "b"}]}`. The baseline is that of `samples/baseline.py`, and each
//! outcome is a call with one row.

use std::{
    error::Error,
    io::{self, Read},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understudy_stats::{Baseline, ColumnDrift, ColumnRole, Monitor, OutcomeRow, Outcomes, Role, Side};

#[derive(Deserialize)]
struct Document {
    baseline: Value,
    columns: Vec<Column>,
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Column {
    role: ColumnRole,
    name: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Outcome {
    class: String,
    main: String,
    challenger: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let document: Document = serde_json::from_str(&text)?;
    let measures = json!({"columns": columns(&document)?, "outcomes": outcomes(&document.outcomes)});
    println!("{measures}");
    Ok(())
}

fn columns(document: &Document) -> Result<Vec<Value>, Box<dyn Error>> {
    let baseline = Baseline::parse(document.baseline.to_string().as_bytes())?;
    let mut monitor = Monitor::new(&baseline, Duration::from_hours(1));
    for Column { role, name, values } in &document.columns {
        let index = monitor.index(*role, name).ok_or_else(|| format!("the baseline has no {role} {name}"))?;
        for value in values {
            count(&mut monitor, index, value);
        }
    }
    let measures = |column: &ColumnDrift| {
        let mut measures = tests(column);
        measures.extend(shares(column));
        measures.insert("role".to_owned(), json!(column.role));
        measures.insert("name".to_owned(), json!(column.name));
        Value::Object(measures)
    };
    Ok(monitor.drift().columns.iter().map(measures).collect())
}

fn count(monitor: &mut Monitor, index: usize, value: &Value) {
    match value {
        Value::Bool(value) => monitor.boolean(index, *value),
        Value::String(value) => monitor.category(index, value),
        Value::Number(value) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => monitor.integer(index, value),
            (None, value) => monitor.number(index, value.unwrap_or(f64::NAN)),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => monitor.missing(index),
    }
}

/// The statistics that compare two distributions.
fn tests(column: &ColumnDrift) -> Map<String, Value> {
    let chi_square = column.chi_square();
    object([
        ("js_distance", json!(column.distance())),
        ("wasserstein", json!(column.wasserstein())),
        ("mean", json!(column.mean())),
        ("psi", json!(column.psi())),
        ("ks", json!(column.ks())),
        ("ks_p_value", json!(column.ks_p_value())),
        ("chi_square", json!(chi_square.map(|of| of.statistic))),
        ("chi_square_degrees_of_freedom", json!(chi_square.map(|of| of.degrees_of_freedom))),
        ("chi_square_p_value", json!(chi_square.map(|of| of.p_value))),
    ])
}

/// The shares of rows and of values.
fn shares(column: &ColumnDrift) -> Map<String, Value> {
    object([
        ("missing_ratio", json!(column.missing_ratio())),
        ("out_of_range_ratio", json!(column.out_of_range_ratio())),
    ])
}

fn outcomes(rows: &[Outcome]) -> Value {
    let mut outcomes = Outcomes::default();
    for Outcome { class, main, challenger } in rows {
        let side = |predicted| Side { right: class == predicted, class: Some(predicted), scores: &[] };
        outcomes.join([OutcomeRow {
            class: Some(class),
            main: side(main),
            challenger: Some(side(challenger)),
            value: None,
        }]);
    }
    json!({
        "main": labels(&outcomes, Role::Main),
        "challenger": labels(&outcomes, Role::Challenger),
        "difference": outcomes.difference(),
        "p_value": outcomes.p_value(),
    })
}

/// The measures of predicted labels.
fn labels(outcomes: &Outcomes, role: Role) -> Value {
    let scores = |class: &str| {
        let scores = outcomes.scores(role, class);
        json!({"class": class, "rows": outcomes.support(class), "precision": scores.precision,
            "recall": scores.recall, "f1": scores.f1})
    };
    let classes: Vec<Value> = outcomes.classes().into_iter().map(scores).collect();
    json!({
        "accuracy": outcomes.accuracy(role),
        "balanced_accuracy": outcomes.balanced_accuracy(role),
        "classes": classes,
    })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

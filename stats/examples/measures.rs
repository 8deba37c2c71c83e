//! Prints the measures of this crate for given data, as JSON. `tests/golden/compare.py` compares them with those of other
//! libraries.
//!
//! Standard input is `{"baseline": {..}, "columns": [{"role": "input", "name": "age", "values": [34, null]}],
//! "outcomes": [{"class": "a", "main": "a", "challenger": "b"}], "classes": ["a", "b", "c"], "scores": {"main": [[0.7, 0.2, 0.1]],
//! "challenger": [[..]]}, "numbers": {"truth": [1.5], "main": [1.7], "challenger": [1.4]}}`. The baseline is that of
//! `understudy baseline`, and each outcome is a call with one row.

use std::{
    error::Error,
    io::{self, Read},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understudy_stats::{
    Baseline, ColumnDrift, ColumnRole, Estimate, Monitor, NumberRow, OutcomeRow, Outcomes, Role, Side,
};

#[derive(Deserialize)]
struct Document {
    baseline: Value,
    columns: Vec<Column>,
    outcomes: Vec<Outcome>,
    classes: Vec<String>,
    scores: Scores,
    numbers: Numbers,
}

#[derive(Deserialize)]
struct Scores {
    main: Vec<Vec<f32>>,
    challenger: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Numbers {
    truth: Vec<f64>,
    main: Vec<f64>,
    challenger: Vec<f64>,
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
    let measures = json!({"columns": columns(&document)?, "outcomes": outcomes(&document)});
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

fn outcomes(document: &Document) -> Value {
    let Document { outcomes: rows, classes, scores, numbers, .. } = document;
    let mut outcomes = Outcomes::of_classes(classes);
    for (Outcome { class, main, challenger }, (ours, theirs)) in
        rows.iter().zip(scores.main.iter().zip(&scores.challenger))
    {
        let side = |predicted, scores| Side { right: class == predicted, class: Some(predicted), scores };
        outcomes.join([OutcomeRow {
            class: Some(class),
            main: side(main, ours),
            challenger: Some(side(challenger, theirs)),
            value: None,
        }]);
    }
    let mut regression = Outcomes::default();
    for ((truth, main), challenger) in numbers.truth.iter().zip(&numbers.main).zip(&numbers.challenger) {
        regression.join_numbers([NumberRow { outcome: *truth, main: *main, challenger: Some(*challenger) }]);
    }
    json!({
        "main": labels(&outcomes, &regression, Role::Main),
        "challenger": labels(&outcomes, &regression, Role::Challenger),
        "difference": outcomes.difference(),
        "p_value": outcomes.p_value(),
    })
}

/// The measures of a version: of its labels, scores and numbers.
fn labels(outcomes: &Outcomes, regression: &Outcomes, role: Role) -> Value {
    let scores = |class: &str| {
        let scores = outcomes.scores(role, class);
        json!({"class": class, "rows": outcomes.support(class), "precision": scores.precision,
            "recall": scores.recall, "f1": scores.f1})
    };
    let classes: Vec<Value> = outcomes.classes().into_iter().map(scores).collect();
    let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
    let of_class = |class: &str| (class.to_owned(), json!(value(outcomes.auc(role, class))));
    let auc: Map<String, Value> = outcomes.classes().into_iter().map(of_class).collect();
    let errors = regression.errors(role);
    json!({
        "accuracy": outcomes.accuracy(role),
        "balanced_accuracy": outcomes.balanced_accuracy(role),
        "classes": classes,
        "scores": {"log_loss": value(outcomes.log_loss(role)), "auc": auc},
        "regression": {"mae": value(errors.mae), "rmse": value(errors.rmse), "r2": value(errors.r2)},
    })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

//! Requests with the start values of the form, for the OpenAPI description.

use serde_json::{Map, Value, json};

use super::{
    predict_columns::PredictColumn,
    start_values::{StartValues, filled},
};
use crate::model::Model;

/// Most values in an example.
const MOST_VALUES: usize = 1000;

/// A request of one record to `/predict`. `None` if it would be long.
pub(super) fn predict(columns: &[PredictColumn<'_>], start: &StartValues<'_>) -> Option<Value> {
    let record: Map<_, _> = record(columns, start)?.into_iter().collect();
    Some(json!({"records": [record]}))
}

/// The same request of the Open Inference Protocol. `None` if it would be long, if an input has no JSON form, or if its first
/// dimension is not that of the records.
pub(super) fn infer(model: &Model, columns: &[PredictColumn<'_>], start: &StartValues<'_>) -> Option<Value> {
    let record: Map<_, _> = record(columns, start)?.into_iter().collect();
    let inputs = model.signature.inputs.iter().map(|port| {
        if !port.datatype.has_json() || !matches!(port.shape.first(), Some(-1 | 1)) {
            return None;
        }
        // A column has the name of its input, or the columns are the features of the only one.
        let column = columns.iter().find(|column| column.name == port.name && column.features.is_none());
        let (data, shape) = match column {
            Some(column) if port.any_shape || column.list => {
                (flat(&record[column.name]), [&[1], column.shape.as_slice()].concat())
            }
            Some(column) => (flat(&record[column.name]), vec![1; port.shape.len()]),
            None => {
                let features = columns.first()?.features?;
                let data: Vec<_> = features.iter().map(|name| record[name].clone()).collect();
                let shape = vec![1, i64::try_from(data.len()).ok()?];
                (data, shape)
            }
        };
        Some(json!({"name": port.name, "datatype": port.datatype.name(), "shape": shape, "data": data}))
    });
    Some(json!({"inputs": inputs.collect::<Option<Vec<_>>>()?}))
}

/// Name and value of each column. `None` if they have many values.
fn record(columns: &[PredictColumn<'_>], start: &StartValues<'_>) -> Option<Vec<(String, Value)>> {
    let count = columns.iter().map(PredictColumn::len).fold(0, usize::saturating_add);
    let value = |column: &PredictColumn<'_>| match start.of(column) {
        Value::Array(list) => Value::Array(list),
        value => filled(&value, &column.shape),
    };
    let values = columns.iter().map(|column| (column.name.to_owned(), value(column)));
    (count <= MOST_VALUES).then(|| values.collect())
}

/// The elements of a nested list.
fn flat(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        value => vec![value.clone()],
    }
}

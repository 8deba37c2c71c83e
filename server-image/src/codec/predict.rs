//! `POST /predict`: records of named columns, for people and web pages. Example: `{"records":[{"age":42}]}`.
//!
//! If the model has one vector as its only input and names its features in the metadata property `feature_names`, a
//! record has a value for every feature. Otherwise a record has a value for every input. A column that is a vector has
//! a list as its value.

use ort::session::SessionOutputs;
use serde_json::{Map, Value, json};

use super::{
    elements,
    request::{InferRequest, RequestedOutput},
    response::{borrow, shape_of, strings},
    scan::Scanner,
    write::Json,
};
use crate::{
    error::Refusal,
    signature::{Port, Signature},
    tensor::{Data, Datatype, ShapeText, Tensor, elements as count_of},
};

/// Reads `{"records":[{...}]}` into tensors whose first dimension is the number of records, and returns that number.
///
/// The error says which record and which column are wrong.
pub fn read(
    body: &[u8],
    signature: &Signature,
    features: Option<&[String]>,
) -> Result<(InferRequest, usize), Refusal> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("invalid JSON: {error}")))?;
    let records =
        body.get("records").and_then(Value::as_array).filter(|records| !records.is_empty()).ok_or_else(
            || Refusal::bad(r#"expected {"records":[{"column":value}]} with at least one record"#),
        )?;
    let records: Vec<&Map<String, Value>> = records
        .iter()
        .enumerate()
        .map(|(row, record)| {
            record
                .as_object()
                .ok_or_else(|| Refusal::bad(format!("record {row} is not an object of named columns")))
        })
        .collect::<Result<_, _>>()?;
    let inputs = match (signature.inputs.as_slice(), features) {
        ([port], Some(features)) if is_vector_of(port, features.len()) && !given_by_input(&records, port) => {
            known(&records, features.iter().map(String::as_str))?;
            let columns = features.iter().map(String::as_str).collect::<Vec<_>>();
            vec![tensor(port, &columns, &records)?]
        }
        (ports, _) => {
            if let [port] = ports
                && !given_by_input(&records, port)
                && width_of(port) != Some(1)
            {
                return Err(Refusal::bad(format!(
                    "the model has one input `{}` of the shape {} and does not name its features: send each \
                     record as {{\"{}\":[...]}}, or export the model with the metadata property `feature_names`",
                    port.name,
                    ShapeText(&port.shape),
                    port.name
                )));
            }
            known(&records, ports.iter().map(|port| port.name.as_str()))?;
            ports.iter().map(|port| tensor(port, &[&port.name], &records)).collect::<Result<_, _>>()?
        }
    };
    let outputs =
        (0..signature.outputs.len()).map(|position| RequestedOutput { position, binary: false }).collect();
    Ok((InferRequest { id: None, inputs, outputs }, records.len()))
}

/// Whether `port` is a batch of vectors of `count` features.
#[must_use]
pub fn is_vector_of(port: &Port, count: usize) -> bool {
    port.shape.len() == 2 && (width_of(port) == Some(count) || port.shape[1] == -1)
}

/// The number of elements of `port` for one record. `None` if it may vary.
fn width_of(port: &Port) -> Option<usize> {
    count_of(port.shape.get(1..)?)
}

fn given_by_input(records: &[&Map<String, Value>], port: &Port) -> bool {
    records.iter().all(|record| record.len() == 1 && record.contains_key(&port.name))
}

/// Rejects a record with a column that is not one of `columns`, since it is probably a typing error.
fn known<'c>(
    records: &[&Map<String, Value>],
    columns: impl Iterator<Item = &'c str> + Clone,
) -> Result<(), Refusal> {
    for (row, record) in records.iter().enumerate() {
        for name in record.keys() {
            if !columns.clone().any(|column| column == name) {
                let columns: Vec<_> = columns.map(|column| format!("`{column}`")).collect();
                return Err(Refusal::bad(format!(
                    "record {row} has an unknown column `{name}`; the model has {}",
                    columns.join(", ")
                )));
            }
        }
    }
    Ok(())
}

/// The tensor of an input: for each record the values of `columns`, in that order.
fn tensor(port: &Port, columns: &[&str], records: &[&Map<String, Value>]) -> Result<Tensor, Refusal> {
    let mut flat = Vec::new();
    for (row, record) in records.iter().enumerate() {
        for column in columns {
            let value = record
                .get(*column)
                .ok_or_else(|| Refusal::bad(format!("record {row} has no column `{column}`")))?;
            flatten(value, &mut flat);
        }
    }
    let rows = records.len();
    let width = flat.len() / rows;
    let shape = shape_for(port, rows, width);
    if flat.len() != width * rows || !port.accepts(&shape) {
        return Err(Refusal::bad(format!(
            "input `{}` has the shape {}, but {rows} records with {} values in all do not fill it",
            port.name,
            ShapeText(&port.shape),
            flat.len()
        )));
    }
    // The protocol's own reader converts the values, so that /predict and /infer accept the same numbers.
    let json = serde_json::to_vec(&flat).expect("values that were read can be written");
    let datatype = if port.datatype.has_json() { port.datatype } else { Datatype::Fp32 };
    let (data, _) = elements::read(&mut Scanner::new(&json), &port.name, datatype, flat.len())?;
    let data = match (data, port.datatype) {
        (Data::Fp32(data), Datatype::Fp16) => Data::Fp16(data.into_iter().map(half::f16::from_f32).collect()),
        (Data::Fp32(data), Datatype::Bf16) => {
            Data::Bf16(data.into_iter().map(half::bf16::from_f32).collect())
        }
        (data, _) => data,
    };
    Ok(Tensor { shape, data })
}

fn flatten<'v>(value: &'v Value, flat: &mut Vec<&'v Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, flat)),
        value => flat.push(value),
    }
}

/// The shape of `rows` records of `width` values each: the model's shape, in which the first variable dimension after
/// the rows gets all values that the fixed dimensions leave, and any further one is 1.
fn shape_for(port: &Port, rows: usize, width: usize) -> Vec<i64> {
    let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut shape = port.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = signed(rows);
    }
    let fixed: i64 = shape.iter().skip(1).filter(|dimension| **dimension > 0).product();
    let mut rest = if fixed > 0 { signed(width) / fixed } else { 0 };
    for dimension in shape.iter_mut().skip(1).filter(|dimension| **dimension == -1) {
        *dimension = std::mem::replace(&mut rest, 1);
    }
    let same = count_of(&shape) == Some(rows * width);
    if same { shape } else { vec![signed(rows), signed(width)] }
}

/// Writes `{"predictions":[{...}]}`, one object for each of the `rows` records.
///
/// An output whose first dimension is not `rows` is an error: it has no value for each record.
pub fn response(
    rows: usize,
    signature: &Signature,
    outputs: &SessionOutputs<'_>,
) -> Result<Vec<u8>, Refusal> {
    let mut predictions = vec![Map::new(); rows];
    for (position, port) in signature.outputs.iter().enumerate() {
        let value = &outputs[position];
        let shape = shape_of(value);
        let values = values(port, value)?;
        if shape.first().is_none_or(|first| usize::try_from(*first) != Ok(rows)) {
            return Err(Refusal::Unsupported(format!(
                "output `{}` has the shape {}: it is not one value for each of the {rows} records; use /infer",
                port.name,
                ShapeText(shape)
            )));
        }
        let width = values.len() / rows;
        let mut values = values.into_iter();
        for prediction in &mut predictions {
            let mut row: Vec<Value> = values.by_ref().take(width).collect();
            let scalar = shape.len() == 1 || (shape.len() == 2 && width == 1);
            let value = if scalar { row.pop().unwrap_or_default() } else { Value::Array(row) };
            prediction.insert(port.name.clone(), value);
        }
    }
    Ok(json!({ "predictions": predictions }).to_string().into_bytes())
}

/// The elements of an output as JSON. NaN and infinity have no JSON form and become null.
fn values(port: &Port, value: &ort::value::DynValue) -> Result<Vec<Value>, Refusal> {
    macro_rules! numbers {
        ($element:ty) => {
            borrow::<$element>(port, value)?.iter().map(|element| json!(element)).collect()
        };
    }
    // /infer writes the shortest text of an f32. The same number as an f64 would have extra digits.
    let single = |number: f32| {
        let mut text = Vec::new();
        number.write(&mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    };
    Ok(match port.datatype {
        Datatype::Bool => numbers!(bool),
        Datatype::Uint8 => numbers!(u8),
        Datatype::Uint16 => numbers!(u16),
        Datatype::Uint32 => numbers!(u32),
        Datatype::Uint64 => numbers!(u64),
        Datatype::Int8 => numbers!(i8),
        Datatype::Int16 => numbers!(i16),
        Datatype::Int32 => numbers!(i32),
        Datatype::Int64 => numbers!(i64),
        Datatype::Fp64 => numbers!(f64),
        Datatype::Fp32 => borrow::<f32>(port, value)?.iter().map(|element| single(*element)).collect(),
        Datatype::Fp16 => {
            borrow::<half::f16>(port, value)?.iter().map(|element| single(element.to_f32())).collect()
        }
        Datatype::Bf16 => {
            borrow::<half::bf16>(port, value)?.iter().map(|element| single(element.to_f32())).collect()
        }
        Datatype::Bytes => strings(port, value)?.into_iter().map(Value::String).collect(),
    })
}

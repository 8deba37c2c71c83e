//! `POST /predict`: records of named columns, for people and web pages. Example: `{"records":[{"age":42}]}`.
//!
//! If the model has one vector as its only input and names its features in the metadata property `feature_names`, a
//! record has a value for every feature. Otherwise a record has a value for every input. A column that is a vector has
//! a list as its value.

use serde_json::{Map, Value, json};

use super::{
    batch::Batch,
    infer_request::{InferRequest, RequestedOutput},
    scan::Scanner,
    write::Json,
};
use crate::{
    error::Refusal,
    output::Output,
    signature::{Port, Signature},
    tensor::{ShapeText, elements as count_of},
    view::View,
};

/// Reads `{"records":[{...}]}` into tensors whose first dimension is the number of records, and returns that number.
///
/// The error says which record and which column are wrong.
pub fn read(
    body: &[u8],
    signature: &Signature,
    features: Option<&[String]>,
) -> Result<(InferRequest, usize), Refusal> {
    let mut scanner = Scanner::new(body);
    let mut batch = None;
    scanner.object(|scanner, key| match key {
        "records" => {
            batch = records(scanner, signature, features)?;
            Ok(())
        }
        _ => scanner.skip(),
    })?;
    scanner.finish()?;
    let batch = batch
        .ok_or_else(|| Refusal::bad(r#"expected {"records":[{"column":value}]} with at least one record"#))?;
    let rows = batch.rows();
    let outputs = RequestedOutput::all(signature, false);
    Ok((InferRequest { id: None, timeout: None, inputs: batch.tensors()?, outputs }, rows))
}

/// Reads the list of records. `None` if it is empty or not a list.
///
/// The values go directly into the tensors. A tree of values would take a hundred times the memory of the body.
fn records<'m, 'b>(
    scanner: &mut Scanner<'b>,
    signature: &'m Signature,
    features: Option<&'m [String]>,
) -> Result<Option<Batch<'m, 'b>>, Refusal> {
    if scanner.peek() != Some(b'[') {
        scanner.skip()?;
        return Ok(None);
    }
    let mut batch: Option<Batch<'m, 'b>> = None;
    scanner.array(|scanner| {
        if scanner.peek() != Some(b'{') {
            let row = batch.as_ref().map_or(0, Batch::rows);
            return Err(Refusal::bad(format!("record {row} is not an object of named columns")));
        }
        match &mut batch {
            Some(batch) => batch.add(scanner),
            None => batch.insert(columns(*scanner, signature, features)?).add(scanner),
        }
    })?;
    Ok(batch)
}

/// An empty batch with the columns of the `first` record: the features of the model's vector, or its inputs.
fn columns<'m, 'b>(
    first: Scanner<'b>,
    signature: &'m Signature,
    features: Option<&'m [String]>,
) -> Result<Batch<'m, 'b>, Refusal> {
    let [port] = signature.inputs.as_slice() else { return Ok(Batch::of_inputs(&signature.inputs)) };
    if is_given_by_input(first, port)? {
        return Ok(Batch::of_inputs(&signature.inputs));
    }
    match features {
        Some(features) if is_vector_of(port, features.len()) => Ok(Batch::of_features(port, features)),
        _ if width_of(port) == Some(1) => Ok(Batch::of_inputs(&signature.inputs)),
        _ => Err(Refusal::bad(format!(
            "the model has one input `{}` of the shape {} and does not name its features: send each record as \
             {{\"{}\":[...]}}, or export the model with the metadata property `feature_names`",
            port.name,
            port.shape_text(),
            port.name
        ))),
    }
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

/// Whether the record has one column, named like the input.
fn is_given_by_input(mut record: Scanner<'_>, port: &Port) -> Result<bool, Refusal> {
    let mut all = true;
    let mut any = false;
    record.object(|record, key| {
        any = true;
        all &= key == port.name;
        record.skip()
    })?;
    Ok(any && all)
}

/// Most values in the predictions: each takes a hundred bytes until it is written.
const VALUES: usize = 1 << 22;

/// Writes `{"predictions":[{...}]}`, one object for each of the `rows` records.
///
/// An output whose first dimension is not `rows` is an error: it has no value for each record.
pub fn response(rows: usize, signature: &Signature, outputs: &[Output]) -> Result<Vec<u8>, Refusal> {
    let mut predictions = vec![Map::new(); rows];
    let mut room = VALUES;
    for (position, port) in signature.outputs.iter().enumerate() {
        let output = &outputs[position];
        let shape = output.shape();
        if shape.first().is_none_or(|first| usize::try_from(*first) != Ok(rows)) {
            return Err(Refusal::Unsupported(format!(
                "output `{}` has the shape {}: it is not one value for each of the {rows} records; use /infer",
                port.name,
                ShapeText(shape)
            )));
        }
        room -= count_of(shape).filter(|count| *count <= room).ok_or_else(|| {
            Refusal::Backend(format!("its outputs have more than {VALUES} values; use /infer"))
        })?;
        let values = values(output);
        let width = values.len() / rows;
        let mut values = values.into_iter();
        for prediction in &mut predictions {
            let mut row: Vec<Value> = values.by_ref().take(width).collect();
            let scalar = shape.len() == 1 || (shape.len() == 2 && width == 1);
            let value = match &port.classes {
                Some(classes) => Value::Object(classes.names.iter().cloned().zip(row).collect()),
                None if scalar => row.pop().unwrap_or_default(),
                None => Value::Array(row),
            };
            prediction.insert(port.name.clone(), value);
        }
    }
    Ok(json!({ "predictions": predictions }).to_string().into_bytes())
}

/// The elements of an output as JSON. NaN and infinity have no JSON form and become null.
fn values(output: &Output) -> Vec<Value> {
    fn all<T: Copy>(elements: &[T], value: impl Fn(T) -> Value) -> Vec<Value> {
        elements.iter().map(|element| value(*element)).collect()
    }
    // /infer writes the shortest text of an f32. The same number as an f64 would have extra digits.
    let single = |number: f32| {
        let mut text = Vec::new();
        number.write(&mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    };
    match output.view() {
        View::Bool(elements) => all(elements, Value::from),
        View::Uint8(elements) => all(elements, Value::from),
        View::Uint16(elements) => all(elements, Value::from),
        View::Uint32(elements) => all(elements, Value::from),
        View::Uint64(elements) => all(elements, Value::from),
        View::Int8(elements) => all(elements, Value::from),
        View::Int16(elements) => all(elements, Value::from),
        View::Int32(elements) => all(elements, Value::from),
        View::Int64(elements) => all(elements, Value::from),
        View::Fp64(elements) => all(elements, Value::from),
        View::Fp32(elements) => all(elements, single),
        View::Fp16(elements) => all(elements, |element| single(element.to_f32())),
        View::Bf16(elements) => all(elements, |element| single(element.to_f32())),
        View::Bytes(elements) => elements.iter().cloned().map(Value::String).collect(),
    }
}

//! The outputs of a run as tensors. scikit-learn's exporter returns the scores of a classifier as a sequence of maps, one for
//! each row, from class to score. Callers get them as a tensor of rows and classes.

use ort::{
    session::SessionOutputs,
    value::{DynMapValueType, DynSequenceValueType, DynValue},
};

use crate::{
    output::Output,
    signature::{Classes, Port, Signature},
    tensor::{Data, Tensor},
};

/// The outputs of a run of a model with this signature, in its order. Each is a tensor.
///
/// Fails if a value is not what the signature says, or if a row has other classes.
pub fn of(values: SessionOutputs<'_>, signature: &Signature) -> Result<Vec<Output>, String> {
    let values = values.into_iter().map(|(_, value)| value);
    let output = |(port, value): (&Port, DynValue)| {
        let output = match &port.classes {
            Some(classes) => {
                let rows = rows(&value, classes).map_err(|error| error.to_string());
                rows.and_then(|rows| tensor(&rows, classes)).map(Output::from)
            }
            None => Output::of(value, port.datatype),
        };
        output.map_err(|what| format!("output `{}`: {what}", port.name))
    };
    signature.outputs.iter().zip(values).map(output).collect()
}

/// Adds the names of the classes to the signature, from outputs of the warm-up.
pub fn learn_classes(values: &SessionOutputs<'_>, signature: &mut Signature) -> Result<(), ort::Error> {
    for (position, port) in signature.outputs.iter_mut().enumerate() {
        if let Some(classes) = &mut port.classes {
            let rows = rows(&values[position], classes)?;
            classes.names =
                rows.into_iter().next().unwrap_or_default().into_iter().map(|(name, _)| name).collect();
            port.shape = vec![-1, i64::try_from(classes.names.len()).unwrap_or(i64::MAX)];
        }
    }
    Ok(())
}

type Row = Vec<(String, f32)>;

/// The scores of each row by class, in the order of ONNX Runtime, which sorts them.
fn rows(value: &DynValue, classes: &Classes) -> Result<Vec<Row>, ort::Error> {
    let rows = value.view().downcast::<DynSequenceValueType>()?.try_extract_sequence::<DynMapValueType>()?;
    rows.iter()
        .map(|row| {
            if classes.are_numbers {
                let scores = row.try_extract_key_values::<i64, f32>()?;
                Ok(scores.into_iter().map(|(class, score)| (class.to_string(), score)).collect())
            } else {
                row.try_extract_key_values::<String, f32>()
            }
        })
        .collect()
}

fn tensor(rows: &[Row], classes: &Classes) -> Result<Tensor, String> {
    let mut scores = Vec::with_capacity(rows.len() * classes.names.len());
    for (number, row) in rows.iter().enumerate() {
        if !row.iter().map(|(class, _)| class).eq(&classes.names) {
            return Err(format!("row {number} has other classes than the first row had in the warm-up"));
        }
        scores.extend(row.iter().map(|(_, score)| *score));
    }
    let extent = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let shape = vec![extent(rows.len()), extent(classes.names.len())];
    Ok(Tensor { shape, data: Data::Fp32(scores) })
}

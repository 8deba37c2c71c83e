//! The columns of a record of `/predict`, for the form and the OpenAPI description.

use crate::{codec::predict::is_vector_of, model::Model, tensor::Datatype};

/// A column of a record of `/predict`.
pub(super) struct PredictColumn<'m> {
    pub(super) name: &'m str,
    pub(super) datatype: Datatype,
    /// Whether the column is a vector, which a record has as a list.
    pub(super) list: bool,
}

/// The columns of the model's records: its features if it names them, otherwise its inputs.
pub(super) fn columns(model: &Model) -> Vec<PredictColumn<'_>> {
    match (model.signature.inputs.as_slice(), &model.features) {
        ([port], Some(features)) if is_vector_of(port, features.len()) => {
            let column = |name| PredictColumn { name, datatype: port.datatype, list: false };
            features.iter().map(String::as_str).map(column).collect()
        }
        (ports, _) => ports
            .iter()
            .map(|port| PredictColumn {
                name: &port.name,
                datatype: port.datatype,
                list: port.shape.iter().skip(1).any(|dimension| *dimension != 1),
            })
            .collect(),
    }
}

/// The JSON Schema type of an element.
pub(super) fn json_type(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::Bool => "boolean",
        Datatype::Bytes => "string",
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64 => "number",
        _ => "integer",
    }
}

//! What people see: the form page and the OpenAPI description, both made once from the model's own signature.

mod form;
mod openapi;

pub use form::form;
pub use openapi::openapi;

use crate::{codec::predict::is_vector_of, model::Model, tensor::Datatype};

/// A column of a record, as `/predict` takes it.
struct Column<'m> {
    name: &'m str,
    datatype: Datatype,
    /// Whether the column is itself a vector, given as a list.
    list: bool,
}

/// The columns of the model's records: its named features, or else its inputs.
fn columns(model: &Model) -> Vec<Column<'_>> {
    match (model.signature.inputs.as_slice(), &model.features) {
        ([port], Some(features)) if is_vector_of(port, features.len()) => {
            let column = |name| Column { name, datatype: port.datatype, list: false };
            features.iter().map(String::as_str).map(column).collect()
        }
        (ports, _) => ports
            .iter()
            .map(|port| Column {
                name: &port.name,
                datatype: port.datatype,
                list: port.shape.iter().skip(1).any(|dimension| *dimension != 1),
            })
            .collect(),
    }
}

/// The JSON Schema type of an element.
fn json_type(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::Bool => "boolean",
        Datatype::Bytes => "string",
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64 => "number",
        _ => "integer",
    }
}

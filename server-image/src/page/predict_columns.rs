//! The columns of a record of `/predict`, for the form and the OpenAPI description.

use std::collections::HashSet;

use crate::{
    codec::predict::is_vector_of,
    model::Model,
    signature::Port,
    tensor::{Datatype, Tensor, elements},
};

/// A column of a record of `/predict`.
pub(super) struct PredictColumn<'m> {
    pub(super) name: &'m str,
    pub(super) datatype: Datatype,
    /// Whether the column is a tensor, which a record has as a list.
    pub(super) list: bool,
    /// The shape of the list for one record, in which every variable dimension has a size with which the model runs. Empty for
    /// a single value.
    pub(super) shape: Vec<i64>,
    /// The names of all features of the input, if the column is one of them.
    pub(super) features: Option<&'m [String]>,
    /// The tensor of the warm-up in which the column is.
    pub(super) synthetic: Option<&'m Tensor>,
    /// Position of its first element in that tensor.
    pub(super) position: usize,
}

impl PredictColumn<'_> {
    /// The number of elements in one record.
    pub(super) fn len(&self) -> usize {
        elements(&self.shape).unwrap_or(usize::MAX)
    }
}

/// The columns of the model's records: its features if it names them, otherwise its inputs. Features with the same name are
/// one column.
pub(super) fn columns(model: &Model) -> Vec<PredictColumn<'_>> {
    match (model.signature.inputs.as_slice(), &model.features) {
        ([port], Some(features)) if is_vector_of(port, features.len()) => {
            let column = |(position, name)| PredictColumn {
                name,
                datatype: port.datatype,
                list: false,
                shape: Vec::new(),
                features: Some(features),
                synthetic: model.probe_inputs.first(),
                position,
            };
            let mut seen = HashSet::new();
            let names = features.iter().map(String::as_str).enumerate();
            names.filter(|(_, name)| seen.insert(*name)).map(column).collect()
        }
        (ports, _) => {
            ports.iter().enumerate().map(|(index, port)| whole(port, model.probe_inputs.get(index))).collect()
        }
    }
}

/// The column of a whole input.
fn whole<'m>(port: &'m Port, synthetic: Option<&'m Tensor>) -> PredictColumn<'m> {
    let list = port.any_shape || port.shape.iter().skip(1).any(|dimension| *dimension != 1);
    let tried: &[i64] = synthetic.and_then(|tensor| tensor.shape.get(1..)).unwrap_or_default();
    let size = |(index, dimension): (usize, &i64)| match dimension {
        -1 => tried.get(index).copied().unwrap_or(1),
        fixed => *fixed,
    };
    let shape = match port.shape.get(1..) {
        _ if !list => Vec::new(),
        _ if port.any_shape => tried.to_vec(),
        declared => declared.unwrap_or_default().iter().enumerate().map(size).collect(),
    };
    PredictColumn {
        name: &port.name,
        datatype: port.datatype,
        list,
        shape,
        features: None,
        synthetic,
        position: 0,
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

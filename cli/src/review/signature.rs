//! What callers of main would notice: tensors that are added, removed or changed.

use serde::Serialize;
use understudy_crds::{ModelSignature, TensorSpec};

/// The difference of two signatures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "comparison")]
pub enum SignatureDifference {
    /// Both signatures are known.
    Compared {
        /// Every difference; empty if callers notice nothing.
        changes: Vec<SignatureChange>,
    },
    /// This version has not run yet: its pods read the signature from the model file.
    UnknownYet {},
    /// No main exists, or its signature is not known.
    NoMain {},
}

/// A tensor that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureChange {
    /// Input or output.
    #[serde(rename = "side")]
    pub direction: Direction,
    /// The tensor's name.
    pub name: String,
    /// Datatype and shape in main, `FP32[-1,30]` or `FP32, any shape`; `None` if main does not have it.
    pub main: Option<String>,
    /// The same in this version.
    pub own: Option<String>,
}

/// Whether a tensor is an input or an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// An input of the model.
    Input,
    /// An output of the model.
    Output,
}

/// What differs between this version and main.
pub fn difference(own: Option<&ModelSignature>, main: Option<&ModelSignature>) -> SignatureDifference {
    let Some(own) = own else { return SignatureDifference::UnknownYet {} };
    let Some(main) = main else { return SignatureDifference::NoMain {} };
    let mut changes = changes(Direction::Input, &own.inputs, &main.inputs);
    changes.extend(self::changes(Direction::Output, &own.outputs, &main.outputs));
    SignatureDifference::Compared { changes }
}

fn changes(direction: Direction, own: &[TensorSpec], main: &[TensorSpec]) -> Vec<SignatureChange> {
    let spec = |all: &[TensorSpec], name: &str| all.iter().find(|t| t.name == name).map(tensor);
    let gone = main.iter().filter(|t| own.iter().all(|o| o.name != t.name));
    own.iter()
        .chain(gone)
        .map(|t| SignatureChange {
            direction,
            name: t.name.clone(),
            main: spec(main, &t.name),
            own: spec(own, &t.name),
        })
        .filter(|change| change.main != change.own)
        .collect()
}

fn tensor(tensor: &TensorSpec) -> String {
    if tensor.any_shape {
        return format!("{}, any shape", tensor.datatype);
    }
    let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    format!("{}[{}]", tensor.datatype, shape.join(","))
}

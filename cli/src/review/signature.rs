//! What a caller of main would notice: tensors that come, go or change.

use serde::Serialize;
use understudy_crds::{ModelSignature, TensorSpec};

/// The difference of two signatures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "comparison")]
pub enum SignatureDifference {
    /// Both are known.
    Compared {
        /// Every difference; none when callers notice nothing.
        changes: Vec<SignatureChange>,
    },
    /// This version never ran: its signature is read from the file when its pods load it.
    UnknownYet {},
    /// There is no main to compare with, or its signature is not known.
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
    /// How main has it, `FP32[-1,30]`.
    pub main: Option<String>,
    /// How this version has it.
    pub own: Option<String>,
}

/// Which side of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// What goes in.
    Input,
    /// What comes out.
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
    let form = |all: &[TensorSpec], name: &str| all.iter().find(|t| t.name == name).map(tensor);
    let gone = main.iter().filter(|t| own.iter().all(|o| o.name != t.name));
    own.iter()
        .chain(gone)
        .map(|t| SignatureChange {
            direction,
            name: t.name.clone(),
            main: form(main, &t.name),
            own: form(own, &t.name),
        })
        .filter(|change| change.main != change.own)
        .collect()
}

fn tensor(tensor: &TensorSpec) -> String {
    let shape: Vec<String> = tensor.shape.iter().map(ToString::to_string).collect();
    format!("{}[{}]", tensor.datatype, shape.join(","))
}

//! The inputs and outputs of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What goes into a model and what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSignature {
    /// Input tensors.
    #[schemars(length(max = 256))]
    pub inputs: Vec<TensorSpec>,
    /// Output tensors.
    #[schemars(length(max = 256))]
    pub outputs: Vec<TensorSpec>,
    /// The ONNX operator set it was written for.
    pub opset: i64,
    /// Size of the file in bytes.
    pub bytes: i64,
}

/// A tensor of the signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TensorSpec {
    /// Its name.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Open Inference Protocol datatype, for example `FP32`.
    #[schemars(length(max = 16))]
    pub datatype: String,
    /// Its shape; -1 for a dimension that varies.
    #[schemars(length(max = 32))]
    pub shape: Vec<i64>,
}

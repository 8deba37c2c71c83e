//! The inputs and outputs of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Inputs and outputs of a model, as ONNX Runtime reports them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSignature {
    /// Input tensors in the order of the model, at most 256.
    #[schemars(length(max = 256))]
    pub inputs: Vec<TensorSpec>,
    /// Output tensors in the order of the model, at most 256.
    #[schemars(length(max = 256))]
    pub outputs: Vec<TensorSpec>,
    /// Version of the ONNX operator set that the model was exported for, for example 17.
    pub opset: i64,
    /// Size of the model file in bytes.
    pub bytes: i64,
}

/// One input or output tensor of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TensorSpec {
    /// Name of the tensor in the model. Requests and responses use it.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Datatype of the Open Inference Protocol, for example `FP32`, `INT64` or `BYTES` (strings).
    #[schemars(length(max = 16))]
    pub datatype: String,
    /// Shape of the tensor. -1 stands for a dimension that may vary, usually the batch.
    #[schemars(length(max = 32))]
    pub shape: Vec<i64>,
}

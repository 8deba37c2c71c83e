//! The inputs and outputs of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Inputs and outputs of a model, as ONNX Runtime reports them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSignature {
    /// Input tensors in the order of the model, at most 256.
    #[schemars(length(max = limits::TENSORS))]
    pub inputs: Vec<TensorSpec>,
    /// Output tensors in the order of the model, at most 256.
    #[schemars(length(max = limits::TENSORS))]
    pub outputs: Vec<TensorSpec>,
    /// Number of inputs and outputs of the model that are not listed, because each list has at most 256. Absent if all
    /// are listed. A challenger is compared with main by the listed ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: i64,
    /// Version of the ONNX operator set that the model was exported for, for example 17. 0 if the model uses operators of other
    /// domains only, for example `ai.onnx.ml`.
    pub opset: i64,
    /// Size of the model file in bytes.
    pub bytes: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// One input or output tensor of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TensorSpec {
    /// Name of the tensor in the model. Requests and responses use it.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub name: String,
    /// Datatype of the Open Inference Protocol, for example `FP32`, `INT64` or `BYTES` (strings).
    #[schemars(length(max = limits::DATATYPE))]
    pub datatype: String,
    /// Shape of the tensor. -1 stands for a dimension that may vary, usually the batch.
    #[schemars(length(max = limits::DIMENSIONS))]
    pub shape: Vec<i64>,
    /// True if the model declares no shape: the tensor may have any number of dimensions. `shape` is `[-1]` then. Absent
    /// otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_shape: bool,
}

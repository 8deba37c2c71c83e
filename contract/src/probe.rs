//! What a pod answers to the operator's probe, after one real inference.

use serde::{Deserialize, Serialize};

/// Which model answered, with its inputs and outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeAnswer {
    /// Name of the `ModelDeployment`.
    pub deployment: String,
    /// Semantic version of the model that answered.
    pub version: String,
    /// Digest of the file that it loaded, `sha256:<hex>`.
    pub digest: String,
    /// Inputs and outputs of the model.
    pub model: Signature,
    /// How long the inference took, in microseconds.
    pub latency_micros: u64,
}

/// The inputs and outputs of a model, in the model's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Input tensors of the model.
    pub inputs: Vec<Tensor>,
    /// Output tensors of the model.
    pub outputs: Vec<Tensor>,
    /// The ONNX operator set that the model was written for. 0 if it uses operators of other domains only.
    pub opset: i64,
    /// Size of the model file in bytes.
    pub bytes: u64,
}

/// Name, datatype and shape of one input or output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Name of the tensor in the model.
    pub name: String,
    /// Open Inference Protocol datatype, for example `FP32`.
    pub datatype: String,
    /// Shape; -1 stands for a dimension that may vary.
    pub shape: Vec<i64>,
    /// Whether the model declares no shape, so that a tensor may have any. `shape` is `[-1]` then.
    #[serde(rename = "anyShape", default, skip_serializing_if = "std::ops::Not::not")]
    pub any_shape: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_answer_of_a_newer_server_can_be_read() {
        let text = r#"{"deployment":"fraud","version":"1.3.0","digest":"sha256:00","latencyMicros":12,"warm":true,
            "model":{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,30],"layout":"NC"}],"outputs":[],"opset":21,
            "bytes":3411}}"#;
        let answer: ProbeAnswer = serde_json::from_str(text).unwrap();
        assert_eq!((answer.version.as_str(), answer.latency_micros), ("1.3.0", 12));
        assert_eq!(answer.model.inputs[0].shape, [-1, 30]);
    }
}

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
    /// What is known about whether the model answers. Servers of older releases do not say it: there, synthetic inputs
    /// worked.
    #[serde(default, skip_serializing_if = "Proof::is_synthetic")]
    pub proof: Proof,
    /// The image that runs the model, by its digest. Absent for the built-in engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_image: Option<String>,
}

/// What is known about whether a model answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum Proof {
    /// It answered synthetic inputs.
    #[default]
    Synthetic,
    /// It reproduced the answers of all of its examples.
    #[serde(rename_all = "camelCase")]
    Examples {
        /// Number of examples.
        count: u64,
    },
    /// It failed on every synthetic input, and there are no examples. The inference of the probe failed, too.
    #[serde(rename_all = "camelCase")]
    Missing {
        /// Why, in the words of ONNX Runtime.
        error: String,
    },
    /// As in `Missing`, but this pod has answered a call since.
    Call,
    /// A proof that this version does not know, from a newer server.
    #[serde(other)]
    Unknown,
}

impl Proof {
    /// Whether synthetic inputs worked.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        *self == Self::Synthetic
    }
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
        assert_eq!(answer.proof, Proof::Synthetic, "servers of older releases do not say it");
    }

    #[test]
    fn a_proof_is_read_as_it_was_written_and_that_of_a_newer_server_is_unknown() {
        let missing = Proof::Missing { error: "Gather: out of bounds".to_owned() };
        for proof in [Proof::Synthetic, Proof::Examples { count: 7 }, missing, Proof::Call] {
            let text = serde_json::to_string(&proof).unwrap();
            assert_eq!(serde_json::from_str::<Proof>(&text).unwrap(), proof, "{text}");
        }
        let newer = serde_json::from_str::<Proof>(r#"{"by":"replay","calls":3}"#).unwrap();
        assert_eq!(newer, Proof::Unknown);
    }
}

//! A loaded model without its sessions: its description, and what it answers to the operator's probe.

use std::{sync::Arc, time::Duration};

use understudy_contract::{
    ProbeAnswer,
    probe::{self},
};
use understudy_stats::Identity;

use crate::{
    batch::Batching,
    codec::response::Templates,
    examples::Examples,
    proof::KnownProof,
    signature::{Port, Signature},
    tensor::Tensor,
};

/// One version of one model, without its sessions.
#[derive(Debug)]
pub struct Model {
    /// Name of the `ModelDeployment`.
    pub deployment: String,
    /// Version and digest.
    pub identity: Arc<Identity>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Version of the default ONNX operator set, if the model uses it.
    pub opset: Option<u64>,
    /// Whether the time of a run says nothing about the next one: a part of the model runs as often as a value says, or
    /// another program runs it.
    pub unpredictable: bool,
    /// The image that runs it, by its digest. `None` for the built-in engine.
    pub runtime_image: Option<String>,
    /// Inputs and outputs.
    pub signature: Arc<Signature>,
    /// Names of the features of a single vector input, from the metadata property `feature_names`.
    pub features: Option<Vec<String>>,
    /// The inputs of the operator's probe: of an example, or synthetic ones on which the model ran in the warm-up. If it ran on
    /// none, the simplest ones.
    pub probe_inputs: Vec<Tensor>,
    /// What is known about whether it answers.
    pub proof: KnownProof,
    /// The examples, all of which it reproduces.
    pub examples: Examples,
    /// The fixed parts of its responses.
    pub templates: Templates,
    /// Median time of an inference in the warm-up.
    pub latency: Duration,
    /// How requests are joined into one run. `None` if that is not possible, or does not pay.
    pub batching: Option<Batching>,
}

impl Model {
    /// Rows of a request: the first dimension of the first input, if it may vary. Otherwise 1.
    #[must_use]
    pub fn batch(&self, inputs: &[Tensor]) -> u64 {
        match (self.signature.inputs.first(), inputs.first()) {
            (Some(port), Some(tensor)) if port.shape.first() == Some(&-1) => {
                tensor.shape.first().and_then(|rows| u64::try_from(*rows).ok()).unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// The answer to the operator's probe as JSON, after an inference that took `latency`.
    #[must_use]
    pub fn probe_answer(&self, latency: Duration) -> Vec<u8> {
        let answer = ProbeAnswer {
            deployment: self.deployment.clone(),
            version: self.identity.version.clone(),
            digest: self.identity.digest.clone(),
            model: probe::Signature {
                inputs: self.signature.inputs.iter().map(tensor).collect(),
                outputs: self.signature.outputs.iter().map(tensor).collect(),
                opset: self.opset.map_or(0, |opset| i64::try_from(opset).unwrap_or(i64::MAX)),
                bytes: self.bytes,
            },
            latency_micros: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
            proof: self.proof.now(),
            runtime_image: self.runtime_image.clone(),
        };
        serde_json::to_vec(&answer).expect("names and numbers are always JSON")
    }
}

fn tensor(port: &Port) -> probe::Tensor {
    probe::Tensor {
        name: port.name.clone(),
        datatype: port.datatype.name().to_owned(),
        shape: port.shape.clone(),
        any_shape: port.any_shape,
    }
}

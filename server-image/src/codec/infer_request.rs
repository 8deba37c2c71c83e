//! An inference request, whatever its format.

use std::time::Duration;

use crate::{signature::Signature, tensor::Tensor};

/// A request that fits the model: one tensor for each input, in the order of the signature.
#[derive(Debug, PartialEq)]
pub struct InferRequest {
    /// Repeated in the response.
    pub id: Option<String>,
    /// For how long the caller waits.
    pub timeout: Option<Duration>,
    /// One tensor for each input of the model.
    pub inputs: Vec<Tensor>,
    /// The outputs in the response, in this order.
    pub outputs: Vec<RequestedOutput>,
}

/// One output in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestedOutput {
    /// Position of the output in the signature.
    pub position: usize,
    /// Whether its data follows the JSON as a binary tensor.
    pub binary: bool,
    /// How many of the best classes of each row are returned. `None` for all scores.
    pub best: Option<usize>,
}

impl RequestedOutput {
    /// Every output of the model.
    #[must_use]
    pub fn all(signature: &Signature, binary: bool) -> Vec<Self> {
        (0..signature.outputs.len()).map(|position| Self { position, binary, best: None }).collect()
    }
}

impl InferRequest {
    /// A request without inputs for every output as a binary tensor.
    #[must_use]
    pub fn for_all(signature: &Signature) -> Self {
        Self { id: None, inputs: Vec::new(), timeout: None, outputs: RequestedOutput::all(signature, true) }
    }
}

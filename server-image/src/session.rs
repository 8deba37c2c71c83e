//! Runs a model. The engine knows the trait only: a test can stand in for ONNX Runtime, and other providers can follow.

use std::time::Instant;

use crate::{output::Output, signature::Signature, tensor::Tensor};

/// A model that is ready to run, once at a time.
pub trait Session: Send {
    /// Runs the model on one tensor for each of its inputs, until `deadline` at most. Returns its outputs in the order of the
    /// signature.
    fn run(&mut self, inputs: &[Tensor], deadline: Instant) -> Result<Vec<Output>, RunError>;
}

/// The model has no outputs for these inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The inputs are wrong, which only the model itself can find.
    #[error("the model rejected the input: {0}")]
    Rejected(String),
    /// The deadline was over, and the run was stopped.
    #[error("the run was stopped")]
    Stopped,
    /// The model failed.
    #[error("{0}")]
    Failed(String),
    /// The image that runs the model cannot be reached, or is not ready. It may be later.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The image that runs the model has too many requests.
    #[error("{0}")]
    Busy(&'static str),
    /// The image that runs the model answered something that is not its protocol, or does not fit its own signature.
    #[error("{0}")]
    Broken(String),
}

/// A session before its model is served: the warm-up finds out what the model needs, and what it answers.
pub trait Trial {
    /// Whether the model runs on these inputs.
    fn attempt(&mut self, inputs: &[Tensor], deadline: Instant) -> Result<(), RunError>;

    /// The first answer. It completes the signature: an output may have classes whose names only an answer has.
    fn first(
        &mut self,
        inputs: &[Tensor],
        signature: &mut Signature,
        deadline: Instant,
    ) -> Result<Vec<Output>, RunError>;

    /// A later answer.
    fn answer(
        &mut self,
        inputs: &[Tensor],
        signature: &Signature,
        deadline: Instant,
    ) -> Result<Vec<Output>, RunError>;

    /// The names of the dimensions of each input. `""` for a dimension without a name.
    fn dimension_names(&self) -> Vec<Vec<String>>;
}

impl From<ort::Error> for RunError {
    fn from(error: ort::Error) -> Self {
        match error.code() {
            ort::ErrorCode::InvalidArgument => Self::Rejected(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

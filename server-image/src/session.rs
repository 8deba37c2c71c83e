//! Runs a model. The engine knows the trait only: a test can stand in for ONNX Runtime, and other providers can follow.

use std::time::Instant;

use crate::{output::Output, tensor::Tensor};

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
}

impl From<ort::Error> for RunError {
    fn from(error: ort::Error) -> Self {
        match error.code() {
            ort::ErrorCode::InvalidArgument => Self::Rejected(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

//! ONNX Runtime behind the trait of sessions.

use std::{sync::Arc, time::Instant};

use crate::{
    output::Output,
    outputs,
    pipeline::Pipeline,
    session::{RunError, Session},
    signature::Signature,
    tensor::Tensor,
};

/// A model in ONNX Runtime, with the graphs before it.
pub struct OnnxRuntime {
    pipeline: Pipeline,
    signature: Arc<Signature>,
}

impl OnnxRuntime {
    /// A session of a model with this signature.
    #[must_use]
    pub fn new(pipeline: Pipeline, signature: Arc<Signature>) -> Self {
        Self { pipeline, signature }
    }
}

impl Session for OnnxRuntime {
    fn run(&mut self, inputs: &[Tensor], until: Instant) -> Result<Vec<Output>, RunError> {
        let Self { pipeline, signature } = self;
        outputs::of(pipeline.run(inputs, until)?, signature).map_err(RunError::Failed)
    }
}

//! ONNX Runtime behind the trait of sessions.

use std::{sync::Arc, time::Instant};

use crate::{
    output::Output,
    outputs,
    pipeline::Pipeline,
    session::{RunError, Session, Trial},
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

impl Trial for Pipeline {
    fn attempt(&mut self, inputs: &[Tensor], until: Instant) -> Result<(), RunError> {
        self.run(inputs, until).map(drop)
    }

    fn first(
        &mut self,
        inputs: &[Tensor],
        signature: &mut Signature,
        until: Instant,
    ) -> Result<Vec<Output>, RunError> {
        let values = self.run(inputs, until)?;
        outputs::learn_classes(&values, signature)?;
        outputs::of(values, signature).map_err(RunError::Failed)
    }

    fn answer(
        &mut self,
        inputs: &[Tensor],
        signature: &Signature,
        until: Instant,
    ) -> Result<Vec<Output>, RunError> {
        outputs::of(self.run(inputs, until)?, signature).map_err(RunError::Failed)
    }

    fn dimension_names(&self) -> Vec<Vec<String>> {
        Pipeline::dimension_names(self)
    }
}

impl Session for OnnxRuntime {
    fn run(&mut self, inputs: &[Tensor], until: Instant) -> Result<Vec<Output>, RunError> {
        let Self { pipeline, signature } = self;
        outputs::of(pipeline.run(inputs, until)?, signature).map_err(RunError::Failed)
    }
}

//! The APIs of the server.

/// The API that a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Inference of the Open Inference Protocol.
    Infer,
    /// `/predict`: records of named columns.
    Predict,
    /// `ModelInfer` of the Open Inference Protocol over gRPC.
    Grpc,
    /// The operator's probe, with the inputs of an example or with synthetic ones.
    Probe,
}

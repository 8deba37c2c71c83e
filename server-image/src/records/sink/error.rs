//! Errors of the sink.

/// Why an operation on the sink failed, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::records) struct SinkError(pub(super) String);

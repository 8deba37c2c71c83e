//! Why a file is not in the sink.

/// Why the sink did not do what it was asked to, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::records) struct SinkError(pub(super) String);

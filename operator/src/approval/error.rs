//! What can go wrong in a pass over a version.

use crate::status;

/// A pass over a `ModelVersion` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Status(#[from] status::Error),
    #[error("failed to read {kind} {name}")]
    Read {
        kind: &'static str,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// One word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Status(error) => error.reason(),
            Self::Read { .. } => "ReadFailed",
        }
    }
}

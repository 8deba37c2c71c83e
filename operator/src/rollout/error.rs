//! What can go wrong in a pass over a deployment.

use crate::apply;

/// A pass over a `ModelDeployment` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Apply(#[from] apply::Error),
    #[error("failed to read {kind} {name}")]
    Read {
        kind: &'static str,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to tell pod {name} who is main")]
    Wake {
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to write the status of {name}")]
    WriteStatus {
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// One word for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Apply(error) => error.reason(),
            Self::Read { .. } => "ReadFailed",
            Self::Wake { .. } => "WakeFailed",
            Self::WriteStatus { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.code == 409 => "Conflict",
                _ => "WriteStatusFailed",
            },
        }
    }
}

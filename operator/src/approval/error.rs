//! What can go wrong in a pass over a version.

/// A pass over a `ModelVersion` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read {kind} {name}")]
    Read {
        kind: &'static str,
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
    /// One word for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "ReadFailed",
            Self::WriteStatus { .. } if self.is_conflict() => "Conflict",
            Self::WriteStatus { .. } => "WriteStatusFailed",
        }
    }

    /// Somebody else wrote in between: no fault, only another try.
    pub fn is_conflict(&self) -> bool {
        let Self::WriteStatus { source, .. } = self else { return false };
        matches!(source.as_ref(), kube::Error::Api(status) if status.code == 409)
    }
}

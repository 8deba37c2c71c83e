//! What can go wrong in a pass over a deployment.

use crate::cluster::{apply, kinds};

/// A pass over a `ModelDeployment` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Apply(#[from] apply::Error),
    #[error(transparent)]
    Kinds(#[from] kinds::Error),
    #[error("failed to notify pod {name} of the new routing")]
    Notify {
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
            Self::Kinds(error) => error.reason(),
            Self::Notify { .. } => "NotifyFailed",
        }
    }
}

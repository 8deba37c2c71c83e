//! The errors of a pass over a deployment.

use crate::{
    cluster::{apply, kinds},
    reasons::Notify,
};

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
    /// The reason in conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Apply(error) => error.reason().as_str(),
            Self::Kinds(error) => error.reason().as_str(),
            Self::Notify { .. } => Notify::NotifyFailed.as_str(),
        }
    }

    /// Whether the pass had no effect because the object, or its namespace, was changed or deleted meanwhile.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Apply(error) => error.had_no_effect(),
            Self::Kinds(error) => error.had_no_effect(),
            Self::Notify { .. } => false,
        }
    }
}

//! The errors of a pass over a deployment.

use crate::{
    cluster::{apply, kinds},
    reasons::{Kinds, Notify},
};

/// A pass over a `ModelDeployment` failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Apply(#[from] apply::Error),
    #[error(transparent)]
    Kinds(#[from] kinds::Error),
    #[error("failed to decide about ModelDeployment {name}: it has changed since it was read from the cache")]
    Outdated { name: String },
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
            Self::Outdated { .. } => Kinds::Conflict.as_str(),
            Self::Notify { .. } => Notify::NotifyFailed.as_str(),
        }
    }

    /// Whether the pass had no effect because the object, or its namespace, was changed or deleted meanwhile.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Apply(error) => error.had_no_effect(),
            Self::Kinds(error) => error.had_no_effect(),
            Self::Outdated { .. } => true,
            Self::Notify { .. } => false,
        }
    }

    /// Whether it is unknown if the write had an effect. Then nothing that depends on it can be reported.
    pub const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Apply(apply::Error::Uncertain { .. }))
    }
}

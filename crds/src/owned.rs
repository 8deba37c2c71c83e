//! The objects that the operator has made for a deployment, by which it knows them again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// An object that the operator made for a `ModelDeployment`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedObject {
    /// `ConfigMap`, `Deployment`, `PodDisruptionBudget` or `Service`.
    #[schemars(length(max = limits::KIND))]
    pub kind: String,
    /// Its name in the same namespace.
    #[schemars(length(max = limits::OBJECT))]
    pub name: String,
    /// Its `metadata.uid`. An object of the same name with another uid belongs to others.
    #[schemars(length(max = limits::UID))]
    pub uid: String,
}

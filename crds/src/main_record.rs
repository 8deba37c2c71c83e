//! The record of what was main.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One entry of the record of what was main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MainRecord {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// From when.
    pub from: Time,
    /// To when; absent while it is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// What made it main.
    pub reason: MainReason,
    /// Who asked for it.
    pub requested_by: String,
    /// Who allowed it; the same person in a rollback.
    pub approved_by: String,
    /// Id of the transition or the rollback.
    pub transition: String,
}

/// What made a version main.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MainReason {
    /// An approved request.
    Promoted,
    /// A rollback.
    RolledBack,
}

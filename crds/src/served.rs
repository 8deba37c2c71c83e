//! The versions of a deployment that have pods, and the change of main that is under way.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version that is main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServedVersion {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// Since when it is main.
    pub since: Time,
    /// Id of the transition, or the rollback, that made it main.
    pub transition: String,
    /// Pods that are ready now.
    #[serde(default)]
    pub ready_replicas: i32,
}

/// The version that was main before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// Until when its pods are kept for a quick rollback.
    pub warm_until: Time,
}

/// A version in Staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staged {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Pods that are ready now.
    #[serde(default)]
    pub ready_replicas: i32,
    /// Where it can be called.
    pub url: String,
}

/// A change of main that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Semantic version that becomes main.
    pub version: String,
    /// Name of its `ModelVersion`.
    pub model_version: String,
    /// Id of the transition or the rollback.
    pub transition: String,
    /// What it waits for.
    pub message: String,
}

//! A step from stage to stage while it waits, and the record of how it ended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stage::Stage;

/// A requested step that waits for its second person or, once approved, for its roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Random and fresh for every request; an approval names it.
    #[schemars(length(max = 32))]
    pub id: String,
    /// The stage it leaves.
    pub from: Stage,
    /// The stage it goes to.
    pub to: Stage,
    /// Who asked, as the API server authenticated them.
    #[schemars(length(max = 256))]
    pub requested_by: String,
    /// When the operator saw the request.
    pub requested_at: Time,
    /// `metadata.generation` of the request: an approval of another generation does not count.
    pub generation: i64,
    /// Digest of the artifact that was asked for, `sha256:<hex>`.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// When the request ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Which approval policy was in force when it was asked: an approval under another one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub policy_fingerprint: Option<String>,
    /// Set once approved: the roll-out is under way, and the stage follows when the version serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Grant>,
}

/// Who allowed a step, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The approver, as the API server authenticated them.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator recorded it.
    pub at: Time,
}

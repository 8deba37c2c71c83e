//! The versions of a deployment that have pods.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// The version that is main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServedVersion {
    /// Semantic version of main, for example `1.3.0`.
    #[schemars(length(max = limits::VERSION))]
    pub version: String,
    /// Name of main's `ModelVersion` in the same namespace.
    #[schemars(length(max = limits::OBJECT))]
    pub model_version: String,
    /// `metadata.uid` of main's `ModelVersion`. A `ModelVersion` that was deleted and created again under the same name has
    /// another one. Absent in the status of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::UID))]
    pub uid: Option<String>,
    /// Digest of main's artifact: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// When this version became main.
    pub since: Time,
    /// What made this version main: the id of its transition, or `rollback:` and the value of the annotation
    /// `understudy.dev/rollback`.
    #[schemars(length(max = limits::CHANGE))]
    pub transition: String,
    /// Number of main's pods that are ready now. `spec.replicas` is the desired number.
    #[serde(default)]
    pub ready_replicas: i32,
}

/// The version that was main before the newest change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// Semantic version of the previous main, for example `1.2.0`.
    #[schemars(length(max = limits::VERSION))]
    pub version: String,
    /// Name of its `ModelVersion` in the same namespace.
    #[schemars(length(max = limits::OBJECT))]
    pub model_version: String,
    /// `metadata.uid` of its `ModelVersion`. A `ModelVersion` that was deleted and created again under the same name has
    /// another one. Absent in the status of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::UID))]
    pub uid: Option<String>,
    /// Digest of its artifact: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// Until when its pods keep running, so that a rollback switches immediately: the time of the change and
    /// `spec.rollback.keepWarm`.
    pub warm_until: Time,
}

/// A version in Staging and its pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staged {
    /// Semantic version, for example `1.4.0-rc.1`.
    #[schemars(length(max = limits::VERSION))]
    pub version: String,
    /// Name of its `ModelVersion` in the same namespace.
    #[schemars(length(max = limits::OBJECT))]
    pub model_version: String,
    /// Number of its pods that are ready now. A version in Staging runs one pod, the challenger
    /// `spec.challenger.replicas`.
    #[serde(default)]
    pub ready_replicas: i32,
    /// URL of this version's own Service inside the cluster, for testers.
    #[schemars(length(max = limits::URL))]
    pub url: String,
}

//! Why pods of a version failed to serve.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Why a pod of a version failed to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Reason in CamelCase, for example `DigestMismatch` (from the server) or `ErrImagePull` (from the kubelet).
    /// docs/operations.md lists them with what to do.
    #[schemars(length(max = limits::FAILURE_REASON))]
    pub reason: String,
    /// What failed and what to do, for people.
    #[schemars(length(max = limits::FAILURE_MESSAGE))]
    pub message: String,
    /// When the pod failed, as the kubelet or the API server reported it.
    pub at: Time,
}

//! Why pods of a version failed to serve.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why pods of a version did not come to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// One word, for example `DigestMismatch`.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What happened and what to do.
    #[schemars(length(max = 4096))]
    pub message: String,
    /// When.
    pub at: Time,
}

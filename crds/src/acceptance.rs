//! The verdict of a tester.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tester's word on a version in Staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// Passed or not.
    pub verdict: Verdict,
    /// Who says so.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator recorded it.
    pub at: Time,
    /// What they saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub feedback: Option<String>,
}

/// Outcome of an acceptance test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// It does what it should.
    Passed,
    /// It does not.
    Failed,
}

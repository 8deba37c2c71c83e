//! Going back to an earlier version: the rules, and what came of the newest request.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long the previous version's pods stay by default, for a rollback in one write.
fn keep_warm() -> Duration {
    std::time::Duration::from_mins(10).into()
}

/// How going back works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// How long the pods of the previous main stay after a switch.
    #[x_kube(validation = Rule::new("duration(self) >= duration('0s')").message("keepWarm must be a duration such as 10m, or 0s"))]
    #[schemars(length(max = 32))]
    #[serde(default = "keep_warm")]
    #[schemars(extend("default" = "10m"))]
    pub keep_warm: Duration,
}

impl Default for Rollback {
    fn default() -> Self {
        Self { keep_warm: keep_warm() }
    }
}

/// A rollback and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackStatus {
    /// The annotation's value.
    #[schemars(length(max = 256))]
    pub request: String,
    /// Who asked.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator saw it.
    pub at: Time,
    /// What came of it.
    pub result: RollbackResult,
    /// Why.
    pub message: String,
}

/// Outcome of a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RollbackResult {
    /// Its pods are being made ready.
    Pending,
    /// It answers again.
    Done,
    /// It may not be gone back to.
    Refused,
}

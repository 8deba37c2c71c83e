//! The rules of a change of main, and the change that is in progress.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// How long a change of main may take by default: as `progressDeadlineSeconds` of a Deployment.
fn deadline() -> Duration {
    std::time::Duration::from_mins(10).into()
}

/// How a version becomes main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutRules {
    /// How long an approved version, or the version of a rollback, may take to become main: a duration from `1s` to
    /// `168h`. Its pods must be ready within this time, so it must be longer than the download of the model. The time of
    /// a version that waits behind another one does not count. After it, the request ends as `TimedOut`, main stays, and
    /// the next approved version follows.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('168h')").message("rollout.deadline must be a duration from 1s to 168h, for example 10m"))]
    #[schemars(length(max = 32))]
    #[serde(default = "deadline")]
    #[schemars(extend("default" = "10m"))]
    pub deadline: Duration,
}

impl Default for RolloutRules {
    fn default() -> Self {
        Self { deadline: deadline() }
    }
}

/// A change of main that is in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Semantic version that becomes main.
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
    /// What started the change: the id of the approved transition, or `rollback:` and the value of the annotation
    /// `understudy.dev/rollback`.
    #[schemars(length(max = limits::CHANGE))]
    pub transition: String,
    /// When the change began: `spec.rollout.deadline` counts from here. Absent in the status of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Whether `spec.rollout.deadline` is over. The version does not become main any more, and its request ends as
    /// `TimedOut`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deadline_exceeded: bool,
    /// What the change waits for, for people. Callers stay with the present main until then.
    #[schemars(length(max = limits::MESSAGE))]
    pub message: String,
}

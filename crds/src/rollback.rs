//! Going back to an earlier version: the rules, and the result of the newest request.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values};

/// How long the previous version's pods stay by default, for a rollback that waits for no pod.
fn keep_warm() -> Duration {
    std::time::Duration::from_mins(10).into()
}

/// How a rollback to an earlier version works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// How long the pods of the previous main keep running after another version became main: a duration such as `10m`.
    /// Within this time a rollback switches immediately; after it, pods must start first. `0s` removes them with the
    /// switch.
    #[x_kube(validation = Rule::new("duration(self) >= duration('0s')").message("rollback.keepWarm must be a duration of at least 0s, for example 10m"))]
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

/// A requested rollback and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackStatus {
    /// Value of the annotation `understudy.dev/rollback`: the version and a suffix that makes each request a new one,
    /// for example `1.2.0#2026-11-21`.
    #[schemars(length(max = limits::ROLLBACK))]
    pub request: String,
    /// The person who rolled back, from the annotation `understudy.dev/rollback-by`. The approval policy admits only
    /// the writer's own name.
    #[schemars(length(max = limits::PERSON))]
    pub by: String,
    /// Why, in the words of this person, from the annotation `understudy.dev/reason`. Absent if nobody gave a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub comment: Option<String>,
    /// When the operator saw the request.
    pub at: Time,
    /// How far the rollback is.
    #[schemars(transform = possible_values::list)]
    pub result: RollbackResult,
    /// What the rollback waits for, or why it is done or refused, for people.
    #[schemars(length(max = limits::MESSAGE))]
    pub message: String,
}

/// How far a rollback is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RollbackResult {
    /// The version's pods start and are checked. The present main answers until then.
    Pending,
    /// The version is main.
    Done,
    /// The version does not exist, was never approved for Production, was never main, or has main's major version number
    /// and cannot answer main's calls. Main stays as it is.
    Refused,
    /// The version did not become main within `spec.rollout.deadline`. Main stays as it is.
    TimedOut,
}

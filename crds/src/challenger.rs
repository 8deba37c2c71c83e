//! The challenger: a version that gets copies of main's calls, and is never heard by callers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const fn all() -> i32 {
    100
}

const fn one() -> i32 {
    1
}

/// How long a copy may take by default: long enough for any model that could be main.
fn timeout() -> Duration {
    std::time::Duration::from_secs(1).into()
}

/// The version that gets a copy of main's calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenger {
    /// Its semantic version. It must be approved for Staging, and take what main takes; else the condition
    /// `ChallengerReady` says why it gets no call.
    #[schemars(length(min = 5, max = 63))]
    #[x_kube(validation = Rule::new(r"self.matches('^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$')")
        .message("challenger.version must be a semantic version such as 1.4.0-rc.1: that of a ModelVersion, not its name"))]
    pub version: String,
    /// How many of a hundred calls are copied.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub sample_percent: i32,
    /// How long a copy may take. Callers never wait for it.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('60s')").message("challenger.timeout must be a duration from 1ms to 60s, for example 500ms"))]
    #[schemars(length(max = 32))]
    #[serde(default = "timeout")]
    #[schemars(extend("default" = "1s"))]
    pub timeout: Duration,
    /// Its pods.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
}

/// The challenger that gets copies now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengerStatus {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// Since when it gets copies.
    pub since: Time,
    /// Pods that are ready now.
    #[serde(default)]
    pub ready_replicas: i32,
}

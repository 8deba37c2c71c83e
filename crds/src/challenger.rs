//! The challenger: a version that receives copies of main's calls and whose answers never reach a caller.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

const fn all() -> i32 {
    100
}

const fn one() -> i32 {
    1
}

/// How long a copy may take by default: enough for any model that could be main.
fn timeout() -> Duration {
    std::time::Duration::from_secs(1).into()
}

/// The version that receives copies of main's calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenger {
    /// Semantic version of the challenger, as in `spec.version` of its `ModelVersion`. It must be in Staging by an
    /// approval, and accept main's inputs and return main's outputs. Otherwise it receives no copies, and the condition
    /// `ChallengerReady` says why.
    #[schemars(length(min = 5, max = 63))]
    #[x_kube(validation = Rule::new(r"self.matches('^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$')")
        .message("challenger.version must be the semantic version of a ModelVersion, such as 1.4.0-rc.1, not its name"))]
    pub version: String,
    /// Percentage of main's calls that are copied, 0 to 100, evenly spread. `0` copies none.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub sample_percent: i32,
    /// How long the challenger may take to answer a copy: a duration from `1ms` to `60s`. A copy without an answer by then
    /// is dropped and counted. So is one that has waited in main's pod for as long, which does not count against the
    /// challenger. Callers never wait for a copy.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1ms') && duration(self) <= duration('60s')").message("challenger.timeout must be a duration from 1ms to 60s, for example 500ms"))]
    #[schemars(length(max = 32))]
    #[serde(default = "timeout")]
    #[schemars(extend("default" = "1s"))]
    pub timeout: Duration,
    /// Number of the challenger's pods, 1 to 1000. Copies that they cannot process in time are dropped and counted.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
}

/// The challenger that receives copies now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengerStatus {
    /// Semantic version of the challenger, for example `1.4.0-rc.1`.
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
    /// Digest of its artifact: `sha256:` and 64 hexadecimal digits. Answers from another digest are dropped.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// Since when main's calls are copied to it.
    pub since: Time,
    /// Number of its pods that are ready now. While it is 0, copies are dropped and counted.
    #[serde(default)]
    pub ready_replicas: i32,
}

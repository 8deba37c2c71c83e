//! How main and challenger compare on the same calls, over all pods of main, since this pair began.
//!
//! Every estimate has its 95 % interval, so that a small sample does not look like a result.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outputs that are listed: far from the size limit of an object. Metrics have all of them.
pub const OUTPUTS_LIMIT: usize = 64;

/// How main and challenger compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The challenger that was compared.
    pub challenger: Compared,
    /// The main that it was compared with.
    pub main: Compared,
    /// Since when calls are counted.
    pub since: Time,
    /// When the pods gave these numbers. They are asked every half minute; without calls nothing changes.
    pub at: Time,
    /// Calls that both answered.
    pub pairs: i64,
    /// Errors and latency of both.
    #[serde(default)]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into()]))]
    pub roles: Vec<RoleComparison>,
    /// How close the answers are, output by output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub outputs: Vec<OutputComparison>,
    /// How often each was right, where the truth was reported later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<OutcomeComparison>,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Semantic version.
    pub version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    #[schemars(length(max = 71))]
    pub digest: String,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// The version that callers hear.
    Main,
    /// The version that got the copy.
    Challenger,
}

/// Errors and latency of one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleComparison {
    /// Which one.
    pub role: Role,
    /// Its answers.
    pub calls: i64,
    /// Those of them that were errors.
    pub errors: i64,
    /// Their share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<Estimate>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// How long a version takes to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Half of the calls take no longer, in microseconds.
    pub p50_micros: i64,
    /// Of a hundred calls, 99 take no longer, in microseconds.
    pub p99_micros: i64,
}

/// How close both answers are in one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputComparison {
    /// Its name.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Share of calls with the same answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Measure>,
    /// How far the numbers are apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_absolute_difference: Option<Measure>,
    /// Whether the numbers rise and fall together; from -1 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Measure>,
}

/// How often each of the two was right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeComparison {
    /// Reported truths whose call was found.
    pub joined: i64,
    /// Share of calls that main got right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<Measure>,
    /// Share of calls that the challenger got right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Measure>,
}

/// An estimate with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// An estimate with its 95 % interval, and on how much it rests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Values that were compared.
    pub compared: i64,
}

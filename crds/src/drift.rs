//! Drift: how far today's calls may be from the training data, and what is too far now.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Features that are listed at once: enough to see what happens, and far from the size limit of an object.
pub const DRIFTING_LIMIT: usize = 64;

fn window() -> Duration {
    std::time::Duration::from_hours(1).into()
}

const fn min_samples() -> i64 {
    1000
}

/// The usual reading of PSI: below 0.1 nothing, from 0.2 on a shift worth a look.
const fn psi() -> f64 {
    0.2
}

/// When the calls count as drifted from the baseline of main's version. Without a baseline there is no drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftRules {
    /// The newest calls that are compared with the baseline.
    #[x_kube(validation = Rule::new("duration(self) >= duration('10s') && duration(self) <= duration('168h')").message("drift.window must be a duration from 10s to 168h, for example 1h"))]
    #[schemars(length(max = 32))]
    #[serde(default = "window")]
    #[schemars(extend("default" = "1h"))]
    pub window: Duration,
    /// With fewer values than this in the window, nothing is said of a feature.
    #[serde(default = "min_samples")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_samples: i64,
    /// Population stability index from which on a feature drifts. It has ceased to drift below three quarters of it.
    #[serde(default = "psi")]
    // A range alone lets 0 pass: the API server compares whole numbers with whole bounds.
    #[x_kube(validation = Rule::new("self >= 0.01 && self <= 100.0").message("drift.psi must be a number from 0.01 to 100, for example 0.2"))]
    pub psi: f64,
}

impl Default for DriftRules {
    fn default() -> Self {
        Self { window: window(), min_samples: min_samples(), psi: psi() }
    }
}

/// What drifts now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// When the pods gave this list. It stands until they give another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Features that drift, worst first; at most 64.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into(), "name".into()]))]
    pub features: Vec<DriftingFeature>,
}

/// A feature that drifts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftingFeature {
    /// Its name.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Whether it goes in or comes out.
    pub role: ColumnRole,
    /// What was measured.
    pub statistic: DriftStatistic,
    /// How much.
    pub value: f64,
    /// On how many values.
    pub samples: i64,
    /// Since when.
    pub since: Time,
}

/// Whether a column goes into the model or comes out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ColumnRole {
    /// What the model is asked.
    Input,
    /// What it answers.
    Output,
}

/// A measure of how far two distributions are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftStatistic {
    /// Population stability index.
    #[serde(rename = "PSI")]
    Psi,
}

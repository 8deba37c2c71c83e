//! Drift: how far calls may be from the training data, and which features are too far now.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values};

/// Features that are listed: enough to see what happens, and far from the size limit of an object.
pub const DRIFTING_LIMIT: usize = 64;

fn window() -> Duration {
    std::time::Duration::from_hours(1).into()
}

const fn min_samples() -> i64 {
    1000
}

/// The usual reading of PSI: below 0.1 no change, from 0.2 a change that needs attention.
const fn psi() -> f64 {
    0.2
}

/// When a feature counts as drifted from the baseline of main's version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftRules {
    /// Length of the sliding window: calls of this time are compared with the baseline. A duration from `10s` to
    /// `168h`. A change begins a new window.
    #[x_kube(validation = Rule::new("duration(self) >= duration('10s') && duration(self) <= duration('168h')").message("drift.window must be a duration from 10s to 168h, for example 1h"))]
    #[schemars(length(max = 32))]
    #[serde(default = "window")]
    #[schemars(extend("default" = "1h"))]
    pub window: Duration,
    /// Smallest number of values in the window, over all pods of main, from which a feature is judged. A feature that drifts
    /// is judged down to half of it. With fewer, nobody knows whether it drifts.
    #[serde(default = "min_samples")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub min_samples: i64,
    /// Population stability index (PSI) from which a feature drifts, 0.01 to 100. The PSI must also exceed what chance
    /// explains for the number of values. Drift ends below three quarters of it, or once chance explains the PSI.
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

/// The features that drift now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// When the operator collected this list from main's pods. It collects about every 30 s; the time changes only with
    /// the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Features that drift, the largest value first, at most 64. Metrics have all features. Empty while none drifts.
    #[serde(default)]
    #[schemars(length(max = DRIFTING_LIMIT))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into(), "name".into()]))]
    pub features: Vec<DriftingFeature>,
}

/// A feature that drifts, and how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftingFeature {
    /// Name of the feature or tensor, as in the baseline.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub name: String,
    /// Whether the feature is an input or an output of the model.
    #[schemars(transform = possible_values::list)]
    pub role: ColumnRole,
    /// The measure of the distance between training data and calls.
    #[schemars(transform = possible_values::list)]
    pub statistic: DriftStatistic,
    /// Value of the statistic, to six significant digits. 0 means that calls and training data are distributed alike.
    pub value: f64,
    /// Number of values in the window that it was computed from, missing ones included.
    pub samples: i64,
    /// When the feature began to drift.
    pub since: Time,
}

/// Whether a column is an input or an output of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ColumnRole {
    /// A value that callers send. Drift of inputs sets the condition `DataDrift`.
    Input,
    /// A value that main returns. Drift of outputs sets the condition `PredictionDrift`.
    Output,
}

/// A measure of the distance between two distributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftStatistic {
    /// Population stability index: 0 without a difference, usually below 0.1 without a change worth attention.
    #[serde(rename = "PSI")]
    Psi,
}

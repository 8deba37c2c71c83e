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

/// A mean that moves by a seventh of its standard deviation, or a proportion of 1 % that becomes 2.9 %.
const fn psi() -> f64 {
    0.02
}

/// Thirty features have a false alarm in three months.
const fn false_alarms() -> f64 {
    0.01
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
    /// How many false alarms a feature may have in 30 days, on average, 0.000001 to 10. Fewer false alarms need more values, or
    /// a larger change, until a drift is found.
    #[serde(default = "false_alarms")]
    // A range alone lets 0 pass: the API server compares whole numbers with whole bounds.
    #[x_kube(validation = Rule::new("self >= 0.000001 && self <= 10.0").message("drift.falseAlarms must be a number from 0.000001 to 10, for example 0.01"))]
    pub false_alarms: f64,
    /// Population stability index (PSI) from which a change matters, 0.001 to 100. A smaller one is no drift, however certain it is.
    /// At 0.02, a mean has moved by a seventh of its standard deviation. It is compared as a Jensen-Shannon distance.
    #[serde(default = "psi")]
    #[x_kube(validation = Rule::new("self >= 0.001 && self <= 100.0").message("drift.psi must be a number from 0.001 to 100, for example 0.02"))]
    pub psi: f64,
}

impl Default for DriftRules {
    fn default() -> Self {
        Self { window: window(), min_samples: min_samples(), false_alarms: false_alarms(), psi: psi() }
    }
}

/// What is not as in the training data: features that drift, and values that are not in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// When the operator collected this list from main's pods. It collects about every 30 s; the time changes only with
    /// the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Features that drift, the largest distance first, at most 64. Metrics have all features. Empty while none drifts.
    #[serde(default)]
    #[schemars(length(max = DRIFTING_LIMIT))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into(), "name".into()]))]
    pub features: Vec<DriftingFeature>,
    /// Features whose values are not in order, at most 64, the largest share first. Empty while all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = DRIFTING_LIMIT))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into(), "name".into(), "issue".into()]))]
    pub issues: Vec<DataIssue>,
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
    /// Jensen-Shannon distance between training data and calls, to six significant digits. From 0, which means alike, to 1.
    // A status by an older release has neither this field nor the next two.
    #[serde(default)]
    pub distance: f64,
    /// The distance from which the feature drifts: what chance and the changes within the training data explain, or
    /// `spec.drift.psi` as a distance, if that is more.
    #[serde(default)]
    pub limit: f64,
    /// The change in the units of the feature, for example `mean 15.2, 12.1 in the training data`.
    #[schemars(length(max = limits::CHANGE_OF_FEATURE))]
    #[serde(default)]
    pub change: String,
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

/// Values of a feature that are not in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataIssue {
    /// Name of the feature or tensor, as in the baseline.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub name: String,
    /// Whether the feature is an input or an output of the model.
    #[schemars(transform = possible_values::list)]
    pub role: ColumnRole,
    /// What is wrong with its values.
    #[schemars(transform = possible_values::list)]
    pub issue: IssueKind,
    /// Share of the rows in the window that have the issue, 0 to 1.
    pub share: f64,
    /// What is wrong, as the rest of a sentence that begins with the name of the feature.
    #[schemars(length(max = limits::CHANGE_OF_FEATURE))]
    pub message: String,
    /// Number of rows in the window that it was found in.
    pub samples: i64,
    /// When the operator first saw the issue.
    pub since: Time,
}

/// What is wrong with the values of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum IssueKind {
    /// More rows, or fewer, are without a value than in the training data.
    Missing,
    /// Values are of another type than in the training data.
    WrongType,
    /// Numbers are beyond those of the training data, and the others have not changed.
    OutOfRange,
    /// The training data do not have this category.
    NewCategory,
    /// All values are the same.
    Constant,
    /// Mean and deviation changed by the same factor, as after a change of the unit.
    Scaled,
}
